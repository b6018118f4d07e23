//! Answers at a time that no server chooses: about 40 ms.
//!
//! A server that writes head and body apart, with Nagle's algorithm on (RFC 896), sends the body only when the head is acknowledged; a
//! client's kernel that has nothing to send puts the acknowledgement off (RFC 1122, 4.2.3.2), on Linux by 40 ms, rounded up to its timer's tick.

use crate::measure::histogram::Histogram;
use crate::result::suite::Plateau;

/// Where delayed answers are: 40 ms, up to two ticks of 4 ms later.
const FROM_NS: u64 = 40_000_000;
const TO_NS: u64 = 48_000_000;
/// The neighbourhood on either side is as wide.
const WIDTH_NS: u64 = TO_NS - FROM_NS;
/// The least to name one, in samples and as a share of all.
const FEWEST: u64 = 20;
const LEAST: f64 = 0.05;
/// How many times as many answers as just before: nothing comes early. And as just after: work of the server's own is added.
const OVER_BEFORE: u64 = 50;
const OVER_AFTER: u64 = 3;
/// A server on a CPU for more than this share of the time was not waiting for acknowledgements.
const BUSY: f64 = 0.7;

/// The plateau near 40 ms among service times, if there is one: a good share of the answers, with a sharp edge before it and few behind.
/// `busy` is the share of the time that the server (and what it asks) was on a CPU, where that is known: a queue before a server
/// that is always busy can be as narrow. A server that really waits for 40 ms looks the same.
#[must_use]
pub fn plateau(samples: &Histogram, busy: Option<f64>) -> Option<Plateau> {
    let (before, after) = (FROM_NS - WIDTH_NS, TO_NS + WIDTH_NS);
    let count = |from, to| samples.count_between_ns(from, to - 1);
    let within = count(FROM_NS, TO_NS);
    let share = within as f64 / samples.count().max(1) as f64;
    let edges = count(before, FROM_NS) * OVER_BEFORE <= within && count(TO_NS, after) * OVER_AFTER <= within;
    if within < FEWEST || share < LEAST || !edges || busy.is_some_and(|busy| busy > BUSY) {
        return None;
    }
    // The middle of those within.
    let below = samples.count_between_ns(0, FROM_NS - 1);
    let middle = (below as f64 + within as f64 / 2.0) / samples.count() as f64;
    Some(Plateau { at_ns: samples.quantile_ns(middle)? as f64, share })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_pcg::Pcg64Mcg;
    use rand_pcg::rand_core::{RngCore, SeedableRng};

    fn of(ms: impl IntoIterator<Item = f64>) -> Histogram {
        let mut samples = Histogram::new();
        ms.into_iter().for_each(|ms| samples.record_n((ms.max(0.001) * 1e6) as u64, 1));
        samples
    }

    /// Uniform in 0 to 1, 1 left out.
    fn uniform(random: &mut Pcg64Mcg) -> f64 {
        (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(random: &mut Pcg64Mcg) -> f64 {
        let (u, v) = (1.0 - uniform(random), uniform(random));
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    #[test]
    fn delayed_answers_are_named() {
        let mut random = Pcg64Mcg::seed_from_u64(1);
        // As seen of gevent's WSGI server under 50 connections.
        let all = of((0..10_000).map(|_| 43.2 + 4.0 * uniform(&mut random).powi(3)));
        let found = plateau(&all, None).expect("all of them");
        assert!(found.share > 0.99 && (43e6..44.5e6).contains(&found.at_ns), "{found:?}");
        let tenth =
            of((0..1_000).map(|n| if n % 10 == 0 { 40.1 + f64::from(n) / 1e3 } else { 0.2 + f64::from(n % 7) }));
        let found = plateau(&tenth, Some(0.1)).expect("a tenth of them");
        assert!((found.share - 0.1).abs() < 1e-9, "{found:?}");
        assert_eq!(plateau(&tenth, Some(0.95)), None, "the server was at work");
        assert_eq!(plateau(&of((0..19).map(|_| 41.0)), None), None, "too few");
        assert_eq!(plateau(&of((0..1000).map(|n| if n < 40 { 41.0 } else { 1.0 })), None), None, "a small share");
        assert_eq!(plateau(&Histogram::new(), None), None);
    }

    #[test]
    fn what_only_passes_by_is_not() {
        let mut random = Pcg64Mcg::seed_from_u64(2);
        for step in 1..200u32 {
            let middle = f64::from(step);
            let exponential = of((0..2_000).map(|_| -middle * (1.0 - uniform(&mut random)).ln()));
            assert_eq!(plateau(&exponential, None), None, "exponential, {middle} ms");
            let flat = of((0..2_000).map(|_| middle * 2.0 * uniform(&mut random)));
            let ends_there = (20.0..=24.0).contains(&middle);
            assert!(ends_there || plateau(&flat, None).is_none(), "uniform up to {} ms", 2.0 * middle);
            for spread in [0.08, 0.15, 0.5, 1.0] {
                let bell = of((0..2_000).map(|_| middle * (1.0 + spread * normal(&mut random))));
                assert_eq!(plateau(&bell, None), None, "normal, {middle} ms, {spread}");
                let skewed = of((0..2_000).map(|_| middle * (spread * normal(&mut random)).exp()));
                assert_eq!(plateau(&skewed, None), None, "log-normal, {middle} ms, {spread}");
            }
        }
    }
}
