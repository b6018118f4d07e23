//! Answers near 40 ms and hardly any beside: the kernel's delayed acknowledgement (40 to 44 ms) against Nagle's algorithm, on top of
//! what the server needs.

use super::suite::Plateau;
use crate::measure::histogram::Histogram;

const MS: u64 = 1_000_000;
/// Where it may begin: the acknowledgement alone, or a few milliseconds of the server's more.
const BEGINS_NS: [u64; 5] = [79 * MS / 2, 81 * MS / 2, 83 * MS / 2, 85 * MS / 2, 87 * MS / 2];
/// How wide it is, and so are the two neighbourhoods that it is held against.
const WIDTH_NS: u64 = 13 * MS / 2;
/// How far away they begin: what is hardly narrower than its distance from 0 is no plateau.
const APART_NS: u64 = 5 * MS / 2;
/// So many times more answers than either of them.
const STANDS_OUT: u64 = 4;
/// The least that is told of.
const LEAST: u64 = 20;
const LEAST_SHARE: f64 = 0.05;

/// The plateau near 40 ms among `samples` of answers' times, if there is one: at least 20 of them, a twentieth of all, and four times
/// as many as in either neighbourhood. A server that really waits 40 ms looks the same.
#[must_use]
pub fn plateau(samples: &Histogram) -> Option<Plateau> {
    let count = |from: u64| samples.count_between(from, from + WIDTH_NS);
    let (from, inside) =
        BEGINS_NS.map(|from| (from, count(from))).into_iter().max_by_key(|(from, n)| (*n, u64::MAX - from))?;
    let total = samples.count();
    let share = inside as f64 / total as f64;
    let stands_out = |beside: u64| inside >= STANDS_OUT * count(beside);
    if inside < LEAST
        || share < LEAST_SHARE
        || !stands_out(from - APART_NS - WIDTH_NS)
        || !stands_out(from + WIDTH_NS + APART_NS)
    {
        return None;
    }
    let below = samples.count_between(0, from - 1);
    let middle = samples.quantile_ns((below as f64 + inside as f64 / 2.0) / total as f64)?;
    Some(Plateau { at_ns: middle.clamp(from, from + WIDTH_NS) as f64, share })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// So many samples spread evenly over a stretch of milliseconds.
    type Stretch = (u64, f64, f64);
    /// Milliseconds, and a percentage of the answers.
    type Found = Option<(u64, u64)>;

    fn made_of(stretches: &[Stretch]) -> Histogram {
        let mut samples = Histogram::new();
        for (n, from, to) in stretches {
            (0..*n).for_each(|k| {
                let at = from + (to - from) * (k as f64 + 0.5) / *n as f64;
                samples.record_n((at * MS as f64) as u64, 1);
            });
        }
        samples
    }

    #[test]
    fn plateaus_are_found_where_they_stand_out() {
        let table: [(&str, &[Stretch], Found); 12] = [
            ("nothing", &[], None),
            ("all of them", &[(1_000, 40.1, 44.0)], Some((42, 100))),
            ("behind some service", &[(5_000, 43.0, 47.0)], Some((45, 100))),
            ("beside fast ones", &[(900, 0.2, 1.5), (100, 40.2, 43.8)], Some((42, 10))),
            ("beside slow ones, too", &[(500, 0.2, 5.0), (400, 40.0, 44.0), (100, 80.0, 400.0)], Some((42, 40))),
            ("and their multiples", &[(500, 40.0, 44.0), (300, 80.0, 88.0), (200, 120.0, 132.0)], Some((42, 50))),
            ("too few", &[(100, 0.2, 1.0), (19, 40.0, 44.0)], None),
            ("too small a share", &[(10_000, 0.2, 1.0), (400, 40.0, 44.0)], None),
            ("evenly around", &[(10_000, 0.0, 100.0)], None),
            ("more below", &[(400, 30.0, 37.0), (800, 40.0, 44.0)], None),
            ("more above", &[(800, 40.0, 44.0), (400, 48.0, 55.0)], None),
            ("a server that waits 30 ms", &[(1_000, 30.0, 34.0)], None),
        ];
        for (name, stretches, expected) in table {
            let found = plateau(&made_of(stretches));
            let rounded = found.map(|p| ((p.at_ns / MS as f64).round() as u64, (p.share * 100.0).round() as u64));
            assert_eq!(rounded, expected, "{name}");
        }
    }

    /// Samples of a distribution, by its inverse at even steps.
    fn distributed(inverse: impl Fn(f64) -> f64) -> Histogram {
        let mut samples = Histogram::new();
        (0..4_000).for_each(|k| samples.record_n((inverse((f64::from(k) + 0.5) / 4_000.0) * MS as f64) as u64, 1));
        samples
    }

    /// The normal distribution's inverse, to some thousandths (Winitzki's formula for the error function's).
    fn normal(p: f64) -> f64 {
        let (x, a) = (2.0 * p - 1.0, 0.147);
        let log = (1.0 - x * x).ln();
        let half = 2.0 / (std::f64::consts::PI * a) + log / 2.0;
        x.signum() * ((half * half - log / a).sqrt() - half).sqrt() * std::f64::consts::SQRT_2
    }

    #[test]
    fn smooth_distributions_are_none() {
        for tenth_ms in (2..2_000).step_by(7) {
            let ms = f64::from(tenth_ms) / 10.0;
            let exponential = distributed(|p| -ms * (1.0 - p).ln());
            assert_eq!(plateau(&exponential), None, "exponential, mean {ms}");
            for sigma in [0.2, 0.35, 0.5, 1.0, 2.0] {
                let lognormal = distributed(|p| ms * (sigma * normal(p)).exp());
                assert_eq!(plateau(&lognormal), None, "lognormal, median {ms}, sigma {sigma}");
            }
            for width in [20.0, 50.0, 200.0] {
                let uniform = distributed(|p| ms + width * p);
                assert_eq!(plateau(&uniform), None, "uniform from {ms}, {width} wide");
            }
        }
    }

    /// As gevent's stock server under 50 connections: most answers at 40 ms and what it needs itself, some at once.
    #[test]
    fn the_real_shape_is_found() {
        let mut samples = distributed(|p| 40.2 + 3.6 * p + 0.4 * (1.5 * normal(p)).exp().min(2.0));
        samples.merge(&distributed(|p| 1.5 * (0.6 * normal(p)).exp()));
        let found = plateau(&samples).unwrap();
        assert!((0.45..=0.5).contains(&found.share), "{found:?}");
        assert!((40e6..46e6).contains(&found.at_ns), "{found:?}");
    }
}
