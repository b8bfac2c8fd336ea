//! Bundles of generated events, whatever there is among them.

use pith::bundle::Bundle;
use pith::canonical;
use pith::verify::{Policy, Trust, Verdict, verify_document};
use proptest::prelude::*;

use super::laws::{candidates, make, recipes};
use super::world::*;

fn verdict(bytes: &[u8], trust: &Trust) -> Verdict {
    let policy = Policy {
        trust,
        expect: None,
        at: None,
        now: seconds(255),
    };
    verify_document(bytes, &policy).verdict()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// What is written is read as what it was, byte for byte and value for value, and verifies.
    #[test]
    fn random_bundles_survive_the_round_trip(recipes in recipes()) {
        let mut events = candidates(&make(&recipes));
        events.push(created(&WORLD.registry, 77).sign());
        let bundle = bundle(&events);
        let wire = bundle.to_wire();
        let read = Bundle::from_slice(&wire).unwrap();
        prop_assert_eq!(&read, &bundle);
        prop_assert_eq!(read.to_wire(), wire.clone());
        prop_assert_eq!(read.digest(), bundle.bundle_signature.bundle_sha256);
        // In canonical order it is another text of the same bundle.
        let canonical = canonical::to_vec(&bundle).unwrap();
        prop_assert_eq!(&Bundle::from_slice(&canonical).unwrap(), &bundle);
        for text in [&wire, &canonical] {
            prop_assert_eq!(verdict(text, &trust()), Verdict::Verified);
            prop_assert_eq!(verdict(text, &Trust::new()), Verdict::Untrusted);
        }
        let again = merged(&read.events);
        prop_assert_eq!(again.state, read.state);
        prop_assert_eq!(again.events, read.events);
    }
}

/// The generated bundles hold more than what every mint makes; otherwise they would say little.
#[test]
fn the_generated_bundles_meet_every_case() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut met = [0_usize; 5];
    for _ in 0..60 {
        let recipes = recipes().new_tree(&mut runner).unwrap().current();
        let mut events = candidates(&make(&recipes));
        events.push(created(&WORLD.registry, 77).sign());
        let bundle = bundle(&events);
        for (met, holds) in met.iter_mut().zip([
            bundle.events.len() > 6,
            bundle.public_keys.len() > 2,
            !bundle.state.equivocations.is_empty(),
            !bundle.timestamp_proofs.is_empty(),
            !bundle.mirror_hints.is_empty(),
        ]) {
            *met += usize::from(holds);
        }
    }
    assert!(met.iter().all(|count| *count >= 3), "{met:?}");
}
