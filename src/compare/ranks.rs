//! Permutation tests of ranks, and the intervals that belong to them.

use crate::measure::estimate::middle;

/// With fewer pairs chance alone may do, once four figures are looked at.
pub(super) const FEWEST_PAIRS: usize = 8;
/// The same for independent observations, of each.
pub(super) const FEWEST_EACH: usize = 5;
/// Beyond this many steps of the exact distribution the normal one is as good.
const EXACT: usize = 4_000_000;
/// The normal distribution leaves 2.5 % above this.
const Z: f64 = 1.959_964;

/// What a test found about b against a.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub(super) estimate: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) p: f64,
}

/// The n-th of both belong together. `None` if there are too few.
pub(super) fn paired(a: &[f64], b: &[f64]) -> Option<Found> {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    let n = differences.len();
    if n < FEWEST_PAIRS {
        return None;
    }
    let mut walsh: Vec<f64> = Vec::with_capacity(n * (n + 1) / 2);
    for (at, one) in differences.iter().enumerate() {
        walsh.extend(differences[at..].iter().map(|other| f64::midpoint(*one, *other)));
    }
    // Each difference is above or below 0 by chance: sums of the ranks 1 to n, each in or out.
    let sums = n * (n + 1) / 2;
    let exact = (n * sums <= EXACT).then(|| {
        let mut ways = vec![0.0; sums + 1];
        ways[0] = 1.0;
        for rank in 1..=n {
            for sum in (rank..=sums).rev() {
                ways[sum] += ways[sum - rank];
            }
        }
        ways
    });
    let variance = (n * (n + 1) * (2 * n + 1)) as f64 / 24.0;
    Some(found(walsh, exact.as_deref(), variance))
}

/// Two independent groups. `None` if one has too few.
pub(super) fn independent(a: &[f64], b: &[f64]) -> Option<Found> {
    let (n, m) = (a.len(), b.len());
    if n.min(m) < FEWEST_EACH {
        return None;
    }
    let differences: Vec<f64> = b.iter().flat_map(|b| a.iter().map(move |a| b - a)).collect();
    let exact = (n * m <= EXACT / n.max(m) && n * m * n <= EXACT).then(|| arrangements(n, m));
    let variance = (n * m * (n + m + 1)) as f64 / 12.0;
    Some(found(differences, exact.as_deref(), variance))
}

/// In how many ways n figures among n + m can exceed others u times, for each u: Mann and Whitney's own recurrence, as the
/// coefficients of the Gaussian binomial.
fn arrangements(n: usize, m: usize) -> Vec<f64> {
    let most = n * m;
    let mut ways = vec![0.0; most + 1];
    ways[0] = 1.0;
    for i in 1..=n {
        // Times (1 - q^(m + i)), then over (1 - q^i).
        for u in (m + i..=most).rev() {
            ways[u] -= ways[u - m - i];
        }
        for u in i..=most {
            ways[u] += ways[u - i];
        }
    }
    ways
}

/// `steps` are the elementary differences of which the statistic counts those above 0; `exact` is in how many ways it comes to
/// each value where there is no difference.
fn found(mut steps: Vec<f64>, exact: Option<&[f64]>, variance: f64) -> Found {
    steps.sort_by(f64::total_cmp);
    let all = steps.len();
    // One that is 0 is half above.
    let above: f64 =
        steps.iter().map(|step| if *step > 0.0 { 1.0 } else { f64::from(u8::from(*step == 0.0)) / 2.0 }).sum();
    let less = above.min(all as f64 - above);
    let (tail, outside) = match exact {
        Some(ways) => {
            let whole: f64 = ways.iter().sum();
            let upto = |count: usize| ways[..=count].iter().sum::<f64>() / whole;
            // How many at each end the 95 % interval may leave out.
            let mut outside = 0;
            while outside < all / 2 && upto(outside) <= 0.025 {
                outside += 1;
            }
            (upto(less.floor() as usize), outside)
        }
        None => {
            let (center, spread) = (all as f64 / 2.0, variance.sqrt());
            let outside = (center - Z * spread).floor().max(0.0) as usize;
            (normal((less + 0.5 - center) / spread), outside)
        }
    };
    let outside = outside.clamp(1, all.div_ceil(2));
    Found { estimate: middle(&steps), low: steps[outside - 1], high: steps[all - outside], p: (2.0 * tail).min(1.0) }
}

/// The share of the normal distribution below `z` (Abramowitz and Stegun, 26.2.17: to 7 digits).
fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = series.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    let above = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt() * sum;
    if z < 0.0 { above } else { 1.0 - above }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_exact_distributions_count_every_arrangement() {
        // 5 choose 2 ways, by hand.
        assert_eq!(arrangements(2, 3), [1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0]);
        let sum: f64 = arrangements(7, 9).iter().sum();
        assert_eq!(sum, 11_440.0);
    }

    #[test]
    #[allow(clippy::approx_constant, reason = "a measured 3.14")]
    fn known_cases() {
        // Hollander and Wolfe, example 3.1 (depression scores, 9 pairs): T+ = 5, two-sided p = 0.0391, estimate -0.46, 96.1 %
        // interval -0.786 to -0.010.
        let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
        let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
        let got = paired(&before, &after).unwrap();
        assert!((got.p - 0.0391).abs() < 5e-5, "{got:?}");
        assert!((got.estimate + 0.46).abs() < 1e-9, "{got:?}");
        assert!((got.low + 0.786).abs() < 1e-9 && (got.high + 0.010).abs() < 1e-9, "{got:?}");
        // The same, example 4.1 (permeability at term and at 12 to 26 weeks): W = 30, two-sided p = 0.2544, estimate -0.305.
        let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let weeks = [1.15, 0.88, 0.90, 0.74, 1.21];
        let got = independent(&term, &weeks).unwrap();
        assert!((got.p - 0.2544).abs() < 5e-5, "{got:?}");
        assert!((got.estimate + 0.305).abs() < 1e-9, "{got:?}");
        assert!((got.low + 0.76).abs() < 1e-9 && (got.high - 0.15).abs() < 1e-9, "{got:?}");
    }

    #[test]
    fn the_same_twice_is_no_difference_and_a_shift_is_one() {
        let figures: Vec<f64> = (0..12).map(|i| f64::from(i * i % 7)).collect();
        for found in [paired(&figures, &figures), independent(&figures, &figures)] {
            let found = found.unwrap();
            assert!(found.p > 0.9 && found.low <= 0.0 && found.high >= 0.0 && found.estimate == 0.0, "{found:?}");
        }
        let shifted: Vec<f64> = figures.iter().map(|figure| figure + 10.0).collect();
        for found in [paired(&figures, &shifted), independent(&figures, &shifted)] {
            let found = found.unwrap();
            assert!(found.p < 0.001 && found.low > 0.0 && (found.estimate - 10.0).abs() < 1e-9, "{found:?}");
        }
        assert_eq!(paired(&figures[..7], &figures[..7]), None);
        assert_eq!(independent(&figures[..4], &figures), None);
    }

    #[test]
    fn the_normal_distribution_takes_over_smoothly() {
        for (z, below) in [(0.0, 0.5), (-1.959_964, 0.025), (1.0, 0.841_345), (-4.0, 0.000_031_7)] {
            assert!((normal(z) - below).abs() < 1e-6, "{z}");
        }
        let many: Vec<f64> = (0..40).map(f64::from).collect();
        let other: Vec<f64> = many.iter().map(|x| x + 7.3).collect();
        let exact = independent(&many, &other).unwrap();
        let steps: Vec<f64> = other.iter().flat_map(|b| many.iter().map(move |a| b - a)).collect();
        let near = found(steps, None, 40.0 * 40.0 * 81.0 / 12.0);
        assert!((exact.p - near.p).abs() < 0.002, "{exact:?} {near:?}");
        assert!((exact.low - near.low).abs() <= 0.5 && (exact.high - near.high).abs() <= 0.5, "{exact:?} {near:?}");
    }
}
