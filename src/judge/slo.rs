//! Service-level objectives: limits that a result keeps or breaches.

use std::fmt;

use crate::result::{Clause, RunResult, Summary};

/// What a run is held against: all limits together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slo {
    /// At least one.
    pub limits: Vec<Limit>,
}

/// One limit, as in `p99<5ms`.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// As it was typed.
    pub text: String,
    /// The figure.
    pub measure: Measure,
    /// Of which kind of request; `None`: of all.
    pub kind: Option<String>,
    /// How it has to compare.
    pub order: Order,
    /// To what: ns, a share from 0 to 1, or requests per second.
    pub bound: f64,
}

/// The figures that can be limited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// A time, ns.
    Time(Times, Statistic),
    /// [`RunResult::error_share`].
    Errors,
    /// Requests completed per second of the whole window.
    Rate,
}

/// Whose times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// The latency to quote: response time in open loop, service time in closed loop.
    Latency,
    /// Done - sent.
    Service,
    /// Sent - intended.
    Lag,
}

/// Which figure of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    /// A percentile, more than 0 and at most 100.
    Percentile(f64),
    /// The average.
    Mean,
    /// The longest.
    Max,
}

/// How a figure has to compare to its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

impl Order {
    /// All, with their spelling; the longer ones first.
    pub const ALL: [(&'static str, Order); 4] =
        [("<=", Order::AtMost), (">=", Order::AtLeast), ("<", Order::Below), (">", Order::Above)];

    fn holds(self, figure: f64, bound: f64) -> bool {
        match self {
            Order::Below => figure < bound,
            Order::AtMost => figure <= bound,
            Order::Above => figure > bound,
            Order::AtLeast => figure >= bound,
        }
    }
}

/// A limit held against a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The limit.
    pub limit: Limit,
    /// What it was held against.
    pub figure: Figure,
    /// Whether it held.
    pub held: bool,
}

/// The figure of a run that a limit is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// There is none: it breaches.
    None,
    /// Requests per second.
    Rate(f64),
    /// Errors, a share of the requests from 0 to 1.
    Errors(f64),
    /// Errors, the share of the window without a connection.
    Outage {
        /// 0 to 1.
        share: f64,
        /// The same as a time, ns.
        down_ns: u64,
        /// The window, seconds.
        of_s: f64,
    },
    /// A time, ns.
    Time(f64),
    /// A time that is beyond all answers.
    NotAnswered,
}

impl Figure {
    /// As a number: requests per second, a share, or ns; infinite where it is longer than anybody waited.
    fn number(self) -> Option<f64> {
        match self {
            Figure::None => None,
            Figure::NotAnswered => Some(f64::INFINITY),
            Figure::Rate(value) | Figure::Errors(value) | Figure::Time(value) | Figure::Outage { share: value, .. } => {
                Some(value)
            }
        }
    }

    /// The same, where it is finite.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        self.number().filter(|value| value.is_finite())
    }
}

impl Slo {
    /// Each limit with its figure in `result`.
    #[must_use]
    pub fn judge(&self, result: &RunResult) -> Vec<Judged> {
        self.limits.iter().map(|limit| limit.judge(result)).collect()
    }

    /// The same, as results have it.
    #[must_use]
    pub fn clauses(&self, result: &RunResult) -> Vec<Clause> {
        self.judge(result).iter().map(Clause::from).collect()
    }

    /// The first limit of a kind of request that is none of `kinds`.
    #[must_use]
    pub fn unknown_kind<'a>(&self, kinds: impl Iterator<Item = &'a str> + Clone) -> Option<(&Limit, &str)> {
        self.limits.iter().find_map(|limit| {
            let kind = limit.kind.as_deref()?;
            (!kinds.clone().any(|known| known == kind)).then_some((limit, kind))
        })
    }

    /// The first limit of send lag: there is none in a closed loop.
    #[must_use]
    pub fn send_lag(&self) -> Option<&Limit> {
        self.limits.iter().find(|limit| matches!(limit.measure, Measure::Time(Times::Lag, _)))
    }

    /// The latency at the highest percentile that is limited, ns; `None` where it is beyond all answers, or there are none.
    #[must_use]
    pub fn asked_ns(&self, result: &RunResult) -> Option<f64> {
        let measure = Measure::Time(Times::Latency, Statistic::Percentile(self.percentile()));
        measure.of(result).value()
    }

    /// The highest percentile of the latency that is limited, 50 where there is none: how long a run has to be depends on it.
    #[must_use]
    pub fn percentile(&self) -> f64 {
        let of = |limit: &Limit| match limit.measure {
            // The longest of all has no number of samples that would be enough.
            Measure::Time(_, Statistic::Percentile(percentile)) if percentile < 100.0 => percentile,
            _ => 50.0,
        };
        self.limits.iter().map(of).fold(50.0, f64::max)
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<&str> = self.limits.iter().map(|limit| limit.text.as_str()).collect();
        f.write_str(&texts.join(","))
    }
}

impl Limit {
    fn judge(&self, result: &RunResult) -> Judged {
        let figure = match &self.kind {
            Some(name) => self.measure.of_kind(result, name),
            None => self.measure.of(result),
        };
        let held = figure.number().is_some_and(|value| self.order.holds(value, self.bound));
        Judged { limit: self.clone(), figure, held }
    }
}

impl Measure {
    fn of(self, result: &RunResult) -> Figure {
        match self {
            Measure::Rate => Figure::Rate(result.rate.achieved_per_s),
            Measure::Errors if result.is_mostly_outage() => Figure::Outage {
                share: result.down_share(),
                down_ns: result.connections.down_ns,
                of_s: result.elapsed_s,
            },
            Measure::Errors => result.error_share().map_or(Figure::None, Figure::Errors),
            Measure::Time(times, statistic) => {
                let unanswered = if times == Times::Lag { 0 } else { unanswered(result) };
                times.of(result).map_or(Figure::None, |summary| statistic.of(summary, unanswered))
            }
        }
    }

    /// The same of one kind of request; what is only of one kind has no figures beside the whole.
    fn of_kind(self, result: &RunResult, name: &str) -> Figure {
        if result.mix.is_empty() {
            return self.of(result);
        }
        let Some(kind) = result.kind(name) else { return Figure::None };
        match self {
            Measure::Rate if result.elapsed_s > 0.0 => Figure::Rate(kind.requests.completed as f64 / result.elapsed_s),
            Measure::Rate => Figure::None,
            Measure::Errors => kind.bad_share().map_or(Figure::None, Figure::Errors),
            Measure::Time(Times::Lag, _) => Figure::None,
            Measure::Time(times, statistic) => {
                let service = kind.service_ns.as_ref().filter(|_| times == Times::Service);
                let waiting = if result.requests.open.is_some() { kind.requests.in_flight_at_end } else { 0 };
                let summary = service.or(kind.latency_ns.as_ref());
                summary.map_or(Figure::None, |summary| statistic.of(summary, kind.requests.failed + waiting))
            }
        }
    }
}

impl Statistic {
    /// Of samples, and of `unanswered` requests that took longer than all of them.
    fn of(self, summary: &Summary, unanswered: u64) -> Figure {
        match self {
            Statistic::Mean => Figure::Time(summary.mean),
            Statistic::Max if unanswered > 0 => Figure::NotAnswered,
            Statistic::Max => Figure::Time(summary.max as f64),
            Statistic::Percentile(percentile) => quantile(summary, percentile / 100.0, unanswered),
        }
    }
}

impl Times {
    fn of(self, result: &RunResult) -> Option<&Summary> {
        match self {
            Times::Latency => result.latency_ns.as_ref(),
            // In a closed loop the service time is the latency.
            Times::Service => result.service_ns.as_ref().or(result.latency_ns.as_ref()),
            Times::Lag => result.send_lag_ns.as_ref(),
        }
    }
}

/// Requests that nobody saw an answer to, whatever kept it away: slower than any that was measured, so a percentile that left
/// them out would be too good. A server that fails fast is not fast.
fn unanswered(result: &RunResult) -> u64 {
    result.requests.failed + result.lost()
}

/// Of the samples and `unanswered` ones that are longer than all of them.
fn quantile(summary: &Summary, q: f64, unanswered: u64) -> Figure {
    let Some(samples) = summary.samples() else { return Figure::None };
    let count = samples.count();
    let rank = ((count + unanswered) as f64 * q).ceil().max(1.0);
    if rank > count as f64 {
        return Figure::NotAnswered;
    }
    // In the middle of the rank, away from what rounding does to its edges.
    let ns = samples.quantile_ns((rank - 0.5) / count as f64);
    ns.map_or(Figure::None, |ns| Figure::Time(ns as f64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::measure::histogram::Histogram;
    use crate::result::{LatencyKind, samples};

    fn limit(measure: Measure, order: Order, bound: f64) -> Limit {
        Limit { text: "clause".into(), measure, kind: None, order, bound }
    }

    /// 1 us, 2 us ... 1 ms.
    fn result() -> RunResult {
        let mut times = Histogram::new();
        (1..=1_000).for_each(|us| times.record_n(us * 1_000, 1));
        let mut result = samples::open();
        result.latency_ns = times.summary(Some(LatencyKind::Response));
        result
    }

    #[test]
    fn figures_are_held_against_bounds() {
        let p = |percentile| Measure::Time(Times::Latency, Statistic::Percentile(percentile));
        let us = 1e3;
        // Values of 2^20 ns and less have buckets of 512 ns at most.
        let time = Figure::Time;
        for (measure, order, bound, figure, held) in [
            (p(99.0), Order::Below, 991.0 * us, time(990_207.0), true),
            (p(99.0), Order::Below, 990.0 * us, time(990_207.0), false),
            (p(50.0), Order::Above, 499.0 * us, time(500_223.0), true),
            (p(100.0), Order::AtMost, 1_000.0 * us, time(1_000_000.0), true),
            (Measure::Time(Times::Latency, Statistic::Max), Order::Below, 1_000.0 * us, time(1e6), false),
            (Measure::Time(Times::Latency, Statistic::Mean), Order::AtMost, 500.5 * us, time(500_500.0), true),
            (Measure::Time(Times::Lag, Statistic::Percentile(99.0)), Order::Below, 1e9, Figure::None, false),
            (Measure::Rate, Order::Above, 1_999.0, Figure::Rate(2_000.0), true),
            (Measure::Rate, Order::AtLeast, 2_001.0, Figure::Rate(2_000.0), false),
            (Measure::Errors, Order::AtMost, 0.0, Figure::Errors(0.0), true),
            (Measure::Errors, Order::Below, 0.0, Figure::Errors(0.0), false),
        ] {
            let mut result = result();
            result.send_lag_ns = None;
            let judged = limit(measure, order, bound).judge(&result);
            assert_eq!((judged.figure, judged.held), (figure, held), "{measure:?} {order:?} {bound}");
        }
    }

    #[test]
    fn whoever_was_not_answered_waited_longer_than_all() {
        let p = |percentile| limit(Measure::Time(Times::Latency, Statistic::Percentile(percentile)), Order::Below, 2e6);
        let mut result = result();
        (result.errors.timeout, result.errors.reset, result.requests.failed) = (900, 100, 1_000);
        assert_eq!(p(50.0).judge(&result).figure, Figure::Time(1e6));
        let beyond = p(50.1).judge(&result);
        assert_eq!((beyond.figure, beyond.figure.value(), beyond.held), (Figure::NotAnswered, None, false));
        (result.errors.timeout, result.errors.reset, result.requests.failed) = (0, 0, 0);
        let open = result.requests.open.as_mut().unwrap();
        (open.shed, open.unsent, result.requests.in_flight_at_end) = (4, 3, 4);
        assert!(p(98.9).judge(&result).held && !p(99.0).judge(&result).held);
        let max = limit(Measure::Time(Times::Latency, Statistic::Max), Order::Below, 1e12);
        assert!(!max.judge(&result).held);
    }

    #[test]
    fn errors_are_all_that_had_no_good_answer() {
        let errors = |result: &RunResult| result.error_share().unwrap();
        let mut result = result();
        (result.requests.completed, result.requests.failed) = (900, 100);
        assert!((errors(&result) - 0.1).abs() < 1e-12);
        result.status.insert(503, 50);
        result.status.insert(302, 50);
        assert!((errors(&result) - 0.15).abs() < 1e-12);
        result.requests.open.as_mut().unwrap().shed = 1_000;
        assert!((errors(&result) - 0.575).abs() < 1e-12);
        result.requests = crate::result::Requests::default();
        result.status.clear();
        assert_eq!(result.error_share(), None);
    }

    #[test]
    fn an_outage_of_a_closed_loop_breaches_and_is_named() {
        let below = |bound| limit(Measure::Errors, Order::Below, bound);
        let mut result = samples::good();
        (result.elapsed_s, result.connections.down_ns) = (2.0, 1_290_000_000);
        let judged = below(0.001).judge(&result);
        let outage = Figure::Outage { share: 0.645, down_ns: 1_290_000_000, of_s: 2.0 };
        assert_eq!((judged.figure, judged.held, outage.value()), (outage, false, Some(0.645)));
        assert!(below(0.65).judge(&result).held, "as many errors were allowed");
        result.requests.failed = result.requests.completed * 3;
        assert_eq!(below(0.001).judge(&result).figure, Figure::Errors(0.75), "more failed than the outage took");
        result.connections.down_ns = 0;
        assert_eq!(below(0.8).judge(&result).figure, Figure::Errors(0.75));
    }
}
