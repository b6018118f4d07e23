//! Why a run ended before its plan did.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::{ConnectFailures, Errors};

/// A run that ended before its plan did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedEarly {
    /// What happened, a sentence.
    pub why: String,
}

/// Why a worker ended its window before its plan did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CutShort {
    /// Nobody was there.
    NoConnection,
    /// A run by count had no answer for too long.
    NoProgress(Box<NoProgress>),
    /// The ring failed, with the kernel's words.
    RingFailed(String),
    /// Something else failed, a sentence.
    Failed(String),
}

/// What was tried in vain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoProgress {
    /// For how long, ns.
    pub for_ns: u64,
    /// Requests sent meanwhile.
    pub sent: u64,
    /// Requests in flight at last.
    pub in_flight: u64,
    /// Requests that failed meanwhile, by cause.
    pub failed: Errors,
    /// Connects that failed meanwhile, by cause.
    pub connects: ConnectFailures,
}

impl AddAssign for NoProgress {
    /// What another worker tried in vain.
    fn add_assign(&mut self, other: NoProgress) {
        self.for_ns = self.for_ns.max(other.for_ns);
        self.sent += other.sent;
        self.in_flight += other.in_flight;
        self.failed += other.failed;
        self.connects += other.connects;
    }
}
