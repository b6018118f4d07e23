//! Figures of several windows: their median, and how far it can be trusted.

use serde::{Deserialize, Serialize};

/// How sure an interval is to be.
const CONFIDENCE: f64 = 0.95;

/// A median with its interval.
///
/// The interval reaches from one order statistic to another and assumes nothing about the distribution: the true median lies
/// below the k-th smallest of n figures with the probability that a fair coin falls heads less than k times in n (Conover,
/// Practical Nonparametric Statistics, 3.2). It takes 6 figures for one of 95 %; with fewer it is all of them, and
/// `confidence` says what that is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The median of the figures.
    pub median: f64,
    /// Where the interval begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// How likely the interval is to hold the true median, 0 to 1: at least 0.95 from 6 figures on.
    #[serde(default)]
    pub confidence: f64,
}

impl Estimate {
    /// The fewest figures that give an interval of 95 %.
    pub const ENOUGH: usize = 6;

    /// Of `figures`; `None` without any.
    #[must_use]
    pub fn of(figures: &[f64]) -> Option<Estimate> {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let (low, high) = (*sorted.first()?, *sorted.last()?);
        let mut estimate = Estimate { median: middle(&sorted), low, high, confidence: 0.0 };
        // The chance of less than k heads in n, k going up.
        let (mut heads, mut less) = (0.5f64.powi(i32::try_from(n).unwrap_or(i32::MAX)), 0.0);
        for k in 1..=n.div_ceil(2) {
            less += heads;
            heads *= (n - k + 1) as f64 / k as f64;
            let confidence = 1.0 - 2.0 * less;
            if k > 1 && confidence < CONFIDENCE {
                break;
            }
            (estimate.low, estimate.high) = (sorted[k - 1], sorted[n - k]);
            estimate.confidence = confidence.max(0.0);
        }
        Some(estimate)
    }
}

/// The middle of sorted figures; 0 without any.
#[must_use]
pub fn middle(sorted: &[f64]) -> f64 {
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => 0.0,
        (n, half) if n.is_multiple_of(2) => f64::midpoint(sorted[half - 1], sorted[half]),
        (_, half) => sorted[half],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use rand_pcg::Pcg64Mcg;
    use rand_pcg::rand_core::{RngCore, SeedableRng};

    #[test]
    fn medians_and_intervals_of_known_figures() {
        let upto = |n: u32| -> Vec<f64> { (1..=n).rev().map(f64::from).collect() };
        // Ranks as in Conover's table of the binomial distribution at p = 1/2.
        for (n, median, low, high, confidence) in [
            (1, 1.0, 1.0, 1.0, 0.0),
            (2, 1.5, 1.0, 2.0, 0.5),
            (5, 3.0, 1.0, 5.0, 0.9375),
            (6, 3.5, 1.0, 6.0, 0.96875),
            (9, 5.0, 2.0, 8.0, 0.9609),
            (10, 5.5, 2.0, 9.0, 0.9785),
            (20, 10.5, 6.0, 15.0, 0.9586),
        ] {
            let got = Estimate::of(&upto(n)).unwrap();
            assert_eq!((got.median, got.low, got.high), (median, low, high), "{n}");
            assert!((got.confidence - confidence).abs() < 1e-4, "{n}: {}", got.confidence);
        }
        assert_eq!(Estimate::of(&[]), None);
        let many = Estimate::of(&upto(1_000)).unwrap();
        assert!((many.low, many.high) == (469.0, 532.0), "{many:?}");
    }

    #[test]
    fn the_interval_holds_the_median_as_often_as_it_says() {
        let mut random = Pcg64Mcg::seed_from_u64(7);
        let mut held = 0;
        for _ in 0..4_000 {
            // A skewed distribution whose median is ln 2.
            let draw = |_| -(1.0 - (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64).ln();
            let figures: Vec<f64> = (0..9).map(draw).collect();
            let got = Estimate::of(&figures).unwrap();
            held += u32::from((got.low..=got.high).contains(&std::f64::consts::LN_2));
        }
        // 96.1 % of 4,000 are 3,844; four standard deviations are 49.
        assert!((3_795..=3_893).contains(&held), "{held}");
    }
}
