//! Windows that were not answered up to their end, or not for most of their time.

use crate::result::{AtEnd, Requests, RunResult, Stage};

/// From some instant to its end nothing of a window was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    /// The window or step, of several.
    pub part: Option<String>,
    /// Since when, seconds from its beginning.
    pub since_s: f64,
    /// Its length, seconds.
    pub of_s: f64,
    /// The last requests of a count, if they were lost.
    pub lost: u64,
}

/// The whole run, or one of its windows or steps.
pub(super) struct Part<'a> {
    /// Its name, of several.
    pub(super) name: Option<&'a str>,
    pub(super) requests: &'a Requests,
    pub(super) elapsed_s: f64,
    pub(super) end: AtEnd,
}

impl Part<'_> {
    pub(super) fn silence(&self) -> Option<Silence> {
        let since_s = self.end.silent_since_s(self.elapsed_s)?;
        let lost = self.end.requests.map_or(0, |_| self.end.lost);
        Some(Silence { part: self.name.map(str::to_owned), since_s, of_s: self.elapsed_s, lost })
    }
}

impl RunResult {
    /// The run where it was one window, or else its windows; but for one that a signal kept from beginning.
    pub(super) fn parts(&self) -> Vec<Part<'_>> {
        let has_begun = |elapsed_s: f64| elapsed_s > 0.0 || !self.interrupted;
        if let Some(end) = self.at_end {
            if !has_begun(self.elapsed_s) {
                return Vec::new();
            }
            return vec![Part { name: None, requests: &self.requests, elapsed_s: self.elapsed_s, end }];
        }
        let windows = self.stages.iter().filter_map(|stage| {
            let Stage { name, requests, elapsed_s, at_end, .. } = stage;
            Some(Part { name: Some(name), requests, elapsed_s: *elapsed_s, end: (*at_end)? })
        });
        windows.filter(|part| has_begun(part.elapsed_s)).collect()
    }

    /// Of a run, or of the first of its windows, that was not answered up to its end.
    pub(super) fn silent_end(&self) -> Option<Silence> {
        self.parts().iter().find_map(Part::silence)
    }

    /// How many seconds of a run by count went by without an answer though something was due, where that is most of its time: then
    /// its rate is nobody's. A server whose every answer takes long is not silent: only what is more than twice the median counts.
    pub(super) fn silence_of_a_count_s(&self) -> Option<f64> {
        let mostly = |s: f64| s > self.elapsed_s / 2.0;
        let tail_s = |part: &Part<'_>| {
            let due = part.end.requests.is_some() && (part.end.lost > 0 || part.end.owed_since_s.is_some());
            if due { (part.elapsed_s - part.end.last_answer_s.unwrap_or(0.0)).max(0.0) } else { 0.0 }
        };
        let at_the_ends_s: f64 = self.parts().iter().map(tail_s).sum();
        let counted = self.plan.requests.is_some() && self.plan.duration_s.is_none();
        let closed_and_counted = counted && self.requests.open.is_none();
        let within_s = if closed_and_counted { self.empty_s() } else { 0.0 };
        Some(at_the_ends_s.max(within_s)).filter(|silent_s| mostly(*silent_s) && *silent_s > self.slow_s())
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
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::judge::Reason;
    use crate::result::{AtEnd, Bound, Interval, RunResult, samples};

    #[test]
    fn a_count_that_waited_for_most_of_its_time_was_silent() {
        type Spoil = fn(&mut RunResult);
        let counted = |asked| AtEnd { requests: Some(asked), ..AtEnd::default() };
        let empty = |from: usize, until: usize| {
            let interval = move |index: usize| Interval {
                start_s: index as f64,
                length_s: 1.0,
                completed: u64::from(!(from..until).contains(&index)),
                ..Interval::default()
            };
            (0..10).map(interval).collect::<Vec<Interval>>()
        };
        let table: [(&str, Spoil, Option<f64>); 4] = [
            ("no", |_| (), None),
            (
                "the last two requests timed out",
                |r| r.at_end = Some(AtEnd { lost: 2, last_answer_s: Some(0.0003), ..r.at_end.unwrap() }),
                Some(10.0),
            ),
            ("in the midst of it", |_| (), Some(7.0)),
            (
                "answers that take four seconds",
                |r| r.latency_ns.as_mut().unwrap().percentiles.p50 = Some(4_000_000_000),
                None,
            ),
        ];
        for (name, spoil, silent_s) in table {
            let mut result = samples::good();
            (result.plan.duration_s, result.plan.requests, result.at_end) =
                (None, Some(748_804), Some(counted(748_804)));
            if name == "in the midst of it" || name.starts_with("answers") {
                result.intervals = empty(2, 9);
            }
            spoil(&mut result);
            assert_eq!(result.silence_of_a_count_s(), silent_s, "{name}");
            let verdict = result.judgement();
            assert_eq!(verdict.bound == Bound::Server, silent_s.is_none(), "{name}");
            let told = silent_s.map(|silent_s| Reason::SilentFor(silent_s, 10.0003));
            assert!(told.is_none_or(|told| verdict.because == [told]), "{name}: {verdict:?}");
        }
    }
}
