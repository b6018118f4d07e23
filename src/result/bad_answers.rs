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
    /// Answers of status 400 and above that no request expects (`--expect-status`, `expect:`), by status.
    pub status: BTreeMap<u16, u64>,
    /// Requests that were answered or failed.
    pub of: u64,
}

/// Answers of status 400 and above, but those that their requests expect.
pub(crate) fn bad_status(status: &BTreeMap<u16, u64>, expected: &BTreeMap<u16, u64>) -> BTreeMap<u16, u64> {
    let rest = |(code, count): (&u16, &u64)| (*code, count - expected.get(code).unwrap_or(&0).min(count));
    status.range(400..).map(rest).filter(|(_, count)| *count > 0).collect()
}

impl BadAnswers {
    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.failed == 0 && self.status.is_empty()
    }
}
