//! Requests in flight on a connection, oldest first, as runs sent together.

/// Requests of one send: they share their stamp.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) sent_at: u64,
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
}

impl Window {
    fn index(self, at: u16, runs: &[Run]) -> usize {
        let index = usize::from(self.head) + usize::from(at);
        if index < runs.len() { index } else { index - runs.len() }
    }

    /// Adds a run whose stamp is still to come.
    #[inline]
    pub(super) fn push(&mut self, count: u32, runs: &mut [Run]) {
        debug_assert!(usize::from(self.len) < runs.len());
        runs[self.index(self.len, runs)] = Run { sent_at: u64::MAX, count };
        self.len += 1;
    }

    /// Stamps the youngest run.
    #[inline]
    pub(super) fn stamp(self, sent_at: u64, runs: &mut [Run]) {
        if self.len > 0 {
            runs[self.index(self.len - 1, runs)].sent_at = sent_at;
        }
    }

    /// When the oldest request was sent.
    #[inline]
    pub(super) fn oldest(self, runs: &[Run]) -> Option<u64> {
        (self.len > 0).then(|| runs[usize::from(self.head)].sent_at)
    }

    /// Takes the oldest request out and tells when it was sent.
    #[inline]
    pub(super) fn pop(&mut self, runs: &mut [Run]) -> u64 {
        debug_assert!(self.len > 0);
        let run = &mut runs[usize::from(self.head)];
        run.count -= 1;
        let sent_at = run.sent_at;
        if run.count == 0 {
            self.head = self.index(1, runs) as u16;
            self.len -= 1;
        }
        sent_at
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
            window.push(2, runs);
            window.stamp(round * 10, runs);
            window.push(1, runs);
            window.stamp(round * 10 + 5, runs);
            assert_eq!(window.oldest(runs), Some(round * 10));
            let stamps: Vec<u64> = (0..3).map(|_| window.pop(runs)).collect();
            assert_eq!(stamps, [round * 10, round * 10, round * 10 + 5]);
            assert_eq!(window.oldest(runs), None);
        }
    }
}
