//! The merge (SPEC 7): its rules one by one, its laws on generated events, and its agreement with a
//! plain second implementation.

mod laws;
mod reference;
mod rules;
mod validity;
mod world;
