//! What a verdict rests on, each kind with its figures. Shares are 0 to 1.

use super::{ClientFault, Silence};

/// One piece of the evidence for a verdict.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// A signal came before a window began.
    NoWindow,
    /// Not one response came.
    NoAnswers,
    /// This share of the requests failed.
    Failed(f64),
    /// No connection was open for this share of the time.
    Down {
        /// Of the window.
        share: f64,
        /// For want of something of the client's own.
        of_the_client: bool,
    },
    /// Nothing was answered from some instant to the end.
    Silent(Silence),
    /// Most of the time of a run by count went by without an answer; seconds, and of how many.
    SilentFor(f64, f64),
    /// So few answers say nothing.
    TooFew(u64),
    /// So short a window says nothing, seconds.
    TooShort(f64),
    /// There is no evidence of the workers' time.
    NotAccounted,
    /// The figures are of all steps of the run together.
    AllSteps,
    /// How the workers spent their time, on average.
    Workers {
        /// How many there are.
        workers: usize,
        /// Waited, or spun.
        waited: f64,
        /// On a CPU.
        cpu: f64,
        /// Of that, spinning.
        spun: f64,
    },
    /// So many of the workers had no time left, and the others had.
    NoTimeLeft(usize, usize),
    /// The share of the time that the target's busiest thread was on a CPU.
    TargetBusy(f64),
    /// Client and target are both near their limits.
    BothNearLimits,
    /// What an open loop achieved of what it offered, requests per second.
    Achieved(f64, f64),
    /// The median send lag, ns.
    SendLag(u64),
    /// Of all places in flight so many were taken on average.
    Full {
        /// Taken.
        in_flight: f64,
        /// All.
        places: f64,
    },
    /// The client lacked something, or was kept from its work.
    Client(ClientFault),
    /// Workers were kept from their CPUs.
    Disturbed {
        /// Ready to run without a CPU.
        queued: f64,
        /// With the CPU stolen by the hypervisor.
        stolen: f64,
    },
    /// The target ran on these CPUs of the client.
    SharedCpu(Vec<usize>),
    /// The rate, and the calibrated ceiling that it stays below; requests per second.
    OfCeiling(f64, f64),
    /// The rate, and the calibrated ceiling that it exceeds; requests per second.
    AboveCeiling(f64, f64),
}
