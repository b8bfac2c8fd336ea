//! Proofs that would cost their reader time, memory or its stack.

use std::time::{Duration, Instant};

use pith::timestamps::{MAX_DEPTH, MAX_FORKS, MAX_PROOF, MAX_STEPS, Proof, ProofError};

use super::build::*;

const DIGEST: [u8; 32] = [0x22; 32];

/// Reads a proof, in bounded time.
fn read(steps: &[u8]) -> Result<Proof, ProofError> {
    let begun = Instant::now();
    let read = Proof::read(&proof(&DIGEST, steps));
    let taken = begun.elapsed();
    assert!(taken < Duration::from_secs(2), "took {taken:?}");
    read
}

#[track_caller]
fn too_many(read: Result<Proof, ProofError>, what: &str) {
    match read {
        Err(ProofError::TooMany { what: found, .. }) if found == what => {}
        other => panic!("expected too many {what}: {other:?}"),
    }
}

#[test]
fn paths_are_bounded_in_length() {
    let path = |count: usize| [vec![0xf2; count], bitcoin(1)].concat();
    assert!(read(&path(MAX_DEPTH)).is_ok());
    too_many(read(&path(MAX_DEPTH + 1)), "operations in a row");
    too_many(read(&vec![0xf2; MAX_PROOF - 100]), "operations in a row");
    // Each branch has a path of its own.
    let branch = [vec![0xff, 0x08], vec![0xf2; MAX_DEPTH - 1], bitcoin(1)].concat();
    assert!(read(&[branch.clone(), branch, bitcoin(1)].concat()).is_ok());
}

#[test]
fn forks_are_bounded() {
    // Forks within forks: each stays open until the branch within it ends.
    let open = |count: usize| {
        let within = [0xff, 0xf2].repeat(count);
        [within, bitcoin(1).repeat(count + 1)].concat()
    };
    assert!(read(&open(MAX_DEPTH.min(MAX_FORKS))).is_ok());
    let deep: Vec<u8> = [0xff, 0x00].repeat(20_000);
    assert!(read(&deep).is_err());
    // Forks one after the other are not open at once, but they are steps.
    let side_by_side = |count: usize| {
        let branch = [vec![0xff], bitcoin(1)].concat();
        [branch.repeat(count), bitcoin(1)].concat()
    };
    assert!(read(&side_by_side(MAX_STEPS - 1)).is_ok());
    too_many(read(&side_by_side(MAX_STEPS)), "steps");
}

#[test]
fn messages_and_work_are_bounded() {
    // Doubled again and again.
    let doubled = [vec![0xf3; 7], bitcoin(1)].concat();
    assert!(read(&doubled).is_ok());
    let doubled = [vec![0xf3; 8], bitcoin(1)].concat();
    assert!(matches!(read(&doubled), Err(ProofError::TooLong { .. })));
    // Long messages hashed on many branches.
    let long = append(&[7; 4000]);
    let branch = [vec![0xff, 0x03], bitcoin(1)].concat();
    let many = [long, branch.repeat(1000), bitcoin(1)].concat();
    too_many(read(&many), "bytes to work through");
}

#[test]
fn lengths_that_lie_reserve_nothing() {
    for length in [u64::MAX, u64::from(u32::MAX), 1 << 40, 9000] {
        let mut steps = vec![0xf0];
        steps.extend(number(length));
        assert!(
            matches!(read(&steps), Err(ProofError::TooLong { .. })),
            "{length}"
        );
    }
    let mut steps = vec![0xf0];
    steps.extend(number(4000));
    assert!(matches!(read(&steps), Err(ProofError::Truncated(_))));
    let huge = vec![0; MAX_PROOF + 1];
    assert!(matches!(
        Proof::read(&huge),
        Err(ProofError::TooLong { .. })
    ));
}

#[test]
fn every_byte_may_be_any() {
    let sound = proof(
        &DIGEST,
        &[
            append(&[1]),
            vec![0xff, 0x08],
            pending("https://c"),
            bitcoin(9),
        ]
        .concat(),
    );
    assert!(Proof::read(&sound).is_ok());
    for at in 0..sound.len() {
        for byte in 0..=255 {
            let mut changed = sound.clone();
            changed[at] = byte;
            let _read_or_refused = Proof::read(&changed);
        }
    }
}
