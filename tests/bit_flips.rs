//! Single flipped bits of bundles that verify: none of them verifies, but for those that leave a
//! well-formed time, not before `built_at`, in `bundle_signature.signed_at`, which no hash covers.

mod common;
#[path = "merge/world.rs"]
#[allow(dead_code, reason = "the merge uses more of it")]
mod world;

use std::fs;
use std::thread;

use common::{Home, published, repository};
use pith::bulk::Judge;
use pith::bundle::Bundle;
use pith::home::Home as RegistryHome;
use pith::keys::TrustedKeys;
use pith::time::Timestamp;
use pith::verify::{Policy, Trust, Verdict};
use proptest::test_runner::TestRunner;
use rand::RngExt as _;

use world::{WORLD, attested, bundle, created, said, snapshot, trust};

/// How many bits are flipped in all.
const FLIPS: usize = 10_000;

/// What is flipped: the published bundle, bundles of a mint, and one of many events by several signers
/// that contradict and supersede one another.
fn bundles() -> (Vec<Vec<u8>>, Trust) {
    let mut trust = trust();
    trust.add("the built-in keyset", TrustedKeys::built_in());
    let home = Home::new();
    let out = home.beside("out.jsonl");
    home.mint_to(&repository("templates/demo/papers.jsonl"), &out);
    let keys = RegistryHome::open(&home.dir()).unwrap().trusted_keys();
    trust.add("the home", keys.unwrap());
    let minted = fs::read_to_string(out).unwrap();

    let world = &*WORLD;
    let root = attested(&world.alice, 1).at(5).sign();
    let events = [
        created(&world.registry, 1).at(1).sign(),
        snapshot(&world.registry, 1).at(1).sign(),
        said(&world.bob, "timestamp_anchor", "record", 2)
            .at(4)
            .sign(),
        said(&world.bob, "mirror_hint", "record", 3).at(4).sign(),
        attested(&world.alice, 2).at(6).after(&root).sign(),
        attested(&world.alice, 3).at(6).after(&root).sign(),
        attested(&world.registry_again, 4)
            .at(7)
            .superseding([&root])
            .sign(),
        root,
    ];
    let mut all = vec![published(), bundle(&events).to_wire()];
    all.extend(minted.lines().map(|line| line.as_bytes().to_vec()));
    (all, trust)
}

fn now() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

/// Whether the changed bundle is the old one but for a time that nothing covers.
fn only_redated(changed: &[u8], original: &Bundle) -> bool {
    let Ok(mut changed) = Bundle::from_slice(changed) else {
        return false;
    };
    let signature = &mut changed.bundle_signature;
    let later = signature.signed_at >= original.built_at.into();
    signature.signed_at = original.bundle_signature.signed_at;
    later && changed == *original
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let (bundles, trust) = bundles();
    let policy = Policy {
        trust: &trust,
        expect: None,
        at: None,
        now: now(),
    };
    // As `pith verify` judges many: by the types, and by the forms of issuers that are known.
    let judge = Judge::new();
    for bundle in &bundles {
        assert_eq!(judge.verify(bundle, &policy).verdict(), Verdict::Verified);
    }
    assert!(judge.issuers() > 0);
    let originals: Vec<Bundle> = bundles
        .iter()
        .map(|b| Bundle::from_slice(b).unwrap())
        .collect();

    let mut rng = TestRunner::deterministic().new_rng();
    // The first two are flipped as often as all others together.
    let flips: Vec<(usize, usize)> = (0..FLIPS)
        .map(|n| {
            let others = bundles.len() - 2;
            let which = match n % 4 {
                0 => 0,
                1 => 1,
                _ => 2 + n / 4 % others,
            };
            (which, rng.random_range(0..8 * bundles[which].len()))
        })
        .collect();
    let redated: usize = thread::scope(|scope| {
        let parts: Vec<_> = flips
            .chunks(FLIPS / 4)
            .map(|part| {
                let (bundles, originals, judge, policy) = (&bundles, &originals, &judge, &policy);
                scope.spawn(move || {
                    let mut redated = 0;
                    for (which, bit) in part {
                        let mut changed = bundles[*which].clone();
                        changed[bit / 8] ^= 1 << (bit % 8);
                        let verdict = judge.verify(&changed, policy).verdict();
                        if only_redated(&changed, &originals[*which]) {
                            assert_eq!(verdict, Verdict::Verified, "bit {bit} of bundle {which}");
                            redated += 1;
                        } else {
                            assert_eq!(verdict, Verdict::Failed, "bit {bit} of bundle {which}");
                        }
                    }
                    redated
                })
            })
            .collect();
        parts.into_iter().map(|part| part.join().unwrap()).sum()
    });
    // The time has some fifty bits that leave it one, of a hundred thousand.
    assert!((1..100).contains(&redated), "{redated}");
}
