//! Requests without a good answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Requests without a good answer: failed, or answered by a status of 400 and above.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BadAnswers {
    /// Their share of all that were answered or failed, 0 to 1.
    pub share: f64,
    /// Requests that failed.
    pub failed: u64,
    /// Answers of status 400 and above, by status.
    pub status: BTreeMap<u16, u64>,
    /// Requests that were answered or failed.
    pub of: u64,
}

/// How many answers have a status of 400 and above.
pub(crate) fn refused(status: &BTreeMap<u16, u64>) -> u64 {
    status.range(400..).map(|(_, count)| count).sum()
}

impl BadAnswers {
    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.failed == 0 && self.status.is_empty()
    }
}
