//! One worker: its connections, and the loop around them.

mod connection;
mod deadlines;
#[cfg(test)]
mod fake;
mod flights;
mod sampler;
#[cfg(test)]
mod tests;
mod turn;

use std::sync::atomic::{AtomicU64, AtomicUsize};

use crate::http::request::Request;
use crate::measure::counters::Tally;
use crate::ring::Counters;

pub use turn::work;

/// Fixed for the run: what one worker is to do.
#[derive(Debug, Clone)]
pub struct Job {
    /// Connections this worker keeps open.
    pub connections: usize,
    /// The run's number of the first of them, so that workers together use all addresses in turn.
    pub first_connection: usize,
    /// How many addresses there are to connect to.
    pub remotes: usize,
    /// Requests in flight per connection, at most.
    pub pipeline: u32,
    /// Requests per connection, if limited.
    pub requests_per_connection: Option<u64>,
    /// After this many ns without a whole answer a request has failed; the same for a connect.
    pub timeout_ns: u64,
    /// How many ns answers are waited for after the window closed.
    pub drain_ns: u64,
    /// The window's length in ns, if that ends it.
    pub duration_ns: Option<u64>,
    /// How many outcomes end it, if a count does.
    pub requests: Option<u64>,
    /// Bytes of the request, and of its form that asks for the connection's end. The ring's payload holds `pipeline` copies of
    /// the first and then one of the second.
    pub request_bytes: (usize, usize),
    /// Answers to HEAD have no body.
    pub head_request: bool,
}

impl Job {
    /// The memory that sends come from.
    pub fn payload(request: &Request, pipeline: u32) -> Vec<u8> {
        let mut payload = request.keep_alive().repeat(pipeline as usize);
        payload.extend_from_slice(request.closing());
        payload
    }
}

/// What a worker did.
#[derive(Debug)]
pub struct Done {
    /// Everything counted inside the window.
    pub tally: Tally,
    /// The window's length, ns.
    pub elapsed_ns: u64,
    /// The ring's own counts, the drain included.
    pub ring: Counters,
    /// Why it ended before its time, if it did.
    pub cut_short: Option<String>,
}

/// What a worker shows while it runs; written by it alone, on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Progress {
    /// Requests completed.
    pub completed: AtomicU64,
    /// Requests failed.
    pub failed: AtomicU64,
    /// Connections open.
    pub open: AtomicU64,
    /// 99th percentile of the last second's service times, ns; 0 before there is one.
    pub p99_ns: AtomicU64,
}

/// Tells all workers to close their windows now, once it is not 0: then it is the number of the signal that said so.
pub type Halt = AtomicUsize;
