//! oha: stops by time or count, holds a rate, tells percentiles and status codes as JSON.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Wanted, milliseconds, outcomes, summary, words};
use crate::result::{LatencyKind, Percentiles, RunResult};

pub(super) fn command(wanted: &Wanted) -> Result<Vec<String>, String> {
    wanted.one_at_a_time("oha")?;
    if wanted.rate_per_s.is_some() && wanted.arrivals.as_deref().is_some_and(|kind| kind != "constant") {
        return Err("oha spaces requests of a rate evenly only".to_owned());
    }
    let mut command: Vec<String> = vec!["env".to_owned(), format!("TOKIO_WORKER_THREADS={}", wanted.threads())];
    // Redirects are answers, and what is asked for is what all clients ask for.
    command.extend(words(["oha", "--no-tui", "--output-format", "json", "--redirect", "0", "--disable-compression"]));
    command.extend(["-c".to_owned(), wanted.connections.to_string()]);
    match (wanted.duration_s, wanted.requests) {
        (None, Some(requests)) => command.extend(["-n".to_owned(), requests.to_string()]),
        (duration_s, _) => {
            command.extend(["-z".to_owned(), milliseconds(duration_s.unwrap_or(super::IN_PLACE_OF_A_COUNT_S))])
        }
    }
    if let Some(rate) = wanted.rate_per_s {
        if rate.fract() != 0.0 {
            return Err(format!("oha takes whole rates only, not {rate}"));
        }
        command.extend(["-q".to_owned(), rate.to_string(), "--latency-correction".to_owned()]);
    }
    if !wanted.keepalive {
        command.push("--disable-keepalive".to_owned());
    }
    command.extend(["-t".to_owned(), milliseconds(wanted.timeout_s), "-m".to_owned(), wanted.method.clone()]);
    for header in &wanted.headers {
        command.extend(["-H".to_owned(), header.clone()]);
    }
    if let Some(body) = &wanted.body {
        command.extend(["-D".to_owned(), wanted.file("body", body)?]);
    }
    command.push(wanted.url.clone());
    Ok(command)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    summary: Totals,
    latency_percentiles: BTreeMap<String, Option<f64>>,
    status_code_distribution: BTreeMap<u16, u64>,
    error_distribution: BTreeMap<String, u64>,
}

/// Times in seconds; `null` without answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    total: f64,
    slowest: Option<f64>,
    fastest: Option<f64>,
    average: Option<f64>,
    total_data: u64,
}

pub(super) fn read(wanted: &Wanted, stdout: &str) -> Result<RunResult, String> {
    let json = stdout.find('{').map_or(stdout, |at| &stdout[at..]);
    let output: Output = serde_json::from_str(json).map_err(|error| format!("{error}: {stdout:?}"))?;
    let completed = output.status_code_distribution.values().sum();

    let mut result = wanted.result();
    for (cause, count) in &output.error_distribution {
        match cause.as_str() {
            "aborted due to deadline" => result.requests.in_flight_at_end += count,
            "timeout" => result.errors.timeout += count,
            _ => result.errors.other += count,
        }
    }
    let in_flight = result.requests.in_flight_at_end;
    result.requests = outcomes(completed, result.errors.total());
    result.requests.in_flight_at_end = in_flight;
    result.requests.sent += in_flight;
    result.elapsed_s = output.summary.total;
    result.rate.offered_per_s = wanted.rate_per_s;
    result.rate.achieved_per_s = if result.elapsed_s > 0.0 { completed as f64 / result.elapsed_s } else { 0.0 };
    result.bytes.body = output.summary.total_data;
    if let Totals { fastest: Some(min), average: Some(mean), slowest: Some(max), .. } = output.summary
        && completed > 0
    {
        let kind = if wanted.rate_per_s.is_some() { LatencyKind::Response } else { LatencyKind::Service };
        let percentiles = percentiles(&output.latency_percentiles);
        result.latency_ns = Some(summary(kind, completed, [min * 1e9, mean * 1e9, 0.0, max * 1e9], percentiles));
    }
    result.status = output.status_code_distribution;
    result.notes.extend(wanted.note_of_warmup("oha"));
    result.notes.push(
        "oha does not tell: connections established, bytes on the wire, the standard deviation of the times".to_owned(),
    );
    Ok(result)
}

fn percentiles(told: &BTreeMap<String, Option<f64>>) -> Percentiles {
    let ns = |name| told.get(name).copied().flatten().map(|s| (s * 1e9).round() as u64);
    Percentiles {
        p50: ns("p50"),
        p75: ns("p75"),
        p90: ns("p90"),
        p95: ns("p95"),
        p99: ns("p99"),
        p99_9: ns("p99.9"),
        p99_99: ns("p99.99"),
        p99_999: None,
    }
}
