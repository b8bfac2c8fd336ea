//! What is recorded comes back equal, in whatever form it is kept.

use pith::event::{Draft, Payload, RecordCreated};
use pith::keys::REGISTRY;
use pith::ledger::{Issued, Ledger, LedgerError, NewRecord, Transaction};
use pith::receipt::Receipt;
use pith::time::{Timestamp, TimestampMicros};

use crate::fixture::*;

fn is_compact(scratch: &Scratch) -> bool {
    let rows = scratch.query("SELECT count(*) FROM events");
    let compact = scratch.query("SELECT count(*) FROM records WHERE title IS NOT NULL");
    assert_ne!(rows > 0, compact > 0);
    compact > 0
}

fn back(scratch: &Scratch, new: &NewRecord) -> Issued {
    scratch.ledger.get(new.number.suffix()).unwrap().unwrap()
}

fn a_second() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

#[test]
fn a_fresh_mint_comes_back_equal_and_is_kept_compactly() {
    for new in [
        minted("2001.00001", "A title"),
        mint(&paper("hep-th/9901001", "No seal")),
    ] {
        let scratch = Scratch::with(std::slice::from_ref(&new));
        assert!(is_compact(&scratch));
        assert_eq!(back(&scratch, &new), issued(&new, 1));
        assert_eq!(scratch.findings(), []);
    }
}

#[test]
fn the_published_bundle_comes_back_equal() {
    let bundle = published();
    let new = NewRecord::from(bundle.clone());
    let mut scratch = Scratch::new();
    scratch.ledger.put_key(&bundle.public_keys[0]).unwrap();
    scratch.insert(std::slice::from_ref(&new));
    assert!(!is_compact(&scratch));
    assert_eq!(back(&scratch, &new), issued(&new, 1));
    assert_eq!(scratch.findings(), []);
}

/// Each of these differs from a fresh mint in one point that the compact form does not hold.
#[test]
fn whatever_is_not_just_a_fresh_mint_is_kept_in_full() {
    let fresh = minted("2001.00001", "A title");
    let key = TestKey::registry();
    let resign = |draft: Draft, at| draft.sign("pith.test", REGISTRY, at, &key).unwrap();
    let snapshot = |change: &dyn Fn(&mut Draft)| {
        let event = &fresh.events[1];
        let mut draft = Draft {
            event_type: event.event_type.clone(),
            subject: event.subject_pith_number,
            target: event.target.clone(),
            payload: event.payload.clone(),
            created_at: event.created_at,
            supersedes: Vec::new(),
            prev_event: None,
        };
        change(&mut draft);
        draft
    };
    let with_snapshot = |event| NewRecord {
        events: vec![fresh.events[0].clone(), event],
        ..fresh.clone()
    };
    let later = micros("2026-05-18T00:30:45.000000Z");
    let mut cases = vec![
        (
            "signed later",
            with_snapshot(resign(snapshot(&|_| ()), later)),
        ),
        (
            "made later",
            with_snapshot(resign(
                snapshot(&|draft| draft.created_at = later.seconds()),
                now(),
            )),
        ),
        (
            "with an edge",
            with_snapshot(resign(
                snapshot(&|draft| draft.prev_event = Some(fresh.events[0].event_id)),
                now(),
            )),
        ),
        (
            "reviewed",
            with_snapshot(resign(
                snapshot(&|draft| {
                    if let Payload::GraphSnapshot(payload) = &mut draft.payload {
                        payload.verdict_id = Some("v1".to_owned());
                    }
                }),
                now(),
            )),
        ),
        (
            "by another builder",
            with_snapshot(resign(
                snapshot(&|draft| {
                    if let Payload::GraphSnapshot(payload) = &mut draft.payload {
                        payload.graph_snapshot.known.builder_version = "other".to_owned();
                    }
                }),
                now(),
            )),
        ),
        (
            "by another key",
            with_snapshot(
                snapshot(&|_| ())
                    .sign("pith.test", REGISTRY, now(), &TestKey::new("other", 8))
                    .unwrap(),
            ),
        ),
        (
            "without a snapshot",
            NewRecord {
                events: vec![fresh.events[0].clone()],
                ..fresh.clone()
            },
        ),
        (
            "in another order",
            NewRecord {
                events: fresh.events.iter().rev().cloned().collect(),
                ..fresh.clone()
            },
        ),
    ];
    let mut more = fresh.clone();
    more.events.push(replication(&fresh, "it holds"));
    cases.push(("with a third party's event", more));
    for (case, new) in cases {
        let scratch = Scratch::with(std::slice::from_ref(&new));
        assert!(!is_compact(&scratch), "{case}");
        assert_eq!(back(&scratch, &new), issued(&new, 1), "{case}");
    }
}

#[test]
fn aliases_keep_their_times_and_are_sorted() {
    let mut new = minted("2001.00001", "A title");
    for alias in &mut new.aliases {
        alias.created_at = a_second();
    }
    let scratch = Scratch::with(std::slice::from_ref(&new));
    assert!(is_compact(&scratch));
    assert_eq!(scratch.query("SELECT count(*) FROM aliases"), 0);
    assert_eq!(back(&scratch, &new), issued(&new, 1));

    new.aliases[2].created_at = now().seconds();
    let mut shuffled = new.clone();
    shuffled.aliases.reverse();
    let mut late = new.aliases[0].clone();
    late.created_at = "2026-07-01T00:00:00Z".parse().unwrap();
    shuffled.aliases.push(late);
    let scratch = Scratch::with(&[shuffled]);
    assert_eq!(scratch.query("SELECT count(*) FROM aliases"), 6);
    assert_eq!(back(&scratch, &new), issued(&new, 1));
    assert_eq!(scratch.findings(), []);
}

#[test]
fn texts_of_any_content_come_back() {
    let odd = "Ünïcode \u{1F4A9}, \"quotes\" \\ 'single' ; DROP TABLE records -- \t\u{1}";
    let metadata = pith::arxiv::Metadata {
        authors: Some(odd),
        license: None,
        categories: Some("alg-geom"),
        ..metadata("alg-geom/9202001", "x")
    };
    let paper = pith::arxiv::Paper::new(&metadata, pith::arxiv::ReadOptions::default()).unwrap();
    let new = mint(&paper);
    let scratch = Scratch::with(std::slice::from_ref(&new));
    assert!(is_compact(&scratch));
    assert_eq!(back(&scratch, &new), issued(&new, 1));
}

#[test]
fn events_are_added_once_and_break_the_seal() {
    let new = minted("2001.00001", "A title");
    let mut scratch = Scratch::with(std::slice::from_ref(&new));
    let event = replication(&new, "it holds");
    let mut add = |event| {
        scratch
            .ledger
            .group(|tx| tx.add_event(&new.number, event))
            .unwrap_or_else(|error: LedgerError| panic!("{error}"))
    };
    assert_eq!(add(&event), Some(3));
    assert_eq!(add(&event), None);
    assert_eq!(add(&new.events[0]), None);
    let mut expected = issued(&new, 1);
    expected.events.push((3, event));
    expected.bundle = None;
    assert_eq!(back(&scratch, &new), expected);
    // The record itself is still compact.
    assert_eq!(scratch.query("SELECT count(*) FROM events"), 1);

    let mut unknown = TestKey::new("other", 8).object();
    assert_eq!(scratch.findings().len(), 1);
    unknown.signer = Some(pith::keys::ForeignSigner {
        signer_id: "orcid.test".to_owned(),
        signer_type: "researcher".to_owned(),
    });
    scratch.ledger.put_key(&unknown).unwrap();
    assert_eq!(scratch.findings(), []);
}

#[test]
fn a_receipt_is_issued_again() {
    let new = minted("2001.00001", "A title");
    let mut scratch = Scratch::with(std::slice::from_ref(&new));
    let later: TimestampMicros = a_second().into();
    let key = TestKey::registry();
    let mut receipt = Receipt::issue(&new.record, BUILDER, later, &key).unwrap();
    receipt.first_computed_at = now();
    let mut draft =
        Draft::record_created(new.number, RecordCreated::new(new.record.clone(), receipt));
    draft.supersedes.push(new.events[0].event_id);
    let event = draft.sign("pith.test", REGISTRY, later, &key).unwrap();
    let group = |tx: &Transaction<'_>| {
        tx.add_event(&new.number, &event)?;
        tx.set_seal(&new.number, &seal())
    };
    scratch.ledger.group(group).unwrap();
    let mut expected = issued(&new, 1);
    expected.events.push((3, event.clone()));
    assert_eq!(back(&scratch, &new), expected);
    assert_eq!(scratch.findings(), []);
}

#[test]
fn sequence_numbers_are_consecutive_and_never_given_twice() {
    let [a, b, c] = ["2001.00001", "2001.00002", "2001.00003"].map(|id| minted(id, "A title"));
    let mut scratch = Scratch::new();
    assert_eq!(scratch.insert(&[a.clone(), b.clone()]), [1, 3]);
    let rolled_back: Result<(), LedgerError> = scratch.ledger.group(|tx| {
        assert_eq!(tx.insert(&c)?, 5);
        assert!(tx.contains(c.number.suffix())?);
        assert_eq!(tx.get(c.number.suffix())?, Some(issued(&c, 5)));
        Err(LedgerError::NotIssued { number: c.number })
    });
    assert!(rolled_back.is_err());
    assert!(!scratch.ledger.contains(c.number.suffix()).unwrap());

    // Even if the last record goes, its numbers do not come back.
    scratch.sql("DELETE FROM records WHERE seq = 3");
    assert_eq!(scratch.insert(&[c]), [5]);
    let numbers: Result<Vec<_>, _> = scratch.ledger.issued(None).collect();
    let seqs: Vec<u64> = numbers.unwrap().iter().map(|i| i.events[0].0).collect();
    assert_eq!(seqs, [1, 5]);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let new = minted("2001.00001", "A title");
    let other = minted("2001.00002", "Another");
    let mut scratch = Scratch::with(std::slice::from_ref(&new));
    let mut refused = |case: &str, new: NewRecord| {
        let error = scratch.ledger.group(|tx| tx.insert(&new)).unwrap_err();
        assert!(
            matches!(error, LedgerError::Unfit { .. }),
            "{case}: {error}"
        );
    };
    let changed = |change: &dyn Fn(&mut NewRecord)| {
        let mut changed = other.clone();
        change(&mut changed);
        changed
    };
    refused("number", changed(&|r| r.number = new.number));
    refused("no events", changed(&|r| r.events.clear()));
    refused("no record", changed(&|r| drop(r.events.remove(0))));
    refused(
        "foreign",
        changed(&|r| r.events.push(new.events[1].clone())),
    );
    refused("twice", changed(&|r| r.events.push(r.events[1].clone())));
    assert_eq!(scratch.query("SELECT next_seq FROM counter"), 3);

    let again = scratch.ledger.group(|tx| tx.insert(&new)).unwrap_err();
    assert!(matches!(again, LedgerError::AlreadyIssued { .. }));
    let event = replication(&new, "it holds");
    let unknown = scratch
        .ledger
        .group(|tx| tx.add_event(&other.number, &event))
        .unwrap_err();
    assert!(matches!(unknown, LedgerError::NotIssued { .. }));
    let unsealed = scratch
        .ledger
        .group(|tx| tx.set_seal(&other.number, &seal()))
        .unwrap_err();
    assert!(matches!(unsealed, LedgerError::NotIssued { .. }));
    scratch.insert(std::slice::from_ref(&other));
    let foreign = scratch
        .ledger
        .group(|tx| tx.add_event(&other.number, &event))
        .unwrap_err();
    assert!(matches!(foreign, LedgerError::Unfit { .. }));
}

#[test]
fn iteration_is_in_sequence_order_across_pages() {
    let mut new = Vec::new();
    for i in 0..600_u32 {
        let second = i64::from(i / 300);
        let at = now().unix_micros() + second * 1_000_000;
        let at = TimestampMicros::from_unix_micros(at).unwrap();
        let id = format!("2001.{:05}", i + 1);
        new.push(mint_at(&paper(&id, "A title"), at));
    }
    let scratch = Scratch::with(&new);
    assert_eq!(scratch.ledger.count().unwrap(), 600);
    let all: Vec<Issued> = scratch.ledger.issued(None).map(Result::unwrap).collect();
    let expected: Vec<Issued> = (1..)
        .step_by(2)
        .zip(&new)
        .map(|(s, n)| issued(n, s))
        .collect();
    assert!(all == expected);
    let numbers: Vec<_> = scratch.ledger.numbers().map(Result::unwrap).collect();
    assert!(numbers.iter().eq(new.iter().map(|new| &new.number)));
    let since = TimestampMicros::from_unix_micros(now().unix_micros() + 1);
    assert_eq!(scratch.ledger.issued(since).count(), 300);
    assert_eq!(scratch.ledger.issued(Some(now())).count(), 600);
}

#[test]
fn a_second_opening_sees_the_same() {
    let new = minted("2001.00001", "A title");
    let Scratch {
        folder,
        path,
        ledger,
    } = Scratch::with(std::slice::from_ref(&new));
    drop(ledger);
    let ledger = Ledger::open(&path).unwrap();
    assert_eq!(ledger.path(), path);
    let suffix = new.number.suffix();
    assert_eq!(ledger.get(suffix).unwrap(), Some(issued(&new, 1)));
    let other = minted("2001.00002", "Another");
    assert_eq!(ledger.get(other.number.suffix()).unwrap(), None);
    let reader = Ledger::open_read_only(&path).unwrap();
    assert_eq!(reader.get(suffix).unwrap(), Some(issued(&new, 1)));
    drop(folder);
}
