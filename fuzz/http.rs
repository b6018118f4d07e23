//! The part of `saturing` that is fuzzed, under its name and paths.

#[path = "../src/http/mod.rs"]
pub mod http;
