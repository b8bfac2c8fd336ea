//! Statistics, dumps, keys, the history, and how large a ledger is.

use pith::arxiv::{Metadata, Paper, ReadOptions};
use pith::canonical::{self, Json};
use pith::digest::Digest;
use pith::ledger::{KeyStats, LedgerError, NewRecord, Run};

use crate::fixture::*;

fn run(verb: &str) -> Run {
    Run {
        verb: verb.to_owned(),
        started_at: now(),
        finished_at: micros("2026-05-18T00:31:44.000000Z"),
        tool_version: "0.1.0".to_owned(),
        key_id: Some(seal().key_id),
        input_sha256: Some(Digest::of(b"what was read")),
        summary: Json::Object([("minted".to_owned(), Json::Int(2))].into()),
    }
}

#[test]
fn runs_are_remembered_in_order() {
    let mut scratch = Scratch::new();
    let mut without_key = run("rebuild");
    without_key.key_id = None;
    without_key.input_sha256 = None;
    let runs = [run("mint"), without_key, run("mint")];
    for run in &runs {
        scratch.ledger.record_run(run).unwrap();
    }
    assert_eq!(scratch.ledger.runs().unwrap(), runs);
    scratch.sql("UPDATE runs SET summary = 'x' WHERE id = 2");
    let error = scratch.ledger.runs().unwrap_err();
    assert!(matches!(&error, LedgerError::Damaged { record, .. } if record == "run 2"));
}

#[test]
fn keys_are_kept_as_they_were_first_published() {
    let mut scratch = Scratch::new();
    let registry = TestKey::registry().object();
    let other = TestKey::new("other", 8).object();
    scratch.ledger.put_key(&other).unwrap();
    scratch.ledger.put_key(&other).unwrap();
    let mut both = [registry.clone(), other.clone()];
    both.sort_by_key(|object| object.key.fingerprint());
    assert_eq!(scratch.ledger.keys().unwrap(), both);
    let fingerprint = other.key.fingerprint();
    assert_eq!(
        scratch.ledger.key(&fingerprint).unwrap(),
        Some(other.clone())
    );
    let unknown = TestKey::new("third", 9).object().key.fingerprint();
    assert_eq!(scratch.ledger.key(&unknown).unwrap(), None);
    let mut changed = other.clone();
    changed.rotates_at = Some(now().seconds());
    let error = scratch.ledger.put_key(&changed).unwrap_err();
    assert!(matches!(error, LedgerError::KeyDiffers { .. }), "{error}");
    assert_eq!(scratch.ledger.key(&fingerprint).unwrap(), Some(other));
}

#[test]
fn stats_count_everything() {
    let bundle = published();
    let plain = NewRecord {
        seal: None,
        ..minted("2001.00001", "A title")
    };
    let mut scratch = Scratch::with(&[plain.clone(), minted("2001.00002", "Another")]);
    scratch.insert(&[NewRecord::from(bundle.clone())]);
    let event = replication(&plain, "it holds");
    scratch
        .ledger
        .group(|tx| tx.add_event(&plain.number, &event))
        .unwrap_or_else(|error: LedgerError| panic!("{error}"));
    scratch.ledger.record_run(&run("mint")).unwrap();
    let stats = scratch.ledger.stats().unwrap();
    assert_eq!((stats.records, stats.events), (3, 7));
    assert_eq!((stats.sealed_bundles, stats.runs), (2, 1));
    assert_eq!(stats.by_year, [(2017, 1), (2020, 2)].into());
    let categories = ["cs.LG", "math.GT"].map(|text| text.parse().unwrap());
    let [lg, gt] = categories;
    assert_eq!(stats.by_primary_category, [(lg, 1), (gt, 2)].into());
    let of = |object: &pith::keys::PublicKeyObject, records| KeyStats {
        key_id: object.key_id.clone(),
        public_key_fingerprint: object.key.fingerprint(),
        records,
    };
    let own = TestKey::registry().object();
    assert_eq!(stats.by_key, [of(&bundle.public_keys[0], 1), of(&own, 2)]);
    assert!(stats.bytes > 8192);
    let json = String::from_utf8(canonical::wire(&stats).unwrap()).unwrap();
    assert!(json.contains(r#""by_year":{"2017":1,"2020":2}"#), "{json}");
}

#[test]
fn stats_count_what_runs_that_came_to_their_end_rejected() {
    let mut scratch = Scratch::new();
    assert!(scratch.ledger.stats().unwrap().rejected.is_empty());
    let summary = |text: &str| canonical::from_slice(text.as_bytes()).unwrap();
    for text in [
        r#"{"interrupted":false,"rejected":{"field.missing":2,"text.nul":1}}"#,
        // The run that goes on from here counts these again.
        r#"{"interrupted":true,"rejected":{"field.missing":1}}"#,
        r#"{"interrupted":false,"rejected":{"field.missing":4,"json.invalid":1}}"#,
        r#"{"interrupted":false,"rejected":{}}"#,
        r#"{"restored":3}"#,
        r#"{"interrupted":false,"rejected":{"line.too-long":18446744073709551615}}"#,
    ] {
        let run = Run {
            summary: summary(text),
            ..run("mint")
        };
        scratch.ledger.record_run(&run).unwrap();
    }
    let rejected = [
        ("field.missing", 6),
        ("json.invalid", 1),
        ("line.too-long", u64::MAX),
        ("text.nul", 1),
    ];
    let stats = scratch.ledger.stats().unwrap();
    let rejected = rejected.map(|(code, count)| (code.to_owned(), count));
    assert_eq!((stats.rejected, stats.runs), (rejected.into(), 6));
}

/// Runs, keys and the form of storage do not show; another ledger of the same records is equal.
#[test]
fn dumps_depend_on_what_was_issued_alone() {
    let new = [
        minted("2001.00001", "A title"),
        minted("2001.00002", "G\\\"odel"),
    ]
    .map(|new| NewRecord { seal: None, ..new });
    let dump = |scratch: &Scratch| {
        let mut bytes = Vec::new();
        assert_eq!(scratch.ledger.dump(&mut bytes).unwrap(), 2);
        String::from_utf8(bytes).unwrap()
    };
    let mut one = Scratch::with(&new);
    let text = dump(&one);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    let expected = format!(
        r#"{{"schema_version":"1.0","seq":1,"pith_number":"{}","arxiv_id":"2001.00001","version":1,"source_aliases":[{{"alias_kind":"arxiv","#,
        new[0].number
    );
    assert!(lines[0].starts_with(&expected), "{}", lines[0]);
    let event = String::from_utf8(canonical::wire(&new[1].events[1]).unwrap()).unwrap();
    assert!(lines[1].ends_with(&format!(r#"{{"seq":4,"event":{event}}}],"bundle":null}}"#)));

    one.ledger.record_run(&run("mint")).unwrap();
    assert_eq!(dump(&one), text);
    // The same events, not compact: the first record comes without its snapshot, which is added.
    let mut two = Scratch::new();
    two.ledger
        .put_key(&TestKey::new("other", 8).object())
        .unwrap();
    let [mut first, second] = new.clone();
    let snapshot = first.events.pop().unwrap();
    two.insert(&[first]);
    two.ledger
        .group(|tx| tx.add_event(&new[0].number, &snapshot))
        .unwrap_or_else(|error: LedgerError| panic!("{error}"));
    two.insert(&[second]);
    assert_eq!(two.query("SELECT count(*) FROM events"), 2);
    assert_eq!(dump(&two), text);

    two.ledger
        .group(|tx| tx.set_seal(&new[0].number, &seal()))
        .unwrap_or_else(|error: LedgerError| panic!("{error}"));
    let seal = String::from_utf8(canonical::wire(&seal()).unwrap()).unwrap();
    assert!(seal.starts_with(r#"{"built_at":"2026-05-18T00:30:44Z","key_id":"test-2026-05","#));
    assert!(dump(&two).contains(&format!(r#","bundle":{seal}}}"#)));
}

#[test]
fn a_dump_reports_a_failing_output() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let scratch = Scratch::with(&[minted("2001.00001", "A title")]);
    let error = scratch.ledger.dump(Full).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Output(source) if source.kind() == std::io::ErrorKind::BrokenPipe
    ));
}

/// Three million papers must fit: texts of the lengths that arXiv's have, all sealed.
#[test]
fn a_paper_takes_up_a_kilobyte_and_a_half_at_most() {
    const PAPERS: usize = 2000;
    let text = |seed: usize, length: usize| -> String {
        let words = [
            "lattice", "of", "quantum", "a", "bound", "the", "spectral", "gap",
        ];
        let mut text = String::new();
        let mut state = seed;
        while text.len() < length {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            text.push_str(words[(state >> 33) % words.len()]);
            text.push(' ');
        }
        text.truncate(length - 1);
        text.push('x');
        text
    };
    let new: Vec<NewRecord> = (0..PAPERS)
        .map(|i| {
            // Lengths vary around their means, as they do.
            let (title, authors) = (text(i, 45 + i % 61), text(i + 1, 30 + (i * 7) % 121));
            let abstract_text = text(i + 2, 600 + i % 900);
            let id = format!("{:02}{:02}.{:05}", 15 + i % 10, 1 + i % 12, i + 1);
            let metadata = Metadata {
                title: Some(&title),
                authors: Some(&authors),
                abstract_text: Some(&abstract_text),
                categories: Some("cond-mat.mes-hall cond-mat.str-el quant-ph"),
                license: Some("http://arxiv.org/licenses/nonexclusive-distrib/1.0/"),
                ..metadata(&id, "")
            };
            NewRecord {
                seal: Some(seal()),
                ..mint(&Paper::new(&metadata, ReadOptions::default()).unwrap())
            }
        })
        .collect();
    let mut scratch = Scratch::new();
    for group in new.chunks(500) {
        scratch.insert(group);
    }
    let stats = scratch.ledger.stats().unwrap();
    assert_eq!(stats.sealed_bundles, PAPERS as u64);
    let bytes = stats.bytes / PAPERS as u64;
    println!("{bytes} bytes a paper");
    assert!(bytes <= 1500, "{bytes} bytes a paper");
}
