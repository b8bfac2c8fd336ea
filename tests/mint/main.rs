//! Minting, and judging what was minted, as a library does it.

mod judging;
mod minting;
mod registry;
