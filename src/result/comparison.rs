//! What two results differ in.

use serde::{Deserialize, Serialize};

use super::bad_answers::BadAnswers;
use super::{EndedEarly, Outcome};

/// Two results held against each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Version of this structure, that of the result's schema.
    pub schema: u32,
    /// Version of the program that compared.
    pub version: String,
    /// True if a signal ended it before all rounds were done.
    pub interrupted: bool,
    /// Why it ended before all rounds were done, where that was no signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_early: Option<EndedEarly>,
    /// Whether the figures of both sides are those of good answers: without that no difference counts as seen.
    #[serde(default = "yes")]
    pub comparable: bool,
    /// Why they are not, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// The first one.
    pub a: Side,
    /// The second one.
    pub b: Side,
    /// Whether each window of one has a neighbour in time of the other: what changes slowly on the machine then cancels out.
    pub paired: bool,
    /// Each figure.
    pub differences: Vec<Difference>,
    /// What a reader should know, a sentence each.
    pub notes: Vec<String>,
}

fn yes() -> bool {
    true
}

/// One side of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// The file or URL.
    pub name: String,
    /// Windows, or intervals of one window, that figures were taken of.
    pub observations: usize,
    /// Each of their length, seconds.
    pub length_s: f64,
    /// Whether its runs did what was asked; the worst of them.
    #[serde(default)]
    pub outcome: Outcome,
    /// Requests that failed or were answered by a status of 400 and above; absent where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<BadAnswers>,
    /// What doubts there are about its figures, a sentence each.
    pub warnings: Vec<String>,
}

/// One figure of both sides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// `rate`, `p50`, `p90` or `p99`.
    pub figure: String,
    /// Its median on the first side: requests per second, or ns.
    pub a: f64,
    /// And on the second.
    pub b: f64,
    /// Windows of each side that it was taken of; those without an answer have no times.
    #[serde(default)]
    pub observations: [usize; 2],
    /// How much b is above a, in the figure's unit: the Hodges-Lehmann estimate; absent where there were too few observations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<Shift>,
    /// Whether a difference was seen: a chance of less than 5 % of the like where there is none, for all figures together.
    pub seen: bool,
}

/// A difference with its uncertainty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// How much the second is above the first.
    pub estimate: f64,
    /// The same as a share of the first, -1 at least; absent where the first is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
    /// Where the 95 % interval begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// The chance of a difference at least as large where there is none, by permutation; 0 to 1.
    pub p: f64,
    /// The same, raised for there being several figures (Holm's method).
    pub p_adjusted: f64,
}
