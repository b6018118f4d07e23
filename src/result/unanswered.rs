//! Requests of a run that nobody saw an answer to, and what became of them.

use serde::{Deserialize, Serialize};

/// Requests without an answer, by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    /// All requests, with and without an answer.
    pub of: u64,
    /// Not answered within the timeout.
    pub timed_out: u64,
    /// Their connection was reset, or closed before the whole answer had come.
    pub broken_off: u64,
    /// Answered by what is no HTTP, or failed otherwise.
    pub failed_otherwise: u64,
    /// Still waited for when the run was over. In closed loop some always are: there they count if nothing was answered.
    pub waiting: u64,
    /// Open loop: never sent, as no connection was free or in time.
    pub unsent: u64,
    /// Answers that began, if none ended.
    pub begun: u64,
    /// Why there was no connection, if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connects: Option<String>,
}

impl Unanswered {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.timed_out + self.broken_off + self.failed_otherwise + self.waiting + self.unsent
    }

    /// Nothing at all was answered.
    #[must_use]
    pub fn are_all(&self) -> bool {
        self.count() >= self.of
    }
}
