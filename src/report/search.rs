//! A search as text: a line for each probe as it comes, then what was found.

use crate::result::bad_answers::BadAnswers;
use crate::result::search::{Goal, Limit, Probe, Search, Why};
use crate::result::unanswered::Unanswered;
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
    let row = format!("  {load}{achieved}{:>9.2}{p50}{p99}  {}", probe.elapsed_s, outcome(goal, probe));
    row.trim_end().to_owned() + "\n"
}

/// A slow CPU, at this share of its best speed, is waited for.
#[must_use]
pub fn waits(share: f64) -> String {
    format!("  (a CPU of the client runs at {:.0}% of its best speed: waiting for it)\n", share * 100.0)
}

/// The machine was slow until now.
#[must_use]
pub fn was_slow() -> &'static str {
    "  (the machine is faster now than it was until here: what was tried above is tried again)\n"
}

fn outcome(goal: Goal, probe: &Probe) -> String {
    let why = match probe.why {
        Why::Range | Why::Bisect => "",
        Why::Again => " (again)",
        Why::Confirm => " (confirmation)",
        Why::Repeat => " (repeated)",
    };
    let trouble = trouble(probe);
    if let Some(disturbed) = &probe.disturbed {
        return format!("disturbed: {disturbed}{why}");
    }
    let words = match (goal, probe.held) {
        (Goal::Connections, _) => probe.limit.map_or_else(String::new, |limit| format!("limit: {}", limit.words())),
        (Goal::Rate, true) => "holds".to_owned(),
        // There are no figures.
        (Goal::Rate, false) if probe.is_silent() => "fails".to_owned(),
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
    let words = [Some(words).filter(|words| !words.is_empty()), trouble].into_iter().flatten().collect::<Vec<_>>();
    (words.join(if probe.is_silent() { ": " } else { "; " }) + why).trim().to_owned()
}

/// Errors and requests without an answer. Those without an answer are told of with their causes where they are a tenth or more, or
/// where errors are the limit.
#[must_use]
pub fn trouble(probe: &Probe) -> Option<String> {
    let told = |one: &&Unanswered| one.are_many() || probe.limit == Some(Limit::Errors);
    let unanswered = probe.unanswered.as_ref().filter(told);
    // Failed requests alone would be told of twice.
    let more = |errors: &&BadAnswers| unanswered.is_none() || !errors.status.is_empty();
    let errors = probe.errors.as_ref().filter(more).map(ToString::to_string);
    let words: Vec<String> = errors.into_iter().chain(unanswered.map(ToString::to_string)).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// The same, where it is a tenth or more.
fn much_trouble(probe: &Probe) -> Option<String> {
    let errors = probe.errors.as_ref().is_some_and(BadAnswers::are_many);
    let unanswered = probe.unanswered.as_ref().is_some_and(Unanswered::are_many);
    trouble(probe).filter(|_| errors || unanswered)
}

/// What stands below the probes.
#[must_use]
pub fn tail(search: &Search) -> String {
    let mut out = String::from("\n");
    let mut say = |line: String| out.push_str(&format!("  {line}\n"));
    match (&search.answer, search.goal) {
        (Some(answer), Goal::Rate) => {
            say(format!("Highest rate  {}/s holds {}, in three runs.", answer.load, search.slo));
            if let Some(knee) = answer.knee {
                say(format!(
                    "Knee          {knee}/s: above it the latency asked about is over twice that at the lowest rates."
                ));
            }
            match (answer.beyond, answer.limit) {
                (Some(beyond), Some(limit)) => {
                    let of_errors = |one: &&Probe| one.load == beyond && one.limit == Some(Limit::Errors);
                    let last = search.probes.iter().rev().filter(|_| limit == Limit::Errors).find(of_errors);
                    let why = last.and_then(trouble).map_or_else(String::new, |trouble| format!(": {trouble}"));
                    say(format!("Limit         {}, at {beyond}/s{why}.", limit.words()));
                }
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
        (None, _) => without_answer(search, &mut say),
    }
    if search.waited_s > 0.0 {
        say(format!("Waited        {} for a machine that was slow.", time_ns(search.waited_s * 1e9)));
    }
    search.notes.iter().for_each(|note| say(format!("Note          {note}")));
    out
}

fn without_answer(search: &Search, say: &mut dyn FnMut(String)) {
    let worst = search.probes.iter().rev().find_map(much_trouble);
    match (&search.ended_early, search.range, search.goal) {
        _ if search.interrupted => say("Interrupted before there was an answer.".into()),
        (Some(early), ..) => say(format!("Ended early   {}.", early.why.trim_end_matches('.'))),
        (None, Some(_), _) => say("Unsettled     runs of the same load disagree: there is no answer.".into()),
        (None, None, Goal::Rate) => {
            let trouble = worst.map_or_else(String::new, |trouble| format!(": {trouble}"));
            say(format!("No rate holds {}{trouble}.", search.slo));
        }
        (None, None, Goal::Connections) => match worst {
            Some(trouble) => say(format!("No number of connections has a rate of good answers: {trouble}.")),
            None => say("Not one response came.".into()),
        },
    }
    let unit = if search.goal == Goal::Rate { "/s" } else { " connections" };
    match search.range.map(|range| (range.low, range.high)) {
        Some((Some(low), Some(high))) => say(format!("Range         {low} to {high}{unit}.")),
        Some((Some(low), None)) => say(format!("Range         {low}{unit} or more.")),
        Some((None, Some(high))) => say(format!("Range         less than {high}{unit}.")),
        Some((None, None)) | None => {}
    }
}

#[cfg(test)]
mod tests;
