//! Nothing is taken for the next version of a keyset but what its custodians have signed.
//!
//! The verifier has the first version of a registry's keyset. Of what follows from it a fuzzer knows only
//! the second version, so whatever verifies has to be one of these.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use pith::canonical::{Numbers, read, to_vec, wire};
use pith::digest::Digest;
use pith::keyset::{Chain, KeysetFile};
use pith::time::Timestamp;
use pith::verify::{DocumentKind, Policy, Trust, Verdict, verify_document};

mod mutate;
#[path = "../../tests/keyset/world.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod world;

static SIGNED: LazyLock<[Digest; 2]> =
    LazyLock::new(|| [world::first().digest(), world::second().digest()]);

static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let mut trust = Trust::new();
    trust.add_keyset(
        "the first version",
        world::chain([world::first()]),
        PathBuf::new(),
    );
    trust
});

fuzz_target!(|bytes: &[u8]| {
    let policy = Policy {
        trust: &TRUST,
        expect: None,
        at: None,
        now: now(),
    };
    let report = verify_document(bytes, &policy);
    let file = KeysetFile::from_slice(bytes);
    if report.kind == DocumentKind::Keyset {
        assert!(!report.checks.is_empty(), "a verdict without a check");
        if report.verdict() != Verdict::Failed {
            assert!(file.is_ok(), "what is no keyset does not verify");
        }
    }
    match &file {
        Ok(KeysetFile::Keyset(keyset)) => {
            let canonical = to_vec(keyset).expect("a keyset is JSON");
            let wire = wire(keyset).expect("a keyset is JSON");
            for text in [&canonical, &wire] {
                assert_eq!(KeysetFile::from_slice(text).as_ref(), file.as_ref());
            }
            let kept = keyset.faults().is_empty();
            assert_eq!(Chain::begin((**keyset).clone()).is_ok(), kept);
            let verified = report.verdict() == Verdict::Verified;
            assert!(kept || !verified);
            assert!(
                !verified || SIGNED.contains(&keyset.digest()),
                "it was never signed"
            );
        }
        Ok(KeysetFile::Bootstrap(_)) => assert_ne!(report.verdict(), Verdict::Verified),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    // Signatures do not depend on the order of members, nor does the verdict.
    if let Ok(node) = read(bytes, Numbers::Integers) {
        let rewritten = to_vec(&node).expect("what was read can be written");
        let again = verify_document(&rewritten, &policy);
        assert_eq!(
            (again.kind, again.verdict()),
            (report.kind, report.verdict())
        );
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

fn now() -> Timestamp {
    world::day(5)
}
