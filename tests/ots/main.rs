//! OpenTimestamps proofs: read as others read them, and within bounds whatever they hold.

mod build;
mod compare;
mod hostile;
mod theirs;
mod vectors;
