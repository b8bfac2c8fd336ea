//! A table of payloads for each kind: a JSON Schema validator and the typed reader agree on all.

use pith::canonical::{self, Json};
use pith::event::{EventKind, Statement, schema, skeleton, unfilled};

use super::schemas::allows;
use super::world::{WORLD, payload_of};

/// What is done to a sound payload: members set to a JSON text, or removed where there is none.
type Change<'a> = &'a [(&'a str, Option<&'a str>)];

fn changed(kind: EventKind, change: Change<'_>) -> Json {
    let mut payload = payload_of(kind.as_str());
    for (member, text) in change {
        match text {
            Some(text) => {
                let value = canonical::from_slice(text.as_bytes()).unwrap();
                payload.insert((*member).to_owned(), value);
            }
            None => drop(payload.remove(*member)),
        }
    }
    Json::Object(payload)
}

fn reads(kind: EventKind, payload: &Json) -> bool {
    Statement::read(kind, payload, &WORLD.number).is_ok()
}

/// A change, and whether the payload has its form then.
type Row = (Vec<(&'static str, Option<&'static str>)>, bool);

/// The rows of the table for a kind.
fn table(kind: EventKind) -> Vec<Row> {
    let set = |member, text| (vec![(member, Some(text))], false);
    let good = |member, text| (vec![(member, Some(text))], true);
    let both = |a: (&'static str, &'static str), b: (&'static str, &'static str), holds| {
        (vec![(a.0, Some(a.1)), (b.0, Some(b.1))], holds)
    };
    const LONG: &str = concat!(
        "\"",
        "0123456789012345678901234567890123456789012345678901234567890123x",
        "\""
    );
    match kind {
        EventKind::AuthorAttestation => vec![
            good("claimant", "\"Ünï Cödé \u{1F600}\""),
            set("claimant", "\"\""),
            set("claimant", "\"two\\nlines\""),
            set("claimant", "\"\\u0085\""),
            set("claimant", "null"),
            set("claimant", "7"),
            good("method", "\"arxiv_account\""),
            set("method", "\"ORCID\""),
            set("method", "\"1st\""),
            set("method", "\"a b\""),
            set("method", LONG),
            good("orcid", "\"0000-0002-1694-233X\""),
            set("orcid", "\"0000-0002-1694-2330\""),
            set("orcid", "\"0000-0002-1694-233x\""),
            set("orcid", "\"\""),
            good("strength", "\"strong\""),
            set("strength", "\"medium\""),
            set("strength", "true"),
            set("method", "\"orcid\""),
            both(
                ("method", "\"orcid\""),
                ("orcid", "\"0000-0002-1825-0097\""),
                true,
            ),
            both(
                ("method", "\"orcid\""),
                ("orcid", "\"0000-0002-1825-0098\""),
                false,
            ),
        ],
        EventKind::TimestampAnchor => vec![
            set("block_height", "5"),
            set("block_height", "-1"),
            set("block_height", "\"5\""),
            set("block_height", "4294967296"),
            set("calendar_url", "null"),
            set("calendar_url", "5"),
            set("canonical_sha256", "\"00\""),
            set("canonical_sha256", "null"),
            set("proof_b64", "\"AA==\""),
            set("proof_b64", "\"AB==\""),
            set("proof_b64", "\"\""),
            set("proof_type", "\"rfc3161\""),
            set("status", "\"confirmed\""),
            set("status", "\"done\""),
            both(("status", "\"confirmed\""), ("block_height", "5"), false),
        ],
        EventKind::StorageAttestation => vec![
            good("archive", "\"Internet Archive\""),
            set("archive", "\"\""),
            good("captured_at", "\"2024-02-29T23:59:59Z\""),
            set("captured_at", "\"2023-02-29T00:00:00Z\""),
            set("captured_at", "\"2024-02-01T24:00:00Z\""),
            set("captured_at", "\"2024-02-01T00:00:00.5Z\""),
            set("captured_at", "\"2024-02-01T00:00:00+00:00\""),
            set("captured_at", "\"2024-02-01\""),
            set("captured_at", "\"0000-01-01T00:00:00Z\""),
            set("content_sha256", "\"ABCD\""),
            set("content_sha256", "[]"),
            good(
                "url",
                "\"http://web.archive.example/web/2024/https://x.example/?a#b\"",
            ),
            set("url", "\"ftp://a\""),
            set("url", "\"https://\""),
            set("url", "\"https:///a\""),
            set("url", "\"https://a b\""),
            set("url", "\"https://a/<b>\""),
            set("url", "\"javascript:alert(1)\""),
        ],
        EventKind::CitationSignature => vec![
            good("claim_ids", "[]"),
            good("claim_ids", "[\"C1\",\"C2\"]"),
            set("claim_ids", "[\"C1\",\"C1\"]"),
            set("claim_ids", "[\"\"]"),
            set("claim_ids", "[\"a b\"]"),
            set("claim_ids", "[1]"),
            set("claim_ids", "\"C1\""),
            set("claim_ids", "null"),
            set("cited_pith_number", "\"pith:ED4F53GC\""),
            set(
                "cited_pith_number",
                "\"pith:0000:ED4F53GCRLOJRJHSWFUN2OGZG2\"",
            ),
            set(
                "cited_pith_number",
                "\"pith:2017:ed4f53gcrlojrjhswfun2ogzg2\"",
            ),
            set("cited_pith_number", "null"),
            good("relation", "\"supports\""),
            good("relation", "\"refutes\""),
            good("relation", "\"uses_method\""),
            good("relation", "\"depends_on\""),
            good("relation", "\"replaces\""),
            good("relation", "\"compares\""),
            good("relation", "\"cites\""),
            set("relation", "\"loves\""),
            set("relation", "\"Cites\""),
        ],
        EventKind::ReplicationRecord => vec![
            set("artefact_sha256", "\"\""),
            good("artefact_url", "\"https://data.example/1\""),
            set("artefact_url", "\"data.example\""),
            good("formal_system", "\"coq\""),
            set("formal_system", "null"),
            set("formal_system", "\"isabelle\""),
            set("kind", "\"replication\""),
            both(("kind", "\"replication\""), ("formal_system", "null"), true),
            both(
                ("kind", "\"falsification\""),
                ("formal_system", "null"),
                true,
            ),
            both(("kind", "\"proof\""), ("formal_system", "null"), false),
            set("claim_ids", "[\"C1\",\"C2\",\"C1\"]"),
        ],
        EventKind::Correction => vec![
            good(
                "corrected_event_id",
                "\"sha256:0000000000000000000000000000000000000000000000000000000000000001\"",
            ),
            set(
                "corrected_event_id",
                "\"0000000000000000000000000000000000000000000000000000000000000001\"",
            ),
            set("corrected_event_id", "\"sha256:00\""),
            set("member", "\"\""),
            set("reason", "\"\""),
            set("reason", "\"a\\tb\""),
            good("replacement", "null"),
            good("replacement", "{\"deep\":[1,[2,{\"x\":null}]]}"),
            good("replacement", "false"),
        ],
        EventKind::MirrorHint => vec![
            good("base_url", "\"https://mirror.example/pith\""),
            set("base_url", "\"http://mirror.example\""),
            set("base_url", "\"https://mirror.example/\""),
            set("base_url", "\"https://mirror.example?x\""),
            set("base_url", "\"https://mirror.example#x\""),
            set("base_url", "\"https://\""),
            set("mirror_type", "\"ipfs\""),
            set("name", "\"\""),
        ],
        EventKind::RecordCreated | EventKind::GraphSnapshot => Vec::new(),
    }
}

fn by_hand() -> impl Iterator<Item = EventKind> {
    let kinds = EventKind::ALL.iter().copied();
    kinds.filter(|kind| !kind.registry_only())
}

#[test]
fn schema_and_reader_agree() {
    let mut rows = 0;
    for kind in by_hand() {
        let mut check = |payload: &Json, holds: bool| {
            let text = String::from_utf8(canonical::to_vec(payload).unwrap()).unwrap();
            assert_eq!(reads(kind, payload), holds, "{kind} is read: {text}");
            assert_eq!(
                allows(kind, payload),
                holds,
                "{kind} fits its schema: {text}"
            );
            rows += 1;
        };
        check(&changed(kind, &[]), true);
        // Members that are not known are kept; those that are known have to be there.
        check(&changed(kind, &[("more", Some("[1]"))]), true);
        for member in payload_of(kind.as_str()).keys() {
            check(&changed(kind, &[(member, None)]), false);
            check(
                &changed(kind, &[(member, Some("{}"))]),
                kind == EventKind::Correction && member == "replacement",
            );
        }
        for (change, holds) in table(kind) {
            check(&changed(kind, &change), holds);
        }
    }
    assert!(rows > 150, "{rows}");
}

/// What is a matter of more than the payload's own shape the reader sees and a schema cannot.
#[test]
fn what_is_beyond_a_schema_the_reader_refuses() {
    let number = format!("\"{}\"", WORLD.number);
    let other = "\"0000000000000000000000000000000000000000000000000000000000000001\"";
    let confirmed = [
        ("status", Some("\"confirmed\"")),
        ("block_height", Some("5")),
        ("calendar_url", Some("null")),
    ];
    for (kind, change) in [
        (
            EventKind::CitationSignature,
            &[("cited_pith_number", Some(number.as_str()))][..],
        ),
        (
            EventKind::TimestampAnchor,
            &[("canonical_sha256", Some(other))],
        ),
        (
            EventKind::TimestampAnchor,
            &[("calendar_url", Some("\"https://d\""))],
        ),
        (EventKind::TimestampAnchor, &confirmed),
    ] {
        let payload = changed(kind, change);
        assert!(allows(kind, &payload), "{kind}: {change:?}");
        assert!(!reads(kind, &payload), "{kind}: {change:?}");
    }
}

#[test]
fn unknown_members_are_named() {
    let payload = changed(
        EventKind::MirrorHint,
        &[("b", Some("1")), ("a", Some("{}"))],
    );
    let statement = Statement::read(EventKind::MirrorHint, &payload, &WORLD.number);
    let statement = statement.unwrap().unwrap();
    assert_eq!(statement.unknown_members().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn faults_name_their_path() {
    let message = |kind, change: Change<'_>| {
        let error = Statement::read(kind, &changed(kind, change), &WORLD.number);
        error.unwrap_err().to_string()
    };
    let of_claims = message(
        EventKind::CitationSignature,
        &[("claim_ids", Some("[\"C1\",\"\"]"))],
    );
    assert!(
        of_claims.starts_with("payload.claim_ids[1]: "),
        "{of_claims}"
    );
    let missing = message(EventKind::MirrorHint, &[("name", None)]);
    assert!(missing.contains("`name`"), "{missing}");
    let proof = message(
        EventKind::TimestampAnchor,
        &[("proof_b64", Some("\"AA==\""))],
    );
    assert!(
        proof.starts_with("payload.proof_b64: it is no OpenTimestamps proof"),
        "{proof}"
    );
}

/// A skeleton is refused as long as anything in it is to be filled in, and says what that is.
#[test]
fn skeletons_are_filled_in_place_by_place() {
    for kind in EventKind::ALL.iter().copied() {
        assert_eq!(skeleton(kind).is_some(), !kind.registry_only());
        assert_eq!(schema(kind).is_some(), !kind.registry_only());
        let Some(text) = skeleton(kind) else { continue };
        let payload: Json = canonical::from_slice(text.as_bytes()).unwrap();
        let missing = unfilled(&payload);
        assert!(!missing.is_empty(), "{kind}");
        let Json::Object(mut filled) = payload else {
            panic!("a payload is an object");
        };
        let sound = payload_of(kind.as_str());
        assert!(
            filled.keys().eq(sound.keys()),
            "{kind} has the members of a sound payload"
        );
        for path in missing {
            let member = path.split('[').next().unwrap().to_owned();
            let value = sound[&member].clone();
            filled.insert(member, value);
        }
        let filled = Json::Object(filled);
        assert!(unfilled(&filled).is_empty());
        assert!(reads(kind, &filled) && allows(kind, &filled), "{kind}");
    }
}
