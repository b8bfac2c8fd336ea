//! Forms give what typed values give, and faulty signatures are found.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use pith::arxiv::Paper;
use pith::bundle::Bundle;
use pith::digest::Digest;
use pith::home::Profile;
use pith::keys::{KeyId, PrivateKey, PublicKey, SignatureBytes, Signer, SignerError, SoftwareKey};
use pith::ledger::{Held, Ledger};
use pith::mint::{Fate, Issuer, MintError, SelfCheck, each_signed, holds_other};
use pith::verify::{Policy, Verdict, verify_document};
use proptest::prelude::*;

use crate::registry::{Registry, example, now, numbered, paper};

/// Asserts that typed values give the same bytes, and that all of them verify.
fn assert_as_typed(registry: &Registry, wire: &[u8]) {
    let bundle = Bundle::from_slice(wire).unwrap();
    assert!(bundle.to_wire() == wire);
    let trust = registry.trust();
    let policy = Policy {
        trust: &trust,
        expect: None,
        at: None,
        now: now().seconds(),
    };
    let report = verify_document(wire, &policy);
    assert_eq!(
        report.verdict(),
        Verdict::Verified,
        "{:?}",
        report.decisive()
    );
}

#[test]
fn forms_are_filled_in_as_typed_values_are_written() {
    let registry = example();
    let long = "ends in a surrogate 𝒳 ".repeat(60);
    let texts = [
        ("plain", "A. Author and B. Author", "nothing of note"),
        ("\\\"o \"quoted\" \u{1f}", "", "back\\slash / tab\there"),
        ("Ünïcode ſ İ", "Ж, and 李", &long),
        ("title of specimen 0", "authors of specimen 1", "{\"id\":1}"),
        ("\u{7f}\u{2028}", " , and ,", "\u{e000}\u{10ffff}"),
    ];
    let ids = [
        "2402.00001",
        "hep-lat/0305021",
        "0704.0001",
        "1501.00001",
        "math/9205001",
    ];
    let papers: Vec<Paper> = texts
        .iter()
        .zip(ids)
        .enumerate()
        .map(|(n, ((title, authors, text), id))| {
            let categories = ["math.GT", "math.GT hep-th cs.DL cs.AI"][n % 2];
            paper(id, title, authors, text, categories)
        })
        .collect();
    for self_check in [SelfCheck::Batch, SelfCheck::Strict] {
        let mut ledger = Ledger::create(&registry.home.dir().join(format!("{self_check:?}.db")));
        let ledger = ledger.as_mut().unwrap();
        let minted = registry.mint(ledger, &registry.key, &papers, self_check);
        let minted = minted.unwrap();
        for (place, outcome) in minted.outcomes.iter().enumerate() {
            let wire = minted.bundles.get(place).unwrap();
            assert_as_typed(&registry, wire);
            // What the ledger holds gives them again, without the key.
            let held = ledger.held(outcome.number.suffix()).unwrap().unwrap();
            assert!(matches!(held, Held::Fresh(_)));
            let issued = ledger.get(outcome.number.suffix()).unwrap().unwrap();
            for held in [held, Held::Issued(Box::new(issued))] {
                let profile = &registry.home.profile;
                let key = registry.key.public();
                let issuer = Issuer::unsigning(profile, key, &registry.keyset, ledger).unwrap();
                let (again, seal) = issuer.bundle(&held, now()).unwrap();
                assert!(again == wire && seal.is_none());
            }
        }
    }
}

/// Profiles whose texts look like those of a specimen.
#[test]
fn a_profile_may_look_like_a_record() {
    for (id, url) in [
        ("4123456700", "https://4123456700.invalid/math/9205000"),
        ("specimen.0", "https://registry.invalid/4123456701/math.GT"),
        ("9205001", "https://x.invalid/math/9205001"),
    ] {
        let registry = Registry::new(id, url);
        let mut ledger = registry.ledger();
        let papers = [numbered(1), numbered(2)];
        let minted = registry.mint(&mut ledger, &registry.key, &papers, SelfCheck::Batch);
        assert_as_typed(&registry, minted.unwrap().bundles.get(1).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_text_comes_out_as_typed(
        title in "\\PC{1,80}[a-z]",
        authors in ".{0,60}",
        text in "[ -~\n\t]{1,900}x",
    ) {
        let registry = example();
        let papers = [paper("2402.00001", &title, &authors.replace('\0', ""), &text, "math.GT")];
        let mut ledger = registry.ledger();
        let minted = registry.mint(&mut ledger, &registry.key, &papers, SelfCheck::Batch).unwrap();
        assert_as_typed(&registry, minted.bundles.get(0).unwrap());
    }
}

#[test]
fn what_a_key_has_signed_is_found_in_order_however_many_look() {
    let registry = example();
    let mut ledger = registry.ledger();
    // More than are read at a time.
    let papers: Vec<Paper> = (1..=600).map(numbered).collect();
    let minted = registry
        .mint(&mut ledger, &registry.key, &papers, SelfCheck::Batch)
        .unwrap();
    let (mut events, mut all) = (Vec::new(), Vec::new());
    for place in 0..papers.len() {
        let bundle = Bundle::from_slice(minted.bundles.get(place).unwrap()).unwrap();
        let ids: Vec<Digest> = bundle.events.iter().map(|e| *e.event_id.digest()).collect();
        events.extend(&ids);
        all.extend(&ids);
        all.push(bundle.bundle_signature.bundle_sha256);
    }
    let signed = |profile: &Profile, key: &PublicKey, jobs: usize| {
        let mut found = Vec::new();
        let jobs = NonZeroUsize::new(jobs).unwrap();
        let count = each_signed(&ledger, profile, &key.fingerprint(), jobs, |digest| {
            found.push(*digest);
            Ok::<_, MintError>(())
        });
        (count.unwrap(), found)
    };
    let (profile, key) = (&registry.home.profile, registry.key.public_key());
    for jobs in [1, 2, 7, 500] {
        let (count, found) = signed(profile, key, jobs);
        assert_eq!((count.digests, count.lost_seals), (1800, 0), "{jobs}");
        assert!(found == all, "{jobs}");
    }
    // By another profile no form holds, and no seal.
    let other = Profile {
        base_url: "https://elsewhere.invalid".to_owned(),
        ..profile.clone()
    };
    let (count, found) = signed(&other, key, 2);
    assert_eq!((count.digests, count.lost_seals), (1200, 600));
    assert!(found == events);
    let other = PublicKey::from(PrivateKey::from_seed(&[8; 32]).verifying_key());
    assert_eq!(signed(profile, &other, 2).0.digests, 0);
    let known = |digest: &Digest| *digest != all[1799];
    let jobs = NonZeroUsize::new(2).unwrap();
    assert!(holds_other(&ledger, profile, &key.fingerprint(), jobs, known).unwrap());
    assert!(!holds_other(&ledger, profile, &key.fingerprint(), jobs, |_| true).unwrap());
}

/// A key that fails once: its signature at one place has a bit that flipped.
struct Flipping<'a> {
    key: &'a SoftwareKey,
    at: usize,
    signed: AtomicUsize,
}

impl Signer for Flipping<'_> {
    fn key_id(&self) -> &KeyId {
        self.key.key_id()
    }

    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign(&self, digest: &Digest) -> Result<SignatureBytes, SignerError> {
        let mut bytes = *self.key.sign(digest)?.as_bytes();
        if self.signed.fetch_add(1, Ordering::Relaxed) == self.at {
            bytes[40] ^= 1;
        }
        Ok(SignatureBytes::from_bytes(bytes))
    }
}

#[test]
fn a_false_signature_stops_the_group_and_names_the_paper() {
    let registry = example();
    let papers: Vec<Paper> = (1..=5).map(numbered).collect();
    for self_check in [SelfCheck::Batch, SelfCheck::Strict] {
        for at in 8..12 {
            let mut ledger = registry.ledger();
            let signer = Flipping {
                key: &registry.key,
                at,
                signed: AtomicUsize::new(0),
            };
            let error = registry.mint(&mut ledger, &signer, &papers, self_check);
            let error = error.unwrap_err();
            let MintError::SelfCheck { arxiv, .. } = &error else {
                panic!("{error}");
            };
            assert_eq!(arxiv, "2402.00003v1", "signature {at}: {error}");
            assert_eq!(
                ledger.count().unwrap(),
                0,
                "nothing of the group is written"
            );
        }
    }
    let mut ledger = registry.ledger();
    let minted = registry.mint(&mut ledger, &registry.key, &papers, SelfCheck::Batch);
    let fates = minted.unwrap().outcomes;
    assert!(fates.iter().all(|outcome| outcome.fate == Fate::Minted));
}
