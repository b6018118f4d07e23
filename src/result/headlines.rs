//! What a reader must know before any figure: that the run did not do what was asked, or that the target was away.

use super::units::{duration_s, time_ns};
use super::{AtEnd, InterruptedIn, Interruption, Interval, Outcome, Requests, RunResult, Stage};

/// An outage is told of from this length, ns, or from this share of the window on.
const LONG_NS: u64 = 100_000_000;
const LARGE: f64 = 0.001;
/// An interval that was down for this share of its time was down from one end to the other.
const WHOLE: f64 = 0.98;
/// Parts of a run that are told of one by one.
const PARTS: usize = 3;
/// Failures are told of before any figure from this share of the requests on.
const FAILED: f64 = 0.10;

/// The label of what a signal ended.
pub const INTERRUPTED: &str = "Interrupted";

/// The whole run, or one of its windows or steps.
struct Part<'a> {
    /// Its name among several, to stand before what is said of it.
    name: String,
    requests: &'a Requests,
    elapsed_s: f64,
    end: AtEnd,
}

/// Intervals in a row with an outage.
struct Stretch<'a> {
    first: &'a Interval,
    last: &'a Interval,
    intervals: usize,
}

impl RunResult {
    /// A sentence for each, the cause before its effect; empty for a run that did what was asked of a target that was there.
    #[must_use]
    pub fn headlines(&self) -> Vec<String> {
        self.told_first().into_iter().map(|(_, sentence)| sentence).collect()
    }

    /// The same, each behind the label that it has in the report.
    #[must_use]
    pub fn told_first(&self) -> Vec<(&'static str, String)> {
        let mut all: Vec<(&str, String)> =
            self.interrupted_words().map(|words| (INTERRUPTED, words)).into_iter().collect();
        if let Some(words) = self.all_differ() {
            all.push(("Failed", words));
            all.extend(self.ended_early().map(|words| ("Incomplete", words)));
            return all;
        }
        if self.requests.completed == 0 {
            // Of a warm-up nothing is recorded: whether answers came is not known.
            let words = if self.saw_no_window() { None } else { self.no_answers() };
            all.extend(words.into_iter().chain(self.ended_early()).map(|words| ("No answers", words)));
            return all;
        }
        // Where the run did not come to its end, the outage is why.
        let outage = if self.outcome == Outcome::Incomplete { "Incomplete" } else { "Outage" };
        all.extend(self.outage().map(|words| (outage, words)));
        all.extend(self.incomplete_words().into_iter().map(|words| ("Incomplete", words)));
        all.extend(self.failures().filter(|_| self.failed_share() >= FAILED).map(|words| ("Failed", words)));
        all
    }

    fn incomplete_words(&self) -> Vec<String> {
        let mut all: Vec<String> = self.ended_early().into_iter().collect();
        let parts: Vec<String> = self.parts().iter().filter_map(|part| self.incomplete(part)).collect();
        all.extend(parts.iter().take(PARTS).cloned());
        if parts.len() > PARTS {
            all.push(format!("{} more parts were incomplete", parts.len() - PARTS));
        }
        all.extend(self.unanswered_addresses());
        all
    }

    fn interruption(&self) -> Option<Interruption> {
        let (duration_s, requests) = (self.plan.duration_s, self.plan.requests);
        let somewhere = Interruption { part: 1, of: 1, duration_s, requests, ..Interruption::default() };
        self.interrupted.then(|| self.interruption.unwrap_or(somewhere))
    }

    /// A signal ended the run before its first window began.
    pub(super) fn saw_no_window(&self) -> bool {
        self.interruption().is_some_and(|met| met.phase == InterruptedIn::WarmUp && met.part == 1)
    }

    /// Where a signal ended the run, and what is missing therefore.
    fn interrupted_words(&self) -> Option<String> {
        let met = self.interruption()?;
        let what = if self.plan.steps.is_some() { "step" } else { "window" };
        // Its own row; stages of the rate are no parts with an end of their own.
        let row = self.stages.iter().rfind(|stage| stage.at_end.is_some()).filter(|_| met.of > 1);
        let (requests, elapsed_s) =
            row.map_or((&self.requests, self.elapsed_s), |stage| (&stage.requests, stage.elapsed_s));
        let name = row.filter(|_| self.plan.steps.is_some()).map_or_else(String::new, |row| format!(" ({})", row.name));
        let part = (met.of > 1).then(|| format!("{what} {} of {}{name}", met.part, met.of));
        let (place, left) = match met.phase {
            InterruptedIn::WarmUp => {
                let place = match (self.plan.warmup_s, &part) {
                    (Some(_), None) => "in the warm-up".to_owned(),
                    (Some(_), Some(part)) => format!("in the warm-up of {part}"),
                    (None, None) => "before the window began".to_owned(),
                    (None, Some(part)) => format!("before {part} began"),
                };
                let of_it = if met.part > 1 { " of it" } else { "" };
                (place, format!("nothing{of_it} was recorded"))
            }
            InterruptedIn::Window => {
                let place = part.map_or_else(String::new, |part| format!("in {part}, "));
                let planned = met.duration_s.map_or_else(String::new, |s| format!(" of {}", duration_s(s)));
                let count = met.requests.map(|asked| format!(", with {} of {asked} requests done", outcomes(requests)));
                let ran = format!("{place}after {}{planned}{}", seconds(elapsed_s), count.unwrap_or_default());
                let covered = if met.part > 1 { "what ran until then" } else { "this part only" };
                (ran, format!("the figures cover {covered}"))
            }
            InterruptedIn::Drain => {
                let place = part.map_or_else(|| "in the drain".to_owned(), |part| format!("in the drain of {part}"));
                let missing = requests.open.map_or(0, |open| requests.in_flight_at_end + open.unsent);
                (
                    place,
                    match missing {
                        0 => format!("the {what} was whole, and so are its figures"),
                        _ => format!("the {what} was whole, but {missing} of its requests were not waited for"),
                    },
                )
            }
        };
        let never = match met.of.saturating_sub(met.part) {
            0 => String::new(),
            1 => format!(", and 1 {what} never ran"),
            more => format!(", and {more} {what}s never ran"),
        };
        Some(format!("a signal ended the run {place}: {left}{never}"))
    }

    /// The run where it was one window, or else its windows; but for one that a signal kept from beginning.
    fn parts(&self) -> Vec<Part<'_>> {
        let has_begun = |elapsed_s: f64| elapsed_s > 0.0 || !self.interrupted;
        if let Some(end) = self.at_end {
            if !has_begun(self.elapsed_s) {
                return Vec::new();
            }
            return vec![Part { name: String::new(), requests: &self.requests, elapsed_s: self.elapsed_s, end }];
        }
        let windows = self.stages.iter().filter_map(|stage| {
            let Stage { name, requests, elapsed_s, at_end, .. } = stage;
            Some(Part { name: format!("{name}: "), requests, elapsed_s: *elapsed_s, end: (*at_end)? })
        });
        windows.filter(|part| has_begun(part.elapsed_s)).collect()
    }

    fn no_answers(&self) -> Option<String> {
        let (requests, connections) = (&self.requests, &self.connections);
        let why = match () {
            () if connections.established == 0 => match self.connect_trouble() {
                Some(trouble) => format!("no connection was established ({trouble})"),
                None => "no connection was established".to_owned(),
            },
            () if requests.begun > 0 => format!("{} answers began, none ended", requests.begun),
            () => {
                let causes = self.failure_causes();
                let causes = if causes.is_empty() { causes } else { format!(" ({causes})") };
                format!("{} requests sent, {} failed{causes}", requests.sent, requests.failed)
            }
        };
        Some(format!("not one response came: {why}"))
    }

    /// Why connects failed, the most frequent cause first.
    pub(super) fn connect_trouble(&self) -> Option<String> {
        let failed = &self.connections.failed;
        let mut causes = [
            (failed.refused, "refused"),
            (failed.timeout, "timed out"),
            (failed.no_local_port, "without a local port"),
            (failed.no_descriptor, "without a file descriptor"),
            (failed.other, "failed otherwise"),
        ];
        causes.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let words: Vec<String> =
            causes.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    fn ended_early(&self) -> Option<String> {
        let why = &self.ended_early.as_ref()?.why;
        if let Some(asked) = self.at_end.and_then(|end| end.requests) {
            return Some(format!("{} of {asked} requests done, ended early: {why}", outcomes(&self.requests)));
        }
        let of = self.plan.duration_s.map_or_else(String::new, |s| format!(" of {}", duration_s(s)));
        Some(format!("ended early after {}{of}: {why}", seconds(self.elapsed_s)))
    }

    /// A count that was not reached, or nothing answered at the end though something was due.
    fn incomplete(&self, part: &Part<'_>) -> Option<String> {
        let Part { name, requests, elapsed_s, end } = part;
        let done = outcomes(requests);
        if let Some(asked) = end.requests.filter(|asked| done < *asked) {
            // Said already, with the reason.
            let told = self.interrupted || (self.ended_early.is_some() && self.at_end.is_some());
            return (!told).then(|| format!("{name}{done} of {asked} requests done"));
        }
        let told = self.stretches().last().is_some_and(|last| self.lasts_to_the_end(last));
        let silent = self.silence(name, *elapsed_s, *end)?;
        // An outage up to the end of the run says as much.
        (!(told && self.at_end.is_some())).then_some(silent)
    }

    fn silence(&self, name: &str, elapsed_s: f64, end: AtEnd) -> Option<String> {
        let since_s = end.silent_since_s(elapsed_s)?;
        let lost = match end.requests {
            Some(_) if end.lost > 0 => format!(": the last {} requests were lost", end.lost),
            _ => String::new(),
        };
        Some(format!("{name}nothing was answered after {} of {}{lost}", seconds(since_s), seconds(elapsed_s)))
    }

    /// What there is to say of a run, or of the first of its windows, that was not answered up to its end.
    pub(super) fn silent_end(&self) -> Option<String> {
        self.parts().iter().find_map(|part| self.silence(&part.name, part.elapsed_s, part.end))
    }

    /// Where most of the time of a run by count went by without an answer though something was due: then its rate is nobody's. A
    /// server whose every answer takes long is not silent: only what is more than twice the median counts.
    pub(super) fn silence_of_a_count(&self) -> Option<String> {
        let mostly = |s: f64| s > self.elapsed_s / 2.0;
        let tail_s = |part: &Part<'_>| {
            let due = part.end.requests.is_some() && (part.end.lost > 0 || part.end.owed_since_s.is_some());
            if due { (part.elapsed_s - part.end.last_answer_s.unwrap_or(0.0)).max(0.0) } else { 0.0 }
        };
        let at_the_ends_s: f64 = self.parts().iter().map(tail_s).sum();
        let counted = self.plan.requests.is_some() && self.plan.duration_s.is_none();
        let closed_and_counted = counted && self.requests.open.is_none();
        let within_s = if closed_and_counted { self.empty_s() } else { 0.0 };
        let silent_s = at_the_ends_s.max(within_s);
        (mostly(silent_s) && silent_s > self.slow_s())
            .then(|| format!("nothing was answered for {} of {}", seconds(silent_s), seconds(self.elapsed_s)))
    }

    /// Twice the median answer.
    fn slow_s(&self) -> f64 {
        let median = self.latency_ns.as_ref().and_then(|latency| latency.percentiles.p50);
        median.unwrap_or(0) as f64 * 2.0 / 1e9
    }

    /// Time of intervals in a row without an answer, where that is more than twice the median answer.
    fn empty_s(&self) -> f64 {
        let slow_s = self.slow_s();
        let rows = self.intervals.chunk_by(|a, b| (a.completed == 0) == (b.completed == 0));
        let empty = rows.filter(|row| row.iter().all(|interval| interval.completed == 0));
        empty.map(|row| row.iter().map(|interval| interval.length_s).sum::<f64>()).filter(|s| *s > slow_s).sum()
    }

    fn unanswered_addresses(&self) -> Option<String> {
        let silent = &self.target.unanswered;
        (!silent.is_empty()).then(|| format!("no answer came from {}, though others answered", silent.join(", ")))
    }

    fn outage(&self) -> Option<String> {
        let down_ns = self.connections.down_ns;
        if down_ns < LONG_NS && self.down_share() < LARGE {
            return None;
        }
        let long =
            format!("{} of {} without one open connection", seconds(down_ns as f64 / 1e9), seconds(self.elapsed_s));
        if self.is_down_for_want_of_the_clients_own() {
            return Some(format!("the client could open no connection{}: {long}", self.outage_when()));
        }
        Some(format!("the target was away{}: {long}", self.outage_when()))
    }

    /// Most connects failed as the client had no port or descriptor for them.
    pub(super) fn is_down_for_want_of_the_clients_own(&self) -> bool {
        let failed = &self.connections.failed;
        failed.of_the_client() * 2 > failed.total()
    }

    /// From when to when, as closely as the intervals tell.
    fn outage_when(&self) -> String {
        let stretches = self.stretches();
        match stretches.as_slice() {
            [] => String::new(),
            [only] if self.lasts_to_the_end(only) => format!(" from {} on", seconds(self.begins_s(only))),
            [only] if only.intervals == 1 => {
                format!(" between {} and {}", seconds(only.first.start_s), seconds(end_s(only.first)))
            }
            [only] => {
                let ends = only.last.start_s + down_s(only.last);
                format!(" from {} to {}", seconds(self.begins_s(only)), seconds(ends))
            }
            [first, .., last] => {
                let words = format!(" {} times, first from {} on", stretches.len(), seconds(self.begins_s(first)));
                let to_the_end = self.lasts_to_the_end(last);
                if to_the_end { format!("{words}, at last from {} on", seconds(self.begins_s(last))) } else { words }
            }
        }
    }

    fn stretches(&self) -> Vec<Stretch<'_>> {
        let mut all: Vec<Stretch<'_>> = Vec::new();
        let mut goes_on = false;
        for interval in &self.intervals {
            match all.last_mut().filter(|_| goes_on) {
                _ if interval.down_ns == 0 => {}
                Some(under_way) => (under_way.last, under_way.intervals) = (interval, under_way.intervals + 1),
                None => all.push(Stretch { first: interval, last: interval, intervals: 1 }),
            }
            goes_on = interval.down_ns > 0;
        }
        all
    }

    fn lasts_to_the_end(&self, stretch: &Stretch<'_>) -> bool {
        let is_last = self.intervals.last().is_some_and(|last| last.start_s == stretch.last.start_s);
        let whole = down_s(stretch.last) >= WHOLE * stretch.last.length_s;
        // Within one interval: when nothing was answered after it began.
        let silent = self.last_answer_s.is_some_and(|at| at <= end_s(stretch.last) - WHOLE * down_s(stretch.last));
        is_last && (whole || silent)
    }

    /// Within its first interval it is taken to last to the end of that.
    fn begins_s(&self, stretch: &Stretch<'_>) -> f64 {
        end_s(stretch.first) - down_s(stretch.first)
    }
}

/// What counts towards a number of requests asked for.
fn outcomes(requests: &Requests) -> u64 {
    requests.completed + requests.failed + requests.open.map_or(0, |open| open.shed)
}

/// All times of a sentence in one unit, unless that would make nothing of one.
pub(super) fn seconds(s: f64) -> String {
    if s <= 0.0 || s >= 0.1 { format!("{:.2}s", s.max(0.0)) } else { time_ns(s * 1e9) }
}

fn down_s(interval: &Interval) -> f64 {
    interval.down_ns as f64 / 1e9
}

fn end_s(interval: &Interval) -> f64 {
    interval.start_s + interval.length_s
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::result::{
        AtEnd, Bound, ConnectFailures, EndedEarly, InterruptedIn, Interruption, Interval, Outcome, RunResult, Stage,
        samples,
    };

    /// Intervals of a second, the last as long as is left, each with so many ms down.
    fn run(elapsed_s: f64, down_ms: &[u64]) -> RunResult {
        let mut result = samples::good();
        result.elapsed_s = elapsed_s;
        result.plan.duration_s = Some(elapsed_s);
        result.connections.down_ns = down_ms.iter().sum::<u64>() * 1_000_000;
        result.connections.failed.refused = 10;
        let interval = |(index, ms): (usize, &u64)| Interval {
            start_s: index as f64,
            length_s: (elapsed_s - index as f64).min(1.0),
            down_ns: ms * 1_000_000,
            ..Interval::default()
        };
        result.intervals = down_ms.iter().enumerate().map(interval).collect();
        result
    }

    #[test]
    fn an_outage_is_told_with_when_and_how_long() {
        let long = "without one open connection";
        for (elapsed_s, down_ms, last_answer_s, told) in [
            (2.0, vec![0, 0], 2.0, ""),
            (2.0, vec![290, 1_000], 0.7, "the target was away from 0.71s on: 1.29s of 2.00s"),
            (4.0, vec![0, 290, 1_000, 995], 1.7, "the target was away from 1.71s on: 2.29s of 4.00s"),
            (1.0, vec![300], 0.7, "the target was away from 0.70s on: 0.30s of 1.00s"),
            (1.0, vec![300], 0.99, "the target was away between 0.00s and 1.00s: 0.30s of 1.00s"),
            (4.0, vec![0, 400, 0, 0], 4.0, "the target was away between 1.00s and 2.00s: 0.40s of 4.00s"),
            (4.0, vec![0, 400, 300, 0], 4.0, "the target was away from 1.60s to 2.30s: 0.70s of 4.00s"),
            (3.0, vec![200, 0, 200], 3.0, "the target was away 2 times, first from 0.80s on: 0.40s of 3.00s"),
            (
                3.0,
                vec![200, 0, 1_000],
                1.9,
                "the target was away 2 times, first from 0.80s on, at last from 2.00s on: 1.20s of 3.00s",
            ),
            // Short, and a small share.
            (20.0, vec![0, 15], 20.0, ""),
            (2.0, vec![0, 15], 2.0, "the target was away between 1.00s and 2.00s: 15.00ms of 2.00s"),
        ] {
            let mut result = run(elapsed_s, &down_ms);
            result.last_answer_s = Some(last_answer_s);
            let told = if told.is_empty() { Vec::new() } else { vec![format!("{told} {long}")] };
            assert_eq!(result.headlines(), told, "{down_ms:?}");
        }
        let mut without_series = run(2.0, &[290, 1_000]);
        without_series.intervals.clear();
        assert_eq!(without_series.headlines(), [format!("the target was away: 1.29s of 2.00s {long}")]);
    }

    #[test]
    fn an_outage_of_the_clients_own_making_is_no_targets() {
        let mut result = run(2.0, &[290, 1_000]);
        result.connections.failed = ConnectFailures { no_local_port: 9, refused: 1, ..ConnectFailures::default() };
        let told = "the client could open no connection from 0.71s on: 1.29s of 2.00s without one open connection";
        assert_eq!(result.headlines(), [told]);
    }

    /// A window whose last answer came then, and whose target was away then.
    fn silent(last_answer_s: f64) -> AtEnd {
        AtEnd { last_answer_s: Some(last_answer_s), owed_since_s: Some(0.0), away: true, ..AtEnd::default() }
    }

    fn counted(asked: u64) -> AtEnd {
        AtEnd { requests: Some(asked), ..AtEnd::default() }
    }

    #[test]
    fn what_did_not_come_to_its_end_is_told() {
        type Spoil = fn(&mut RunResult);
        let table: [(&str, Spoil, &str); 9] = [
            (
                "a count that was not reached",
                |r| {
                    (r.plan.duration_s, r.at_end) = (None, Some(counted(5_000_000)));
                    (r.requests.completed, r.requests.failed) = (5_331, 8);
                    r.ended_early = Some(EndedEarly { why: "no progress for 30 s".into() });
                },
                "5339 of 5000000 requests done, ended early: no progress for 30 s",
            ),
            (
                "and nobody knows why",
                |r| (r.at_end, r.requests.completed) = (Some(counted(1_000)), 900),
                "900 of 1000 requests done",
            ),
            (
                "a time that was not reached",
                |r| r.ended_early = Some(EndedEarly { why: "the ring failed: out of memory".into() }),
                "ended early after 10.00s of 10s: the ring failed: out of memory",
            ),
            ("silence at the end", |r| r.at_end = Some(silent(7.0)), "nothing was answered after 7.00s of 10.00s"),
            (
                "a count that ended with losses",
                |r| {
                    let all = r.requests.completed;
                    r.at_end = Some(AtEnd { lost: all / 2, last_answer_s: Some(9.0), ..counted(all) });
                },
                "nothing was answered after 9.00s of 10.00s: the last 374402 requests were lost",
            ),
            (
                "one of two addresses",
                |r| r.target.unanswered = vec!["127.0.0.2:80".into()],
                "no answer came from 127.0.0.2:80, though others answered",
            ),
            (
                "nobody there",
                |r| {
                    r.requests.completed = 0;
                    (r.connections.established, r.connections.down_ns) = (0, 10_000_000_000);
                    (r.connections.failed.refused, r.connections.failed.timeout) = (5, 7);
                },
                "not one response came: no connection was established (7 timed out, 5 refused)",
            ),
            (
                "an endless stream",
                |r| {
                    (r.requests.completed, r.requests.begun) = (0, 8);
                },
                "not one response came: 8 answers began, none ended",
            ),
            (
                "no answer",
                |r| {
                    (r.requests.completed, r.requests.sent, r.requests.failed) = (0, 128, 100);
                },
                "not one response came: 128 requests sent, 100 failed",
            ),
        ];
        for (name, spoil, told) in table {
            let mut result = samples::good();
            spoil(&mut result);
            assert_eq!(result.headlines(), [told], "{name}");
        }
    }

    #[test]
    fn windows_and_steps_are_told_by_name() {
        let mut result = samples::steps();
        (result.stages[1].at_end, result.stages[1].elapsed_s) = (Some(silent(0.5)), 1.0);
        result.stages[2].at_end = Some(counted(9_000));
        let told =
            ["4 connections: nothing was answered after 0.50s of 1.00s", "8 connections: 8002 of 9000 requests done"];
        assert_eq!(result.headlines(), told);
        result.stages = vec![Stage { at_end: Some(counted(9_000)), ..result.stages[2].clone() }; 7];
        let told = result.headlines();
        assert_eq!((told.len(), told[3].as_str()), (4, "4 more parts were incomplete"));
    }

    #[test]
    fn an_outage_up_to_the_end_says_that_nothing_was_answered() {
        let mut result = run(2.0, &[290, 1_000]);
        result.at_end = Some(silent(0.7));
        assert_eq!(result.headlines().len(), 1, "{:?}", result.headlines());
        // It came back, and then nothing was answered all the same.
        let mut result = run(3.0, &[290, 300, 0]);
        result.at_end = Some(silent(0.7));
        let told = result.headlines();
        assert!(told.len() == 2 && told[1] == "nothing was answered after 0.70s of 3.00s", "{told:?}");
    }

    #[test]
    fn what_was_asked_and_done_has_no_headline() {
        let mut in_time = samples::good();
        (in_time.plan.requests, in_time.at_end) = (Some(10_000_000), Some(AtEnd::default()));
        for (name, result) in [("good", samples::good()), ("open", samples::open()), ("time before count", in_time)] {
            assert_eq!(result.headlines(), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn a_signal_is_told_with_where_it_came_and_what_is_missing() {
        let told = [
            "a signal ended the run after 3.20s of 90s: the figures cover this part only",
            "not one response came: 128 requests sent, 128 failed (128 timed out after 2.00s)",
        ];
        assert_eq!(samples::interrupted().headlines(), told);
        let met = |phase, part, of| Interruption { phase, part, of, duration_s: Some(1.0), requests: None };
        let mut result = RunResult { interrupted: true, outcome: Outcome::Interrupted, ..samples::good() };
        let mut tell = |met: Interruption, change: fn(&mut RunResult)| {
            (result.interruption, result.elapsed_s) = (Some(met), 0.48);
            change(&mut result);
            let mut told = result.told_first();
            assert!(told.len() == 1 && told[0].0 == "Interrupted", "{told:?}");
            told.remove(0).1
        };
        let (warm_up, window, drain) = (InterruptedIn::WarmUp, InterruptedIn::Window, InterruptedIn::Drain);
        assert_eq!(
            tell(met(drain, 1, 1), |_| ()),
            "a signal ended the run in the drain: the window was whole, and so are its figures"
        );
        let counted = Interruption { duration_s: None, requests: Some(100_000_000), ..met(window, 1, 1) };
        assert_eq!(
            tell(counted, |r| r.at_end = Some(AtEnd { requests: Some(100_000_000), ..AtEnd::default() })),
            "a signal ended the run after 0.48s, with 748804 of 100000000 requests done: the figures cover this part only"
        );
        let parts: fn(&mut RunResult) = |r| {
            let window = Stage { name: "2 connections".into(), elapsed_s: 0.72, ..Stage::default() };
            r.stages = vec![Stage { at_end: Some(AtEnd::default()), ..window }];
            r.at_end = None;
        };
        assert_eq!(
            tell(met(window, 2, 4), parts),
            "a signal ended the run in window 2 of 4, after 0.72s of 1s: the figures cover what ran until then, and 2 windows never ran"
        );
        assert_eq!(
            tell(met(drain, 4, 4), parts),
            "a signal ended the run in the drain of window 4 of 4: the window was whole, and so are its figures"
        );
        assert_eq!(
            tell(met(window, 2, 3), |r| r.plan.steps = Some(3)),
            "a signal ended the run in step 2 of 3 (2 connections), after 0.72s of 1s: the figures cover what ran until then, and 1 step \
             never ran"
        );
        assert_eq!(
            tell(met(warm_up, 2, 3), |r| (r.plan.steps, r.plan.warmup_s) = (None, Some(0.5))),
            "a signal ended the run in the warm-up of window 2 of 3: nothing of it was recorded, and 1 window never ran"
        );
        assert_eq!(
            tell(met(warm_up, 1, 1), |r| r.requests.completed = 0),
            "a signal ended the run in the warm-up: nothing was recorded"
        );
    }

    #[test]
    fn many_failures_are_told_before_any_figure() {
        for (failed, label) in [(9, None), (10, Some("Failed"))] {
            let mut result = samples::good();
            result.requests =
                crate::result::Requests { sent: 100, completed: 100 - failed, failed, ..Default::default() };
            result.errors.reset = failed;
            assert_eq!(result.told_first().first().map(|(label, _)| *label), label, "{failed}");
            let told = format!("{failed}% of the requests failed: {failed} reset");
            assert_eq!(result.doubts(), [told], "once, as a headline or a warning");
        }
    }

    #[test]
    fn a_count_that_waited_for_most_of_its_time_was_silent() {
        type Spoil = fn(&mut RunResult);
        let empty = |from: usize, until: usize| {
            let interval = move |index: usize| Interval {
                start_s: index as f64,
                length_s: 1.0,
                completed: u64::from(!(from..until).contains(&index)),
                ..Interval::default()
            };
            (0..10).map(interval).collect::<Vec<Interval>>()
        };
        let table: [(&str, Spoil, Option<&str>); 4] = [
            ("no", |_| (), None),
            (
                "the last requests timed out",
                |r| r.at_end = Some(AtEnd { lost: 5, last_answer_s: Some(0.0103), ..counted(748_804) }),
                Some("nothing was answered for 9.99s of 10.00s"),
            ),
            ("in the midst of it", |_| (), Some("nothing was answered for 7.00s of 10.00s")),
            (
                "answers that take four seconds",
                |r| r.latency_ns.as_mut().unwrap().percentiles.p50 = Some(4_000_000_000),
                None,
            ),
        ];
        for (name, spoil, told) in table {
            let mut result = samples::good();
            (result.plan.duration_s, result.plan.requests, result.at_end) =
                (None, Some(748_804), Some(counted(748_804)));
            if name == "in the midst of it" || name.starts_with("answers") {
                result.intervals = empty(2, 9);
            }
            spoil(&mut result);
            assert_eq!(result.silence_of_a_count().as_deref(), told, "{name}");
            result.judge();
            let is_server = result.verdict.unwrap().bound == Bound::Server;
            assert_eq!(is_server, told.is_none(), "{name}");
        }
    }
}
