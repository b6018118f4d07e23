//! The table of requests, where there are several kinds.

use super::page::{Page, Tone};
use crate::result::RunResult;
use crate::result::mix::Kind;
use crate::result::units::{hang, metric, time_ns};

/// Rows of the table; what is beyond them stands in one more.
const ROWS: usize = 20;
/// Longer names are cut.
const NAME: usize = 40;

/// A row for each kind, in the order of the list.
pub(super) fn table(result: &RunResult, page: &mut Page) {
    let mix = &result.mix;
    if mix.is_empty() {
        return;
    }
    let shown = if mix.len() > ROWS { ROWS - 1 } else { mix.len() };
    let names: Vec<String> = mix[..shown].iter().map(|kind| cut(&kind.name)).collect();
    let rest = format!("{} others", mix.len() - shown);
    let width = names.iter().chain([&rest]).map(|name| name.chars().count()).max().unwrap_or(0).max(12);
    let times = ["p50", "p90", "p99", "max"].map(|name| format!("{name:>11}")).concat();
    page.heading(&format!(
        "{:<heading$}{:>11}{:>9}{:>11}{:>10}{times}",
        "Requests by kind",
        "completed",
        "share",
        "per second",
        "failed",
        heading = width + 2
    ));
    for (kind, name) in mix[..shown].iter().zip(&names) {
        let (completed, failed) = (kind.requests.completed, kind.requests.failed);
        row(result, page, name, width, completed, failed, &cells(kind));
    }
    if shown < mix.len() {
        let sum = |of: fn(&Kind) -> u64| mix[shown..].iter().map(of).sum();
        let (completed, failed) = (sum(|kind| kind.requests.completed), sum(|kind| kind.requests.failed));
        row(result, page, &rest, width, completed, failed, "");
    }
}

fn row(result: &RunResult, page: &mut Page, name: &str, width: usize, completed: u64, failed: u64, times: &str) {
    let share = completed as f64 / result.requests.completed.max(1) as f64 * 100.0;
    let per_s = if result.elapsed_s > 0.0 { completed as f64 / result.elapsed_s } else { 0.0 };
    let line = format!("    {name:<width$}{completed:>11}{share:>8.2}%{}{failed:>10}{times}", hang(&metric(per_s), 11));
    page.line(if failed > 0 { Tone::Failure } else { Tone::Plain }, line.trim_end());
}

fn cells(kind: &Kind) -> String {
    let Some(latency) = &kind.latency_ns else { return format!("{:>11}", "-").repeat(4) };
    let percentiles = &latency.percentiles;
    let times = [percentiles.p50, percentiles.p90, percentiles.p99, Some(latency.max)];
    let cell = |ns: Option<u64>| ns.map_or_else(|| format!("{:>11}", "-"), |ns| hang(&time_ns(ns as f64), 11));
    times.map(cell).concat()
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    name.chars().take(NAME - 3).chain("...".chars()).collect()
}
