//! What a search tried and found.

use serde::{Deserialize, Serialize};

use super::bad_answers::BadAnswers;
use super::unanswered::Unanswered;
use super::{Clause, EndedEarly};

/// A search for the highest rate, or for the smallest number of connections.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Version of this structure, that of the result's schema.
    pub schema: u32,
    /// Version of the program that searched.
    pub version: String,
    /// The command line, program name first.
    pub command: Vec<String>,
    /// True if a signal ended it before there was an answer.
    pub interrupted: bool,
    /// The URL.
    pub url: String,
    /// What is searched for.
    pub goal: Goal,
    /// What had to hold, as it was typed; empty in a search for connections.
    pub slo: String,
    /// Every run, in the order in which they were made.
    pub probes: Vec<Probe>,
    /// True if there is an answer: what three runs in a row said of it and of the next load beyond.
    #[serde(default)]
    pub settled: bool,
    /// The answer; absent where nothing held, where runs disagreed, or where the search ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Without an answer: where it lies by what was seen; absent where nothing was seen of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// Why it ended before there was an answer, where that was neither a signal nor its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_early: Option<EndedEarly>,
    /// How long it waited for a machine that was slow, seconds.
    #[serde(default)]
    pub waited_s: f64,
    /// What a reader should know, a sentence each.
    pub notes: Vec<String>,
}

/// What a search is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// The highest rate that holds the SLO, requests per second.
    #[default]
    Rate,
    /// The smallest number of connections that reaches 95 % of the highest closed-loop rate.
    Connections,
}

/// Why a probe was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// To find a range, by doubling or halving.
    #[default]
    Range,
    /// To halve the range.
    Bisect,
    /// A miss is believed when it happens twice.
    Again,
    /// To confirm the answer, or what lies beyond it.
    Confirm,
    /// In place of one that the machine disturbed.
    Repeat,
}

/// One run of a search.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The offered rate, requests per second; or the number of connections.
    pub load: f64,
    /// Why it was made.
    pub why: Why,
    /// Length of its window.
    pub elapsed_s: f64,
    /// Requests completed per second.
    pub achieved_per_s: f64,
    /// Median of the latency, ns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ns: Option<u64>,
    /// 99th percentile of the latency, ns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ns: Option<u64>,
    /// The highest percentile that the SLO asks about, ns; absent where it is beyond all answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_ns: Option<f64>,
    /// Each limit of the SLO with its figure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clauses: Vec<Clause>,
    /// Requests that failed or were answered by a status of 400 and above; absent where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<BadAnswers>,
    /// Requests that nobody saw an answer to, by what became of them; absent where all were answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<Unanswered>,
    /// Speed of the client's slowest CPU before or after it, as a share of the best seen in this search, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// What on this machine disturbed it: then it says nothing of the server, and is repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disturbed: Option<String>,
    /// Whether all limits held, the offered rate was reached within 1 %, and less than a tenth were errors (unless a limit is on
    /// errors); of connections: whether the rate was enough.
    pub held: bool,
    /// What was in the way, if it did not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}

impl Probe {
    /// Not one request was answered.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.unanswered.as_ref().is_some_and(Unanswered::are_all)
    }
}

/// What keeps a rate from being higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    /// The server's answers came too late for the SLO.
    Slo,
    /// Requests failed, or were answered by a status of 400 and above.
    Errors,
    /// The server did not take the offered rate, or the connections could not carry it.
    Rate,
    /// The client was busy for 97 % of the time or more.
    Client,
}

impl Limit {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Limit::Slo => "SLO",
            Limit::Errors => "errors",
            Limit::Rate => "rate not reached",
            Limit::Client => "client",
        }
    }
}

/// Where the answer lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The highest load that held in three runs or, without one, that held at all. Of connections: the fewest that were enough in one
    /// of three runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The lowest load that failed twice, and above which none held. Of connections: the fewest that were enough in all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The rate, or the number of connections, that held in three runs.
    pub load: f64,
    /// The lowest load above it that did not hold; of connections: the highest rate of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond: Option<f64>,
    /// The knee: the highest rate tried up to which the latency asked about stayed within twice what it is at the lowest rates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub knee: Option<f64>,
    /// What is in the way beyond it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}
