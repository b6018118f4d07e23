//! A search as text: a line for each probe as it comes, then what was found.

use crate::result::search::{Goal, Probe, Search, Why};
use crate::result::units::{hang, metric, time_ns};

/// What stands above the probes.
#[must_use]
pub fn head(goal: Goal, url: &str, slo: &str) -> String {
    let what = match goal {
        Goal::Rate => format!("The highest rate that holds {slo} @ {url}"),
        Goal::Connections => format!("The fewest connections with 95% of the highest closed-loop rate @ {url}"),
    };
    let load = match goal {
        Goal::Rate => "offered/s",
        Goal::Connections => "connections",
    };
    format!("{what}\n\n  {load:>11}{:>11}{:>9}{:>11}{:>11}  outcome\n", "achieved/s", "seconds", "p50", "p99")
}

/// A probe.
#[must_use]
pub fn row(goal: Goal, probe: &Probe) -> String {
    let time = |ns: Option<u64>| ns.map_or_else(|| format!("{:>11}", "-"), |ns| hang(&time_ns(ns as f64), 11));
    let load = match goal {
        Goal::Rate => hang(&metric(probe.load), 11),
        Goal::Connections => format!("{:>9}  ", probe.load),
    };
    let achieved = hang(&metric(probe.achieved_per_s), 11);
    let (p50, p99) = (time(probe.p50_ns), time(probe.p99_ns));
    format!("  {load}{achieved}{:>9.2}{p50}{p99}  {}\n", probe.elapsed_s, outcome(goal, probe))
}

fn outcome(goal: Goal, probe: &Probe) -> String {
    let why = match probe.why {
        Why::Range | Why::Bisect => "",
        Why::Again => " (again)",
        Why::Confirm => " (confirmation)",
    };
    let words = match (goal, probe.held) {
        (Goal::Connections, _) => probe.limit.map_or_else(String::new, |limit| format!("limit: {}", limit.words())),
        (Goal::Rate, true) => "holds".to_owned(),
        (Goal::Rate, false) => {
            let breached = probe.clauses.iter().filter(|clause| !clause.held);
            let breached: Vec<String> = breached.map(|one| format!("{} is {}", one.clause, one.figure)).collect();
            let limit = probe.limit.map_or("", crate::result::search::Limit::words);
            if breached.is_empty() {
                format!("fails: {limit}")
            } else {
                format!("fails: {} ({limit})", breached.join(", "))
            }
        }
    };
    (words + why).trim().to_owned()
}

/// What stands below the probes.
#[must_use]
pub fn tail(search: &Search) -> String {
    let mut out = String::from("\n");
    let mut say = |line: String| out.push_str(&format!("  {line}\n"));
    match (&search.answer, search.goal) {
        (Some(answer), Goal::Rate) => {
            say(format!("Highest rate  {}/s holds {}, and did so twice.", answer.load, search.slo));
            if let Some(knee) = answer.knee {
                say(format!(
                    "Knee          {knee}/s: above it the latency asked about is over twice that at the lowest rates."
                ));
            }
            match (answer.beyond, answer.limit) {
                (Some(beyond), Some(limit)) => say(format!("Limit         {}, at {beyond}/s.", limit.words())),
                (Some(beyond), None) => say(format!("Limit         unknown, at {beyond}/s.")),
                (None, _) => say("Limit         none was met.".into()),
            }
        }
        (Some(answer), Goal::Connections) => {
            let most = answer.beyond.unwrap_or_default();
            say(format!("Connections   {} are enough for 95% of the highest rate, {}/s.", answer.load, metric(most)));
            if let Some(limit) = answer.limit {
                say(format!("Limit         {}: with a faster client more connections might do more.", limit.words()));
            }
        }
        (None, _) if search.interrupted => say("Interrupted before there was an answer.".into()),
        (None, Goal::Rate) => say(format!("No rate holds {} twice.", search.slo)),
        (None, Goal::Connections) => say("Not one response came.".into()),
    }
    search.notes.iter().for_each(|note| say(format!("Note          {note}")));
    out
}
