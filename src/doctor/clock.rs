//! The clock: what is signed with a wrong time stays signed.

use super::Finding;
use crate::time::TimestampMicros;

/// Years in which this program can be running.
const PLAUSIBLE: std::ops::Range<u16> = 2026..2100;

/// Judges the clock at `now` by the years that there can be, and by `seen`: times that lie behind us,
/// each with what it is the time of. A `rehearsal` plays at times that are set by hand.
pub fn judge_clock(
    now: TimestampMicros,
    seen: &[(String, TimestampMicros)],
    rehearsal: bool,
) -> Finding {
    let remedy = if rehearsal {
        "a rehearsal's times follow one another: set PITH_NOW, or --now, to a later one"
    } else {
        "set the clock before anything is signed: what is signed with a wrong time stays signed"
    };
    if !PLAUSIBLE.contains(&now.seconds().year()) {
        return Finding::fail("clock", format!("it says {now}, which cannot be"), remedy);
    }
    let latest = seen.iter().max_by_key(|(_, time)| *time);
    match latest {
        Some((what, time)) if *time > now => {
            let message = format!("it says {now}, but {what} is of {time}");
            Finding::fail("clock", message, remedy)
        }
        Some((what, time)) => Finding::ok("clock", format!("{now}, after {what} of {time}")),
        None => Finding::ok("clock", format!("{now}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    fn time(text: &str) -> TimestampMicros {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_behind_what_was_seen_or_out_of_its_century_fails() {
        let run = |at: &str| [("the last run".to_owned(), time(at))];
        let now = time("2026-06-01T00:00:00.000000Z");
        let earlier = judge_clock(now, &run("2026-05-31T00:00:00.000000Z"), false);
        assert_eq!(earlier.status, Status::Ok);
        let later = judge_clock(now, &run("2026-06-01T00:00:00.000001Z"), false);
        assert_eq!(later.status, Status::Fail);
        assert!(!later.remedy.unwrap().contains("PITH_NOW"));
        let rehearsed = judge_clock(now, &run("2026-06-01T00:00:00.000001Z"), true);
        assert!(rehearsed.remedy.unwrap().contains("PITH_NOW"));
        assert!(later.message.contains("the last run"), "{}", later.message);
        for year in ["1970", "2025", "2100"] {
            let now = time(&format!("{year}-06-01T00:00:00.000000Z"));
            assert_eq!(judge_clock(now, &[], false).status, Status::Fail, "{year}");
        }
    }
}
