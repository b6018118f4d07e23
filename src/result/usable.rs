//! Whether a run is one to search or to compare by: answers that are errors, and a target that is not there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::units::time_ns;
use super::{Outcome, RunResult};

pub use super::shares::MANY_ERRORS;

/// Requests without a good answer: failed, or answered by a status of 400 and above.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BadAnswers {
    /// Their share of all that were answered or failed, 0 to 1.
    pub share: f64,
    /// Requests that failed.
    pub failed: u64,
    /// Answers of status 400 and above, by status.
    pub status: BTreeMap<u16, u64>,
    /// Requests that were answered or failed.
    pub of: u64,
}

impl BadAnswers {
    /// Those of a run.
    #[must_use]
    pub fn of(result: &RunResult) -> BadAnswers {
        let mut all = BadAnswers::default();
        all.add(result);
        all
    }

    /// Adds those of another run.
    pub fn add(&mut self, result: &RunResult) {
        self.failed += result.requests.failed;
        self.of += result.requests.completed + result.requests.failed;
        for (code, count) in result.status.range(400..) {
            *self.status.entry(*code).or_default() += count;
        }
        let bad = self.failed + self.status.values().sum::<u64>();
        self.share = if self.of > 0 { bad as f64 / self.of as f64 } else { 0.0 };
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.failed == 0 && self.status.is_empty()
    }

    /// A tenth or more: then a rate is not one of answers.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.share >= MANY_ERRORS
    }

    /// As in `12.5% errors (503: 120, 500: 3, failed: 2)`, the most frequent first.
    #[must_use]
    pub fn words(&self) -> String {
        let mut codes: Vec<(u16, u64)> = self.status.iter().map(|(code, count)| (*code, *count)).collect();
        codes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut parts: Vec<String> = codes.iter().map(|(code, count)| format!("{code}: {count}")).collect();
        parts.extend((self.failed > 0).then(|| format!("failed: {}", self.failed)));
        let share = self.share * 100.0;
        let share = if share >= 0.1 { format!("{share:.1}%") } else { "less than 0.1%".to_owned() };
        format!("{share} errors ({})", parts.join(", "))
    }
}

impl RunResult {
    /// Why nothing more is to be had of the target: nobody was there, or it was gone before the run was over. A server that
    /// is there and answers nothing, or badly, is no such case, and neither is a client without ports or descriptors.
    #[must_use]
    pub fn away(&self) -> Option<String> {
        let failed = &self.connections.failed;
        let causes = [(failed.refused, "refused"), (failed.timeout, "not answered"), (failed.other, "failed")];
        let causes: Vec<String> =
            causes.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let words = if causes.is_empty() { String::new() } else { format!(" (connects: {})", causes.join(", ")) };
        let address = &self.target.address;
        // A client that stood still may not have come to connect at all.
        let tried = !causes.is_empty() || !self.client_faults().iter().any(|fault| fault.decides);
        if self.connections.established == 0 && failed.no_local_port + failed.no_descriptor == 0 && tried {
            return Some(format!("nobody is there at {address}{words}: does the server run?"));
        }
        let gone = matches!(self.outcome, Outcome::Incomplete | Outcome::NoAnswers) && self.connections.down_ns > 0;
        (gone && !causes.is_empty()).then(|| {
            let when = self.last_answer_s.map_or_else(String::new, |at| {
                let (at, window) = (time_ns(at * 1e9), time_ns(self.elapsed_s * 1e9));
                format!(", its last answer came {at} into a window of {window}")
            });
            format!("{address} went away{when}{words}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{ConnectFailures, samples};

    #[test]
    fn errors_are_shared_out_over_all_that_had_an_end() {
        let mut bad = BadAnswers::of(&samples::failing());
        // 16 failed and 90 of status 404 and 503, of 5,006.
        assert_eq!((bad.failed, bad.of, bad.are_many()), (16, 5_006, false));
        assert_eq!(bad.words(), "2.1% errors (404: 80, 503: 10, failed: 16)");
        assert!(BadAnswers::of(&samples::good()).is_empty());
        let mut all = samples::good();
        all.status = BTreeMap::from([(500, all.requests.completed)]);
        bad.add(&all);
        assert!(bad.are_many() && bad.words().contains("(500: 748804, 404: 80,"), "{}", bad.words());
        assert_eq!(BadAnswers::of(&RunResult::new()), BadAnswers::default());
    }

    #[test]
    fn away_is_who_cannot_be_connected_to_and_did_not_come_back() {
        let refused = ConnectFailures { refused: 3, timeout: 1, ..ConnectFailures::default() };
        let mut result = samples::good();
        assert_eq!(result.away(), None);
        result.connections.failed = refused;
        assert_eq!(result.away(), None, "it came back");
        (result.outcome, result.connections.down_ns, result.last_answer_s) =
            (Outcome::Incomplete, 5_000_150_000, Some(5.0));
        let words = "127.0.0.1:8080 went away, its last answer came 5.00s into a window of 10.00s (connects: 3 refused, 1 not answered)";
        assert_eq!(result.away().as_deref(), Some(words));
        result.connections.established = 0;
        let words = "nobody is there at 127.0.0.1:8080 (connects: 3 refused, 1 not answered): does the server run?";
        assert_eq!(result.away().as_deref(), Some(words));
        result.connections.failed = ConnectFailures { no_local_port: 7, ..ConnectFailures::default() };
        assert_eq!(result.away(), None, "the client's own want of ports");
        result.connections.failed = ConnectFailures::default();
        assert!(result.away().is_some(), "nobody answers the first connects");
        for worker in &mut result.workers {
            let evidence = worker.evidence.as_mut().expect("evidence");
            let stopped_ns = (evidence.span_s * 0.8e9) as u64;
            (evidence.stopped_ns, evidence.stopped_longest_ns) = (Some(stopped_ns), Some(stopped_ns));
        }
        assert_eq!(result.away(), None, "the client stood still");
    }
}
