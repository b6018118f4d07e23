//! Requests of a run that nobody saw an answer to, and what became of them.

use super::MANY_ERRORS;
use crate::result::RunResult;
use crate::result::unanswered::Unanswered;

impl Unanswered {
    /// Those of a run; `None` where all was answered.
    #[must_use]
    pub fn of(result: &RunResult) -> Option<Unanswered> {
        let (requests, errors) = (&result.requests, &result.errors);
        let silent = requests.completed + errors.check == 0;
        let without_connection = silent && result.connections.established == 0;
        let failed = result.connections.failed;
        let mut all = Unanswered {
            timed_out: errors.timeout,
            broken_off: errors.reset + errors.eof_mid_response,
            failed_otherwise: errors.protocol + errors.other,
            waiting: if silent || requests.open.is_some() { requests.in_flight_at_end } else { 0 },
            unsent: requests.open.map_or(0, |open| open.unsent + open.shed),
            begun: if silent { requests.begun } else { 0 },
            connects: without_connection.then(|| failed.to_string()).filter(|_| failed.total() > 0),
            of: 0,
        };
        all.of = requests.completed + errors.check + all.count();
        (silent || all.count() > 0).then_some(all)
    }

    /// A tenth or more.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.count() as f64 >= MANY_ERRORS * self.of as f64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::result::{Errors, Requests, samples};

    #[test]
    fn who_was_not_answered_is_counted_by_cause() {
        assert_eq!(Unanswered::of(&samples::good()).filter(Unanswered::are_many), None);
        let mut result = samples::open();
        result.requests.completed = 900;
        result.errors = Errors { timeout: 60, reset: 3, eof_mid_response: 1, protocol: 2, ..Errors::default() };
        result.requests.in_flight_at_end = 4;
        let open = result.requests.open.as_mut().unwrap();
        (open.unsent, open.shed) = (20, 10);
        let causes = Unanswered {
            of: 1_000,
            timed_out: 60,
            broken_off: 4,
            failed_otherwise: 2,
            waiting: 4,
            unsent: 30,
            ..Unanswered::default()
        };
        let some = Unanswered::of(&result).unwrap();
        assert_eq!(some, causes);
        assert!(some.are_many() && !some.are_all());
        result.requests.completed = 0;
        let all = Unanswered::of(&result).unwrap();
        assert_eq!(all, Unanswered { of: 100, ..causes });
        assert!(all.are_all() && all.are_many());
    }

    #[test]
    fn what_a_closed_loop_has_in_flight_counts_if_nothing_was_answered() {
        let mut result = samples::good();
        result.errors = Errors::default();
        result.requests = Requests { completed: 8, in_flight_at_end: 8, ..Requests::default() };
        assert_eq!(Unanswered::of(&result), None);
        result.requests = Requests { in_flight_at_end: 1, begun: 1, ..Requests::default() };
        let waiting = Unanswered { of: 1, waiting: 1, begun: 1, ..Unanswered::default() };
        assert_eq!(Unanswered::of(&result), Some(waiting));
        result.requests = Requests::default();
        assert_eq!(Unanswered::of(&result), Some(Unanswered::default()));
    }
}
