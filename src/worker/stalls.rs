//! When the process could not act: patience with others does not count that time.

/// A turn that lasts longer than it was to, by more than this, ns, was a stop.
pub(super) const NOTICED_NS: u64 = 10_000_000;

/// After a stop the kernel's own threads, which stood still as well, get this part of it to catch up, and at most so long, ns. Less
/// than it may run between two stops, or nobody would ever be given up.
const SETTLES: (u64, u64) = (16, 10_000_000);

/// How many stops are known one by one.
const KEPT: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Stall {
    began_at: u64,
    ended_at: u64,
    ns: u64,
}

/// The stops so far, the older ones taken together.
pub(super) struct Stalls {
    all: Vec<Stall>,
    settled_at: u64,
}

impl Stalls {
    pub(super) fn new() -> Stalls {
        Stalls { all: Vec::with_capacity(KEPT), settled_at: 0 }
    }

    /// One of `ns` that ended at `ended_at`.
    pub(super) fn add(&mut self, ended_at: u64, ns: u64) {
        if self.all.len() == KEPT {
            self.make_room(ended_at);
        }
        self.all.push(Stall { began_at: ended_at - ns, ended_at, ns });
        let (part, most) = SETTLES;
        self.settled_at = ended_at + (ns / part).min(most);
    }

    /// Makes one of two neighbours: of those that are the nearest to each other for how long ago they were.
    fn make_room(&mut self, now: u64) {
        let apart = |at: &usize| {
            let (first, second) = (self.all[*at], self.all[*at + 1]);
            (second.ended_at - first.began_at) as f64 / (now - second.ended_at + 1) as f64
        };
        let nearest = (0..self.all.len() - 1).min_by(|one, other| apart(one).total_cmp(&apart(other))).unwrap_or(0);
        let first = self.all.remove(nearest);
        let second = &mut self.all[nearest];
        (second.began_at, second.ns) = (first.began_at, first.ns + second.ns);
    }

    /// How much time, ns, has been lost since `at`.
    fn since(&self, at: u64) -> u64 {
        let after = self.all.iter().rev().take_while(|stall| stall.ended_at > at);
        after.map(|stall| stall.ns.min(stall.ended_at - at)).sum()
    }

    /// How long somebody has been waited for between two instants, the stops left out.
    pub(super) fn waited(&self, from: u64, to: u64) -> u64 {
        to.saturating_sub(from).saturating_sub(self.since(from))
    }

    /// When patience for `span` is over that began at `at`.
    pub(super) fn end_of(&self, span: u64, at: u64) -> u64 {
        match self.since(at) {
            0 => at.saturating_add(span),
            lost => at.saturating_add(span).saturating_add(lost).max(self.settled_at),
        }
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
        assert_eq!([since(10), since(500), since(899), since(900)], [550, 100, 1, 0]);
        let end = |span, at| stalls.end_of(span * MS, at * MS) / MS;
        assert_eq!([end(500, 10), end(1, 898), end(1, 900)], [1060, 906, 901]);
        assert_eq!(end(1, 799), 906, "not before all has settled");
    }

    /// A process that is stopped every other 20 ms, for an hour.
    #[test]
    fn whatever_their_number_the_sum_is_near_the_truth() {
        let mut stalls = Stalls::new();
        let hour = 3_600_000 * MS;
        for ended_at in (40 * MS..=hour).step_by(40 * MS as usize) {
            stalls.add(ended_at, 20 * MS);
        }
        assert!(stalls.all.len() <= KEPT);
        for ago in [200 * MS, 2_000 * MS, 60_000 * MS, hour / 2] {
            let truth = ago / (40 * MS) * 20 * MS;
            let sum = stalls.since(hour - ago);
            // Never less, and at most what one of the coarser entries holds more.
            assert!((truth..=truth + truth / 4 + 4 * 20 * MS).contains(&sum), "{ago}: {sum} for {truth}");
        }
    }
}
