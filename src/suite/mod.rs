//! Suites: real servers one after the other, under the same loads.

mod clients;
#[allow(dead_code)] // Nobody reads suites yet.
mod file;
