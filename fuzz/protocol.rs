//! The parts of `saturing` that are fuzzed, under their names and paths.

#[path = "../src/protocol/mod.rs"]
pub mod protocol;

#[path = "../src/workload/mod.rs"]
pub mod workload;
