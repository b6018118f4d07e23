//! What is counted for each kind of request, where there are several.

use crate::measure::counters::{Errors, Requests};
use crate::measure::histogram::Histogram;
use std::collections::BTreeMap;

/// So many kinds have histograms as fine as the whole run's, 270 KiB each; those of more are coarser, as there may be 256 for each worker.
const FINE: usize = 16;

/// The figures of one row of the report's table of requests.
#[derive(Debug, Clone)]
pub struct KindStats {
    /// Its requests by outcome; which kind the next of an open loop is of is known when it is sent, so nothing is intended here.
    pub requests: Requests,
    /// Its failures.
    pub errors: Errors,
    /// Its completed answers by status code.
    pub status: Box<[u64; 1000]>,
    /// Of those, answers of status 400 and above that their requests expect.
    pub expected: BTreeMap<u16, u64>,
    /// Bytes of its answers' bodies.
    pub body_bytes: u64,
    /// Done - sent.
    pub service: Histogram,
    /// Open loop: done - intended.
    pub response: Option<Histogram>,
}

impl KindStats {
    /// All the memory it will need, as one of so many kinds; `open`: of an open loop.
    pub fn new(open: bool, kinds: usize) -> KindStats {
        let histogram = if kinds > FINE { Histogram::coarse } else { Histogram::new };
        KindStats {
            requests: Requests::default(),
            errors: Errors::default(),
            status: Box::new([0; 1000]),
            expected: BTreeMap::new(),
            body_bytes: 0,
            service: histogram(),
            response: open.then(histogram),
        }
    }

    /// The warm-up is over; the answers to `carried` requests are still to come and will count.
    pub(super) fn begin(&mut self, carried: u64) {
        self.requests = Requests { sent: carried, ..Requests::default() };
        self.errors = Errors::default();
        self.status.fill(0);
        self.expected.clear();
        self.body_bytes = 0;
        self.service.reset();
        self.response.iter_mut().for_each(Histogram::reset);
    }

    /// Adds what another worker measured of the same kind.
    pub(super) fn merge(&mut self, other: &KindStats) {
        self.requests += other.requests;
        self.errors += other.errors;
        super::add(&mut self.status[..], &other.status[..]);
        super::add_by_code(&mut self.expected, &other.expected);
        self.body_bytes += other.body_bytes;
        if !other.service.is_empty() {
            self.service.merge(&other.service);
        }
        if let (Some(to), Some(from)) = (&mut self.response, &other.response)
            && !from.is_empty()
        {
            to.merge(from);
        }
    }
}
