//! What two results differ in.

use serde::{Deserialize, Serialize};

/// Two results held against each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Version of this structure, that of the result's schema.
    pub schema: u32,
    /// Version of the program that compared.
    pub version: String,
    /// True if a signal ended it before all rounds were done.
    pub interrupted: bool,
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

/// One side of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// The file or URL.
    pub name: String,
    /// Windows, or intervals of one window, that figures were taken of.
    pub observations: usize,
    /// Each of their length, seconds.
    pub length_s: f64,
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
    /// Where the 95 % interval begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// The chance of a difference at least as large where there is none, by permutation; 0 to 1.
    pub p: f64,
    /// The same, raised for there being several figures (Holm's method).
    pub p_adjusted: f64,
}
