//! The part of `saturing` that is fuzzed, under its name and paths.

#[path = "../src/protocol/mod.rs"]
pub mod protocol;
