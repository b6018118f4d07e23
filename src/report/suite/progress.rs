//! A suite while it runs, a line for each thing that has ended.

use crate::result::suite::{CaseRun, NotRun};
use crate::result::units::{metric, time_ns};

/// A run that has ended.
#[must_use]
pub fn line(run: &CaseRun) -> String {
    let lead = format!("{} round {}:", run.row, run.round);
    let Some(result) = &run.result else {
        return format!("{lead} no figures");
    };
    let rate = format!("{}/s", metric(result.rate.achieved_per_s));
    let times = result.latency_ns.as_ref().map_or_else(String::new, |latency| {
        let told = [("p50", latency.percentiles.p50), ("p99", latency.percentiles.p99)].into_iter();
        told.filter_map(|(name, ns)| Some(format!("  {name} {}", time_ns(ns? as f64)))).collect()
    });
    let failed =
        if result.requests.failed > 0 { format!("  failed {}", result.requests.failed) } else { String::new() };
    format!("{lead} {rate}{times}{failed}")
}

/// What did not run, or not to its end.
#[must_use]
pub fn fault(not_run: &NotRun) -> String {
    let round = not_run.round.map_or_else(String::new, |round| format!(" round {round}"));
    let what = if not_run.impossible { "not run" } else { "FAILED" };
    format!("{}{round}: {what}: {}", not_run.case, not_run.why)
}
