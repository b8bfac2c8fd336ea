//! `pith mint` as a command for large inputs: killed, interrupted and resumed, on full disks, over
//! damaged inputs, and always with the products of an undisturbed run.
//!
//! | variable | what it is |
//! |---|---|
//! | `PITH_KILLS` | how many runs `kills` kills in total, 12 by default; `scripts/kills N` sets it |
//! | `PITH_SEED` | the seed of their moments, another each time by default; failures print it |

#[path = "../common/mod.rs"]
mod common;

mod batch;
mod corpus;
mod corruption;
mod determinism;
mod disk;
mod inputs;
mod kills;
mod memory;
mod refusals;
mod resume;
