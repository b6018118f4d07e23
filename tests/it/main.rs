//! The whole program, run as people run it: one binary for all of these tests, so that they are linked once.
//!
//! `SATURING_TEST_ENGINE=epoll` (or `tokio-uring`) runs the load of every test that does not name an engine under that one.

mod accuracy;
mod calibrate;
mod command;
mod control;
mod doctor;
mod engines;
mod framing;
mod gates;
mod hostile;
mod interrupts;
mod io_uring_disabled;
mod layers;
mod levels;
mod outputs;
mod own_faults;
mod page;
mod servers;
mod shapes;
mod suite;
#[path = "../support/mod.rs"]
mod support;
mod tls;
mod unix_sockets;
mod verdict;
mod whole_answers;
mod workloads;
