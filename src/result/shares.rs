//! What of a run was no good answer, as counts and shares.

use super::RunResult;
use super::units::time_ns;

/// From this share of errors on, a run is mostly not what was asked for: no winner of a comparison, no rate that holds.
pub const MANY_ERRORS: f64 = 0.10;
/// What is warned of: answers of status 400 and above as a share of all answers, failures as a share of the requests sent.
const WARNED_OF: f64 = 0.01;

impl RunResult {
    /// Answers of status 400 and above.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.status.iter().filter(|(code, _)| **code >= 400).map(|(_, count)| count).sum()
    }

    /// Share of the window without one open connection, 0 to 1.
    #[must_use]
    pub fn down_share(&self) -> f64 {
        if self.elapsed_s > 0.0 { (self.connections.down_ns as f64 / 1e9 / self.elapsed_s).min(1.0) } else { 0.0 }
    }

    /// Requests without a good answer as a share of all: failed, status 400 and above, and in open loop those shed, never sent, or not
    /// answered when the drain was over. `None` where there was no request.
    #[must_use]
    pub fn bad_request_share(&self) -> Option<f64> {
        let requests = &self.requests;
        let (mut bad, mut all) = (requests.failed + self.refused(), requests.completed + requests.failed);
        if let Some(open) = requests.open {
            let lost = open.shed + open.unsent + requests.in_flight_at_end;
            (bad, all) = (bad + lost, all + lost);
        }
        (all > 0).then(|| bad as f64 / all as f64)
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

    /// A sentence about requests that failed, where they are over 1 % of those sent.
    #[must_use]
    pub fn failures(&self) -> Option<String> {
        let share = self.failed_share();
        if share <= WARNED_OF {
            return None;
        }
        let share = super::verdict::percent(share);
        let timed_out = self.errors.timeout > 0 && self.requests.completed > 0;
        let tail = if timed_out { "; the times are without those, and their tail is a lower bound" } else { "" };
        Some(format!("{share} of the requests failed: {}{tail}", self.failure_causes()))
    }

    /// Why requests failed, the most frequent cause first; empty where none did.
    pub(super) fn failure_causes(&self) -> String {
        let errors = &self.errors;
        let mut reasons: Vec<(&String, &u64)> = self.protocol_errors.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let reasons: Vec<String> = reasons.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
        let by_reason = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        let broken = if errors.protocol == 1 { "protocol error" } else { "protocol errors" };
        let mut causes = [
            (errors.reset, "reset".to_owned()),
            (errors.eof_mid_response, "closed in mid-response".to_owned()),
            (errors.timeout, format!("timed out after {}", time_ns(self.plan.timeout_ms * 1e6))),
            (errors.protocol, format!("{broken}{by_reason}")),
            (errors.check, "not as expected".to_owned()),
            (errors.other, "otherwise".to_owned()),
        ];
        causes.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let words = causes.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        words.collect::<Vec<String>>().join(", ")
    }

    /// A sentence about answers of status 400 and above, where they are over 1 % of all answers.
    #[must_use]
    pub fn bad_answers(&self) -> Option<String> {
        let refused = self.refused();
        let share = refused as f64 / self.requests.completed.max(1) as f64;
        if share <= WARNED_OF {
            return None;
        }
        let mut codes: Vec<(u16, u64)> = self.status.iter().map(|(code, count)| (*code, *count)).collect();
        codes.retain(|(code, _)| *code >= 400);
        codes.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
        let words: Vec<String> = codes.iter().map(|(code, count)| format!("{count} of status {code}")).collect();
        Some(format!("{} of the answers are errors: {}", super::verdict::percent(share), words.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::result::{Errors, Requests, RunResult, samples};

    fn closed(completed: u64, failed: u64, down_s: f64) -> RunResult {
        let mut result = samples::good();
        result.requests = Requests { sent: completed + failed, completed, failed, ..Requests::default() };
        result.status = [(200, completed)].into();
        result.elapsed_s = 10.0;
        result.connections.down_ns = (down_s * 1e9) as u64;
        result
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

    #[test]
    fn failures_are_told_with_share_and_causes() {
        let with = |completed, errors: Errors| {
            let failed = errors.reset + errors.eof_mid_response + errors.timeout + errors.protocol + errors.other;
            RunResult { errors, ..closed(completed, failed, 0.0) }
        };
        assert_eq!(with(990, Errors { reset: 10, ..Errors::default() }).failures(), None);
        let told = "50% of the requests failed: 5074 closed in mid-response";
        let cut = with(5_074, Errors { eof_mid_response: 5_074, ..Errors::default() });
        assert_eq!(cut.failures().as_deref(), Some(told));
        assert_eq!(cut.doubts(), [told], "in closed loop, too");
        let mut all = with(900, Errors { reset: 50, timeout: 30, protocol: 19, other: 1, ..Errors::default() });
        all.protocol_errors = [("bad_status_line".into(), 4), ("head_too_large".into(), 15)].into();
        let told = "10% of the requests failed: 50 reset, 30 timed out after 2.00s, 19 protocol errors (head_too_large: 15, \
                    bad_status_line: 4), 1 otherwise; the times are without those, and their tail is a lower bound";
        assert_eq!(all.failures().as_deref(), Some(told));
        assert_eq!(all.doubts(), [told], "timeouts are not told of twice");
    }

    #[test]
    fn bad_answers_are_told_with_share_and_codes() {
        let with = |codes: &[(u16, u64)]| {
            let mut result = closed(1_000, 0, 0.0);
            result.status = codes.iter().copied().collect();
            (result.refused(), result.bad_answers())
        };
        assert_eq!(with(&[(200, 500), (302, 500)]), (0, None));
        assert_eq!(with(&[(200, 990), (404, 10)]), (10, None));
        let told = "1% of the answers are errors: 7 of status 503, 2 of status 404, 2 of status 500";
        assert_eq!(with(&[(200, 989), (404, 2), (500, 2), (503, 7)]), (11, Some(told.into())));
        let told = "100% of the answers are errors: 1000 of status 500";
        assert_eq!(with(&[(500, 1_000)]), (1_000, Some(told.into())));
    }
}
