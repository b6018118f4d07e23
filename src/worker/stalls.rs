//! When the process could not act: patience with others does not count that time.

/// A turn that lasts longer than it was to, by more than this, ns, was a stop.
pub(super) const NOTICED_NS: u64 = 10_000_000;

/// After a stop the kernel's own threads, which stood still as well, get this long to catch up, ns.
const SETTLE_NS: u64 = 10_000_000;

/// How many stops are known one by one.
const KEPT: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Stall {
    began_at: u64,
    ended_at: u64,
    ns: u64,
}

/// The stops so far, the older ones taken together.
pub(super) struct Stalls(Vec<Stall>);

impl Stalls {
    pub(super) fn new() -> Stalls {
        Stalls(Vec::with_capacity(KEPT))
    }

    /// One of `ns` that ended at `ended_at`.
    pub(super) fn add(&mut self, ended_at: u64, ns: u64) {
        if self.0.len() == KEPT {
            self.make_room(ended_at);
        }
        self.0.push(Stall { began_at: ended_at - ns, ended_at, ns: ns + SETTLE_NS });
    }

    /// Makes one of two neighbours: of those that are the nearest to each other for how long ago they were.
    fn make_room(&mut self, now: u64) {
        let apart = |at: &usize| {
            let (first, second) = (self.0[*at], self.0[*at + 1]);
            (second.ended_at - first.began_at) as f64 / (now - second.ended_at + 1) as f64
        };
        let nearest = (0..self.0.len() - 1).min_by(|one, other| apart(one).total_cmp(&apart(other))).unwrap_or(0);
        let first = self.0.remove(nearest);
        let second = &mut self.0[nearest];
        (second.began_at, second.ns) = (first.began_at, first.ns + second.ns);
    }

    /// How much longer, ns, whoever began to wait at `at` is to be waited for.
    pub(super) fn since(&self, at: u64) -> u64 {
        self.0.iter().rev().take_while(|stall| stall.ended_at > at).map(|stall| stall.ns).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn only_what_came_after_counts() {
        let mut stalls = Stalls::new();
        assert_eq!(stalls.since(0), 0);
        stalls.add(500 * MS, 450 * MS);
        stalls.add(900 * MS, 100 * MS);
        let since = |at| stalls.since(at * MS) / MS;
        assert_eq!([since(10), since(500), since(899), since(900)], [570, 110, 110, 0]);
    }

    /// A process that is stopped every other 20 ms, for an hour.
    #[test]
    fn whatever_their_number_the_sum_is_near_the_truth() {
        let mut stalls = Stalls::new();
        let hour = 3_600_000 * MS;
        for ended_at in (40 * MS..=hour).step_by(40 * MS as usize) {
            stalls.add(ended_at, 20 * MS);
        }
        assert!(stalls.0.len() <= KEPT);
        for ago in [200 * MS, 2_000 * MS, 60_000 * MS, hour / 2] {
            let truth = ago / (40 * MS) * (20 * MS + SETTLE_NS);
            let sum = stalls.since(hour - ago);
            // Never less, and at most what one of the coarser entries holds more.
            assert!((truth..=truth + truth / 4 + 4 * (20 * MS + SETTLE_NS)).contains(&sum), "{ago}: {sum} for {truth}");
        }
    }
}
