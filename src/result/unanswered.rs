//! Requests of a run that nobody saw an answer to, and what became of them.

use serde::{Deserialize, Serialize};

use super::RunResult;
use super::shares::MANY_ERRORS;

/// Requests without an answer, by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    /// All requests, with and without an answer.
    pub of: u64,
    /// Not answered within the timeout.
    pub timed_out: u64,
    /// Their connection was reset, or closed before the whole answer had come.
    pub broken_off: u64,
    /// Answered by what is no HTTP, or failed otherwise.
    pub failed_otherwise: u64,
    /// Still waited for when the run was over. In closed loop some always are: there they count if nothing was answered.
    pub waiting: u64,
    /// Open loop: never sent, as no connection was free or in time.
    pub unsent: u64,
    /// Answers that began, if none ended.
    pub begun: u64,
    /// Why there was no connection, if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connects: Option<String>,
}

impl Unanswered {
    /// Those of a run; `None` where all was answered.
    #[must_use]
    pub fn of(result: &RunResult) -> Option<Unanswered> {
        let (requests, errors) = (&result.requests, &result.errors);
        let silent = requests.completed + errors.check == 0;
        let mut all = Unanswered {
            timed_out: errors.timeout,
            broken_off: errors.reset + errors.eof_mid_response,
            failed_otherwise: errors.protocol + errors.other,
            waiting: if silent || requests.open.is_some() { requests.in_flight_at_end } else { 0 },
            unsent: requests.open.map_or(0, |open| open.unsent + open.shed),
            begun: if silent { requests.begun } else { 0 },
            connects: (silent && result.connections.established == 0).then(|| result.connect_trouble()).flatten(),
            of: 0,
        };
        all.of = requests.completed + errors.check + all.count();
        (silent || all.count() > 0).then_some(all)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.timed_out + self.broken_off + self.failed_otherwise + self.waiting + self.unsent
    }

    /// Nothing at all was answered.
    #[must_use]
    pub fn are_all(&self) -> bool {
        self.count() >= self.of
    }

    /// A tenth or more.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.count() as f64 >= MANY_ERRORS * self.of as f64
    }

    /// As in `nothing was answered (300 requests: 64 timed out, 236 never sent)` or `12.5% not answered (25 timed out)`.
    #[must_use]
    pub fn words(&self) -> String {
        // Then connections were free only for requests that stayed without an answer.
        let unsent = match self.are_all() && self.connects.is_none() {
            true => "never sent as no connection was free",
            false => "never sent",
        };
        let counts = [
            (self.timed_out, "timed out"),
            (self.broken_off, "broken off"),
            (self.failed_otherwise, "failed otherwise"),
            (self.waiting, "still waiting at the end"),
            (self.unsent, unsent),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let mut causes: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        causes.extend((self.begun > 0).then(|| format!("answers begun and not ended: {}", self.begun)));
        causes.extend(self.connects.as_ref().map(|connects| format!("no connection: {connects}")));
        let causes = causes.join(", ");
        if !self.are_all() {
            let share = self.count() as f64 / self.of as f64 * 100.0;
            let share = if share >= 0.1 { format!("{share:.1}%") } else { "less than 0.1%".to_owned() };
            return format!("{share} not answered ({causes})");
        }
        let requests = if self.of == 1 { "request" } else { "requests" };
        let colon = if causes.is_empty() { "" } else { ": " };
        format!("nothing was answered ({} {requests}{colon}{causes})", self.of)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::result::{Errors, Requests, samples};

    #[test]
    fn who_was_not_answered_is_told_with_causes() {
        assert_eq!(Unanswered::of(&samples::good()).filter(Unanswered::are_many), None);
        let mut result = samples::open();
        result.requests.completed = 900;
        result.errors = Errors { timeout: 60, reset: 3, eof_mid_response: 1, protocol: 2, ..Errors::default() };
        result.requests.in_flight_at_end = 4;
        let open = result.requests.open.as_mut().unwrap();
        (open.unsent, open.shed) = (20, 10);
        let some = Unanswered::of(&result).unwrap();
        let causes = "60 timed out, 4 broken off, 2 failed otherwise, 4 still waiting at the end, 30 never sent";
        assert_eq!(some.words(), format!("10.0% not answered ({causes})"));
        assert!(some.are_many() && !some.are_all());
        result.requests.completed = 0;
        let all = Unanswered::of(&result).unwrap();
        let words = format!("nothing was answered (100 requests: {causes} as no connection was free)");
        assert_eq!(all.words(), words);
        assert!(all.are_all() && all.are_many());
    }

    #[test]
    fn what_a_closed_loop_has_in_flight_counts_if_nothing_was_answered() {
        let mut result = samples::good();
        result.errors = Errors::default();
        result.requests = Requests { completed: 8, in_flight_at_end: 8, ..Requests::default() };
        assert_eq!(Unanswered::of(&result), None);
        result.requests = Requests { in_flight_at_end: 1, begun: 1, ..Requests::default() };
        let words = "nothing was answered (1 request: 1 still waiting at the end, answers begun and not ended: 1)";
        assert_eq!(Unanswered::of(&result).unwrap().words(), words);
        result.requests = Requests::default();
        assert_eq!(Unanswered::of(&result).unwrap().words(), "nothing was answered (0 requests)");
    }
}
