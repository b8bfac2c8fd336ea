//! Proofs are read to their end or refused, within bounds, and mean what they mean to the crate
//! `opentimestamps`, which shares no code with this reader (SPEC 5).
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use opentimestamps::ser::DetachedTimestampFile;
use pith::timestamps::{Attestation, MAX_MESSAGE, MAX_STEPS, Proof};

#[path = "../../tests/ots/theirs.rs"]
mod theirs;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let proof = match Proof::read(bytes) {
        Ok(proof) => proof,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Corpus::Keep;
        }
    };
    assert!((1..=MAX_STEPS).contains(&proof.leaves.len()));
    assert!(
        proof
            .leaves
            .iter()
            .all(|leaf| leaf.message.len() <= MAX_MESSAGE)
    );
    assert_eq!(proof.digest.len(), proof.file_hash.digest_len());
    let pending =
        |leaf: &&pith::timestamps::Leaf| matches!(leaf.attestation, Attestation::Pending { .. });
    assert_eq!(
        proof.calendars().count(),
        proof.leaves.iter().filter(pending).count()
    );
    // A proof has one length.
    assert!(Proof::read(&bytes[..bytes.len() - 1]).is_err());
    assert!(Proof::read(&[bytes, &[0]].concat()).is_err());
    // They know fewer kinds of operations.
    if let Ok(theirs) = DetachedTimestampFile::from_reader(bytes) {
        let mut leaves = Vec::new();
        theirs::leaves(&theirs.timestamp.first_step, &mut leaves);
        assert_eq!(proof.leaves, leaves);
        assert_eq!(proof.digest, theirs.timestamp.start_digest);
    }
    Corpus::Keep
});
