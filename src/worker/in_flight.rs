//! Requests in flight on a connection, oldest first, in batches that were sent together.

/// Requests of one send that share their intended instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// `u64::MAX` until it is stamped.
    pub(super) sent_at: u64,
    /// When it was due; in closed loop when it was queued, shortly before `sent_at`.
    pub(super) intended_at: u64,
    /// Which request of the list they are; 0 where there is only one.
    pub(super) entry: u32,
    /// At most as many as can be in flight on a connection.
    pub(super) count: u16,
    /// Which row of the report they count in.
    pub(super) kind: u16,
    /// What its number was drawn from, where it has one.
    pub(super) number: u64,
}

/// Memory for the batches of all connections: at most `depth` each, as each holds at least one request.
pub(super) struct BatchMemory {
    batches: Vec<Batch>,
    depth: usize,
}

/// Where a connection's batches are in its part of the memory.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InFlight {
    head: u16,
    len: u16,
}

impl BatchMemory {
    pub(super) fn new(connections: usize, depth: u32) -> BatchMemory {
        BatchMemory { batches: vec![Batch::default(); connections * depth as usize], depth: depth as usize }
    }

    #[inline]
    pub(super) fn of(&mut self, slot: u32) -> &mut [Batch] {
        &mut self.batches[slot as usize * self.depth..][..self.depth]
    }

    /// The same to look at.
    pub(super) fn batches_of(&self, slot: u32) -> &[Batch] {
        &self.batches[slot as usize * self.depth..][..self.depth]
    }
}

impl InFlight {
    fn index(self, at: u16, batches: &[Batch]) -> usize {
        let index = usize::from(self.head) + usize::from(at);
        if index < batches.len() { index } else { index - batches.len() }
    }

    /// Adds a batch whose stamp is still to come.
    #[inline]
    pub(super) fn push(&mut self, batch: Batch, batches: &mut [Batch]) {
        debug_assert!(usize::from(self.len) < batches.len());
        batches[self.index(self.len, batches)] = Batch { sent_at: u64::MAX, ..batch };
        self.len += 1;
    }

    /// Stamps the youngest batches, back to the first that has a stamp, and tells `each` of them.
    #[inline]
    pub(super) fn stamp(self, sent_at: u64, batches: &mut [Batch], mut each: impl FnMut(Batch)) {
        for at in (0..self.len).rev() {
            let batch = &mut batches[self.index(at, batches)];
            if batch.sent_at != u64::MAX {
                return;
            }
            batch.sent_at = sent_at;
            each(*batch);
        }
    }

    /// The batches, the youngest first.
    pub(super) fn youngest_first(self, batches: &[Batch]) -> impl Iterator<Item = Batch> + '_ {
        (0..self.len).rev().map(move |at| batches[self.index(at, batches)])
    }

    /// When the oldest request was sent.
    #[inline]
    pub(super) fn oldest(self, batches: &[Batch]) -> Option<u64> {
        (self.len > 0).then(|| batches[usize::from(self.head)].sent_at)
    }

    /// Takes the oldest request out and tells its instants.
    #[inline]
    pub(super) fn pop(&mut self, batches: &mut [Batch]) -> Batch {
        debug_assert!(self.len > 0);
        let batch = &mut batches[usize::from(self.head)];
        batch.count -= 1;
        let popped = *batch;
        if batch.count == 0 {
            self.head = self.index(1, batches) as u16;
            self.len -= 1;
        }
        popped
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        *self = InFlight::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_leave_in_the_order_and_with_the_stamps_they_came() {
        let mut memory = BatchMemory::new(2, 3);
        let batches = memory.of(1);
        let mut window = InFlight::default();
        for round in 0..10u64 {
            let mut stamped = Vec::new();
            window.push(Batch { intended_at: 1, count: 2, ..Batch::default() }, batches);
            window.stamp(round * 10, batches, |batch| stamped.push(batch.intended_at));
            window.push(Batch { intended_at: 2, count: 1, ..Batch::default() }, batches);
            window.stamp(round * 10 + 5, batches, |batch| stamped.push(batch.intended_at));
            assert_eq!(stamped, [1, 2], "each is stamped once");
            assert_eq!(window.oldest(batches), Some(round * 10));
            assert_eq!(window.youngest_first(batches).map(|batch| batch.intended_at).collect::<Vec<_>>(), [2, 1]);
            let stamps: Vec<(u64, u64)> =
                (0..3).map(|_| window.pop(batches)).map(|batch| (batch.intended_at, batch.sent_at)).collect();
            assert_eq!(stamps, [(1, round * 10), (1, round * 10), (2, round * 10 + 5)]);
            assert_eq!(window.oldest(batches), None);
        }
    }
}
