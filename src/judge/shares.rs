//! What of a run was no good answer, as counts and shares.

use crate::result::RunResult;
use crate::result::bad_answers::{BadAnswers, bad_status};

/// From this share of errors on, a run is mostly not what was asked for: no winner of a comparison, no rate that holds.
pub const MANY_ERRORS: f64 = 0.10;
/// What is warned of: answers of status 400 and above as a share of all answers, failures as a share of the requests sent.
pub(super) const WARNED_OF: f64 = 0.01;

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
        for (code, count) in bad_status(&result.status, &result.expected_status) {
            *self.status.entry(code).or_default() += count;
        }
        self.share = if self.of > 0 { self.count() as f64 / self.of as f64 } else { 0.0 };
    }

    /// How many there are.
    fn count(&self) -> u64 {
        self.failed + self.status.values().sum::<u64>()
    }

    /// A tenth or more: then a rate is not one of answers.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.share >= MANY_ERRORS
    }
}

impl RunResult {
    /// Answers of status 400 and above.
    #[must_use]
    pub fn refused(&self) -> u64 {
        bad_status(&self.status, &self.expected_status).values().sum()
    }

    /// Share of the window without one open connection, 0 to 1.
    #[must_use]
    pub fn down_share(&self) -> f64 {
        if self.elapsed_s > 0.0 { (self.connections.down_ns as f64 / 1e9 / self.elapsed_s).min(1.0) } else { 0.0 }
    }

    /// Requests of an open loop that were shed, never sent, or not answered when the drain was over. A closed loop intends nothing
    /// that it does not send, and has always some in flight: 0.
    pub(super) fn lost(&self) -> u64 {
        self.requests.open.map_or(0, |open| open.shed + open.unsent + self.requests.in_flight_at_end)
    }

    /// Requests without a good answer as a share of all: failed, status 400 and above, and those that an open loop lost. `None` where
    /// there was no request.
    #[must_use]
    pub fn bad_request_share(&self) -> Option<f64> {
        let (bad, lost) = (BadAnswers::of(self), self.lost());
        let all = bad.of + lost;
        (all > 0).then(|| (bad.count() + lost) as f64 / all as f64)
    }

    /// Errors as `--slo` counts them, 0 to 1: the share of bad requests, or in closed loop the share of the window without one open
    /// connection where that is larger: a closed loop sends nothing while the target is away, so no request fails then. `None` where
    /// there was neither.
    #[must_use]
    pub fn error_share(&self) -> Option<f64> {
        if self.is_mostly_outage() { Some(self.down_share()) } else { self.bad_request_share() }
    }

    /// Whether it is the outage that [`RunResult::error_share`] gives.
    pub(super) fn is_mostly_outage(&self) -> bool {
        let down = self.down_share();
        self.requests.open.is_none() && down > 0.0 && self.bad_request_share().is_none_or(|bad| bad < down)
    }

    /// Failed requests as a share of those sent, 0 to 1.
    #[must_use]
    pub fn failed_share(&self) -> f64 {
        self.requests.failed as f64 / self.requests.sent.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use crate::result::bad_answers::BadAnswers;
    use crate::result::{Requests, RunResult, samples};

    fn closed(completed: u64, failed: u64, down_s: f64) -> RunResult {
        let mut result = samples::good();
        result.requests = Requests { sent: completed + failed, completed, failed, ..Requests::default() };
        result.status = [(200, completed)].into();
        result.elapsed_s = 10.0;
        result.connections.down_ns = (down_s * 1e9) as u64;
        result
    }

    #[test]
    fn errors_are_shared_out_over_all_that_had_an_end() {
        let mut bad = BadAnswers::of(&samples::failing());
        // 16 failed and 90 of status 404 and 503, of 5,006.
        assert_eq!((bad.failed, bad.of, bad.are_many()), (16, 5_006, false));
        assert_eq!(bad.status, BTreeMap::from([(404, 80), (503, 10)]));
        assert!(BadAnswers::of(&samples::good()).is_empty());
        let mut all = samples::good();
        all.status = BTreeMap::from([(500, all.requests.completed)]);
        bad.add(&all);
        assert!(bad.are_many() && bad.status[&500] == 748_804, "{bad:?}");
        assert_eq!(BadAnswers::of(&RunResult::new()), BadAnswers::default());
    }

    #[test]
    fn errors_are_the_larger_of_bad_requests_and_outage() {
        for (completed, failed, down_s, bad, errors) in [
            (900, 100, 0.0, Some(0.1), Some(0.1)),
            (900, 100, 0.5, Some(0.1), Some(0.1)),
            (900, 100, 2.0, Some(0.1), Some(0.2)),
            (1_000, 0, 6.5, Some(0.0), Some(0.65)),
            (0, 0, 10.0, None, Some(1.0)),
            (0, 0, 0.0, None, None),
            (0, 8, 9.0, Some(1.0), Some(1.0)),
            // Windows of several workers end a little apart.
            (0, 0, 10.1, None, Some(1.0)),
        ] {
            let result = closed(completed, failed, down_s);
            assert_eq!(
                (result.bad_request_share(), result.error_share()),
                (bad, errors),
                "{completed} {failed} {down_s}"
            );
        }
    }

    #[test]
    fn an_open_loop_counts_what_was_lost_and_no_outage_twice() {
        let mut result = samples::open();
        (result.requests.completed, result.requests.failed) = (900, 100);
        result.connections.down_ns = 9_000_000_000;
        assert_eq!(result.error_share(), Some(0.1));
        result.requests.open.as_mut().unwrap().shed = 1_000;
        assert_eq!(result.error_share(), Some(0.55));
    }
}
