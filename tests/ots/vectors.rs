//! What proofs mean, and which bytes are none.

use pith::digest::Digest;
use pith::timestamps::{Attestation, FileHash, Proof, ProofError};

use super::build::*;

const DIGEST: [u8; 32] = [0x11; 32];

fn messages(steps: &[u8]) -> Vec<String> {
    let proof = Proof::read(&proof(&DIGEST, steps)).unwrap();
    let leaves = proof.leaves.iter();
    leaves.map(|leaf| hex::encode(&leaf.message)).collect()
}

#[test]
fn each_operation_does_what_it_says() {
    let leaf = pending("https://c");
    let after = |steps: &[u8]| messages(&[steps, &leaf].concat()).remove(0);
    let ones = "11".repeat(32);
    assert_eq!(after(&[]), ones);
    assert_eq!(after(&append(&[1, 2])), format!("{ones}0102"));
    assert_eq!(after(&prepend(&[1, 2])), format!("0102{ones}"));
    assert_eq!(
        after(&[append(&[1, 2]), vec![0xf2]].concat()),
        format!("0201{ones}")
    );
    assert_eq!(after(&[0xf3]), "31".repeat(64));
    assert_eq!(after(&[0x08]), Digest::of(&DIGEST).to_string());
    // Computed with Python's hashlib, and Keccak-256 from its definition.
    assert_eq!(after(&[0x02]), "7d831708cc9d3366b14ae91cb78aa10e345e96a0");
    assert_eq!(after(&[0x03]), RIPEMD160);
    assert_eq!(after(&[0x67]), KECCAK256);
}

const RIPEMD160: &str = "e5a0500d3009d803632658b21646518eb42b8433";
const KECCAK256: &str = "b569321de72d0af89c2fb48a484de3fc9343f31600ae1f3e13d633cb48cbf816";

#[test]
fn forks_begin_again_where_they_branched_off() {
    // Before the fork one step; then three branches, of which the second forks again.
    let steps = [
        append(&[0xaa]),
        vec![0xff],
        append(&[1]),
        pending("https://one"),
        vec![0xff],
        append(&[2]),
        vec![0xff],
        bitcoin(7),
        append(&[3]),
        bitcoin(8),
        append(&[4]),
        attestation(*b"whatever", b"it holds"),
    ]
    .concat();
    let proof = Proof::read(&proof(&DIGEST, &steps)).unwrap();
    let ones = "11".repeat(32);
    let found: Vec<_> = proof
        .leaves
        .iter()
        .map(|leaf| (hex::encode(&leaf.message), leaf.attestation.clone()))
        .collect();
    let pending = Attestation::Pending {
        uri: "https://one".to_owned(),
    };
    let unknown = Attestation::Unknown {
        tag: *b"whatever",
        payload: b"it holds".to_vec(),
    };
    let expected = [
        (format!("{ones}aa01"), pending),
        (format!("{ones}aa02"), Attestation::Bitcoin { height: 7 }),
        (format!("{ones}aa0203"), Attestation::Bitcoin { height: 8 }),
        (format!("{ones}aa04"), unknown),
    ];
    assert_eq!(found, expected);
    assert_eq!(proof.calendars().collect::<Vec<_>>(), ["https://one"]);
    assert_eq!(proof.roots_at(8).count(), 1);
    assert_eq!(proof.roots_at(9).count(), 0);
    assert_eq!(proof.file_hash, FileHash::Sha256);
}

#[test]
fn what_is_no_proof_is_refused() {
    let sound = proof(&DIGEST, &bitcoin(5));
    assert!(Proof::read(&sound).is_ok());
    for end in 0..sound.len() {
        assert!(Proof::read(&sound[..end]).is_err(), "cut to {end} bytes");
    }
    let of_steps = |steps: &[u8]| Proof::read(&proof(&DIGEST, steps)).unwrap_err();
    let more = [bitcoin(5), vec![0]].concat();
    assert_eq!(of_steps(&more), ProofError::Trailing(1));
    let mut version = sound.clone();
    version[MAGIC.len()] = 2;
    assert_eq!(Proof::read(&version), Err(ProofError::Version(2)));
    let mut file_hash = sound;
    file_hash[MAGIC.len() + 1] = 9;
    assert!(matches!(
        Proof::read(&file_hash),
        Err(ProofError::Tag { tag: 9, .. })
    ));
    assert!(matches!(
        of_steps(&[0x55]),
        ProofError::Tag { tag: 0x55, .. }
    ));
    // Two forks in a row have nothing between them.
    assert!(matches!(
        of_steps(&[0xff, 0xff]),
        ProofError::Tag { tag: 0xff, .. }
    ));
    // An operand is at least a byte, and at most 4096.
    assert!(matches!(of_steps(&[0xf0, 0]), ProofError::Number(_)));
    let long = [append(&[0; 4097]), bitcoin(5)].concat();
    assert!(matches!(of_steps(&long), ProofError::TooLong { .. }));
}

#[test]
fn attestations_have_exactly_their_form() {
    let of = |leaf: Vec<u8>| Proof::read(&proof(&DIGEST, &leaf));
    for uri in ["https://a.pool.opentimestamps.org", "", "a-b_c:/"] {
        assert!(of(pending(uri)).is_ok(), "{uri}");
    }
    for uri in [
        "https://a b",
        "https://a?b",
        "https://a@b",
        "https://é",
        "https://a#b",
    ] {
        assert!(
            matches!(of(pending(uri)), Err(ProofError::Attestation { .. })),
            "{uri}"
        );
    }
    assert!(of(pending(&"a".repeat(1000))).is_ok());
    assert!(matches!(
        of(pending(&"a".repeat(1001))),
        Err(ProofError::TooLong { .. })
    ));
    let more = [number(5), vec![0]].concat();
    assert!(matches!(
        of(attestation(BITCOIN, &more)),
        Err(ProofError::Attestation { .. })
    ));
    assert!(matches!(
        of(attestation(BITCOIN, &[])),
        Err(ProofError::Truncated(_))
    ));
    assert!(of(attestation(*b"whatever", &[0; 8192])).is_ok());
    assert!(matches!(
        of(attestation(*b"whatever", &[0; 8193])),
        Err(ProofError::TooLong { .. })
    ));
}

#[test]
fn numbers_have_one_form() {
    let of = |bytes: &[u8]| Proof::read(&proof(&DIGEST, &attestation(BITCOIN, bytes)));
    for height in [0, 1, 127, 128, 358_391, u64::from(u32::MAX), u64::MAX] {
        let proof = of(&number(height)).unwrap();
        assert_eq!(proof.leaves[0].attestation, Attestation::Bitcoin { height });
    }
    // Longer than need be, beyond 64 bits, and without end.
    let overlong = [
        0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0,
    ];
    let beyond = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
    for bytes in [&[0x80, 0x00][..], &[0x85, 0x80, 0x00], &overlong, &beyond] {
        assert!(matches!(of(bytes), Err(ProofError::Number(_))), "{bytes:?}");
    }
}
