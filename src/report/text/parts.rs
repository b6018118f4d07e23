//! Tables of the parts of a run: stages, steps and windows, and what the windows agree on.

use super::page::{Page, Tone};
use crate::result::units::{hang, metric, time_ns};
use crate::result::{Clause, Estimate, RunResult, Stage};

/// The head of a run in steps: nothing in it is a figure of several steps.
pub(super) fn steps(result: &RunResult, page: &mut Page) {
    let (steps, url) = (result.plan.steps.unwrap_or_default(), &result.target.url);
    page.line(Tone::Plain, &format!("Running {steps} steps @ {url}"));
    stages("Steps", result, page);
}

/// A row for each part, below a heading that begins with `name`.
pub(super) fn stages(name: &str, result: &RunResult, page: &mut Page) {
    if result.stages.is_empty() {
        return;
    }
    let open = result.rate.offered_per_s.is_some();
    let name_width = result.stages.iter().map(|stage| stage.name.chars().count()).max().unwrap_or(0).max(12);
    let offered = if open { format!("{:>11}", "offered") } else { String::new() };
    let names = ["p50", "p90", "p99", "max"].map(|name| format!("{name:>11}")).concat();
    page.heading(&format!(
        "{name:<width$}{:>10}{offered}{:>11}{:>10}{names}",
        "seconds",
        "per second",
        "failed",
        width = name_width + 2
    ));
    for stage in &result.stages {
        let tone = if stage.requests.failed > 0 { Tone::Failure } else { Tone::Plain };
        page.line(tone, &row(stage, name_width, open));
    }
}

fn row(stage: &Stage, name_width: usize, open: bool) -> String {
    let per_s = |rate: f64| hang(&metric(rate), 11);
    let offered = if open { stage.rate.offered_per_s.map_or_else(|| " ".repeat(11), per_s) } else { String::new() };
    let times = match &stage.latency_ns {
        Some(latency) => {
            let percentiles = &latency.percentiles;
            let times = [percentiles.p50, percentiles.p90, percentiles.p99, Some(latency.max)];
            let cell = |ns: Option<u64>| ns.map_or_else(|| format!("{:>11}", "-"), |ns| hang(&time_ns(ns as f64), 11));
            times.map(cell).concat()
        }
        None => format!("{:>11}", "-").repeat(4),
    };
    let Stage { name, elapsed_s, rate, requests, .. } = stage;
    let line = format!(
        "    {name:<name_width$}{elapsed_s:>10.2}{offered}{}{:>10}{times}",
        per_s(rate.achieved_per_s),
        requests.failed
    );
    line.trim_end().to_owned()
}

/// Medians over the windows, with their intervals.
pub(super) fn repeated(result: &RunResult, page: &mut Page) {
    let Some(repeated) = &result.repeated else { return };
    let heading = format!("Median of {} windows, and its 95% interval", repeated.windows);
    page.heading(&heading);
    let mut row = |label: &str, estimate: &Estimate, spell: &dyn Fn(f64) -> String| {
        let [median, low, high] = [estimate.median, estimate.low, estimate.high].map(spell);
        page.line(Tone::Plain, format!("    {label:<12}{}    {low} to {high}", hang(&median, 12)).trim_end());
    };
    row("rate/s", &repeated.rate_per_s, &|rate| format!("{rate:.2}"));
    let time = |ns: f64| time_ns(ns);
    if let Some(p50) = &repeated.p50_ns {
        row("p50", p50, &time);
    }
    if let Some(p99) = &repeated.p99_ns {
        row("p99", p99, &time);
    }
    if repeated.windows < Estimate::ENOUGH {
        let certain = repeated.rate_per_s.confidence * 100.0;
        let words = format!(
            "    It takes {} windows for 95%: these intervals, from least to most, hold the median with {certain:.0}%.",
            Estimate::ENOUGH
        );
        page.line(Tone::Plain, &words);
    }
}

/// Each limit that was asked for, and whether it held.
pub(super) fn limits(clauses: Option<&Vec<Clause>>, page: &mut Page) {
    let Some(clauses) = clauses else { return };
    page.heading("Limits (--slo)");
    for clause in clauses {
        let (tone, judged) = if clause.held { (Tone::Plain, "held") } else { (Tone::Failure, "BREACHED") };
        page.line(tone, &format!("    {judged:<10}{:<22}{}", clause.clause, clause.figure));
    }
}
