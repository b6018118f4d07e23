//! Figures as CSV (RFC 4180): a line for the whole run, then one for each stage, step or window, then one for each kind of request.

use std::io;

use crate::result::mix::Kind;
use crate::result::{Bound, Classes, LatencyKind, Outcome, Rate, Requests, RunResult, Summary};

/// Later versions add columns at the end; none is renamed or moved.
const COLUMNS: [&str; 49] = [
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
    // Of the whole run alone from here on.
    "outcome",
    "verdict",
    "status_2xx",
    "status_3xx",
    "status_4xx",
    "status_5xx",
    "status_other",
    "error_reset",
    "error_eof_mid_response",
    "error_timeout",
    "error_protocol",
    "error_other",
    "connect_refused",
    "connect_timeout",
    "connect_no_local_port",
    "connect_other",
    "bytes_sent",
    "bytes_received",
    "bytes_body",
    "warnings",
    "error_check",
];

/// How many columns every line fills; the rest is of the whole run alone.
const OF_PARTS: usize = 28;

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
    writer.write_record(whole.into_iter().chain(of_run(result)))?;
    for part in &result.stages {
        let span = [part.start_s, part.elapsed_s];
        let latency = part.latency_ns.as_ref();
        let row = row(&part.name, url, part.connections, span, &part.rate, &part.requests, latency);
        writer.write_record(row.into_iter().chain(std::iter::repeat_n(String::new(), COLUMNS.len() - OF_PARTS)))?;
    }
    for kind in &result.mix {
        let per_s = if elapsed_s > 0.0 { kind.requests.completed as f64 / elapsed_s } else { 0.0 };
        let rate = Rate { achieved_per_s: per_s, ..Rate::default() };
        let name = format!("request {}", kind.name);
        let row = row(&name, url, connections, [0.0, elapsed_s], &rate, &kind.requests, kind.latency_ns.as_ref());
        writer.write_record(row.into_iter().chain(of_kind(kind)))?;
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
) -> [String; OF_PARTS] {
    let if_any = |figure: Option<String>| figure.unwrap_or_default();
    let open = |pick: fn(crate::result::Intended) -> u64| if_any(requests.open.map(|open| pick(open).to_string()));
    let time = |pick: fn(&Summary) -> u64| if_any(latency.map(|latency| pick(latency).to_string()));
    let percentiles = latency.map(|latency| latency.percentiles).unwrap_or_default();
    let percentile = |ns: Option<u64>| if_any(ns.map(|ns| ns.to_string()));
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
        time(|latency| latency.count),
        time(|latency| latency.min),
        if_any(latency.map(|latency| format!("{:.1}", latency.mean))),
        time(|latency| latency.max),
        percentile(percentiles.p50),
        percentile(percentiles.p75),
        percentile(percentiles.p90),
        percentile(percentiles.p95),
        percentile(percentiles.p99),
        percentile(percentiles.p99_9),
        percentile(percentiles.p99_99),
    ]
}

/// What is known of the whole run only.
fn of_run(result: &RunResult) -> [String; COLUMNS.len() - OF_PARTS] {
    let outcome = match result.outcome {
        Outcome::Ok => "ok",
        Outcome::Incomplete => "incomplete",
        Outcome::NoAnswers => "no_answers",
        Outcome::Interrupted => "interrupted",
    };
    let verdict = result.verdict.as_ref().map_or("", |verdict| match verdict.bound {
        Bound::Client => "client",
        Bound::Server => "server",
        Bound::Offered => "offered",
        Bound::Unclear => "unclear",
    });
    let status = Classes::of(result.status.iter().map(|(code, count)| (*code, *count)));
    let (errors, connect, bytes) = (result.errors, result.connections.failed, result.bytes);
    let counts = [
        status.success,
        status.redirection,
        status.client_error,
        status.server_error,
        status.other,
        errors.reset,
        errors.eof_mid_response,
        errors.timeout,
        errors.protocol,
        errors.other,
        connect.refused,
        connect.timeout,
        connect.no_local_port,
        connect.other,
        bytes.sent,
        bytes.received,
        bytes.body,
    ];
    let mut row = [const { String::new() }; COLUMNS.len() - OF_PARTS];
    (row[0], row[1]) = (outcome.to_owned(), verdict.to_owned());
    row[2..].iter_mut().zip(counts).for_each(|(cell, count)| *cell = count.to_string());
    row[COLUMNS.len() - OF_PARTS - 2] = result.warnings.join("; ");
    row[COLUMNS.len() - OF_PARTS - 1] = errors.check.to_string();
    row
}

/// What is known of a kind of request in the columns of the whole run.
fn of_kind(kind: &Kind) -> [String; COLUMNS.len() - OF_PARTS] {
    let status = Classes::of(kind.status.iter().map(|(code, count)| (*code, *count)));
    let errors = kind.errors;
    let counts = [
        status.success,
        status.redirection,
        status.client_error,
        status.server_error,
        status.other,
        errors.reset,
        errors.eof_mid_response,
        errors.timeout,
        errors.protocol,
        errors.other,
    ];
    let mut row = [const { String::new() }; COLUMNS.len() - OF_PARTS];
    row[2..].iter_mut().zip(counts).for_each(|(cell, count)| *cell = count.to_string());
    row[COLUMNS.len() - OF_PARTS - 3] = kind.bytes.body.to_string();
    row[COLUMNS.len() - OF_PARTS - 1] = errors.check.to_string();
    row
}
