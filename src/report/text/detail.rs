//! What wrk lacks: all percentiles, exact outcomes, connections, the client's own cost.

use super::page::{Page, Tone};
use super::{evidence, mix, parts, tls};
use crate::judge::{Headline, Label};
use crate::measure::histogram::{LatencyKind, Summary};
use crate::result::mix::Differing;
use crate::result::units::{binary, hang, time_ns};
use crate::result::{Fairness, RunResult};

/// Characters of a differing answer's body that are shown.
const SHOWN: usize = 40;

pub(super) fn render(result: &RunResult, verbose: bool, page: &mut Page) {
    let headlines = first(result, page);
    evidence::limit(result, page);
    for warning in result.warnings.iter().filter(|warning| !headlines.contains(warning)) {
        page.line(Tone::Warning, &format!("  Warning: {warning}."));
    }
    parts::limits(result.slo.as_ref(), page);
    if result.plan.steps.is_none() {
        times(result, page);
        parts::stages("Parts", result, page);
    }
    parts::repeated(result, page);
    mix::table(result, page);
    outcomes(result, page);
    connections(result, page);
    if verbose {
        evidence::details(result, page);
    }
    page.gap();
    facts(result, page);
    remarks(result, page);
}

/// What a reader must know before any figure: its sentences.
fn first(result: &RunResult, page: &mut Page) -> Vec<String> {
    page.gap();
    let mut before = None;
    let mut told = Vec::new();
    for Headline { label, warning } in result.headlines() {
        let tone = if label == Label::Interrupted { Tone::Warning } else { Tone::Failure };
        let words = warning.to_string();
        let heading = if before == Some(label) { String::new() } else { label.to_string() };
        page.alarm(tone, &heading, &words);
        told.push(words);
        before = Some(label);
    }
    page.gap();
    told
}

/// Percentiles down, kinds of time across. A percentile that too few samples support is a dash, and absent from the JSON.
fn times(result: &RunResult, page: &mut Page) {
    let kind = result.latency_ns.as_ref().and_then(|latency| latency.kind);
    let latency = match kind {
        Some(LatencyKind::Service) => "service",
        Some(LatencyKind::Response) => "response",
        None => "latency",
    };
    // In a closed loop the service time is the latency already.
    let service = match kind {
        Some(LatencyKind::Service) => None,
        _ => result.service_ns.as_ref(),
    };
    let columns: Vec<(&str, &Summary)> = [
        (latency, result.latency_ns.as_ref()),
        ("service", service),
        ("send lag", result.send_lag_ns.as_ref()),
        ("first byte", result.first_byte_ns.as_ref()),
        ("connect", result.connect_ns.as_ref()),
        ("handshake", result.tls.as_ref().and_then(|tls| tls.handshake_ns.as_ref())),
    ]
    .into_iter()
    .filter_map(|(name, summary)| summary.map(|summary| (name, summary)))
    .collect();
    let Some((_, first)) = columns.first() else {
        return;
    };

    let across = |cell: &dyn Fn(&(&str, &Summary)) -> String| -> String { columns.iter().map(cell).collect() };
    let names = across(&|(name, _)| format!("{name:>13}"));
    page.heading(&format!("{:<8}{names}", "Times"));
    let exact = |ns: u64| hang(&time_ns(ns as f64), 13);
    let mut row = |label: &str, cells: String| {
        page.line(Tone::Plain, format!("    {label:>7}{cells}").trim_end());
    };
    row("samples", across(&|(_, s)| format!("{:>13}", s.count)));
    row("min", across(&|(_, s)| exact(s.min)));
    for (i, (label, ..)) in first.percentiles.rows().into_iter().enumerate() {
        let cells = across(&|(_, s)| match s.percentiles.rows()[i] {
            (.., None) => format!("{:>13}", "-"),
            (.., Some(ns)) => exact(ns),
        });
        row(label, cells);
    }
    row("max", across(&|(_, s)| exact(s.max)));

    let meaning = match kind {
        Some(LatencyKind::Service) => "service time (closed loop), done - sent",
        Some(LatencyKind::Response) => "response time (open loop), done - intended",
        None => "",
    };
    if !meaning.is_empty() {
        page.line(Tone::Plain, &format!("    Latency is {meaning}."));
    }
    if columns.iter().any(|(_, s)| s.percentiles.p99_999.is_none()) {
        page.line(Tone::Plain, "    A dash: too few samples for that percentile.");
    }
}

fn outcomes(result: &RunResult, page: &mut Page) {
    let requests = &result.requests;
    page.heading(&format!("{:<42}{:>11}", "Requests", "of sent"));
    if let Some(open) = &requests.open {
        page.count(Tone::Plain, 1, "intended", open.intended, None);
        page.count_if_any(Tone::Warning, 1, "shed, waited over --deadline", open.shed);
        page.count_if_any(Tone::Warning, 1, "never sent", open.unsent);
        page.count_if_any(Tone::Warning, 1, "sent after the window", open.sent_late);
    }
    page.count(Tone::Plain, 1, "sent", requests.sent, None);
    let sent = Some(requests.sent);
    page.count(Tone::Plain, 1, "completed", requests.completed, sent);
    for (code, n) in &result.status {
        let is_expected = result.expected_status.get(code) == Some(n);
        let tone = if (200..400).contains(code) || is_expected { Tone::Plain } else { Tone::Failure };
        let label = format!("status {code}");
        page.count(tone, 2, &label, *n, sent);
    }
    if requests.failed > 0 {
        page.count(Tone::Failure, 1, "failed", requests.failed, sent);
    }
    let errors = &result.errors;
    let failure = Tone::Failure;
    page.count_if_any(failure, 2, "connection reset", errors.reset);
    page.count_if_any(failure, 2, "closed in mid-response", errors.eof_mid_response);
    page.count_if_any(failure, 2, "timed out", errors.timeout);
    page.count_if_any(failure, 2, "protocol error", errors.protocol);
    for (reason, n) in &result.protocol_errors {
        page.count_if_any(failure, 3, reason, *n);
    }
    page.count_if_any(failure, 2, "not as expected", errors.check);
    for one in &result.differing {
        page.line(failure, &format!("        {}", differing(one)));
    }
    page.count_if_any(failure, 2, "TLS", errors.tls);
    page.count_if_any(failure, 2, "other", errors.other);
    page.count_if_any(Tone::Plain, 1, "discarded", requests.discarded);
    let in_flight = requests.in_flight_at_end;
    page.count_if_any(Tone::Plain, 1, "in flight at the end", in_flight);
    page.count_if_any(Tone::Plain, 1, "answers begun, not ended", requests.begun);

    let odd = &result.anomalies;
    if odd.excess_bytes + odd.reset_after_response + odd.close_unannounced > 0 {
        page.heading("Anomalies (after a whole answer)");
        let warning = Tone::Warning;
        page.count_if_any(warning, 1, "excess bytes", odd.excess_bytes);
        page.count_if_any(warning, 1, "connection reset", odd.reset_after_response);
        page.count_if_any(warning, 1, "closed unannounced", odd.close_unannounced);
    }
}

/// As in `GET /x: status 500, 12 bytes: "not found..."`, on one line.
fn differing(one: &Differing) -> String {
    let Differing { name, status, body_bytes, body } = one;
    let shown: String = body.chars().take(SHOWN).collect();
    let cut = if shown.len() < body.len() || (body.len() as u64) < *body_bytes { "..." } else { "" };
    format!("{name}: status {status}, {body_bytes} bytes: {shown:?}{cut}")
}

fn connections(result: &RunResult, page: &mut Page) {
    let c = &result.connections;
    let short = |n: u64| {
        if n < c.requested { Tone::Warning } else { Tone::Plain }
    };
    page.heading("Connections");
    page.count(Tone::Plain, 1, "requested", c.requested, None);
    page.count(short(c.established), 1, "established", c.established, None);
    page.count(short(c.answered), 1, "answered", c.answered, None);
    page.count_if_any(Tone::Warning, 1, "never tried", c.not_begun);
    page.count_if_any(Tone::Warning, 1, "still connecting at the end", c.unfinished);
    page.count_if_any(Tone::Plain, 1, "reconnects", c.reconnects);
    page.count_if_any(Tone::Plain, 1, "closed while idle", c.idle_closed);
    let failed = &c.failed;
    let failure = Tone::Failure;
    page.count_if_any(failure, 1, "failed to connect", failed.total());
    page.count_if_any(failure, 2, "refused", failed.refused);
    page.count_if_any(failure, 2, "timed out", failed.timeout);
    page.count_if_any(failure, 2, "no local port", failed.no_local_port);
    page.count_if_any(failure, 2, "no file descriptor", failed.no_descriptor);
    page.count_if_any(failure, 2, "TLS", failed.tls);
    page.count_if_any(failure, 2, "other", failed.other);
    if let Some(Fairness { min, median, max, .. }) = &c.completed {
        let words = format!("    answers each      {min} least, {median} median, {max} most");
        page.line(Tone::Plain, &words);
    }
}

fn facts(result: &RunResult, page: &mut Page) {
    if let Some(offered) = result.rate.offered_per_s {
        let achieved = result.rate.achieved_per_s;
        let how = result.plan.arrivals.as_deref().unwrap_or("constant");
        let words = format!("{offered:.2}/s offered ({how} arrivals), {achieved:.2}/s achieved");
        page.fact("Rate", &words);
    }
    let [sent, received, body] =
        [result.bytes.sent, result.bytes.received, result.bytes.body].map(|bytes| binary(bytes as f64));
    let words = format!("{sent}B sent, {received}B received, {body}B of it bodies");
    page.fact("Bytes", &words);
    if let Some(seen) = &result.tls {
        tls::facts(seen, page);
    }
    if let Some(words) = client(result) {
        page.fact("Client CPU", &words);
    }
    if let Some(ring) = &result.ring {
        let each = ring.requests_per_enter;
        let each = each.map_or_else(String::new, |n| format!("{n:.1} requests per enter, "));
        page.fact("Ring", &format!("{each}{} enters", ring.enters));
    }
    let engine = &result.engine;
    let which = format!("{} {}", engine.name, engine.level);
    let words = format!("{}: {}", which.trim_end(), engine.why);
    page.fact("Engine", words.trim_end_matches([':', ' ']));
    if let Some(path) = &result.target.unix_socket {
        page.fact("Unix socket", path);
    }
    if result.target.addresses.len() > 1 {
        page.fact("Addresses", &result.target.addresses.join(", "));
    }
}

fn client(result: &RunResult) -> Option<String> {
    let client = result.client.as_ref()?;
    let completed = result.requests.completed;
    let mut words = if completed > 0 {
        let us = |s: f64| s * 1e6 / completed as f64;
        let (user, sys) = (us(client.user_s), us(client.sys_s));
        let all = client.cpu_ns_per_request.map_or(user + sys, |ns| ns / 1e3);
        format!("{all:.2}us per request ({user:.2}us user, {sys:.2}us system)")
    } else {
        format!("{:.2}s user, {:.2}s system", client.user_s, client.sys_s)
    };
    if let Some(busy) = client.busy_share {
        words.push_str(&format!(", {:.1}% busy", busy * 100.0));
    }
    if let Some(polled) = client.sqpoll_s {
        words.push_str(&format!(", {polled:.2}s of it submitting (--sqpoll)"));
    }
    if let Some(spun) = client.spin_s {
        words.push_str(&format!(", {spun:.2}s of it spinning"));
    }
    Some(words)
}

fn remarks(result: &RunResult, page: &mut Page) {
    for note in &result.notes {
        page.fact("Note", note);
    }
}
