//! What a suite gives back: every run as it was, and rows that say what the rounds agree on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Anomalies, Bound, Host, Percentiles, RunResult, Summary};

/// A suite, run: rows over all rounds, and what they say about its statements.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SuiteResult {
    /// Version of this structure: [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// Version of the program that ran.
    pub version: String,
    /// The command line, program name first.
    pub command: Vec<String>,
    /// The suite's name, as in `seed`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it is about: a paragraph.
    pub about: String,
    /// Small loads, for a look: figures are not for comparing.
    pub quick: bool,
    /// Rounds asked for.
    pub repeat: u32,
    /// True if a signal ended it before its end.
    pub interrupted: bool,
    /// When it began, seconds since 1970-01-01 UTC.
    pub started_unix_s: f64,
    /// How long it took.
    pub elapsed_s: f64,
    /// The machine.
    pub host: Host,
    /// Versions of what ran, by name: kernel, interpreters, packages, backends, clients.
    pub versions: BTreeMap<String, String>,
    /// In the order of the suite's file; a sweep has a row for each of its points.
    pub rows: Vec<Row>,
    /// What did not run, or not to its end, and why.
    pub not_run: Vec<NotRun>,
    /// What was said before, held against these rows.
    pub statements: Vec<Outcome>,
}

/// A case, or part of one, that has no row or a row with fewer runs than asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRun {
    /// The row's id, or the case's name.
    pub case: String,
    /// The round, counted from 1; absent if it concerns all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// Cause, and cure where there is one.
    pub why: String,
    /// It could not be tried on this machine; not a failure of what was tried.
    pub impossible: bool,
}

/// One load on one server, over all rounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What statements call it: `CASE[/REQUEST][:LOAD][@c20|@r400][+CLIENT]`, each part where there is a choice.
    pub id: String,
    /// The case's name.
    pub case: String,
    /// Cases that belong together, as in `Tornado`.
    pub group: String,
    /// What answers, in a few words.
    pub about: String,
    /// The request's name, as in `GET`.
    pub request: String,
    /// The load's name, as in `wrk`.
    pub load: String,
    /// What made the load: `saturing`, `wrk` ...
    pub client: String,
    /// `lan`: all on one host; `s1s2`: client, server and backend in namespaces of their own.
    pub topology: String,
    /// Connections.
    pub connections: u64,
    /// Rate asked for, of an open loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// The sweep it is a point of: rows with the same series make one curve; absent for a single load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// The status that answers have to have.
    pub expected_status: u16,
    /// The figures of an earlier study.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Then>,
    /// Runs that gave figures.
    pub runs: u32,
    /// Requests completed per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Several>,
    /// Mean latency of each run, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_ns: Option<Several>,
    /// Median latency of each run, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ns: Option<Several>,
    /// 99th percentile of each run, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ns: Option<Several>,
    /// Share of failures among what was sent, 0 to 1: failed, and answers other than the status expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Several>,
    /// CPU time of the server's processes per completed request, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_cpu_ns: Option<Several>,
    /// Most memory that the server's processes had at a time (resident, shared pages counted in each), in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_rss_bytes: Option<Several>,
    /// CPU time of the backends' processes per completed request, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_cpu_ns: Option<Several>,
    /// CPU time of the client per completed request, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cpu_ns: Option<Several>,
    /// Answers of the worst-served tenth of the connections by those of the median one, 0 to 1: low if some are starved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fairness: Option<Several>,
    /// All latencies of all runs together; absent where a client gives no histogram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ns: Option<Summary>,
    /// Medians of the percentiles of each run, where there is no histogram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentiles_ns: Option<Percentiles>,
    /// Whole answers, all runs together.
    pub completed: u64,
    /// Answers by status code, all runs together.
    pub status: BTreeMap<u16, u64>,
    /// Oddities after whole answers, all runs together.
    pub anomalies: Anomalies,
    /// Answers that took about 40 ms and nothing near: a delayed acknowledgement against Nagle's algorithm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plateau: Option<Plateau>,
    /// How often each side was the limit.
    pub bounds: BTreeMap<String, u32>,
    /// Warnings of its runs, without repeats.
    pub warnings: Vec<String>,
}

impl Row {
    /// The client was the limit in at least half of the runs: the rate says little about the server.
    #[must_use]
    pub fn client_bound(&self) -> bool {
        let bound = |bound: &str| self.bounds.get(bound).copied().unwrap_or(0);
        let client = bound("client");
        client > 0 && 2 * client >= self.runs
    }
}

/// The name of a bound in [`Row::bounds`].
#[must_use]
pub fn bound_name(bound: Bound) -> &'static str {
    match bound {
        Bound::Client => "client",
        Bound::Server => "server",
        Bound::Offered => "offered",
        Bound::Unclear => "unclear",
    }
}

/// A figure over several runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Several {
    /// Runs.
    pub runs: u32,
    /// Average.
    pub mean: f64,
    /// Middle.
    pub median: f64,
    /// Least.
    pub min: f64,
    /// Most.
    pub max: f64,
    /// Where the 95 % interval of the mean begins (Student's t); absent with a single run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Where it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

/// What an earlier study saw, in requests per second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Then {
    /// Average.
    pub mean: f64,
    /// Most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u32>,
    /// With which client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Share of answers that were failures, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<f64>,
}

/// Answers at a time that no server chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    /// Where it is, in nanoseconds.
    pub at_ns: f64,
    /// Share of the answers in it, 0 to 1.
    pub share: f64,
}

/// Where a statement comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The earlier study concluded it.
    #[default]
    Study,
    /// Seen since: what changes how that study must be read.
    Reading,
}

/// What a statement compares, in what unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Requests per second.
    #[default]
    Rate,
    /// Median latency, in milliseconds.
    P50Ms,
    /// 99th percentile, in milliseconds.
    P99Ms,
    /// Share of failures, 0 to 1.
    Errors,
    /// CPU time of the server per request, in microseconds.
    ServerCpuUs,
    /// CPU time of the client per request, in microseconds.
    ClientCpuUs,
    /// The server's memory, in MiB.
    ServerMib,
    /// Answers of the worst-served tenth of the connections by those of the median one, 0 to 1.
    Fairness,
    /// Share of whole answers that a reset followed, 0 to 1.
    ResetShare,
    /// Share of whole answers that a close followed which was not announced, 0 to 1.
    CloseShare,
    /// Share of answers in a plateau near 40 ms, 0 to 1.
    PlateauShare,
    /// Connections in flight by Little's law, as a share of all: rate x mean latency / connections. In a closed loop without
    /// pipelining 1, but for what connections wait for in the client itself.
    InFlight,
    /// How widely the rate scatters: its 95 % interval's length by its mean.
    Scatter,
}

/// How two figures are to stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The first is more than the second times the factor.
    #[default]
    More,
    /// The first is less than the second by the factor.
    Less,
    /// They differ by less than the factor.
    Alike,
}

/// What decides a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// What is compared.
    pub figure: Figure,
    /// How the figures are to stand.
    pub is: Order,
    /// Factor, at least 1.
    pub by: f64,
    /// The number that a single row is held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub than: Option<f64>,
}

/// A statement, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its name.
    pub id: String,
    /// Where it comes from.
    pub kind: Kind,
    /// The statement: a sentence.
    pub says: String,
    /// Why it is so, or what follows: a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Of these rows; the second is absent where the first is held against a number.
    pub rows: Vec<String>,
    /// What decides it.
    pub test: Test,
    /// True today, or false; absent if a row has no figure, or intervals overlap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<bool>,
    /// The figures it rests on: part of a sentence.
    pub because: String,
}

/// One load, once: what is kept of it, at once, in a file of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseRun {
    /// Version of this structure: [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// The row's id.
    pub row: String,
    /// The round, counted from 1.
    pub round: u32,
    /// When it began, seconds since 1970-01-01 UTC.
    pub started_unix_s: f64,
    /// The commands that ran beside the client, by name: backends, then `server`.
    pub commands: BTreeMap<String, String>,
    /// The client's command, as a shell would take it.
    pub client_command: String,
    /// Server and backends while the load lasted, by the same names; and `client`.
    pub watched: BTreeMap<String, Watched>,
    /// What the client saw; keys of figures that it does not give are absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RunResult>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The processes of one program, while a load lasted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// CPU time, user's and kernel's, in seconds.
    pub cpu_s: f64,
    /// Most memory at a time (resident, shared pages counted in each process), in bytes.
    pub rss_bytes: u64,
    /// Most threads at a time.
    pub threads: u64,
    /// Most processes at a time.
    pub processes: u64,
}

/// A word of a command as a shell takes it.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
