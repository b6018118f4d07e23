//! locust: users who do what a file of Python says; all their requests together are the load.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Wanted, outcomes, words};
use crate::measure::histogram::Histogram;
use crate::result::{LatencyKind, RunResult, Summary};

pub(super) fn command(wanted: &Wanted) -> Result<Vec<String>, String> {
    wanted.closed_loop("locust")?;
    wanted.one_at_a_time("locust")?;
    let python = wanted.python.as_ref().ok_or("locust needs a Python environment: bench/setup.sh makes it")?;
    let file = wanted.locustfile.as_ref().ok_or("locust needs a `locustfile` in its load")?;
    let mut command = vec![python.display().to_string()];
    command.extend(words([
        "-m",
        "locust",
        "--headless",
        "--json",
        "--only-summary",
        "--exit-code-on-error",
        "0",
        "-f",
    ]));
    let users = wanted.connections.to_string();
    command.extend([file.display().to_string(), "--host".to_owned(), origin(&wanted.url).to_owned()]);
    command.extend(["-u".to_owned(), users.clone(), "-r".to_owned(), users]);
    command.extend(["--run-time".to_owned(), format!("{}s", wanted.whole_seconds())]);
    Ok(command)
}

/// `http://host:port` of a URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |at| &url[..host + at])
}

/// One kind of request: a method and a path.
#[derive(Deserialize)]
struct Entry {
    start_time: f64,
    last_request_timestamp: Option<f64>,
    num_requests: u64,
    num_failures: u64,
    /// Milliseconds, as are the next three.
    total_response_time: f64,
    min_response_time: Option<f64>,
    max_response_time: f64,
    total_content_length: u64,
    /// How often each time was seen, in whole milliseconds, from 100 ms on to two digits.
    response_times: BTreeMap<u64, u64>,
}

pub(super) fn read(wanted: &Wanted, stdout: &str) -> Result<RunResult, String> {
    // What the file itself prints may stand before it.
    let begins = if stdout.starts_with('[') { Some(0) } else { stdout.find("\n[").map(|at| at + 1) };
    let json = begins.map_or(stdout, |at| &stdout[at..]);
    let entries: Vec<Entry> = serde_json::from_str(json).map_err(|error| format!("{error}: {stdout:?}"))?;
    let sum = |of: fn(&Entry) -> u64| entries.iter().map(of).sum::<u64>();
    let (requests, failed) = (sum(|entry| entry.num_requests), sum(|entry| entry.num_failures));
    let completed = requests.checked_sub(failed).ok_or("more failures than requests")?;

    let mut result = wanted.result();
    let began = entries.iter().map(|entry| entry.start_time).fold(f64::INFINITY, f64::min);
    let ended = entries.iter().filter_map(|entry| entry.last_request_timestamp).fold(0.0, f64::max);
    if ended > began {
        // From its first request to its last is less than users were there: they wait at the end, too.
        result.elapsed_s = wanted.duration_s.unwrap_or_default().max(ended - began);
        result.rate.achieved_per_s = completed as f64 / result.elapsed_s;
        result.started_unix_s = Some(began);
    }
    result.requests = outcomes(completed, failed);
    result.errors.other = failed;
    result.bytes.body = sum(|entry| entry.total_content_length);
    result.latency_ns = latency(&entries, requests);
    if completed > 0 {
        result.status.insert(wanted.expect_status, completed);
    }
    result.notes.extend(wanted.note_of_time("locust"));
    result.notes.extend(wanted.note_of_warmup("locust"));
    result.notes.push(
        "locust's requests are those of its file, and its failures answers with a status from 400 on, too; times are whole \
         milliseconds; it does not tell: connections, single status codes, bytes on the wire"
            .to_owned(),
    );
    Ok(result)
}

/// All times together, with their exact extremes and mean.
fn latency(entries: &[Entry], count: u64) -> Option<Summary> {
    let mut samples = Histogram::new();
    for (ms, n) in entries.iter().flat_map(|entry| &entry.response_times) {
        samples.record_n(ms.saturating_mul(1_000_000), *n);
    }
    let mut summary = samples.summary(Some(LatencyKind::Service))?;
    let ns = |ms: f64| (ms * 1e6).round() as u64;
    let told = |of: fn(&Entry) -> f64| entries.iter().map(of);
    summary.min = ns(entries.iter().filter_map(|entry| entry.min_response_time).fold(f64::INFINITY, f64::min));
    summary.max = ns(told(|entry| entry.max_response_time).fold(0.0, f64::max));
    summary.mean = told(|entry| entry.total_response_time).sum::<f64>() * 1e6 / count.max(1) as f64;
    Some(summary)
}
