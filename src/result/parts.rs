//! The parts of a [`RunResult`](super::RunResult), in the order of the schema.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::{AtEnd, Evidence, Process, Summary};

pub use crate::measure::counters::{Anomalies, Bytes, Classes, ConnectFailures, Errors, Intended, Requests};
pub use crate::measure::estimate::Estimate;

/// Whom the load was put on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The URL as given.
    pub url: String,
    /// The first address it resolved to, with port.
    pub address: String,
    /// Every address in use, with port, in turn.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// The unix socket that connections went to, if that was one; the address is then `unix:` and its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix_socket: Option<String>,
    /// Addresses that were tried and never answered, though another one of the same kind (IPv4, IPv6) did: a client that finds no
    /// IPv6 uses IPv4, but one of two servers that is away is missed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<String>,
    /// The requests' method; absent if they have several.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// True if an answer of status 400 said that this port is for TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wants_tls: bool,
    /// Who listens there, if that is a process of this host that may be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
}

/// Whether a run did what was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did.
    #[default]
    Ok,
    /// It did not reach its count, or was not answered up to its end.
    Incomplete,
    /// Not one response came.
    NoAnswers,
    /// A signal ended it.
    Interrupted,
}

/// Where a signal ended a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interruption {
    /// What was going on.
    pub phase: InterruptedIn,
    /// In which window or step, from 1.
    pub part: usize,
    /// How many of them the plan had.
    pub of: usize,
    /// Length that window or step was to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
    /// Requests that it was to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
}

/// What a signal interrupted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterruptedIn {
    /// The warm-up, or the time in which connections open: nothing of the window was recorded.
    WarmUp,
    /// The window.
    #[default]
    Window,
    /// The drain: the window was whole.
    Drain,
}

/// What was asked for, after defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanEcho {
    /// Workers, each a thread.
    pub threads: usize,
    /// Connections, all workers together.
    pub connections: u64,
    /// Requests in flight on a connection at most.
    pub pipeline: u32,
    /// Length of the measurement window, of a run by duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
    /// Requests to send, of a run by count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Requests after which a connection is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_connection: Option<u64>,
    /// True if the client ended its connections by a reset.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    /// Rate asked for, of an open loop: at its beginning, where it changes; absent in a closed loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// Rate asked for at the end, where it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_to_per_s: Option<f64>,
    /// How arrivals are spaced, of an open loop: `constant` or `poisson`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<String>,
    /// What Poisson arrivals were drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Requests that waited longer were shed, of an open loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<f64>,
    /// The last stretch before a due instant was spent awake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spin: Option<bool>,
    /// Steps, of a run with other numbers of connections one after the other. Figures of the whole are then sums and mixtures of all
    /// steps; each step has its own in `stages`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// Windows, of a repeated run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u32>,
    /// Length of the intervals of the time series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_s: Option<f64>,
    /// Load before the measurement window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup_s: Option<f64>,
    /// How long a request may take.
    pub timeout_ms: f64,
    /// How long answers on their way are awaited after the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain_ms: Option<f64>,
    /// How long a run by count went on without an answer, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience_ms: Option<f64>,
    /// The CPU of each worker, in their order; empty if none is pinned.
    pub cpus: Vec<usize>,
}

/// The machine the client ran on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Kernel release.
    pub kernel: String,
    /// CPU model.
    pub cpu: String,
    /// CPUs online.
    pub cpus_online: usize,
    /// Host name.
    pub hostname: String,
    /// Share of the window in which some thread of this host waited for a CPU (PSI, `some`); absent where the kernel does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_pressure_share: Option<f64>,
}

/// How the client talked to its kernel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Engine {
    /// The engine that ran.
    pub name: String,
    /// The feature level it ran at.
    pub level: String,
    /// Why this engine and level.
    pub why: String,
}

/// Requests per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Offered, of an open loop: requests intended inside the window by its length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered_per_s: Option<f64>,
    /// Requests completed inside the window by its length. In open loop those that completed while draining do not count here, and
    /// answers to what was due in the warm-up only as far as others came too late for the same reason: never more than was offered.
    pub achieved_per_s: f64,
    /// Bytes that came inside the window by its length. In open loop those that came while draining do not count here; absent for a
    /// stage of the rate, and in results from before there was this figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_per_s: Option<f64>,
    /// One worker's rate, sampled every 100 ms on each; absent if the run was too short for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_worker: Option<Spread>,
}

/// How samples of a figure scatter, in the figure's own unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Average.
    pub mean: f64,
    /// Sample standard deviation; 0 for a single sample.
    pub stdev: f64,
    /// Largest.
    pub max: f64,
    /// Share of the samples within one standard deviation of the mean, in percent (0 to 100).
    pub within_stdev: f64,
}

impl Spread {
    /// The spread of `samples`, or `None` if there is none.
    #[must_use]
    pub fn of(samples: &[f64]) -> Option<Self> {
        if samples.is_empty() {
            return None;
        }
        let n = samples.len() as f64;
        let mean = samples.iter().sum::<f64>() / n;
        let squares: f64 = samples.iter().map(|x| (x - mean).powi(2)).sum();
        let stdev = (squares / (n - 1.0).max(1.0)).sqrt();
        let within = samples.iter().filter(|x| (**x - mean).abs() <= stdev);
        Some(Self {
            mean,
            stdev,
            max: samples.iter().copied().fold(f64::MIN, f64::max),
            within_stdev: within.count() as f64 / n * 100.0,
        })
    }
}

/// What became of the connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Connections {
    /// Asked for: how many are to be open at a time; of several steps the sum of theirs.
    pub requested: u64,
    /// Of those requested, established at least once; of repeated windows in the one with the fewest.
    pub established: u64,
    /// Of those established, with at least one whole answer; likewise.
    pub answered: u64,
    /// Replacements established for connections that ended.
    pub reconnects: u64,
    /// Attempts that failed, each try by itself.
    pub failed: ConnectFailures,
    /// Of those requested, never tried: the window closed before their turn. A run that is done before it needs them leaves some too.
    #[serde(default)]
    pub not_begun: u64,
    /// Of those requested, still connecting for the first time when the window closed.
    #[serde(default)]
    pub unfinished: u64,
    /// Closed by the server while idle, over 100 ms after the last answer or before the first request: no failure, and no request was
    /// lost. An end soon after an answer is `anomalies.close_unannounced`; one within 10 ms of the connect, before any request, is a
    /// failure to connect.
    #[serde(default)]
    pub idle_closed: u64,
    /// Time of the window without one open connection, ns, all workers together. Replacing connections leaves gaps, too: one counts if an
    /// attempt to connect failed in it, a connection before it ended without an answer, or an attempt took over a second.
    #[serde(default)]
    pub down_ns: u64,
    /// How evenly they were served; absent where the number of connections changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<Fairness>,
}

/// Requests completed per connection (slot): a good mean can hide starved ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fairness {
    /// The least served.
    pub min: u64,
    /// The slowest tenth, on average.
    pub slowest_tenth: f64,
    /// Half of the connections completed no more.
    pub median: u64,
    /// The best served.
    pub max: u64,
}

impl Fairness {
    /// Of `counts`, one for each connection; `None` without any.
    #[must_use]
    pub fn of(counts: &[u64]) -> Option<Fairness> {
        let mut sorted = counts.to_vec();
        sorted.sort_unstable();
        let slowest = &sorted[..sorted.len().div_ceil(10)];
        Some(Fairness {
            min: *sorted.first()?,
            slowest_tenth: slowest.iter().sum::<u64>() as f64 / slowest.len() as f64,
            median: sorted[(sorted.len() - 1) / 2],
            max: *sorted.last()?,
        })
    }
}

/// What the client itself used, all workers together, within the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// CPU seconds in user space.
    pub user_s: f64,
    /// CPU seconds in the kernel.
    pub sys_s: f64,
    /// Both, by completed requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_ns_per_request: Option<f64>,
    /// Share of the workers' time in which they were busy, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy_share: Option<f64>,
    /// CPU seconds of `--spin`, both user's and kernel's, among those above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spin_s: Option<f64>,
    /// CPU seconds of the kernel's submission threads (`--sqpoll`), among those above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqpoll_s: Option<f64>,
    /// Largest resident size of the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rss_bytes: Option<u64>,
}

/// What one ring did, or several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ring {
    /// Calls of `io_uring_enter`.
    pub enters: u64,
    /// Operations submitted.
    pub sqes: u64,
    /// Completions reaped.
    pub cqes: u64,
    /// Completed requests by enters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_enter: Option<f64>,
    /// Completions the kernel had to hold back for want of room; they make latencies suspect.
    pub cq_overflows: u64,
    /// Receives that met an empty buffer group.
    pub recv_starved: u64,
    /// Multishot receives armed again.
    pub rearms: u64,
}

/// What a client can do at most at the run's pipeline, as calibrated on this host against the built-in server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Requests per second, all workers of the run together.
    pub rate_per_s: f64,
    /// Client CPU of a request, ns.
    pub cpu_ns_per_request: f64,
    /// Connections of each worker of the run; between two that were calibrated the figures are interpolated.
    pub connections_per_worker: u64,
    /// Requests in flight on a connection when it was found.
    pub pipeline: u32,
    /// When it was found, seconds since 1970-01-01 UTC.
    pub calibrated_unix_s: f64,
}

/// Which side was the limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The limit.
    pub bound: Bound,
    /// The evidence, a sentence each.
    pub because: Vec<String>,
}

/// What can limit a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// The client.
    Client,
    /// The server, or the network to it.
    Server,
    /// The offered rate.
    Offered,
    /// The evidence does not decide.
    Unclear,
}

/// One worker by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Worker {
    /// The CPU it was pinned to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<usize>,
    /// Connections it kept.
    pub connections: u64,
    /// What became of its requests.
    pub requests: Requests,
    /// CPU seconds in user space.
    pub user_s: f64,
    /// CPU seconds in the kernel.
    pub sys_s: f64,
    /// What its ring did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring: Option<Ring>,
    /// How it spent the window; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// A part of the run with figures of its own: a stage of the rate, a step of the connections, or one of several windows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// What it is, as in `5k:20k/s`, `20 connections` or `window 3`.
    pub name: String,
    /// Connections, all workers together.
    pub connections: u64,
    /// Seconds from the beginning of the first window to its own.
    pub start_s: f64,
    /// Its length in seconds.
    pub elapsed_s: f64,
    /// What became of its requests: in open loop those intended inside it, in closed loop those completed.
    pub requests: Requests,
    /// Requests per second; `achieved` counts what completed inside it, whenever that was intended.
    pub rate: Rate,
    /// The latency to quote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ns: Option<Summary>,
    /// How it ended, where it is a window of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_end: Option<AtEnd>,
}

/// What several windows agree on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Repeated {
    /// Windows.
    pub windows: usize,
    /// Requests completed per second.
    pub rate_per_s: Estimate,
    /// Median of the latency, ns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ns: Option<Estimate>,
    /// 99th percentile of the latency, ns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ns: Option<Estimate>,
}

/// One interval of the time series: what completed in it, whenever it was sent. A long run has many: each is small, and its
/// samples are not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Seconds from the beginning of the window.
    pub start_s: f64,
    /// Its length in seconds. The last may be shorter; one is longer where the program was kept from looking.
    pub length_s: f64,
    /// Requests completed.
    pub completed: u64,
    /// Requests failed.
    pub failed: u64,
    /// Time of the interval without one open connection, ns, as `connections.down_ns` has it.
    #[serde(default)]
    pub down_ns: u64,
    /// Requests completed, by class of status; one that did not come is not there.
    #[serde(default)]
    pub status: Classes,
    /// Requests failed, by kind; absent where none did.
    #[serde(default, skip_serializing_if = "Errors::is_none")]
    pub errors: Errors,
    /// Connections open at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections_open: Option<u64>,
    /// Of the latency to quote, ns; absent where too few requests completed for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ns: Option<NonZeroU64>,
    /// 90th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90_ns: Option<NonZeroU64>,
    /// 99th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ns: Option<NonZeroU64>,
    /// The longest, exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ns: Option<NonZeroU64>,
}

/// One clause of `--slo`, judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    /// As it was asked for, as in `p99<5ms`.
    pub clause: String,
    /// The figure it was held against, as printed; `none` where there is none.
    pub figure: String,
    /// The same as a number: ns, a share from 0 to 1, or requests per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Whether it held.
    pub held: bool,
}
