//! Wiping what calls that have returned left on the stack.

use std::hint::black_box;

use zeroize::Zeroize;

/// Deeper than any call that has a secret in its frame.
const DEPTH: usize = 128 * 1024;

/// Overwrites the stack below the caller. A value that is moved leaves its bytes where it was, and
/// libraries keep secrets in frames that they do not wipe.
#[inline(never)]
pub(super) fn wipe_below() {
    let mut frame = [0_u8; DEPTH];
    black_box(&mut frame).zeroize();
}
