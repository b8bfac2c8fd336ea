//! Wiping what calls that have returned left on the stack.

use std::hint::black_box;

use zeroize::Zeroize;

/// Deeper than any call that has a secret in its frame.
const DEPTH: usize = 128 * 1024;

/// Does `work`, which has a secret in its hands, and then wipes the stack that it used.
///
/// A value that is moved leaves its bytes where it was, and libraries keep secrets in frames that they do
/// not wipe. It has to be done before anything else is: a value with room for more than it holds, such as
/// an enum, is built over what an earlier call left there, and takes it along to wherever it is moved.
/// For the same reason `T` is to be small, and what is secret in it behind a pointer.
pub(crate) fn apart<T>(work: impl FnOnce() -> T) -> T {
    let done = below(work);
    wipe_below();
    done
}

#[inline(never)]
fn below<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Overwrites the stack below the caller.
#[inline(never)]
pub(super) fn wipe_below() {
    let mut frame = [0_u8; DEPTH];
    black_box(&mut frame).zeroize();
}
