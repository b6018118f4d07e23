//! A calibration as text.

use crate::result::calibration::{Advice, Calibration, Cost, Figures, Highest, Lag, Late, Point};
use crate::result::units::{duration_s, hang, metric, time_ns};

/// The whole of it.
#[must_use]
pub fn render(found: &Calibration) -> String {
    let mut out = head(found);
    points(&found.points, &mut out);
    costs(&found.costs, &mut out);
    lateness(&found.lateness, &mut out);
    send_lag(&found.send_lag, &mut out);
    if let Some(ceiling) = found.ceiling {
        out += &format!("\n  Ceiling   {}\n", highest(ceiling));
    }
    if let Some(advice) = found.advice {
        out += &format!("  Advice    {}\n", advised(advice, found.ceiling));
    }
    found.notes.iter().for_each(|note| out += &format!("  Note      {note}\n"));
    out
}

fn head(found: &Calibration) -> String {
    let list = |cpus: &[usize]| cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut out = String::from("What this client can do, against the built-in server\n");
    if found.interrupted {
        out += "  Interrupted: the figures so far, and nothing is kept.\n";
    }
    let level = [found.engine.name.as_str(), found.engine.level.as_str()].join(" ");
    out += &format!("  {} on Linux {}, engine {}\n", found.host.cpu, found.host.kernel, level.trim());
    let (cpus, server) = (list(&found.cpus), list(&found.server_cpus));
    let window = duration_s(found.window_s);
    out += &format!("  workers on CPU {cpus}, server on CPU {server}; windows of {window}, medians\n");
    out
}

/// Floor and engine side by side.
fn points(points: &[Point], out: &mut String) {
    if points.is_empty() {
        return;
    }
    let heads = format!("{:>10}{:>7}{:>7}{:>7}", "req/s  ", "user", "kernel", "/enter");
    let columns = heads.len();
    *out += "\n  Requests per second, ns of CPU per request, requests per enter; ratio of CPU, engine to floor\n";
    *out += format!("  {:>7}{:>6}{:>4}  {:^columns$}  {:^columns$}", "", "", "", "floor: the bare ring", "engine")
        .trim_end();
    *out += &format!("\n  {:>7}{:>6}{:>4}  {heads}  {heads}{:>7}{:>6}\n", "workers", "c", "p", "ratio", "busy");
    for point in points {
        let cells =
            |figures: Option<Figures>| figures.map_or_else(|| format!("{:>columns$}", "-"), |figures| cells(&figures));
        let connections = point.connections_per_worker * point.workers as u64;
        let ratio = point.cpu_ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        let busy = point.engine.map_or_else(|| "-".to_owned(), |figures| format!("{:.0}%", figures.busy_share * 100.0));
        let (floor, engine) = (cells(point.floor), cells(point.engine));
        let row = format!(
            "  {:>7}{connections:>6}{:>4}  {floor}  {engine}{ratio:>7}{busy:>6}",
            point.workers, point.pipeline
        );
        *out += row.trim_end();
        out.push('\n');
    }
}

fn cells(figures: &Figures) -> String {
    let Figures { rate_per_s, user_ns, sys_ns, requests_per_enter, .. } = figures;
    format!("{}{user_ns:>7.0}{sys_ns:>7.0}{requests_per_enter:>7.1}", hang(&metric(*rate_per_s), 10))
}

fn costs(costs: &[Cost], out: &mut String) {
    if costs.is_empty() {
        return;
    }
    *out += "\n  What a part costs: ns per request outside the kernel, the bare ring with all three less without it\n";
    *out += &format!("  {:>13}{:>4}{:>12}{:>10}  {}\n", "c", "p", "part", "ns", "interval");
    for cost in costs {
        let (ns, part) = (cost.per_request_ns, cost.part.as_str());
        *out += &format!(
            "  {:>13}{:>4}{part:>12}{:>10.1}  {:.1} to {:.1}\n",
            cost.connections, cost.pipeline, ns.median, ns.low, ns.high
        );
    }
}

fn lateness(rows: &[Late], out: &mut String) {
    if rows.is_empty() {
        return;
    }
    *out += "\n  Error in time: from the kernel's receive stamp of an answer to the engine's own\n";
    *out += &format!("  {:>13}{:>12}{:>12}{:>12}{:>12}\n", "c", "samples", "p50", "p99", "within");
    for row in rows {
        let time = |ns: u64| hang(&time_ns(ns as f64), 12);
        let (p50, p99, within) = (time(row.p50_ns), time(row.p99_ns), time(row.within_ns));
        let line = format!("  {:>13}{:>12}{p50}{p99}{within}", row.connections, row.samples);
        *out += &format!("{}\n", line.trim_end());
    }
}

fn send_lag(rows: &[Lag], out: &mut String) {
    if rows.is_empty() {
        return;
    }
    *out += "\n  Send lag of an open loop: from the intended instant to the send\n";
    *out += &format!("  {:>13}{:>12}{:>12}{:>12}\n", "asked/s", "achieved/s", "p50", "p99");
    for row in rows {
        let (asked, achieved) = (hang(&metric(row.rate_per_s), 13), hang(&metric(row.achieved_per_s), 12));
        let time = |ns: u64| hang(&time_ns(ns as f64), 12);
        let line = format!("  {asked}{achieved}{}{}", time(row.p50_ns), time(row.p99_ns));
        *out += &format!("{}\n", line.trim_end());
    }
}

fn highest(ceiling: Highest) -> String {
    let pair = |plain: f64, pipelined: f64| format!("{}/s, {}/s pipelined", metric(plain), metric(pipelined));
    let one = pair(ceiling.one_worker_per_s, ceiling.one_worker_pipelined_per_s);
    let all = ceiling.all_workers_per_s.zip(ceiling.all_workers_pipelined_per_s);
    match all {
        Some((plain, pipelined)) => format!("one worker {one}; all {}", pair(plain, pipelined)),
        None => format!("one worker {one}"),
    }
}

fn advised(advice: Advice, ceiling: Option<Highest>) -> String {
    let connections = advice.connections_per_worker * advice.threads as u64;
    let best = ceiling.map_or(0.0, |one| one.all_workers_per_s.unwrap_or(0.0).max(one.one_worker_per_s));
    format!("-t{} -c{connections}: the least with 95% of {}/s", advice.threads, metric(best))
}
