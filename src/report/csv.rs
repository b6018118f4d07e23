//! Figures as CSV (RFC 4180): a line for the whole run, then one for each stage, step or window.

use std::io;

use crate::result::{LatencyKind, Rate, Requests, RunResult, Summary};

const COLUMNS: [&str; 28] = [
    "part",
    "url",
    "connections",
    "start_s",
    "elapsed_s",
    "offered_per_s",
    "achieved_per_s",
    "intended",
    "sent",
    "completed",
    "failed",
    "discarded",
    "in_flight_at_end",
    "shed",
    "unsent",
    "sent_late",
    "latency",
    "count",
    "min_ns",
    "mean_ns",
    "max_ns",
    "p50_ns",
    "p75_ns",
    "p90_ns",
    "p95_ns",
    "p99_ns",
    "p99_9_ns",
    "p99_99_ns",
];

/// Where a figure was not taken, its field is empty.
///
/// # Errors
/// None; writing to memory does not fail.
pub fn render(result: &RunResult) -> io::Result<String> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    let url = result.target.url.as_str();
    let (connections, elapsed_s) = (result.plan.connections, result.elapsed_s);
    let whole =
        row("run", url, connections, [0.0, elapsed_s], &result.rate, &result.requests, result.latency_ns.as_ref());
    writer.write_record(whole)?;
    for part in &result.stages {
        let span = [part.start_s, part.elapsed_s];
        let latency = part.latency_ns.as_ref();
        writer.write_record(row(&part.name, url, part.connections, span, &part.rate, &part.requests, latency))?;
    }
    let bytes = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn row(
    part: &str,
    url: &str,
    connections: u64,
    span_s: [f64; 2],
    rate: &Rate,
    requests: &Requests,
    latency: Option<&Summary>,
) -> [String; COLUMNS.len()] {
    let if_any = |figure: Option<String>| figure.unwrap_or_default();
    let open = |pick: fn(crate::result::Intended) -> u64| if_any(requests.open.map(|open| pick(open).to_string()));
    let time = |pick: &dyn Fn(&Summary) -> u64| if_any(latency.map(|latency| pick(latency).to_string()));
    let kind = latency.and_then(|latency| latency.kind).map(|kind| match kind {
        LatencyKind::Service => "service".to_owned(),
        LatencyKind::Response => "response".to_owned(),
    });
    [
        part.to_owned(),
        url.to_owned(),
        connections.to_string(),
        format!("{:.6}", span_s[0]),
        format!("{:.6}", span_s[1]),
        if_any(rate.offered_per_s.map(|rate| format!("{rate:.3}"))),
        format!("{:.3}", rate.achieved_per_s),
        open(|open| open.intended),
        requests.sent.to_string(),
        requests.completed.to_string(),
        requests.failed.to_string(),
        requests.discarded.to_string(),
        requests.in_flight_at_end.to_string(),
        open(|open| open.shed),
        open(|open| open.unsent),
        open(|open| open.sent_late),
        if_any(kind),
        time(&|latency| latency.count),
        time(&|latency| latency.min),
        if_any(latency.map(|latency| format!("{:.1}", latency.mean))),
        time(&|latency| latency.max),
        time(&|latency| latency.percentiles.p50),
        time(&|latency| latency.percentiles.p75),
        time(&|latency| latency.percentiles.p90),
        time(&|latency| latency.percentiles.p95),
        time(&|latency| latency.percentiles.p99),
        time(&|latency| latency.percentiles.p99_9),
        time(&|latency| latency.percentiles.p99_99),
    ]
}
