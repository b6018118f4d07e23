//! h2load, and weighttp whose options and output it took over: closed loops; no percentiles.

use super::figures::{after, between, count, time_ns};
use super::{Wanted, milliseconds, outcomes, summary, words};
use crate::result::{LatencyKind, Percentiles, RunResult, Summary};

pub(super) fn command(wanted: &Wanted) -> Result<Vec<String>, String> {
    wanted.closed_loop("h2load")?;
    if wanted.body.is_some() {
        wanted.one_at_a_time("h2load with a body")?;
    }
    let mut command: Vec<String> = words(["h2load", "--h1"]).collect();
    command.extend([format!("-t{}", wanted.threads()), format!("-c{}", wanted.connections)]);
    match (wanted.duration_s, wanted.requests) {
        (Some(duration_s), _) => {
            command.extend(["-D".to_owned(), milliseconds(duration_s)]);
            if wanted.warmup_s > 0.0 {
                command.push(format!("--warm-up-time={}", milliseconds(wanted.warmup_s)));
            }
        }
        (None, Some(requests)) if requests < wanted.connections => {
            return Err(format!("h2load cannot send {requests} requests on {} connections", wanted.connections));
        }
        (None, requests) => command.push(format!("-n{}", requests.unwrap_or(wanted.connections))),
    }
    if wanted.pipeline > 1 {
        command.push(format!("-m{}", wanted.pipeline));
    }
    command.extend(["-N".to_owned(), milliseconds(wanted.timeout_s)]);
    for header in wanted.all_headers() {
        command.extend(["-H".to_owned(), header]);
    }
    // A body makes it a POST, unless told otherwise.
    let method = if wanted.body.is_some() { "POST" } else { "GET" };
    if wanted.method != method {
        command.extend(["-H".to_owned(), format!(":method: {}", wanted.method)]);
    }
    if let Some(body) = &wanted.body {
        command.extend(["-d".to_owned(), wanted.file("body", body)?]);
    }
    command.push(wanted.url.clone());
    Ok(command)
}

pub(super) fn weighttp_command(wanted: &Wanted) -> Result<Vec<String>, String> {
    wanted.closed_loop("weighttp")?;
    wanted.one_at_a_time("weighttp")?;
    let requests = wanted.requests.ok_or("weighttp stops by count, not by time")?;
    if wanted.method != "GET" || wanted.body.is_some() {
        return Err("weighttp sends nothing but GET".to_owned());
    }
    let mut command: Vec<String> = words(["weighttp", "-n"]).collect();
    command.extend([requests.to_string(), "-c".to_owned(), wanted.connections.to_string()]);
    command.extend(["-t".to_owned(), wanted.threads().to_string()]);
    if wanted.keepalive {
        command.push("-k".to_owned());
    }
    for header in &wanted.headers {
        command.extend(["-H".to_owned(), header.clone()]);
    }
    command.push(wanted.url.clone());
    Ok(command)
}

pub(super) fn read(wanted: &Wanted, stdout: &str) -> Result<RunResult, String> {
    // "finished in 84.36ms, 23707.64 req/s, 3.01MB/s"
    let finished = || {
        let took_ns = time_ns(between(stdout, "finished in ", ",")?)?;
        Some((took_ns / 1e9, between(stdout, ", ", " req/s")?.parse().ok()?))
    };
    let in_brackets = |what: &str| between(stdout, what, ")")?.rsplit('(').next()?.parse().ok();
    let parsed = || {
        let mut result = parse(wanted, stdout, finished()?)?;
        // "traffic: 259.77KB (266000) total, 166.02KB (170000) headers (space savings 0.00%), 25.39KB (26000) data"
        result.bytes.received = in_brackets("traffic: ")?;
        result.bytes.body = in_brackets("%), ")?;
        result.latency_ns = latency(stdout, result.requests.completed)?;
        Some(result)
    };
    let mut result = parsed().ok_or_else(|| format!("not understood: {stdout:?}"))?;
    if wanted.duration_s.is_none() {
        result.notes.extend(wanted.note_of_warmup("h2load with a count"));
    }
    result.notes.push("h2load does not tell: connections established, bytes sent, percentiles".to_owned());
    Ok(result)
}

pub(super) fn weighttp_read(wanted: &Wanted, stdout: &str) -> Result<RunResult, String> {
    // "finished in 0 sec, 84 millisec and 23 microsec, 23707 req/s, 3010 kbyte/s"
    let number = |before, after| between(stdout, before, after)?.parse::<f64>().ok();
    let finished = || {
        let (s, ms) = (number("finished in ", " sec,")?, number(" sec, ", " millisec")?);
        Some((s + ms / 1e3 + number(" millisec and ", " microsec")? / 1e6, number("microsec, ", " req/s")?))
    };
    let parsed = || {
        let mut result = parse(wanted, stdout, finished()?)?;
        // "traffic: 266000 bytes total, 170000 bytes http, 96000 bytes data"
        result.bytes.received = number("traffic: ", " bytes total")? as u64;
        result.bytes.body = number("bytes http, ", " bytes data")? as u64;
        Some(result)
    };
    let mut result = parsed().ok_or_else(|| format!("not understood: {stdout:?}"))?;
    result.notes.extend(wanted.note_of_warmup("weighttp"));
    result.notes.push(
        "weighttp knows no timeout, and does not tell: latencies, connections established, bytes sent".to_owned(),
    );
    Ok(result)
}

/// What both print alike, after the time it took and the rate.
fn parse(wanted: &Wanted, stdout: &str, (took_s, rate): (f64, f64)) -> Option<RunResult> {
    let requests = |label| count(stdout, "requests:", label);
    let (started, done) = (requests("started")?, requests("done")?);
    let (succeeded, failed, errored) = (requests("succeeded")?, requests("failed")?, requests("errored")?);
    // Told by h2load only; these are errors, too.
    let timeout = requests("timeout").unwrap_or(0);
    // Answers with other statuses than 2xx and 3xx are failures to them and answers to us.
    let completed = succeeded + failed.checked_sub(errored)?;

    let mut result = wanted.result();
    // The time takes in the warm-up, the rate does not.
    result.elapsed_s = if rate > 0.0 { done as f64 / rate } else { took_s };
    result.requests = outcomes(completed, errored);
    result.requests.in_flight_at_end = started.saturating_sub(completed + errored);
    result.requests.sent += result.requests.in_flight_at_end;
    result.errors.timeout = timeout;
    result.errors.other = errored.checked_sub(timeout)?;
    result.rate.achieved_per_s = if result.elapsed_s > 0.0 { completed as f64 / result.elapsed_s } else { 0.0 };
    let class = format!("{}xx", wanted.expect_status / 100);
    let expected = count(stdout, "status codes:", &class).unwrap_or(0);
    wanted.statuses(expected.min(completed), completed, &mut result);
    Some(result)
}

/// The line `time for request:` with least, most, mean, standard deviation and share within it; `None` if it is not understood,
/// `Some(None)` if there are no times.
fn latency(stdout: &str, count: u64) -> Option<Option<Summary>> {
    let words = after(stdout, "time for request:")?;
    let [min, max, mean, stdev, within] = words[..] else { return None };
    let [min, max, mean, stdev] = [time_ns(min)?, time_ns(max)?, time_ns(mean)?, time_ns(stdev)?];
    if max == 0.0 {
        return Some(None);
    }
    let mut summary = summary(LatencyKind::Service, count, [min, mean, stdev, max], Percentiles::default());
    summary.within_stdev = within.strip_suffix('%')?.parse().ok()?;
    Some(Some(summary))
}
