//! How a window ended.

use serde::{Deserialize, Serialize};

/// How a window ended: what the outcome rests on. Instants are seconds from the window's beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AtEnd {
    /// Outcomes it had to reach; absent where its time ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// When the last whole answer came, while draining too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_answer_s: Option<f64>,
    /// Since when at least one request was due that was never answered; in closed loop something is due at all times. Absent where
    /// all was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed_since_s: Option<f64>,
    /// Since the last answer: connections that failed, with requests on them or while they were opened, and requests never sent.
    pub losses: u64,
    /// Requests lost by those.
    pub lost: u64,
    /// How long the oldest request had waited that was in flight when the drain was over, ns.
    pub waited_ns: u64,
    /// The longest time from sent to done of the window, ns.
    pub longest_ns: u64,
    /// When it closed no connection was open, and the latest attempts had failed.
    pub away: bool,
}
