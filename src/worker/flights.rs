//! Requests in flight on a connection, oldest first, as runs sent together.

/// Requests of one send that share their intended instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Run {
    /// `u64::MAX` until it is stamped.
    pub(super) sent_at: u64,
    /// When it was due; in closed loop when it was queued, shortly before `sent_at`.
    pub(super) intended_at: u64,
    pub(super) count: u32,
}

/// Memory for the runs of all connections: at most `depth` each, as each holds at least one request.
pub(super) struct Flights {
    runs: Vec<Run>,
    depth: usize,
}

/// Where a connection's runs are in its part of the memory.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    head: u16,
    len: u16,
}

impl Flights {
    pub(super) fn new(connections: usize, depth: u32) -> Flights {
        Flights { runs: vec![Run::default(); connections * depth as usize], depth: depth as usize }
    }

    #[inline]
    pub(super) fn of(&mut self, slot: u32) -> &mut [Run] {
        &mut self.runs[slot as usize * self.depth..][..self.depth]
    }

    /// The same to look at.
    pub(super) fn runs_of(&self, slot: u32) -> &[Run] {
        &self.runs[slot as usize * self.depth..][..self.depth]
    }
}

impl Window {
    fn index(self, at: u16, runs: &[Run]) -> usize {
        let index = usize::from(self.head) + usize::from(at);
        if index < runs.len() { index } else { index - runs.len() }
    }

    /// Adds a run whose stamp is still to come.
    #[inline]
    pub(super) fn push(&mut self, intended_at: u64, count: u32, runs: &mut [Run]) {
        debug_assert!(usize::from(self.len) < runs.len());
        runs[self.index(self.len, runs)] = Run { sent_at: u64::MAX, intended_at, count };
        self.len += 1;
    }

    /// Stamps the youngest runs, back to the first that has a stamp, and tells `each` of them.
    #[inline]
    pub(super) fn stamp(self, sent_at: u64, runs: &mut [Run], mut each: impl FnMut(Run)) {
        for at in (0..self.len).rev() {
            let run = &mut runs[self.index(at, runs)];
            if run.sent_at != u64::MAX {
                return;
            }
            run.sent_at = sent_at;
            each(*run);
        }
    }

    /// The runs, the youngest first.
    pub(super) fn youngest_first(self, runs: &[Run]) -> impl Iterator<Item = Run> + '_ {
        (0..self.len).rev().map(move |at| runs[self.index(at, runs)])
    }

    /// When the oldest request was sent.
    #[inline]
    pub(super) fn oldest(self, runs: &[Run]) -> Option<u64> {
        (self.len > 0).then(|| runs[usize::from(self.head)].sent_at)
    }

    /// Takes the oldest request out and tells its instants.
    #[inline]
    pub(super) fn pop(&mut self, runs: &mut [Run]) -> Run {
        debug_assert!(self.len > 0);
        let run = &mut runs[usize::from(self.head)];
        run.count -= 1;
        let popped = *run;
        if run.count == 0 {
            self.head = self.index(1, runs) as u16;
            self.len -= 1;
        }
        popped
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        *self = Window::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_leave_in_the_order_and_with_the_stamps_they_came() {
        let mut flights = Flights::new(2, 3);
        let runs = flights.of(1);
        let mut window = Window::default();
        for round in 0..10u64 {
            let mut stamped = Vec::new();
            window.push(1, 2, runs);
            window.stamp(round * 10, runs, |run| stamped.push(run.intended_at));
            window.push(2, 1, runs);
            window.stamp(round * 10 + 5, runs, |run| stamped.push(run.intended_at));
            assert_eq!(stamped, [1, 2], "each is stamped once");
            assert_eq!(window.oldest(runs), Some(round * 10));
            assert_eq!(window.youngest_first(runs).map(|run| run.intended_at).collect::<Vec<_>>(), [2, 1]);
            let stamps: Vec<(u64, u64)> =
                (0..3).map(|_| window.pop(runs)).map(|run| (run.intended_at, run.sent_at)).collect();
            assert_eq!(stamps, [(1, round * 10), (1, round * 10), (2, round * 10 + 5)]);
            assert_eq!(window.oldest(runs), None);
        }
    }
}
