//! Whether a run did what was asked, from its figures alone.

use crate::result::{AtEnd, Outcome, Requests, RunResult};

/// A window's last part in which nothing was answered is told of from this share on.
const SHARE: f64 = 0.1;
/// So many losses in a row, without an answer between, are no accident.
const IN_A_ROW: u64 = 3;
/// A request that waits longer than this many times the longest answer of the window is not just slow.
const SLOW: f64 = 2.0;

impl AtEnd {
    /// Since when nothing was answered though something was due, if that is a tenth of the window of `elapsed_s` or more, seconds
    /// from its beginning.
    ///
    /// A slow server that goes on answering is not silent, nor is a loop that had nothing to ask: either several losses in a row, or
    /// no connection, or a request that waits for more than twice the longest answer are needed, too. A window that ends by its
    /// count ends with its slowest requests: several of them have to be lost, or the connection, for the last tenth of the time or as
    /// the last tenth of the requests.
    #[must_use]
    pub fn silent_since_s(&self, elapsed_s: f64) -> Option<f64> {
        let since = self.last_answer_s.unwrap_or(0.0);
        if let Some(requests) = self.requests {
            let many = self.lost as f64 >= SHARE * requests as f64 || elapsed_s - since >= SHARE * elapsed_s;
            return (many && (self.lost >= IN_A_ROW || self.away)).then_some(since);
        }
        let since = since.max(self.owed_since_s?);
        let waits = self.waited_ns as f64 > SLOW * self.longest_ns as f64;
        let silent = elapsed_s - since >= SHARE * elapsed_s;
        (silent && (self.losses >= IN_A_ROW || self.away || waits)).then_some(since)
    }

    fn reached_count(&self, requests: &Requests) -> bool {
        self.requests.is_none_or(|asked| requests.outcomes() >= asked)
    }

    fn is_whole(&self, requests: &Requests, elapsed_s: f64) -> bool {
        self.reached_count(requests) && self.silent_since_s(elapsed_s).is_none()
    }
}

impl RunResult {
    /// Whether the run did what was asked.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let whole = || {
            let run = self.at_end.is_none_or(|end| end.is_whole(&self.requests, self.elapsed_s));
            let mut parts = self.stages.iter().filter_map(|part| Some((part, part.at_end?)));
            run && parts.all(|(part, end)| end.is_whole(&part.requests, part.elapsed_s))
        };
        match () {
            () if self.interrupted => Outcome::Interrupted,
            () if self.all_differ() => Outcome::Incomplete,
            () if self.requests.completed == 0 => Outcome::NoAnswers,
            () if self.ended_early.is_some() || !self.target.unanswered.is_empty() || !whole() => Outcome::Incomplete,
            () => Outcome::Ok,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::result::{AtEnd, EndedEarly, Outcome, RunResult, Stage, samples};

    const MS: u64 = 1_000_000;

    /// A window of 10 s that ended in a usual way: eight requests in flight for a millisecond.
    fn usual() -> AtEnd {
        AtEnd {
            last_answer_s: Some(9.9995),
            owed_since_s: Some(0.0),
            waited_ns: MS,
            longest_ns: 2 * MS,
            ..AtEnd::default()
        }
    }

    #[test]
    fn a_tenth_without_an_answer_is_silence_if_answers_were_due() {
        type Spoil = fn(&mut AtEnd);
        let table: [(&str, Spoil, Option<f64>); 16] = [
            ("as usual", |_| (), None),
            ("killed, and nobody listens", |e| (e.last_answer_s, e.losses, e.away) = (Some(3.0), 90, true), Some(3.0)),
            ("for less than a tenth", |e| (e.last_answer_s, e.losses, e.away) = (Some(9.1), 90, true), None),
            ("for a tenth", |e| (e.last_answer_s, e.losses, e.away) = (Some(9.0), 90, true), Some(9.0)),
            ("packets are dropped", |e| (e.last_answer_s, e.waited_ns) = (Some(3.0), 7_000 * MS), Some(3.0)),
            (
                "answers that take two seconds",
                |e| (e.last_answer_s, e.waited_ns, e.longest_ns) = (Some(8.1), 1_900 * MS, 2_000 * MS),
                None,
            ),
            ("each answer is broken off", |e| (e.last_answer_s, e.losses) = (Some(5.0), 3), Some(5.0)),
            ("one was broken off", |e| (e.last_answer_s, e.losses) = (Some(8.9), 1), None),
            ("a low rate, all answered", |e| (e.last_answer_s, e.owed_since_s) = (Some(5.0), None), None),
            (
                "a low rate, and away when nothing was due",
                |e| (e.last_answer_s, e.owed_since_s, e.away, e.losses) = (Some(5.0), None, true, 9),
                None,
            ),
            (
                "a low rate, the last request is not answered",
                |e| (e.last_answer_s, e.owed_since_s, e.away) = (Some(5.0), Some(8.0), true),
                Some(8.0),
            ),
            ("not one answer", |e| (e.last_answer_s, e.waited_ns, e.longest_ns) = (None, 10_000 * MS, 0), Some(0.0)),
            (
                "a count that ends with one that timed out",
                |e| (e.requests, e.last_answer_s, e.lost, e.losses) = (Some(10), Some(8.0), 1, 1),
                None,
            ),
            (
                "a count that ends with a few of many that are lost, for long",
                |e| (e.requests, e.last_answer_s, e.lost, e.losses) = (Some(100_000), Some(8.0), 8, 8),
                Some(8.0),
            ),
            (
                "a count that ends with a few of many that are lost at once",
                |e| (e.requests, e.last_answer_s, e.lost, e.losses) = (Some(100_000), Some(9.9), 8, 8),
                None,
            ),
            (
                "a count of which the last tenth is lost",
                |e| (e.requests, e.last_answer_s, e.lost, e.losses) = (Some(1_000), Some(9.9), 100, 100),
                Some(9.9),
            ),
        ];
        for (name, spoil, since) in table {
            let mut end = usual();
            spoil(&mut end);
            assert_eq!(end.silent_since_s(10.0), since, "{name}");
        }
    }

    #[test]
    fn each_outcome_has_its_reasons() {
        type Spoil = fn(&mut RunResult);
        fn counted(r: &mut RunResult, asked: u64) {
            r.at_end = Some(AtEnd { requests: Some(asked), ..usual() });
        }
        fn silent() -> AtEnd {
            AtEnd { last_answer_s: Some(3.0), away: true, ..usual() }
        }
        let table: [(&str, Spoil, Outcome); 11] = [
            ("as it is", |_| (), Outcome::Ok),
            ("a result of before", |r| r.at_end = None, Outcome::Ok),
            ("a signal", |r| (r.interrupted, r.requests.completed) = (true, 0), Outcome::Interrupted),
            ("nothing", |r| (r.requests.completed, r.at_end) = (0, Some(silent())), Outcome::NoAnswers),
            ("the ring broke", |r| r.ended_early = Some(EndedEarly::default()), Outcome::Incomplete),
            ("silent", |r| r.at_end = Some(silent()), Outcome::Incomplete),
            ("a count reached", |r| counted(r, r.requests.completed), Outcome::Ok),
            ("and by failures, too", |r| counted(r, r.requests.completed - 9), Outcome::Ok),
            ("a count not reached", |r| counted(r, r.requests.completed + 1), Outcome::Incomplete),
            ("an address", |r| r.target.unanswered = vec!["127.0.0.2:80".into()], Outcome::Incomplete),
            (
                "one of the windows",
                |r| {
                    r.at_end = None;
                    let window = Stage { elapsed_s: 10.0, at_end: Some(usual()), ..Stage::default() };
                    r.stages = vec![window.clone(), Stage { at_end: Some(silent()), ..window.clone() }, window];
                },
                Outcome::Incomplete,
            ),
        ];
        for (name, spoil, outcome) in table {
            let mut result = RunResult { at_end: Some(usual()), ..samples::good() };
            spoil(&mut result);
            assert_eq!(result.outcome(), outcome, "{name}");
        }
    }
}
