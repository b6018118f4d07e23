//! saturing: how fast is this HTTP server, really? A load generator on io_uring, one pinned worker and one ring per core.
//!
//! The layers, from the bottom: [`protocol`], [`measure`] and [`ring`] know nothing of each other; [`engine`] chooses what a
//! worker runs on; [`plan`] says what is to be run, [`result`] what came of it and [`judge`] what follows from that; [`worker`] is the loop, [`target`] the built-in server; [`run`] runs workers and
//! [`report`] writes results down; [`search`], [`compare`] and [`calibrate`] are for several runs with a purpose; [`cli`] is what people type. CONTRIBUTING.md has the map.

pub mod calibrate;
pub mod cli;
pub mod compare;
pub mod doctor;
pub mod engine;
pub mod judge;
pub mod measure;
pub mod plan;
pub mod protocol;
pub mod report;
pub mod result;
pub mod ring;
pub mod run;
pub mod search;
pub mod suite;
pub mod target;
pub mod worker;
pub mod workload;
