//! The parts of a run that have figures of their own.

use super::Passed;
use crate::measure::counters::Requests;
use crate::measure::histogram::{Histogram, LatencyKind};
use crate::measure::schedule::Arrivals;
use crate::plan::{Open, Plan, RateStage};
use crate::result::{AtEnd, Estimate, Percentiles, Rate, Repeated, Stage};
use crate::worker::stats::{Segment, WorkerStats};

/// Requests per second: completed `inside` the window, and in open loop those intended; and bytes, where it is known how many came
/// inside it.
pub(super) fn rate(requests: &Requests, inside: u64, received_inside: Option<u64>, elapsed_s: f64) -> Rate {
    let by_time = |count: u64| if elapsed_s > 0.0 { count as f64 / elapsed_s } else { 0.0 };
    Rate {
        offered_per_s: requests.open.map(|open| by_time(open.intended)),
        achieved_per_s: by_time(inside),
        received_per_s: received_inside.map(by_time),
        per_worker: None,
    }
}

/// The stages of the rate, `segments` being what was measured in each.
pub(super) fn of_rate(plan: &Plan, segments: &[Segment], elapsed_s: f64) -> Vec<Stage> {
    let Some(open) = plan.load.open.as_ref().filter(|_| !segments.is_empty()) else {
        return Vec::new();
    };
    let mut start_s = 0.0;
    let row = |(stage, segment): (&RateStage, &Segment)| {
        let planned_s = stage.duration.map_or(f64::INFINITY, |span| span.as_secs_f64());
        // The last ones, or what was left of one, when the run ended early.
        let length_s = planned_s.min((elapsed_s - start_s).max(0.0));
        // What stands before the first one is the warm-up, whose backlog is no stage's.
        let own = segment.requests.open.filter(|_| start_s == 0.0).map_or(u64::MAX, |open| open.intended);
        let row = Stage {
            name: name(stage),
            connections: plan.load.connections as u64,
            start_s,
            elapsed_s: length_s,
            requests: segment.requests,
            rate: rate(&segment.requests, segment.inside.min(own), None, length_s),
            latency_ns: segment.response.summary(Some(LatencyKind::Response)),
            at_end: None,
        };
        start_s += length_s;
        row
    };
    open.stages.iter().zip(segments).map(row).filter(|row| row.elapsed_s > 0.0).collect()
}

/// A rate as it is typed: `5000/s`, `5000:20000/s`.
fn name(stage: &RateStage) -> String {
    match stage.from_per_s == stage.to_per_s {
        true => format!("{}/s", stage.from_per_s),
        false => format!("{}:{}/s", stage.from_per_s, stage.to_per_s),
    }
}

/// A row for a pass, of which `stats` is all that its workers measured.
pub(super) fn of_pass(
    passed: &Passed,
    stats: &WorkerStats,
    elapsed_s: f64,
    first_begins_at: u64,
    at_end: AtEnd,
) -> Option<Stage> {
    Some(Stage {
        name: passed.pass.name.clone()?,
        connections: passed.pass.connections as u64,
        start_s: passed.begins_at.saturating_sub(first_begins_at) as f64 / 1e9,
        elapsed_s,
        requests: stats.requests,
        rate: rate(&stats.requests, passed.inside(), Some(passed.received_inside()), elapsed_s),
        latency_ns: latency(stats).summary(Some(kind(stats))),
        at_end: Some(at_end),
    })
}

/// The times to quote.
pub(super) fn latency(stats: &WorkerStats) -> Histogram {
    match kind(stats) {
        LatencyKind::Response => stats.latencies.response.clone(),
        LatencyKind::Service => stats.latencies.service(),
    }
}

/// What they are.
pub(super) fn kind(stats: &WorkerStats) -> LatencyKind {
    if stats.requests.open.is_some() { LatencyKind::Response } else { LatencyKind::Service }
}

/// The rate asked for at the beginning and, where it differs, at the end.
pub(super) fn asked(open: &Open) -> (Option<f64>, Option<f64>) {
    let from = open.stages.first().map(|stage| stage.from_per_s);
    let to = open.stages.last().map(|stage| stage.to_per_s);
    (from, to.filter(|to| Some(*to) != from))
}

/// What several windows agree on; `None` without any.
pub(super) fn repeated(stages: &[Stage]) -> Option<Repeated> {
    // One that a signal ended in its warm-up has no figures.
    let stages: Vec<&Stage> = stages.iter().filter(|stage| stage.elapsed_s > 0.0).collect();
    let percentile = |pick: fn(&Percentiles) -> Option<u64>| {
        let latencies = stages.iter().filter_map(|stage| stage.latency_ns.as_ref());
        let figures: Vec<f64> =
            latencies.filter_map(|latency| pick(&latency.percentiles)).map(|ns| ns as f64).collect();
        Estimate::of(&figures)
    };
    let rates: Vec<f64> = stages.iter().map(|stage| stage.rate.achieved_per_s).collect();
    Some(Repeated {
        windows: stages.len(),
        rate_per_s: Estimate::of(&rates)?,
        p50_ns: percentile(|percentiles| percentiles.p50),
        p99_ns: percentile(|percentiles| percentiles.p99),
    })
}

/// Whether arrivals are drawn at random.
pub(super) fn is_drawn(open: &Open) -> bool {
    open.arrivals == Arrivals::Poisson
}
