//! What a run gives back: plain data, in the order and under the names of the JSON schema.
//!
//! Names are stable: later versions add keys and never rename one. Times ending in `_ns` are
//! nanoseconds, sizes bytes, rates per second. A figure that was not taken is `None` and its key
//! absent from the JSON, never 0.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::measure::histogram::{LatencyKind, Percentiles, Summary};

mod at_end;
pub mod bad_answers;
pub mod calibration;
mod check;
pub mod comparison;
pub mod diagnosis;
mod ended_early;
mod evidence;
pub mod mix;
mod parts;
#[cfg(test)]
pub(crate) mod samples;
pub mod search;
pub mod suite;
#[cfg(test)]
mod tests;
mod tls;
pub mod unanswered;
pub mod units;

pub use at_end::AtEnd;
pub use ended_early::{CutShort, EndedEarly, NoProgress};
pub use evidence::*;
pub use parts::*;
pub use tls::{Certificate, ContentBytes, Handshakes, Tls};

/// The version of the JSON schema that [`RunResult`] follows.
pub const SCHEMA: u32 = 1;

/// Everything one run planned, met and measured. Where it had several parts, the figures outside `stages` are of all of them together:
/// of a run in steps they are sums and mixtures of different loads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Version of this structure: [`SCHEMA`].
    pub schema: u32,
    /// Version of the program that ran.
    pub version: String,
    /// The command line, program name first.
    pub command: Vec<String>,
    /// True if a signal ended the run before its plan did.
    pub interrupted: bool,
    /// Where in its plan that signal met it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interruption: Option<Interruption>,
    /// Whether the run did what was asked.
    #[serde(default)]
    pub outcome: Outcome,
    /// Why it ended before its plan did, where that was neither a signal nor its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_early: Option<EndedEarly>,
    /// When the last whole answer came, seconds from the beginning of the window; absent where none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_answer_s: Option<f64>,
    /// How the window ended; of several windows each has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_end: Option<AtEnd>,
    /// Whom the load was put on.
    pub target: Target,
    /// What was asked for.
    pub plan: PlanEcho,
    /// The machine the client ran on.
    pub host: Host,
    /// How the client talked to its kernel.
    pub engine: Engine,
    /// Length of the measurement window as it was, in seconds.
    pub elapsed_s: f64,
    /// What became of every request.
    pub requests: Requests,
    /// Requests per second.
    pub rate: Rate,
    /// Bytes on the wire.
    pub bytes: Bytes,
    /// Completed responses by status code.
    pub status: BTreeMap<u16, u64>,
    /// Of those, answers of 400 and above that their requests expect (`--expect-status`, `expect:`): they are no errors.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expected_status: BTreeMap<u16, u64>,
    /// Failed requests by cause; their sum is `requests.failed`.
    pub errors: Errors,
    /// The protocol errors by reason; their sum is `errors.protocol`.
    pub protocol_errors: BTreeMap<String, u64>,
    /// Oddities after a whole answer: counted, and no failure.
    pub anomalies: Anomalies,
    /// What became of the connections.
    pub connections: Connections,
    /// What was seen of TLS, where it was spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The latency to quote: service time of a closed loop, response time of an open one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ns: Option<Summary>,
    /// Sent to done, where `latency_ns` is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_ns: Option<Summary>,
    /// Intended to sent: how late the client itself was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_lag_ns: Option<Summary>,
    /// Start of connect to established.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_ns: Option<Summary>,
    /// Sent to the first byte of the answer, also of answers that did not end (`requests.begun`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_ns: Option<Summary>,
    /// What the client itself used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// What the rings did, all workers together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring: Option<Ring>,
    /// In flight against rate times time: two ways to one figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub little: Option<Little>,
    /// What this client can do at most, where `saturing calibrate` has found that out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Ceiling>,
    /// Which side was the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Each stage, step or window by itself, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// What the windows of a repeated run agree on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<Repeated>,
    /// The time series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<Interval>,
    /// Each kind of request, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mix: Vec<mix::Kind>,
    /// The first answers that were not those expected, at most three.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differing: Vec<mix::Differing>,
    /// Numbers of `{SEQ:start}` that were longer than their placeholder.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub seq_past_width: u64,
    /// The clauses of `--slo`, judged; absent where none were given or the run was interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<Vec<Clause>>,
    /// When the first window began, seconds since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_unix_s: Option<f64>,
    /// What makes figures doubtful, a sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Plain remarks, each a sentence for the reader of the report.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Each worker by itself.
    #[serde(default)]
    pub workers: Vec<Worker>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl RunResult {
    /// An empty result of this program and schema version.
    #[must_use]
    pub fn new() -> Self {
        Self { schema: SCHEMA, version: env!("CARGO_PKG_VERSION").to_owned(), ..Self::default() }
    }
}

/// A moment of a run, for whoever watches it.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// What the run is doing.
    pub phase: Phase,
    /// Time since this phase began.
    pub elapsed: Duration,
    /// Share of the phase that is done, 0 to 1; `None` where no end is known.
    pub share: Option<f64>,
    /// Requests completed so far.
    pub completed: u64,
    /// Requests completed per second, over the last interval.
    pub rate_per_s: f64,
    /// 99th percentile of the latest latencies, in nanoseconds, if there were any.
    pub p99_ns: Option<u64>,
    /// Requests failed so far.
    pub failed: u64,
    /// Answers of status 400 and above so far.
    pub refused: u64,
    /// Connections open now.
    pub open_connections: u64,
    /// No connection is open, and the latest attempts to open one failed.
    pub away: bool,
}

/// The phases of a run, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Connections are being opened.
    Connect,
    /// Load without measuring.
    WarmUp,
    /// The measurement window.
    Measure,
    /// Answers on their way are taken off the wire.
    Drain,
}
