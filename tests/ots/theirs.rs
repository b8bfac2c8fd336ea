//! Proofs as the crate `opentimestamps` reads them.

use opentimestamps::attestation::Attestation as TheirAttestation;
use opentimestamps::timestamp::{Step, StepData};
use pith::timestamps::{Attestation, Leaf};

/// What their proof comes to, in the form of ours.
pub fn leaves(step: &Step, found: &mut Vec<Leaf>) {
    if let StepData::Attestation(attestation) = &step.data {
        found.push(Leaf {
            message: step.output.clone(),
            attestation: match attestation {
                TheirAttestation::Bitcoin { height } => Attestation::Bitcoin {
                    height: *height as u64,
                },
                TheirAttestation::Pending { uri } => Attestation::Pending { uri: uri.clone() },
                TheirAttestation::Unknown { tag, data } => Attestation::Unknown {
                    tag: tag.as_slice().try_into().unwrap(),
                    payload: data.clone(),
                },
            },
        });
    }
    for next in &step.next {
        self::leaves(next, found);
    }
}
