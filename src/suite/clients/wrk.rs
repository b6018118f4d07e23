//! wrk: closed loop, stops by time, tells four percentiles.

use std::fmt::Write as _;

use super::figures::{after, between, bytes, time_ns};
use super::{Wanted, outcomes, summary, words};
use crate::result::{LatencyKind, Percentiles, RunResult, Summary};

pub(super) fn command(wanted: &Wanted) -> Result<Vec<String>, String> {
    wanted.closed_loop("wrk")?;
    wanted.one_at_a_time("wrk")?;
    let timeout_s = wanted.timeout_s.ceil().max(1.0) as u64;
    let mut command: Vec<String> = words(["wrk", "--latency"]).collect();
    command.extend([
        format!("-t{}", wanted.threads()),
        format!("-c{}", wanted.connections),
        format!("-d{}s", wanted.whole_seconds()),
        format!("--timeout={timeout_s}s"),
    ]);
    for header in wanted.all_headers() {
        command.extend(["-H".to_owned(), header]);
    }
    if wanted.method != "GET" || wanted.body.is_some() {
        command.extend(["-s".to_owned(), wanted.file("wrk.lua", &script(wanted))?]);
    }
    command.push(wanted.url.clone());
    Ok(command)
}

/// wrk takes method and body from a script only.
fn script(wanted: &Wanted) -> String {
    let mut script = format!("wrk.method = {}\n", quoted(&wanted.method));
    if let Some(body) = &wanted.body {
        let _ = writeln!(script, "wrk.body = {}", quoted(body));
    }
    script
}

/// As a string of Lua, whatever bytes it has.
fn quoted(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'"' | b'\\' | 0..0x20 | 0x7f.. => format!("\\{byte:03}"),
        plain => char::from(plain).to_string(),
    };
    format!("\"{}\"", text.bytes().map(byte).collect::<String>())
}

pub(super) fn read(wanted: &Wanted, stdout: &str) -> Result<RunResult, String> {
    parse(wanted, stdout).ok_or_else(|| format!("not understood: {stdout:?}"))
}

fn parse(wanted: &Wanted, stdout: &str) -> Option<RunResult> {
    // "1443 requests in 1.10s, 732.95KB read"
    let line = stdout.lines().find(|line| line.contains(" requests in "))?;
    let answers: u64 = line.split_whitespace().next()?.parse().ok()?;
    let rate: f64 = after(stdout, "Requests/sec:")?.first()?.parse().ok()?;
    let rounded_s = time_ns(between(line, " requests in ", ",")?)? / 1e9;
    let read = bytes(line.split_once(", ")?.1.strip_suffix(" read")?)?;

    let errors = SocketErrors::of(stdout)?;
    let others: u64 = match after(stdout, "Non-2xx or 3xx responses:") {
        Some(words) => words.first()?.parse().ok()?,
        None => 0,
    };
    // An answer that came after the timeout is among the requests, and not among the times.
    let completed = answers.checked_sub(errors.timeout)?;

    let mut result = wanted.result();
    // The time is told to two decimals, the rate to more.
    result.elapsed_s = if rate > 0.0 { answers as f64 / rate } else { rounded_s };
    result.requests = outcomes(completed, errors.timeout + errors.socket);
    result.errors.timeout = errors.timeout;
    result.errors.other = errors.socket;
    result.connections.failed.other = errors.connect;
    result.rate.achieved_per_s = if result.elapsed_s > 0.0 { completed as f64 / result.elapsed_s } else { 0.0 };
    result.bytes.received = read as u64;
    result.latency_ns = latency(stdout, completed)?;
    notes(wanted, &mut result);
    let expected = if (200..400).contains(&wanted.expect_status) { answers.checked_sub(others)? } else { others };
    wanted.statuses(expected.min(completed), completed, &mut result);
    Some(result)
}

/// The line of latencies: `None` if it is not understood, `Some(None)` if there are none.
fn latency(stdout: &str, count: u64) -> Option<Option<Summary>> {
    let words = after(stdout, "Latency  ")?;
    let [mean, stdev, max] = words.get(..3)? else { return None };
    let [mean, stdev, max] = [time_ns(mean)?, time_ns(stdev)?, time_ns(max)?];
    if max == 0.0 {
        return Some(None);
    }
    let percentile = |label| after(stdout, label)?.first().and_then(|text| time_ns(text));
    let ns = |label| percentile(label).map(|ns| ns.round() as u64);
    let [p50, p75, p90, p99] = ["50%", "75%", "90%", "99%"].map(ns);
    if [p50, p75, p90, p99].contains(&None) {
        return None;
    }
    let percentiles = Percentiles { p50, p75, p90, p99, ..Percentiles::default() };
    let mut summary = summary(LatencyKind::Service, count, [0.0, mean, stdev, max], percentiles);
    summary.within_stdev = words.get(3)?.strip_suffix('%')?.parse().ok()?;
    Some(Some(summary))
}

/// What went wrong with connections: `Socket errors: connect 0, read 3, write 0, timeout 10`, a line that is there if something did.
#[derive(Default)]
struct SocketErrors {
    connect: u64,
    socket: u64,
    timeout: u64,
}

impl SocketErrors {
    /// `None` if the line is not understood.
    fn of(stdout: &str) -> Option<SocketErrors> {
        let Some(words) = after(stdout, "Socket errors:") else { return Some(SocketErrors::default()) };
        let number = |name: &str| {
            let at = words.iter().position(|word| *word == name)?;
            words.get(at + 1)?.trim_end_matches(',').parse::<u64>().ok()
        };
        Some(SocketErrors {
            connect: number("connect")?,
            socket: number("read")? + number("write")?,
            timeout: number("timeout")?,
        })
    }
}

fn notes(wanted: &Wanted, result: &mut RunResult) {
    result.notes.extend(wanted.note_of_time("wrk"));
    result.notes.extend(wanted.note_of_warmup("wrk"));
    result.notes.push(
        "wrk does not tell: connections established, bytes sent, requests never answered, the least time, percentiles but 50, 75, \
         90 and 99"
            .to_owned(),
    );
}
