//! The keyset: whether a key may sign, how long yet, and whether enough custodians are there.

use super::Finding;
use crate::keys::{KeyId, KeyStatus, TrustedKey, TrustedKeys};
use crate::keyset::Keyset;
use crate::time::{Timestamp, TimestampMicros};

/// How long ahead of an end people are told of it.
const AHEAD_DAYS: i64 = 60;

/// What is asked of a keyset, of whatever kind it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysetHealth {
    /// Whether no ceremony has taken place yet.
    pub bootstrap: bool,
    /// Whether it was made to practise.
    pub rehearsal: bool,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// How many custodians have to sign, of how many.
    pub custodians: Option<(u32, u32)>,
    /// The signing keys.
    pub keys: Vec<KeyHealth>,
    /// The next version, if it is being made.
    pub draft: Option<DraftHealth>,
}

/// What is asked of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftHealth {
    /// Which version it is to be.
    pub version: u32,
    /// The keys whose signatures it has counted, and as what it has them: they sign no more.
    pub counted: Vec<(KeyId, KeyStatus)>,
}

impl From<&Keyset> for DraftHealth {
    fn from(draft: &Keyset) -> Self {
        let ended = draft.keys.iter().filter(|entry| entry.signed.is_some());
        DraftHealth {
            version: draft.version,
            counted: ended
                .map(|entry| (entry.key.key_id.clone(), entry.status))
                .collect(),
        }
    }
}

/// What is asked of a signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHealth {
    /// Its label.
    pub id: KeyId,
    /// What may be done with it.
    pub status: KeyStatus,
    /// When it begins to count.
    pub from: Option<Timestamp>,
    /// When it counts no more.
    pub until: Option<Timestamp>,
    /// When it may become active, if it is `next` and that is known.
    pub due: Option<Timestamp>,
}

impl From<&TrustedKeys> for KeysetHealth {
    /// Of a home in bootstrap.
    fn from(own: &TrustedKeys) -> Self {
        KeysetHealth {
            bootstrap: true,
            rehearsal: false,
            expires_at: None,
            custodians: None,
            keys: own.keys.iter().map(KeyHealth::from).collect(),
            draft: None,
        }
    }
}

impl From<&Keyset> for KeysetHealth {
    fn from(keyset: &Keyset) -> Self {
        let custodians = keyset.custodians.keys.len();
        KeysetHealth {
            bootstrap: false,
            rehearsal: keyset.rehearsal,
            expires_at: Some(keyset.expires_at),
            custodians: Some((
                keyset.custodians.threshold,
                u32::try_from(custodians).unwrap_or(u32::MAX),
            )),
            ..KeysetHealth::from(&keyset.trusted_keys())
        }
    }
}

impl From<&TrustedKey> for KeyHealth {
    fn from(entry: &TrustedKey) -> Self {
        KeyHealth {
            id: entry.key.key_id.clone(),
            status: entry.status,
            from: entry.valid_from,
            until: entry.valid_until,
            due: None,
        }
    }
}

/// Judges a keyset as of `now`.
pub fn judge_keyset(keyset: &KeysetHealth, now: TimestampMicros) -> Vec<Finding> {
    let now = now.seconds();
    let mut findings = Vec::new();
    if keyset.bootstrap {
        findings.push(Finding::warn(
            "keyset",
            "this home is in bootstrap: nobody else trusts its keys",
            "hold a genesis ceremony: `pith ceremony plan genesis --custodian A --custodian B --custodian C --threshold 2 --key ID`",
        ));
    }
    if keyset.rehearsal {
        findings.push(Finding::warn(
            "keyset",
            "the keyset is a REHEARSAL: nobody may rely on it",
            "use this home to practise only",
        ));
    }
    if let Some(expires_at) = keyset.expires_at {
        findings.push(ends(
            "keyset",
            "the keyset",
            expires_at,
            now,
            "publish another version",
        ));
    }
    if let Some((threshold, all)) = keyset.custodians {
        findings.push(custodians(threshold, all));
    }
    findings.extend(keyset.draft.as_ref().map(draft));
    let of_status = |status| keyset.keys.iter().filter(move |key| key.status == status);
    let active: Vec<&KeyHealth> = of_status(KeyStatus::Active).collect();
    let next: Vec<&KeyHealth> = of_status(KeyStatus::Next).collect();
    match active[..] {
        [key] => {
            findings.push(active_key(key, keyset.draft.as_ref(), now));
            // Before the genesis a key is trusted at once, so none has to stand by.
            if !keyset.bootstrap {
                findings.push(stands_by(&next, now));
            }
        }
        [] => findings.push(Finding::fail(
            "keys",
            "no key is active, so nothing can be signed",
            successor(&next, keyset.bootstrap, now),
        )),
        _ => {
            let ids: Vec<&str> = active.iter().map(|key| key.id.as_str()).collect();
            findings.push(Finding::fail(
                "keys",
                format!("several keys are active: {}", ids.join(", ")),
                "retire all but one",
            ));
        }
    }
    findings
}

/// A draft that is open: what is half done is easily forgotten.
fn draft(draft: &DraftHealth) -> Finding {
    Finding::warn(
        "draft",
        format!("version {} of the keyset is being made", draft.version),
        "`pith keyset status` says what is missing; `pith keyset draft new --force` begins it anew",
    )
}

/// The keys that can take over, and when.
fn in_words(next: &[&KeyHealth], now: Timestamp) -> String {
    let told = next.iter().map(|key| match key.due {
        Some(due) if due > now => format!("{} from {due} on", key.id),
        Some(_) => format!("{} now", key.id),
        None => key.id.to_string(),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Whether a key is published that can take over in an emergency.
fn stands_by(next: &[&KeyHealth], now: Timestamp) -> Finding {
    if next.is_empty() {
        Finding::warn(
            "keys",
            "no key is `next`: if the active one is lost or stolen, nothing can be signed while another one \
             waits to be published long enough",
            "keep one: `pith key generate --id ID`, `pith keyset draft add ID`, then `sign` and `publish`",
        )
    } else {
        let message = format!("next, and may become active: {}", in_words(next, now));
        Finding::ok("keys", message)
    }
}

/// What to do where no key is active.
fn successor(next: &[&KeyHealth], bootstrap: bool, now: Timestamp) -> String {
    match (next, bootstrap) {
        ([], true) => "make one with `pith key generate --id ID`".to_owned(),
        ([], false) => "make one with `pith key generate --id ID`, and publish it: `pith keyset draft add ID`, \
                        then `sign` and `publish`"
            .to_owned(),
        (_, true) => "`pith keyset draft new`, and `pith keyset draft add ID` with the key that is next"
            .to_owned(),
        (next, false) => format!(
            "activate one that is next, with `pith keyset draft activate ID`, then `sign` and `publish`: {}",
            in_words(next, now)
        ),
    }
}

fn active_key(key: &KeyHealth, draft: Option<&DraftHealth>, now: Timestamp) -> Finding {
    let id = &key.id;
    let counted = draft.and_then(|draft| {
        let (_, status) = draft.counted.iter().find(|(counted, _)| counted == id)?;
        Some((draft.version, status.as_str()))
    });
    if let Some((version, status)) = counted {
        let message = format!(
            "{id} is active and signs nothing: the draft of version {version} has it as {status}, and has \
             counted what it signed"
        );
        let remedy = "publish the draft: `pith keyset status` says what is missing; or begin it anew, which \
                      lets the key sign again: `pith keyset draft new --force`";
        return Finding::fail("keys", message, remedy);
    }
    if let Some(from) = key.from.filter(|from| *from > now) {
        let message = format!("{id} is active, and counts from {from} only");
        return Finding::fail("keys", message, "wait, or set the clock right");
    }
    match key.until {
        Some(until) => {
            let remedy = "plan a rotation: `pith ceremony plan rotation --new-key ID`";
            ends("keys", id.as_str(), until, now, remedy)
        }
        None => Finding::ok("keys", format!("{id} is active")),
    }
}

fn custodians(threshold: u32, all: u32) -> Finding {
    let message = format!("{threshold} of {all} custodians have to sign");
    if threshold == 0 || threshold > all {
        Finding::fail(
            "custodians",
            message,
            "no version of the keyset can follow: restore it from the history",
        )
    } else if threshold == all && all > 1 {
        let remedy = "if one key is lost, no version can follow: add a custodian";
        Finding::warn("custodians", message, remedy)
    } else if threshold == 1 {
        let remedy = "one stolen key is enough to replace all: raise the threshold";
        Finding::warn("custodians", message, remedy)
    } else {
        Finding::ok("custodians", message)
    }
}

/// Judges an end that comes, or has come.
fn ends(
    subject: &'static str,
    what: &str,
    end: Timestamp,
    now: Timestamp,
    remedy: &str,
) -> Finding {
    let days = (end.unix() - now.unix()).div_euclid(24 * 60 * 60);
    if end < now {
        Finding::fail(subject, format!("{what} ended at {end}"), remedy)
    } else if days < AHEAD_DAYS {
        Finding::warn(
            subject,
            format!("{what} ends at {end}, in {days} days"),
            remedy,
        )
    } else {
        Finding::ok(subject, format!("{what} ends at {end}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    fn health(until: Option<&str>) -> KeysetHealth {
        KeysetHealth {
            bootstrap: false,
            rehearsal: false,
            expires_at: None,
            custodians: None,
            keys: vec![KeyHealth {
                id: "k-1".parse().unwrap(),
                status: KeyStatus::Active,
                from: None,
                until: until.map(|text| text.parse().unwrap()),
                due: None,
            }],
            draft: None,
        }
    }

    /// With another key, which is `next`.
    fn with_next(mut health: KeysetHealth) -> KeysetHealth {
        health.keys.push(KeyHealth {
            id: "k-2".parse().unwrap(),
            status: KeyStatus::Next,
            from: None,
            until: None,
            due: Some("2026-06-05T00:00:00Z".parse().unwrap()),
        });
        health
    }

    fn findings(health: &KeysetHealth) -> Vec<Finding> {
        judge_keyset(health, "2026-06-01T00:00:00.000000Z".parse().unwrap())
    }

    fn worst(health: &KeysetHealth) -> Status {
        let health = with_next(health.clone());
        let findings = findings(&health);
        findings.iter().map(|finding| finding.status).max().unwrap()
    }

    #[test]
    fn a_draft_that_ends_the_active_key_stops_all_signing() {
        let mut drafting = with_next(health(None));
        let mut draft = DraftHealth {
            version: 2,
            counted: Vec::new(),
        };
        drafting.draft = Some(draft.clone());
        assert_eq!(worst(&drafting), Status::Warn);
        draft
            .counted
            .push(("k-1".parse().unwrap(), KeyStatus::Retired));
        drafting.draft = Some(draft);
        let all = findings(&drafting);
        let failed = all.iter().find(|f| f.status == Status::Fail).unwrap();
        let message = "the draft of version 2 has it as retired";
        assert!(failed.message.contains(message), "{}", failed.message);
    }

    #[test]
    fn a_key_that_stands_by_is_told_and_a_missing_one_asked_for() {
        let alone = findings(&health(None));
        let warned = alone.iter().find(|f| f.status == Status::Warn).unwrap();
        assert!(warned.message.contains("no key is `next`"));
        let told = findings(&with_next(health(None)));
        let line = "next, and may become active: k-2 from 2026-06-05T00:00:00Z on";
        assert!(told.contains(&Finding::ok("keys", line)), "{told:?}");
        let mut emergency = with_next(health(None));
        emergency.keys[0].status = KeyStatus::Revoked;
        let remedy = |health: &KeysetHealth| findings(health)[0].remedy.clone().unwrap();
        let activate = remedy(&emergency);
        assert!(
            activate.contains("k-2 from 2026-06-05T00:00:00Z on"),
            "{activate}"
        );
        assert!(!activate.contains("generate"), "{activate}");
        emergency.keys[1].due = Some("2026-06-01T00:00:00Z".parse().unwrap());
        assert!(remedy(&emergency).ends_with("k-2 now"));
        emergency.keys.pop();
        assert!(remedy(&emergency).contains("pith key generate"));
    }

    #[test]
    fn an_end_is_told_sixty_days_ahead() {
        assert_eq!(worst(&health(None)), Status::Ok);
        assert_eq!(worst(&health(Some("2026-07-31T00:00:00Z"))), Status::Ok);
        assert_eq!(worst(&health(Some("2026-07-30T23:59:59Z"))), Status::Warn);
        assert_eq!(worst(&health(Some("2026-06-01T00:00:00Z"))), Status::Warn);
        assert_eq!(worst(&health(Some("2026-05-31T23:59:59Z"))), Status::Fail);
        let expiring = |at: &str| KeysetHealth {
            expires_at: Some(at.parse().unwrap()),
            ..health(None)
        };
        for (at, status) in [
            ("2026-07-31T00:00:00Z", Status::Ok),
            ("2026-07-30T23:59:59Z", Status::Warn),
            // It counts in its last second.
            ("2026-06-01T00:00:00Z", Status::Warn),
            ("2026-05-31T23:59:59Z", Status::Fail),
        ] {
            assert_eq!(worst(&expiring(at)), status, "{at}");
        }
    }

    #[test]
    fn a_rehearsal_is_told() {
        let mut rehearsed = health(None);
        rehearsed.rehearsal = true;
        assert_eq!(worst(&rehearsed), Status::Warn);
    }

    #[test]
    fn one_key_is_active_and_its_window_has_begun() {
        let mut two = health(None);
        two.keys.push(two.keys[0].clone());
        assert_eq!(worst(&two), Status::Fail);
        let mut none = health(None);
        none.keys[0].status = KeyStatus::Retired;
        assert_eq!(worst(&none), Status::Fail);
        let mut early = health(None);
        early.keys[0].from = Some("2026-06-01T00:00:01Z".parse().unwrap());
        assert_eq!(worst(&early), Status::Fail);
    }

    #[test]
    fn thresholds_that_leave_no_way_on_are_told() {
        let with = |custodians| KeysetHealth {
            custodians: Some(custodians),
            ..health(None)
        };
        for (custodians, status) in [
            ((2, 3), Status::Ok),
            ((3, 3), Status::Warn),
            ((1, 3), Status::Warn),
            ((0, 3), Status::Fail),
            ((4, 3), Status::Fail),
        ] {
            assert_eq!(worst(&with(custodians)), status, "{custodians:?}");
        }
    }
}
