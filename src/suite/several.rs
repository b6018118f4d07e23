//! A figure over several runs.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::measure::estimate::middle;
use crate::result::suite::Several;

/// How sure the interval of a mean is to be.
const CONFIDENCE: f64 = 0.95;

/// Of `figures`; `None` without any. The interval is Student's: the mean of n runs lies within t(n - 1) standard errors of what
/// many runs would come to, if what moves them is about normal.
pub(super) fn several(figures: &[f64]) -> Option<Several> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (min, max) = (*sorted.first()?, *sorted.last()?);
    let n = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / n;
    let half = (sorted.len() > 1).then(|| {
        let squares: f64 = sorted.iter().map(|figure| (figure - mean).powi(2)).sum();
        let t = StudentsT::new(0.0, 1.0, n - 1.0).map_or(f64::NAN, |t| t.inverse_cdf(f64::midpoint(1.0, CONFIDENCE)));
        t * (squares / (n - 1.0) / n).sqrt()
    });
    Some(Several {
        runs: u32::try_from(sorted.len()).unwrap_or(u32::MAX),
        mean,
        median: middle(&sorted),
        min,
        max,
        low: half.map(|half| mean - half),
        high: half.map(|half| mean + half),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_as_tables_have_them() {
        // t(0.975) of 1, 4 and 9 degrees of freedom: 12.706, 2.776, 2.262.
        for (figures, mean, half) in [
            (vec![1.0, 3.0], 2.0, 12.706),
            (vec![1.0, 2.0, 3.0, 4.0, 5.0], 3.0, 2.776 * (2.5f64 / 5.0).sqrt()),
            ((1..=10).map(f64::from).collect(), 5.5, 2.262 * (55.0f64 / 6.0 / 10.0).sqrt()),
        ] {
            let got = several(&figures).expect("figures");
            let (low, high) = (got.low.expect("low"), got.high.expect("high"));
            assert!((got.mean - mean).abs() < 1e-12, "{got:?}");
            assert!((high - mean - half).abs() < 1e-2 && (mean - low - half).abs() < 1e-2, "{got:?}");
        }
        let one = several(&[7.0]).expect("a figure");
        assert_eq!((one.mean, one.median, one.min, one.max, one.low), (7.0, 7.0, 7.0, 7.0, None));
        assert_eq!(several(&[]), None);
        assert_eq!(several(&[4.0, 1.0, 2.0]).map(|three| three.median), Some(2.0));
    }
}
