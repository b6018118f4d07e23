//! A calibration as text.

use super::columns::Columns;
use crate::result::calibration::{Advice, Calibration, Cost, Figures, HTTPS, Highest, Lag, Late, Point};
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
    let over = if found.protocol == HTTPS { " over TLS" } else { "" };
    let mut out = format!("What this client can do{over}, against the built-in server\n");
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
    let figures = ["req/s  ", "user", "kernel", "/enter"];
    let heads = [&["workers", "c", "p"][..], &figures, &figures, &["ratio", "busy"]].concat();
    let heads = std::array::from_fn(|at| heads[at]);
    let mut table = Columns::new([7, 6, 4, 12, 7, 7, 7, 12, 7, 7, 7, 7, 6], heads, "");
    for point in points {
        let connections = point.connections_per_worker * point.workers as u64;
        let [rate, user, kernel, enter] = cells(point.floor);
        let [engine_rate, engine_user, engine_kernel, engine_enter] = cells(point.engine);
        let ratio = point.cpu_ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        let busy = point.engine.map_or_else(|| "-".to_owned(), |figures| format!("{:.0}%", figures.busy_share * 100.0));
        let row = [
            point.workers.to_string(),
            connections.to_string(),
            point.pipeline.to_string(),
            rate,
            user,
            kernel,
            enter,
            engine_rate,
            engine_user,
            engine_kernel,
            engine_enter,
            ratio,
            busy,
        ];
        table.push(row, String::new());
    }
    *out += "\n  Requests per second, ns of CPU per request, requests per enter; ratio of CPU, engine to floor\n";
    let widths = table.widths();
    let [first, floor, engine] = [0..3, 3..7, 7..11].map(|range| widths[range].iter().sum::<usize>());
    let (floor_width, engine_width) = (floor - 2, engine - 2);
    let line = format!("  {:first$}  {:^floor_width$}  {:^engine_width$}", "", "floor: nothing read", "engine");
    *out += &format!("{}\n{}", line.trim_end(), table.lines());
}

fn cells(figures: Option<Figures>) -> [String; 4] {
    let Some(Figures { rate_per_s, user_ns, sys_ns, requests_per_enter, .. }) = figures else {
        return ["", "", "", "-"].map(str::to_owned);
    };
    let rate = hung(&metric(rate_per_s));
    [rate, format!("{user_ns:.0}"), format!("{sys_ns:.0}"), format!("{requests_per_enter:.1}")]
}

/// A figure with its unit hanging, in a column as wide as need be.
fn hung(figure: &str) -> String {
    hang(figure, 2)
}

fn costs(costs: &[Cost], out: &mut String) {
    if costs.is_empty() {
        return;
    }
    *out += "\n  What a part costs: ns per request outside the kernel, the engine less the engine without it\n";
    let mut table = Columns::new([13, 4, 12, 10], ["c", "p", "part", "ns"], "  interval");
    for cost in costs {
        let (ns, part) = (cost.per_request_ns, cost.part.as_str());
        let row =
            [cost.connections.to_string(), cost.pipeline.to_string(), part.to_owned(), format!("{:.1}", ns.median)];
        table.push(row, format!("  {:.1} to {:.1}", ns.low, ns.high));
    }
    *out += &table.lines();
}

fn lateness(rows: &[Late], out: &mut String) {
    if rows.is_empty() {
        return;
    }
    *out += "\n  Error in time: from the kernel's receive stamp of an answer to the engine's own\n";
    let mut table = Columns::new([13, 12, 12, 12, 12], ["c", "samples", "p50", "p99", "within"], "");
    for row in rows {
        let [p50, p99, within] = [row.p50_ns, row.p99_ns, row.within_ns].map(|ns| hung(&time_ns(ns as f64)));
        table.push([row.connections.to_string(), row.samples.to_string(), p50, p99, within], String::new());
    }
    *out += &table.lines();
}

fn send_lag(rows: &[Lag], out: &mut String) {
    if rows.is_empty() {
        return;
    }
    *out += "\n  Send lag of an open loop: from the intended instant to the send\n";
    let mut table = Columns::new([13, 12, 12, 12], ["asked/s", "achieved/s", "p50", "p99"], "");
    for row in rows {
        let [asked, achieved] = [row.rate_per_s, row.achieved_per_s].map(|rate| hung(&metric(rate)));
        let [p50, p99] = [row.p50_ns, row.p99_ns].map(|ns| hung(&time_ns(ns as f64)));
        table.push([asked, achieved, p50, p99], String::new());
    }
    *out += &table.lines();
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
