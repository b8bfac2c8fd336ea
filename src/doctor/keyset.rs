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
    let active: Vec<&KeyHealth> = keyset
        .keys
        .iter()
        .filter(|key| key.status == KeyStatus::Active)
        .collect();
    match active[..] {
        [key] => findings.push(active_key(key, now)),
        [] => findings.push(Finding::fail(
            "keys",
            "no key is active, so nothing can be signed",
            "make one with `pith key generate --id ID`, or activate the one that is next",
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

fn active_key(key: &KeyHealth, now: Timestamp) -> Finding {
    let id = &key.id;
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
            }],
        }
    }

    fn worst(health: &KeysetHealth) -> Status {
        let now = "2026-06-01T00:00:00.000000Z".parse().unwrap();
        let findings = judge_keyset(health, now);
        findings.iter().map(|finding| finding.status).max().unwrap()
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
