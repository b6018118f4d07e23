//! wrk's own lines.
//!
//! wrk knows fewer causes of failure, so its `Socket errors` line gathers ours:
//!
//! | wrk | here |
//! |---|---|
//! | connect | attempts to connect that failed; connections that the server closed while idle are none of them |
//! | read | reset, closed in mid-response, protocol errors, other |
//! | write | always 0: a failed send shows as a reset or as other |
//! | timeout | requests that passed their deadline, each once |

use std::fmt::Write as _;

use crate::measure::histogram::Summary;
use crate::report::spectrum;
use crate::result::units::{binary, duration_s, hang, metric, time_ns};
use crate::result::{RunResult, Spread};

pub(super) fn render(result: &RunResult, latency: bool) -> String {
    let mut out = format!("Running {} @ {}\n", planned(result), result.target.url);
    let plan = &result.plan;
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "  {} threads and {} connections", plan.threads, plan.connections);
    out.push_str("  Thread Stats   Avg      Stdev     Max   +/- Stdev\n");
    let latencies = latency_spread(result.latency_ns.as_ref());
    stats(&mut out, "Latency", &latencies, time_ns);
    stats(&mut out, "Req/Sec", &worker_rate(result), metric);
    if latency {
        match result.requests.open {
            Some(_) => recorded(&mut out, result.latency_ns.as_ref()),
            None => distribution(&mut out, result.latency_ns.as_ref()),
        }
    }
    totals(&mut out, result);
    out
}

fn planned(result: &RunResult) -> String {
    match (result.plan.requests, result.plan.duration_s) {
        (Some(requests), _) => format!("{requests} requests"),
        (None, Some(s)) => format!("{} test", duration_s(s)),
        (None, None) => "test".to_owned(),
    }
}

/// wrk prints zeros where there is no sample, and so do its lines here; the second part says so.
fn latency_spread(latency: Option<&Summary>) -> Spread {
    latency.map_or_else(Spread::default, |l| Spread {
        mean: l.mean,
        stdev: l.stdev,
        max: l.max as f64,
        within_stdev: l.within_stdev,
    })
}

/// A run too short for one sample every 100 ms is itself the only sample.
fn worker_rate(result: &RunResult) -> Spread {
    result.rate.per_worker.unwrap_or_else(|| {
        let mean = result.rate.achieved_per_s / result.plan.threads.max(1) as f64;
        Spread { mean, stdev: 0.0, max: mean, within_stdev: if mean > 0.0 { 100.0 } else { 0.0 } }
    })
}

fn stats(out: &mut String, name: &str, spread: &Spread, format: fn(f64) -> String) {
    let _ = writeln!(
        out,
        "    {name:<10}{}{}{}{:>8.2}%",
        hang(&format(spread.mean), 8),
        hang(&format(spread.stdev), 10),
        hang(&format(spread.max), 9),
        spread.within_stdev,
    );
}

fn distribution(out: &mut String, latency: Option<&Summary>) {
    out.push_str("  Latency Distribution\n");
    for (percentile, ns) in [50, 75, 90, 99].into_iter().zip(values(latency)) {
        let value = hang(&time_ns(ns as f64), 10);
        let _ = writeln!(out, "{percentile:>7}%{value}");
    }
}

/// As wrk2 prints what it recorded at a constant rate.
fn recorded(out: &mut String, latency: Option<&Summary>) {
    out.push_str("  Latency Distribution (HdrHistogram - Recorded Latency)\n");
    let percentiles = QUANTILES.map(|q| q * 100.0).into_iter().chain([100.0]);
    let values = values(latency).into_iter().chain([latency.map_or(0, |latency| latency.max)]);
    for (percentile, ns) in percentiles.zip(values) {
        let _ = writeln!(out, "{percentile:7.3}%{}", hang(&time_ns(ns as f64), 10));
    }
    let spectrum = spectrum::render(latency);
    let _ = writeln!(out, "\n  Detailed Percentile spectrum:\n{spectrum}{}", "-".repeat(58));
}

const QUANTILES: [f64; 7] = [0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 0.99999];

/// The times at [`QUANTILES`]. wrk prints them however few samples there are, and so do its lines here.
fn values(latency: Option<&Summary>) -> [u64; QUANTILES.len()] {
    let p = latency.map(|latency| latency.percentiles).unwrap_or_default();
    let samples = latency.and_then(Summary::samples);
    let told = [p.p50, p.p75, p.p90, p.p99, p.p99_9, p.p99_99, p.p99_999];
    let longest = latency.map_or(0, |latency| latency.max);
    std::array::from_fn(|at| told[at].or_else(|| samples.as_ref()?.quantile_ns(QUANTILES[at])).unwrap_or(longest))
}

fn totals(out: &mut String, result: &RunResult) {
    let _ = writeln!(
        out,
        "  {} requests in {}, {}B read",
        result.requests.completed,
        time_ns(result.elapsed_s * 1e9),
        binary(result.bytes.received as f64),
    );
    let connect = result.connections.failed.total();
    let timeout = result.errors.timeout;
    let read = result.errors.total() - timeout - result.errors.check;
    if connect + read + timeout > 0 {
        let _ = writeln!(out, "  Socket errors: connect {connect}, read {read}, write 0, timeout {timeout}");
    }
    // As wrk counts them, whatever the line says.
    let bad = result.refused();
    if bad > 0 {
        let _ = writeln!(out, "  Non-2xx or 3xx responses: {bad}");
    }
    let of_all = || if result.elapsed_s > 0.0 { result.bytes.received as f64 / result.elapsed_s } else { 0.0 };
    let transfer = result.rate.received_per_s.unwrap_or_else(of_all);
    let _ = writeln!(out, "Requests/sec: {:>9.2}", result.rate.achieved_per_s);
    let _ = writeln!(out, "Transfer/sec: {:>10}B", binary(transfer));
}
