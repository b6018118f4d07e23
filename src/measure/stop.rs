//! When a run is over: after a time, after a count, or both.

/// One worker's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    ends_at: Option<u64>,
    /// Requests that may still be sent; `None` without a count.
    budget: Option<u64>,
    closed: bool,
}

impl Stop {
    /// Ends at `ends_at` (ns on the run's clock) and after `budget` outcomes, whichever comes first.
    pub fn new(ends_at: Option<u64>, budget: Option<u64>) -> Stop {
        Stop { ends_at, budget, closed: false }
    }

    /// The instant at which the window closes by time.
    #[inline]
    pub fn ends_at(&self) -> Option<u64> {
        self.ends_at
    }

    /// From now on it counts too: ends after `budget` outcomes.
    pub fn count(&mut self, budget: u64) {
        self.budget = Some(budget);
    }

    /// Grants no request any more, whatever is put back.
    pub fn close(&mut self) {
        (self.budget, self.closed) = (Some(0), true);
    }

    /// Takes up to `wanted` requests from the budget.
    #[inline]
    pub fn claim(&mut self, wanted: u32) -> u32 {
        let Some(left) = &mut self.budget else {
            return wanted;
        };
        let granted = u64::from(wanted).min(*left);
        *left -= granted;
        granted as u32
    }

    /// Puts back requests that got neither answer nor failure: a count counts outcomes.
    pub fn refund(&mut self, discarded: u64) {
        if let Some(left) = self.budget.as_mut().filter(|_| !self.closed) {
            *left += discarded;
        }
    }

    /// How many requests may still be sent; without a budget, as many as one likes.
    #[inline]
    pub fn left(&self) -> u64 {
        self.budget.unwrap_or(u64::MAX)
    }

    /// Counts, and nothing is left to send.
    #[inline]
    pub fn is_spent(&self) -> bool {
        self.budget == Some(0)
    }

    /// Time is up.
    #[inline]
    pub fn is_past(&self, now: u64) -> bool {
        self.ends_at.is_some_and(|end| now >= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_exact_and_takes_back_what_was_discarded() {
        let mut stop = Stop::new(None, Some(10));
        assert_eq!((stop.claim(8), stop.claim(8), stop.claim(8)), (8, 2, 0));
        assert!(stop.is_spent());
        stop.refund(3);
        assert!(!stop.is_spent() && stop.left() == 3);
        assert_eq!(stop.claim(16), 3);
        stop.close();
        stop.refund(5);
        assert_eq!(stop.claim(1), 0);
    }

    #[test]
    fn without_a_budget_only_time_ends_it() {
        let mut stop = Stop::new(Some(100), None);
        assert_eq!(stop.claim(1024), 1024);
        assert!(!stop.is_spent() && !stop.is_past(99) && stop.is_past(100));
        assert!(!Stop::new(None, Some(0)).is_past(u64::MAX));
    }
}
