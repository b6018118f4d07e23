//! This program itself, as a process of its own: its result is exact.

use std::fs;

use super::{Wanted, words};
use crate::plan::cpus;
use crate::result::RunResult;

/// One interval, as far as one may be long: results stay compact.
const INTERVAL: &str = "1h";

pub(super) fn command(wanted: &Wanted) -> Result<Vec<String>, String> {
    let threads = match wanted.cpus.len() {
        0 => wanted.threads(),
        cpus => wanted.threads().min(cpus),
    };
    let mut command = vec![wanted.saturing.display().to_string()];
    let mut option = |words: &[&str]| command.extend(words.iter().map(|word| (*word).to_owned()));
    option(&["-t", &threads.to_string(), "-c", &wanted.connections.to_string()]);
    if !wanted.cpus.is_empty() {
        option(&["--cpus", &cpus::format_list(&wanted.cpus)]);
    }
    if let Some(requests) = wanted.requests {
        option(&["-n", &requests.to_string()]);
    }
    if let Some(duration_s) = wanted.duration_s {
        option(&["-d", &seconds(duration_s)]);
    }
    if let Some(rate) = wanted.rate_per_s {
        option(&["-R", &rate.to_string()]);
        if let Some(arrivals) = &wanted.arrivals {
            option(&["--arrivals", arrivals]);
        }
    }
    if wanted.warmup_s > 0.0 {
        option(&["--warmup", &seconds(wanted.warmup_s)]);
    }
    option(&["-T", &seconds(wanted.timeout_s)]);
    if wanted.pipeline > 1 {
        option(&["-p", &wanted.pipeline.to_string()]);
    }
    if !wanted.keepalive {
        option(&["--no-keepalive"]);
    }
    option(&["-m", &wanted.method]);
    for header in &wanted.headers {
        option(&["-H", header]);
    }
    match &wanted.body {
        // Read from a file, as it stands for the name of one.
        Some(body) if body.starts_with('@') => option(&["-b", &format!("@{}", wanted.file("body", body)?)]),
        Some(body) => option(&["-b", body]),
        None => {}
    }
    let out = |name: &str| wanted.out.join(name).display().to_string();
    option(&["--interval", INTERVAL, "--json", &out("result.json"), "--hdr-log", &out("latency.hlog")]);
    command.extend(words([&wanted.url]));
    Ok(command)
}

pub(super) fn read(wanted: &Wanted) -> Result<RunResult, String> {
    let path = wanted.out.join("result.json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{} is no result of a run: {error}", path.display()))
}

/// To a microsecond, without a binary fraction.
fn seconds(s: f64) -> String {
    format!("{}us", (s * 1e6).round().max(1.0))
}
