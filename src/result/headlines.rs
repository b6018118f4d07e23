//! What a reader must know before any figure: that the run did not do what was asked, or that the target was away.

use super::units::{duration_s, time_ns};
use super::{Interval, Outcome, RunResult};

/// An outage is told of from this length, ns, or from this share of the window on.
const LONG_NS: u64 = 100_000_000;
const LARGE: f64 = 0.001;
/// An interval that was down for this share of its time was down from one end to the other.
const WHOLE: f64 = 0.98;
/// A run in whose last tenth nothing was answered was not answered up to its end.
const LAST: f64 = 0.1;

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
        if self.requests.completed == 0 {
            return self.no_answers().into_iter().chain(self.ended_before_its_plan()).collect();
        }
        self.outage().into_iter().chain(self.ended_before_its_plan()).chain(self.silent_end()).collect()
    }

    fn no_answers(&self) -> Option<String> {
        let (requests, connections) = (&self.requests, &self.connections);
        let begun = self.first_byte_ns.as_ref().map_or(0, |first| first.count);
        let why = match () {
            () if connections.established == 0 => match self.connect_trouble() {
                Some(trouble) => format!("no connection was established ({trouble})"),
                None => "no connection was established".to_owned(),
            },
            () if begun > 0 => format!("{begun} answers began, none ended"),
            () => format!("{} requests sent, {} failed", requests.sent, requests.failed),
        };
        Some(format!("not one response came: {why}"))
    }

    /// Why connects failed, the most frequent cause first.
    fn connect_trouble(&self) -> Option<String> {
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

    fn ended_before_its_plan(&self) -> Option<String> {
        let why = self.ended_early.as_ref().map(|ended| ended.why.as_str());
        let done = self.requests.completed + self.requests.failed;
        let asked = self.plan.requests.map(|one| one.saturating_mul(u64::from(self.plan.repeat.unwrap_or(1))));
        // One that came to its planned time before its count did what was asked.
        if let Some(asked) = asked.filter(|asked| done < *asked && self.outcome == Outcome::Incomplete) {
            let early = why.map_or_else(String::new, |why| format!(", ended early: {why}"));
            return Some(format!("{done} of {asked} requests done{early}"));
        }
        let of = self.plan.duration_s.map_or_else(String::new, |s| format!(" of {}", duration_s(s)));
        why.map(|why| format!("ended early after {}{of}: {why}", seconds(self.elapsed_s)))
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

    /// Nothing was answered at the end, though connections were open.
    pub(super) fn silent_end(&self) -> Option<String> {
        let last_s = self.last_answer_s.filter(|_| self.outcome == Outcome::Incomplete)?;
        let told = self.stretches().last().is_some_and(|last| self.lasts_to_the_end(last));
        (!told && self.elapsed_s - last_s > LAST * self.elapsed_s)
            .then(|| format!("nothing was answered after {} of {}", seconds(last_s), seconds(self.elapsed_s)))
    }
}

/// All times of a sentence in one unit, unless that would make nothing of one.
fn seconds(s: f64) -> String {
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

    use crate::result::{ConnectFailures, EndedEarly, Interval, Outcome, RunResult, samples};

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

    #[test]
    fn what_did_not_come_to_its_end_is_told() {
        type Spoil = fn(&mut RunResult);
        let table: [(&str, Spoil, &str); 7] = [
            (
                "a count that was not reached",
                |r| {
                    (r.plan.duration_s, r.plan.requests) = (None, Some(5_000_000));
                    (r.requests.completed, r.requests.failed) = (5_331, 8);
                    r.outcome = Outcome::Incomplete;
                    r.ended_early = Some(EndedEarly { why: "no progress for 30 s".into() });
                },
                "5339 of 5000000 requests done, ended early: no progress for 30 s",
            ),
            (
                "a count of several windows",
                |r| {
                    (r.plan.duration_s, r.plan.requests, r.plan.repeat) = (None, Some(1_000), Some(3));
                    r.requests.completed = 2_000;
                    r.outcome = Outcome::Incomplete;
                },
                "2000 of 3000 requests done",
            ),
            (
                "a time that was not reached",
                |r| r.ended_early = Some(EndedEarly { why: "the ring failed: out of memory".into() }),
                "ended early after 10.00s of 10s: the ring failed: out of memory",
            ),
            (
                "silence at the end",
                |r| (r.outcome, r.last_answer_s) = (Outcome::Incomplete, Some(7.0)),
                "nothing was answered after 7.00s of 10.00s",
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
                    r.requests.completed = 0;
                    r.first_byte_ns.as_mut().unwrap().count = 8;
                },
                "not one response came: 8 answers began, none ended",
            ),
            (
                "no answer",
                |r| {
                    (r.requests.completed, r.requests.sent, r.requests.failed) = (0, 128, 100);
                    r.first_byte_ns = None;
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
    fn what_was_asked_and_done_has_no_headline() {
        let mut in_time = samples::good();
        (in_time.plan.requests, in_time.last_answer_s) = (Some(10_000_000), Some(5.0));
        for (name, result) in [("good", samples::good()), ("open", samples::open()), ("time before count", in_time)] {
            assert_eq!(result.headlines(), Vec::<String>::new(), "{name}");
        }
        let told = "not one response came: 128 requests sent, 128 failed";
        assert_eq!(samples::interrupted().headlines(), [told], "of a signal nothing else is told here");
    }
}
