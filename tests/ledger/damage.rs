//! Damaged rows are errors that say where, findings of the check, and never a panic.

use pith::ledger::{LedgerError, NewRecord};

use crate::fixture::*;

fn scratch() -> (Scratch, [NewRecord; 3]) {
    let imported = {
        let mut new = minted("2001.00003", "In full");
        new.events.reverse();
        new
    };
    let new = [
        minted("2001.00001", "A title"),
        minted("2001.00002", "Another"),
        imported,
    ];
    (Scratch::with(&new), new)
}

/// Rows 1 and 3 are compact, row 5 has its events in full.
#[test]
fn no_damage_escapes_the_check() {
    let (sound, _) = scratch();
    assert_eq!(sound.findings(), []);
    for (sql, message) in [
        (
            "UPDATE records SET suffix = 'short' WHERE seq = 3",
            "suffix",
        ),
        (
            "UPDATE records SET suffix = 'AAAAAAAAAAAAAAAAAAAAAAAAAA' WHERE seq = 3",
            "the digest of pith:2020:",
        ),
        (
            "UPDATE records SET arxiv_id = 'x' WHERE seq = 3",
            "arxiv_id",
        ),
        ("UPDATE records SET version = 0 WHERE seq = 3", "version"),
        ("UPDATE records SET version = -1 WHERE seq = 3", "version"),
        ("UPDATE records SET version = 2 WHERE seq = 3", "digest"),
        (
            "UPDATE records SET submitted_at = 9223372036854775807 WHERE seq = 3",
            "submitted_at",
        ),
        (
            "UPDATE records SET primary_cat = '' WHERE seq = 3",
            "primary_cat",
        ),
        (
            "UPDATE records SET cross_cats = 'b a' WHERE seq = 3",
            "cross_cats",
        ),
        (
            "UPDATE records SET cross_cats = ' ' WHERE seq = 3",
            "cross_cats",
        ),
        ("UPDATE records SET license = '' WHERE seq = 3", "digest"),
        (
            "UPDATE records SET license = CAST(x'ff' AS TEXT) WHERE seq = 3",
            "license",
        ),
        (
            "UPDATE records SET title_sha256 = x'00' WHERE seq = 3",
            "title_sha256 has 1 bytes instead of 32",
        ),
        (
            "UPDATE records SET minted_at = minted_at + 1 WHERE seq = 3",
            "is not valid",
        ),
        (
            "UPDATE records SET minted_at = -1 << 62 WHERE seq = 3",
            "minted_at",
        ),
        (
            "UPDATE records SET issuer = 99 WHERE seq = 3",
            "refers to nothing in issuers",
        ),
        (
            "UPDATE records SET aliased_at = NULL WHERE seq = 3",
            "its aliases are not",
        ),
        (
            "UPDATE records SET aliased_at = -1 << 62 WHERE seq = 3",
            "aliased_at",
        ),
        (
            "UPDATE records SET receipt_sig = NULL WHERE seq = 3",
            "receipt_sig",
        ),
        (
            "UPDATE records SET receipt_sig = created_sig WHERE seq = 3",
            "is not valid: signature",
        ),
        (
            "UPDATE records SET snapshot_sig = created_sig WHERE seq = 3",
            "is not valid: signature",
        ),
        (
            "UPDATE records SET title = 'x' WHERE seq = 3",
            "is not valid: signature",
        ),
        (
            "UPDATE records SET title = NULL WHERE seq = 3",
            "no valid event creates it",
        ),
        (
            "UPDATE records SET authors_text = NULL WHERE seq = 3",
            "authors_text",
        ),
        (
            "UPDATE records SET abstract_excerpt = '' WHERE seq = 3",
            "is not valid: signature",
        ),
        (
            "UPDATE records SET seal_key = 99 WHERE seq = 3",
            "refers to nothing in key_labels",
        ),
        (
            "UPDATE records SET seal_sig = x'' WHERE seq = 3",
            "seal_sig",
        ),
        (
            "UPDATE records SET sealed_at = NULL WHERE seq = 3",
            "sealed_at",
        ),
        (
            "UPDATE records SET seq = -3 WHERE seq = 3",
            "its sequence number is -3",
        ),
        ("UPDATE records SET seq = 2 WHERE seq = 3", "1 records take"),
        (
            "UPDATE records SET seq = 9 WHERE seq = 3",
            "1 sequence counters",
        ),
        (
            "UPDATE events SET body = '{}' WHERE seq = 5",
            "event 5: at ",
        ),
        (
            "UPDATE events SET body = '' WHERE seq = 5",
            "event 5: not strict JSON",
        ),
        (
            "UPDATE events SET body = replace(body, 'In full', 'in full') WHERE seq = 5",
            "is not valid: content_hash",
        ),
        (
            "UPDATE events SET event_id = x'00' WHERE seq = 5",
            "event_id",
        ),
        (
            "UPDATE events SET event_id = zeroblob(32) WHERE seq = 5",
            "event 5 has the id sha256:",
        ),
        ("UPDATE events SET seq = 4 WHERE seq = 5", "1 events take"),
        (
            "UPDATE events SET seq = 8 WHERE seq = 6",
            "1 sequence counters",
        ),
        (
            "UPDATE events SET record = 1 WHERE seq = 6",
            "is not valid: subject",
        ),
        (
            "UPDATE events SET record = 77 WHERE seq = 6",
            "refers to nothing in records",
        ),
        (
            "DELETE FROM events WHERE seq = 6",
            "no valid event creates it",
        ),
        (
            "UPDATE issuers SET signer_id = 'x'",
            "is not valid: signature",
        ),
        (
            "UPDATE issuers SET builder_version = 'x'",
            "is not valid: signature",
        ),
        ("UPDATE key_labels SET key_id = 'x'", "is not valid: "),
        ("UPDATE key_labels SET key_id = '/'", "key_id"),
        ("UPDATE keys SET object = '{}'", "no key was used"),
        (
            "UPDATE keys SET fingerprint = 'x'",
            "another key stands in its place",
        ),
        ("DELETE FROM keys", "is not valid: unknown_key"),
        ("DELETE FROM counter", "1 sequence counters are missing"),
        ("UPDATE counter SET next_seq = 6", "1 sequence counters"),
    ] {
        let (scratch, _) = scratch();
        scratch.sql(&format!("PRAGMA foreign_keys = OFF; {sql}"));
        let findings = scratch.findings();
        let found = findings.iter().any(|f| f.message.contains(message));
        assert!(found, "{sql}: {findings:?}");
        // Whatever else is asked of it, it answers.
        let _ = scratch.ledger.stats();
        let _ = scratch.ledger.dump(std::io::sink());
        let _ = scratch.ledger.find("2001.00002");
        let _: Vec<_> = scratch.ledger.numbers().collect();
    }
}

#[test]
fn damage_is_an_error_that_says_where() {
    let (scratch, new) = scratch();
    scratch.sql("UPDATE records SET title_sha256 = x'00' WHERE seq = 3");
    let error = scratch.ledger.get(new[1].number.suffix()).unwrap_err();
    assert!(matches!(
        &error,
        LedgerError::Damaged { path, record, .. } if *path == scratch.path && record == "record 3"
    ));
    assert!(error.remedy().unwrap().contains("pith ledger check"));
    // The others are not affected, in iteration either.
    let all: Vec<_> = scratch.ledger.issued(None).collect();
    assert!(matches!(all[..], [Ok(_), Err(_), Ok(_)]));
    assert!(scratch.ledger.dump(Vec::new()).is_err());
    let findings = scratch.findings();
    assert_eq!(findings.len(), 1);
    assert!(findings[0].message.starts_with("record 3 is damaged"));
}

#[test]
fn a_finding_names_its_record() {
    let (scratch, new) = scratch();
    scratch.sql("UPDATE records SET snapshot_sig = receipt_sig WHERE seq = 1");
    let findings = scratch.findings();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].number, Some(new[0].number));
}

#[test]
fn an_edge_that_does_not_hold_is_found() {
    use pith::event::{Draft, EventId, Payload};
    use pith::keys::REGISTRY;
    let (mut scratch, new) = scratch();
    let draft = Draft {
        event_type: "correction".to_owned(),
        subject: new[0].number,
        target: "record".to_owned(),
        payload: Payload::Open(
            pith::canonical::from_slice(
                br#"{"corrected_event_id":null,"member":"title","reason":"A slip","replacement":null}"#,
            )
            .unwrap(),
        ),
        created_at: now().seconds(),
        supersedes: Vec::new(),
        prev_event: Some(EventId::of(pith::digest::Digest::of(b"no such event"))),
    };
    let event = draft
        .sign("pith.test", REGISTRY, now(), &TestKey::registry())
        .unwrap();
    scratch
        .ledger
        .group(|tx| tx.add_event(&new[0].number, &event))
        .unwrap_or_else(|error: LedgerError| panic!("{error}"));
    let findings = scratch.findings();
    assert_eq!(findings.len(), 1);
    assert!(
        findings[0]
            .message
            .contains("in prev_event, which does not hold")
    );
}

/// Bytes overwritten in the file itself, as a failing disk does it.
#[test]
fn a_broken_file_is_found_and_never_a_panic() {
    const PAGE: usize = 4096;
    let new: Vec<NewRecord> = (1..200)
        .map(|i| minted(&format!("2001.{i:05}"), "A title"))
        .collect();
    let scratch = Scratch::with(&new);
    let copy = scratch.folder.path().join("copy.db");
    scratch.ledger.backup(&copy, false).unwrap();
    let sound = std::fs::read(&copy).unwrap();
    for (at, page) in sound.chunks(PAGE).enumerate().skip(1) {
        let broken = scratch.folder.path().join(format!("broken-{at}.db"));
        let mut bytes = sound.clone();
        let from = at * PAGE;
        let to = from + page.len() / 2;
        bytes[from..to].fill(0xa5);
        std::fs::write(&broken, bytes).unwrap();
        let mut findings = 0;
        let outcome = pith::ledger::Ledger::open(&broken).and_then(|ledger| {
            let _ = ledger.stats();
            let _ = ledger.dump(std::io::sink());
            for new in &new {
                let _ = ledger.get(new.number.suffix());
            }
            let jobs = std::num::NonZeroUsize::MIN;
            ledger.check(jobs, &|_| true, &mut |_| findings += 1, &mut |_| {})
        });
        assert!(findings > 0 || outcome.is_err(), "page {at}");
    }
}
