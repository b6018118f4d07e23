//! The tests of behaviour again, under the engine `tokio-uring`: support/saturing.rs asks for it by the name of this binary.
#![allow(clippy::duplicate_mod)] // Each brings its own support, as it does alone.

#[path = "accuracy.rs"]
mod accuracy;
#[path = "hostile.rs"]
mod hostile;
#[path = "interrupts.rs"]
mod interrupts;
#[path = "servers.rs"]
mod servers;
#[path = "shapes.rs"]
mod shapes;
#[path = "whole_answers.rs"]
mod whole_answers;
