//! What there is to tell of a run, each kind with its figures.

use super::{ClientFault, Interference, OtherProtocol, Outage, Silence, TlsTrouble};
use crate::result::{ConnectFailures, Errors, InterruptedIn, RunResult};
use crate::workload::RawFault;

/// Something a reader must know of a run beside its figures, or a reason to doubt them.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// A signal ended the run.
    Interrupted(InterruptedRun),
    /// Whole answers came, and not one as expected; with status and body bytes of the first.
    NoneAsExpected {
        /// How many there were.
        differing: u64,
        /// Status and body bytes of the first.
        first: Option<(u16, u64)>,
    },
    /// Not one response came.
    NoAnswers(NoAnswers),
    /// Neither a signal nor its plan ended the run.
    EndedEarly {
        /// What happened.
        why: String,
        /// How far it had come.
        done: Done,
    },
    /// No connection was open for a while.
    Outage(Outage),
    /// A number of requests was not reached.
    ShortOfCount {
        /// Its window or step, of several.
        part: Option<String>,
        /// Requests that had an end.
        done: u64,
        /// Requests asked for.
        asked: u64,
    },
    /// Nothing was answered from some instant to the end.
    Silent(Silence),
    /// More windows or steps were incomplete than are told of one by one.
    MorePartsIncomplete(usize),
    /// Addresses that never answered, though others did.
    UnansweredAddresses(Vec<String>),
    /// Over 1 % of the requests failed.
    Failures {
        /// Of those sent, 0 to 1.
        share: f64,
        /// Why.
        causes: FailureCauses,
        /// Requests timed out and are not among the times that are quoted.
        tail_is_open: bool,
    },
    /// The target speaks something else than HTTP/1.
    OtherProtocol(OtherProtocol),
    /// TLS ended connections.
    Tls(TlsTrouble),
    /// So many answers had status 400, and the server had asked for a certificate that the client has not.
    NoClientCertificate(u64),
    /// The client lacked something, or was kept from its work.
    Client(ClientFault),
    /// Over 1 % of the answers had status 400 or above.
    BadAnswers {
        /// Of all answers, 0 to 1.
        share: f64,
        /// Their statuses with how many there were, the most frequent first.
        status: Vec<(u16, u64)>,
    },
    /// Numbers of `{SEQ:start}` that were longer than their placeholder.
    NumbersPastWidth(u64),
    /// The rate or the times are doubtful.
    Doubt(Doubt),
    /// Something on this machine bends the figures.
    Interference(Interference),
    /// A raw request whose head contradicts its bytes.
    RawRequest {
        /// The kind of request.
        name: String,
        /// What is wrong with it.
        fault: RawFault,
    },
}

/// What makes the rate or the times doubtful.
#[derive(Debug, Clone, PartialEq)]
pub enum Doubt {
    /// An open loop achieved less than 99 % of what was offered.
    MissedRate(Missed),
    /// The send lag is more than a tenth of the response time.
    LateClient {
        /// The p99 of the send lag, or the longest where there are too few for that; ns.
        lag_ns: u64,
        /// It is the longest.
        is_max: bool,
        /// The median response time, ns.
        p50_ns: u64,
    },
    /// A request was sent this late, ns.
    SentLate(u64),
    /// In open loop: requests without a response time, of those intended.
    OpenTail {
        /// Not answered, shed or never sent.
        missing: u64,
        /// All.
        intended: u64,
    },
    /// Requests that timed out are not among the times.
    TimedOut {
        /// How many.
        count: u64,
        /// After how long, ns.
        after_ns: f64,
    },
    /// The slowest tenth of the connections got less than half of the median.
    StarvedConnections {
        /// Answers of each of the slowest tenth, on average.
        slowest_tenth: f64,
        /// Answers of the median connection.
        median: u64,
    },
    /// A good share of the answers took about 40 ms.
    DelayedAnswers {
        /// Where the middle of them is, ns.
        at_ns: f64,
        /// Of all answers, 0 to 1.
        share: f64,
    },
    /// The completion queue overflowed so often.
    QueueOverflows(u64),
    /// So many receives met an empty buffer group.
    StarvedReceives(u64),
}

/// Where a signal ended a run, and what is missing therefore.
#[derive(Debug, Clone, PartialEq)]
pub struct InterruptedRun {
    /// What was going on.
    pub phase: InterruptedIn,
    /// In which window or step, from 1.
    pub part: usize,
    /// How many of them the plan had.
    pub of: usize,
    /// They are steps.
    pub steps: bool,
    /// The step's name, if it got a row of its own.
    pub name: Option<String>,
    /// The plan has warm-ups.
    pub warms_up: bool,
    /// How long that part had run, seconds.
    pub ran_s: f64,
    /// How long it was to run, seconds.
    pub planned_s: Option<f64>,
    /// Requests it had done, of those asked for.
    pub count: Option<(u64, u64)>,
    /// Requests of an open loop that were not waited for.
    pub missing: u64,
}

/// How far a run had come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Done {
    /// So many requests of those asked for.
    Requests(u64, u64),
    /// So many seconds, of a planned time if there was one.
    Seconds(f64, Option<f64>),
}

/// Why there is not one response.
#[derive(Debug, Clone, PartialEq)]
pub enum NoAnswers {
    /// No connection was established.
    NoConnection(ConnectFailures),
    /// So many answers began, and none ended.
    NoneEnded(u64),
    /// Requests were sent.
    NotAnswered {
        /// How many.
        sent: u64,
        /// How many of them failed.
        failed: u64,
        /// Why.
        causes: FailureCauses,
    },
}

/// Why requests failed. The one table of causes that all sentences about failures are made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FailureCauses {
    /// By cause.
    pub errors: Errors,
    /// How long a request may take, ns.
    pub timeout_ns: f64,
    /// The protocol errors by reason, the most frequent first.
    pub reasons: Vec<(String, u64)>,
}

impl FailureCauses {
    /// Those of a run.
    #[must_use]
    pub fn of(result: &RunResult) -> FailureCauses {
        let mut reasons: Vec<(String, u64)> =
            result.protocol_errors.iter().map(|(reason, count)| (reason.clone(), *count)).collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        FailureCauses { errors: result.errors, timeout_ns: result.plan.timeout_ms * 1e6, reasons }
    }
}

/// A rate that was not achieved, and where the requests went.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Missed {
    /// The stage, of several.
    pub stage: Option<String>,
    /// Requests per second.
    pub achieved_per_s: f64,
    /// Requests per second.
    pub offered_per_s: f64,
    /// Sent after the window.
    pub sent_late: u64,
    /// Given up before they were sent.
    pub shed: u64,
    /// Never sent.
    pub unsent: u64,
    /// Failed.
    pub failed: u64,
    /// Not answered when the drain was over.
    pub not_answered: u64,
}
