//! Bundles that are judged by their issuer's forms get the report that the types give.

use pith::arxiv::Paper;
use pith::bulk::Judge;
use pith::bundle::{Bundle, BundleParts};
use pith::canonical;
use pith::event::{Draft, Event};
use pith::keys::REGISTRY;
use pith::mint::SelfCheck;
use pith::state::{KeyTable, merge};
use pith::time::{Timestamp, TimestampMicros};
use pith::verify::{Policy, Report, Trust, Verdict, verify_document};

use crate::registry::{Registry, example, now, numbered, paper};

fn policy(trust: &Trust) -> Policy<'_> {
    Policy {
        trust,
        expect: None,
        at: None,
        now: now().seconds(),
    }
}

fn minted(registry: &Registry, papers: &[Paper]) -> Vec<Vec<u8>> {
    let mut ledger = registry.ledger();
    let group = registry.mint(&mut ledger, &registry.key, papers, SelfCheck::Batch);
    let bundles = group.unwrap().bundles;
    (0..papers.len())
        .map(|place| bundles.get(place).unwrap().to_vec())
        .collect()
}

/// A judge that has made the forms of the registry's bundles.
fn acquainted(bundles: &[Vec<u8>], policy: &Policy) -> Judge {
    let judge = Judge::new();
    for bundle in &bundles[..2] {
        judge.verify(bundle, policy);
    }
    assert_eq!(judge.issuers(), 1);
    judge
}

fn assert_same(judge: &Judge, bytes: &[u8], policy: &Policy) -> Report {
    let report = judge.verify(bytes, policy);
    assert_eq!(report, verify_document(bytes, policy));
    if judge.plainly_verified(bytes, policy) {
        assert_eq!(report.verdict(), Verdict::Verified);
    }
    report
}

#[test]
fn reports_are_those_of_the_types() {
    let registry = example();
    let long = "ends in a surrogate \u{1d4b3} ".repeat(60);
    let mut papers = vec![numbered(1), numbered(2)];
    papers.extend([
        paper(
            "2402.00003",
            "plain",
            "A. Author and B. Author",
            "nothing",
            "cs.DL",
        ),
        paper(
            "hep-lat/0305021",
            "\\\"o \"q\" \u{1f}",
            "",
            "b\\s / tab\there",
            "math.GT hep-th cs.DL",
        ),
        paper(
            "0704.0001",
            "\u{130}\u{17f}",
            "\u{416}, and",
            &long,
            "math.GT cs.AI",
        ),
        paper("1501.00001", "],[", "a, b", "{\"id\":[1]}", "math.GT"),
    ]);
    let bundles = minted(&registry, &papers);
    let nobody = Trust::new();
    for trust in [&registry.trust(), &nobody] {
        for at in [None, Some("2026-05-18T00:30:43Z".parse().unwrap())] {
            let policy = Policy {
                at,
                ..policy(trust)
            };
            let judge = acquainted(&bundles, &policy);
            let lines = bundles.iter().map(|bundle| [&bundle[..], b"\r\n"].concat());
            for bundle in &lines.chain(bundles.clone()).collect::<Vec<_>>() {
                let verdict = assert_same(&judge, bundle, &policy).verdict();
                let trusted = at.is_none() && !std::ptr::eq(trust, &nobody);
                assert_eq!(verdict == Verdict::Verified, trusted);
                assert_eq!(judge.plainly_verified(bundle, &policy), trusted);
            }
            assert_eq!(judge.issuers(), 1);
        }
    }
}

#[test]
fn no_changed_byte_passes() {
    let registry = example();
    let bundles = minted(&registry, &[numbered(1), numbered(2), numbered(3)]);
    let trust = registry.trust();
    let policy = policy(&trust);
    let judge = acquainted(&bundles, &policy);
    let bundle = &bundles[2];
    // `signed_at` of the bundle's signature is under no signature; it stands near the end.
    let text = str::from_utf8(bundle).unwrap();
    let from = text.rfind("\"signed_at\":\"").unwrap() + 13;
    let unsigned = from..from + 27;
    let mut changed = bundle.clone();
    for at in (0..bundle.len()).step_by(13) {
        let before = changed[at];
        for byte in [before ^ 1, b'"', b'0', b'\\', b']'] {
            changed[at] = byte;
            let report = assert_same(&judge, &changed, &policy);
            let same = byte == before;
            assert!(
                (report.verdict() == Verdict::Verified) == same || unsigned.contains(&at),
                "byte {at} as {byte}: {report:?}"
            );
        }
        changed[at] = before;
        if at % 260 == 0 {
            for other in [&bundle[..at], &[&bundle[at..], &bundle[..at]].concat()] {
                let whole = other.len() == bundle.len() && at == 0;
                let verified = judge.verify(other, &policy).verdict() == Verdict::Verified;
                assert_eq!(verified, whole, "cut at {at}");
            }
        }
    }
}

/// The bundle with what `change` makes of its snapshot and times, and all signed again: as the holder of
/// the key could make it.
fn signed_again(
    registry: &Registry,
    wire: &[u8],
    change: impl Fn(&mut Event),
    [created_at, built_at]: [Timestamp; 2],
    signed_at: TimestampMicros,
) -> Vec<u8> {
    let bundle = Bundle::from_slice(wire).unwrap();
    let id = &registry.home.profile.registry_id;
    let resign = |mut event: Event, created_at| {
        change(&mut event);
        let draft = Draft {
            event_type: event.event_type,
            subject: event.subject_pith_number,
            target: event.target,
            payload: event.payload,
            created_at,
            supersedes: event.supersedes,
            prev_event: event.prev_event,
        };
        let at = event.signature.signed_at;
        draft.sign(id, REGISTRY, at, &registry.key).unwrap()
    };
    let [created, snapshot] = <[Event; 2]>::try_from(bundle.events).unwrap();
    let created_before = created.created_at;
    let events = [
        resign(created, created_before),
        resign(snapshot, created_at),
    ];
    let keys = KeyTable::of_published(&bundle.public_keys, id).unwrap();
    let number = bundle.pith_number;
    let aliases = bundle.source_aliases.clone();
    let parts = BundleParts {
        record: bundle.canonical_record,
        merged: merge(number, events.map(Into::into), aliases.clone(), &keys),
        aliases,
        timestamp_proofs: Vec::new(),
        mirrors: &registry.home.profile.mirrors,
        base_url: &registry.home.profile.base_url,
        public_keys: bundle.public_keys,
        built_at,
    };
    parts.sign(signed_at, &registry.key).unwrap().to_wire()
}

#[test]
fn what_the_key_signed_against_the_rules_does_not_pass() {
    let registry = example();
    let bundles = minted(&registry, &[numbered(1), numbered(2), numbered(3)]);
    let trust = registry.trust();
    let policy = policy(&trust);
    let judge = acquainted(&bundles, &policy);
    let minted_at = now().seconds();
    let [before, after] =
        [-10, 10].map(|seconds| Timestamp::from_unix(minted_at.unix() + seconds).unwrap());
    let honest = [minted_at; 2];
    let replaced = |event: &mut Event, from: &str, to: &str| {
        let text = String::from_utf8(canonical::wire(event).unwrap()).unwrap();
        *event = canonical::from_slice(text.replace(from, to).as_bytes()).unwrap();
    };
    let again = |change: &dyn Fn(&mut Event), times, signed_at| {
        signed_again(&registry, &bundles[2], change, times, signed_at)
    };
    let same = again(&|_| {}, honest, now());
    assert!(same == bundles[2], "nothing changed, so the same bytes");
    let title = |event: &mut Event| replaced(event, "On a thing", "Another");
    let excerpt = |event: &mut Event| replaced(event, r#"excerpt":"2402"#, r#"excerpt":"2403"#);
    let nothing = |_: &mut Event| {};
    let case = |event: &mut Event| replaced(event, "On a thing", "ON a thing");
    let uncut = format!(r#"excerpt":"{}2402"#, "x".repeat(600));
    let long = |event: &mut Event| replaced(event, r#"excerpt":"2402"#, &uncut);
    let cases: [(&str, Vec<u8>); 7] = [
        ("an excerpt that was not cut", again(&long, honest, now())),
        ("another title", again(&title, honest, now())),
        ("another excerpt", again(&excerpt, honest, now())),
        (
            "built before it was minted",
            again(&nothing, [minted_at, before], now()),
        ),
        (
            "signed before it was built",
            again(&nothing, [minted_at, after], now()),
        ),
        (
            "a snapshot from after the bundle was built",
            again(&nothing, [after, minted_at], now()),
        ),
        ("a title in other case", again(&case, honest, now())),
    ];
    for (what, bundle) in cases {
        let verdict = assert_same(&judge, &bundle, &policy).verdict();
        // Case is what a title's hash does not cover: that one is sound.
        let sound = what == "a title in other case";
        assert_eq!(verdict == Verdict::Verified, sound, "{what}");
    }
}

#[test]
fn bundles_of_ever_other_issuers_are_judged_by_the_types() {
    let judge = Judge::new();
    for number in 0..40 {
        let url = format!("https://r{number}.invalid");
        let registry = Registry::new(&format!("r{number}.invalid"), &url);
        let bundle = &minted(&registry, &[numbered(1)])[0];
        let trust = registry.trust();
        let verdict = assert_same(&judge, bundle, &policy(&trust)).verdict();
        assert_eq!(verdict, Verdict::Verified);
    }
    assert_eq!(judge.issuers(), 16);
}

#[test]
fn an_issuer_is_known_after_any_number_of_bundles_that_show_no_form() {
    let registry = example();
    let bundles = minted(&registry, &[numbered(1), numbered(2)]);
    let trust = registry.trust();
    let policy = policy(&trust);
    let judge = Judge::new();
    let other = [b" ", &bundles[0][..]].concat();
    for _ in 0..40 {
        assert_eq!(judge.verify(&other, &policy).verdict(), Verdict::Verified);
    }
    assert_eq!(judge.issuers(), 0);
    for _ in 0..30 {
        judge.verify(&bundles[1], &policy);
    }
    assert_eq!(judge.issuers(), 1);
}
