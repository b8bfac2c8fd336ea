//! Dates of versions, which arXiv writes as RFC 2822 has them (SPEC 2).

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};

use super::text::shown;
use crate::time::Timestamp;

/// Why a text is not the date of a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DateError {
    #[error("`{0}` is not a date of the form `Mon, 2 Apr 2007 19:18:42 GMT`")]
    Form(String),
    #[error("`{text}` names the wrong day of the week: that day was a {found:?}")]
    Weekday { text: String, found: Weekday },
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("Mon,", Weekday::Mon),
    ("Tue,", Weekday::Tue),
    ("Wed,", Weekday::Wed),
    ("Thu,", Weekday::Thu),
    ("Fri,", Weekday::Fri),
    ("Sat,", Weekday::Sat),
    ("Sun,", Weekday::Sun),
];

/// Reads `Mon, 2 Apr 2007 19:18:42 GMT`, or the same with an offset such as `-0400`.
///
/// Stricter than RFC 2822, and than chrono's reader of it: the day of the week, a year of four
/// digits and the seconds must be there, for they always are in arXiv's metadata; the zones
/// that the RFC calls obsolete and a 60th second are refused.
pub(super) fn parse(text: &str) -> Result<Timestamp, DateError> {
    let form = || DateError::Form(shown(text));
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [weekday, day, month, year, time, zone] = words[..] else {
        return Err(form());
    };
    let (_, weekday) = WEEKDAYS
        .into_iter()
        .find(|(name, _)| *name == weekday)
        .ok_or_else(form)?;
    let date = (|| {
        let day = digits(day, 1..=2)?;
        let month = 1 + MONTHS.iter().position(|name| *name == month)?;
        let year = i32::try_from(digits(year, 4..=4)?).ok()?;
        NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, day)
    })()
    .ok_or_else(form)?;
    let time = (|| {
        let parts: Vec<&str> = time.split(':').collect();
        let [hour, minute, second] = parts[..] else {
            return None;
        };
        let [hour, minute, second] = [hour, minute, second].map(|part| digits(part, 2..=2));
        let local = date.and_hms_opt(hour?, minute?, second?)?;
        let utc = local.checked_sub_signed(offset(zone)?)?;
        Timestamp::new(utc.and_utc())
    })()
    .ok_or_else(form)?;
    if date.weekday() != weekday {
        return Err(DateError::Weekday {
            text: shown(text),
            found: date.weekday(),
        });
    }
    Ok(time)
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    (length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn offset(zone: &str) -> Option<TimeDelta> {
    let (sign, digits_of_zone) = match zone.as_bytes() {
        b"GMT" | b"UT" => return Some(TimeDelta::zero()),
        [b'+', ..] => (1, &zone[1..]),
        [b'-', ..] => (-1, &zone[1..]),
        _ => return None,
    };
    let number = digits(digits_of_zone, 4..=4)?;
    let (hours, minutes) = (number / 100, number % 100);
    (hours < 24 && minutes < 60).then(|| TimeDelta::minutes(sign * i64::from(hours * 60 + minutes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_utc() {
        for (text, utc) in [
            ("Mon, 2 Apr 2007 19:18:42 GMT", "2007-04-02T19:18:42Z"),
            ("Mon, 02 Apr 2007 19:18:42 GMT", "2007-04-02T19:18:42Z"),
            ("Mon,  2 Apr 2007 19:18:42 GMT ", "2007-04-02T19:18:42Z"),
            ("Sun, 31 Dec 2017 23:30:00 -0100", "2018-01-01T00:30:00Z"),
            ("Mon, 1 Jan 2018 00:30:00 +0530", "2017-12-31T19:00:00Z"),
            ("Thu, 29 Feb 1996 00:00:00 UT", "1996-02-29T00:00:00Z"),
        ] {
            assert_eq!(parse(text).map(|time| time.to_string()), Ok(utc.to_owned()));
        }
    }

    #[test]
    fn anything_looser_is_refused() {
        for text in [
            "",
            "2007-04-02T19:18:42Z",
            "2 Apr 2007 19:18:42 GMT",
            "Mon 2 Apr 2007 19:18:42 GMT",
            "mon, 2 Apr 2007 19:18:42 GMT",
            "Mon, 2 April 2007 19:18:42 GMT",
            "Mon, 2 Apr 07 19:18:42 GMT",
            "Mon, 2 Apr 2007 19:18 GMT",
            "Mon, 2 Apr 2007 9:18:42 GMT",
            "Mon, 2 Apr 2007 24:00:00 GMT",
            "Sat, 31 Dec 2016 23:59:60 GMT",
            "Mon, 2 Apr 2007 19:18:42",
            "Mon, 2 Apr 2007 19:18:42 EDT",
            "Mon, 2 Apr 2007 19:18:42 +04:00",
            "Mon, 2 Apr 2007 19:18:42 +0060",
            "Mon, 2 Apr 2007 19:18:42 +2400",
            "Mon, 2 Apr 2007 19:18:42 GMT GMT",
            "Fri, 30 Feb 2007 19:18:42 GMT",
            "Mon, +2 Apr 2007 19:18:42 GMT",
            "Mon, 2 Apr 2007 19:18:42 -é00",
            "Sat, 1 Jan 0000 00:00:00 GMT",
        ] {
            assert!(matches!(parse(text), Err(DateError::Form(_))), "{text}");
        }
    }

    #[test]
    fn the_day_of_the_week_is_checked() {
        let error = parse("Tue, 2 Apr 2007 19:18:42 GMT").unwrap_err();
        assert!(error.to_string().ends_with("that day was a Mon"), "{error}");
    }
}
