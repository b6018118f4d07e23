//! When no connection was open: each worker notes its own gaps, at connects and closes; the end finds what they have in common.

#[cfg(test)]
mod tests;

/// A gap in which an attempt took this long (ns) counts even if none failed: TCP repeats a SYN after a second, so one was lost.
const LONG_NS: u64 = 1_000_000_000;

/// Gaps kept one by one; when there are more, neighbours become one.
const KEPT: usize = 1024;

/// A span of time, in ns on the run's clock, of which `down_ns` were without an open connection: all of it, unless it was made of
/// several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    from: u64,
    to: u64,
    down_ns: u64,
}

impl Gap {
    fn of(from: u64, to: u64) -> Gap {
        Gap { from, to, down_ns: to - from }
    }

    /// What of it lies between two instants.
    fn within(&self, from: u64, to: u64) -> u64 {
        let inside = self.to.min(to).saturating_sub(self.from.max(from));
        let share = u128::from(inside) * u128::from(self.down_ns) / u128::from((self.to - self.from).max(1));
        share as u64
    }
}

/// One worker's gaps as they happen. Replacing a connection leaves a gap, too: one counts only if an attempt to connect failed in it,
/// or took a second.
#[derive(Debug)]
pub struct Outage {
    gaps: Vec<Gap>,
    /// Since when no connection is open.
    since: Option<u64>,
    /// The first attempt of the gap under way, and whether one failed.
    tried_at: Option<u64>,
    failed: bool,
}

impl Outage {
    /// No connection is open at `now`.
    pub fn new(now: u64) -> Outage {
        Outage { gaps: Vec::with_capacity(KEPT), since: Some(now), tried_at: None, failed: false }
    }

    /// The last open connection was closed.
    pub fn begins(&mut self, now: u64) {
        (self.since, self.tried_at, self.failed) = (Some(now), None, false);
    }

    /// An attempt to connect began.
    pub fn tries(&mut self, now: u64) {
        self.tried_at.get_or_insert(now);
    }

    /// An attempt failed, or a connection ended before it carried a request.
    pub fn fails(&mut self) {
        self.failed = true;
    }

    /// The first connection is open again.
    pub fn ends(&mut self, now: u64) {
        if let Some(since) = self.since.take()
            && self.counts(now)
            && since < now
        {
            self.keep(Gap::of(since, now));
        }
    }

    fn counts(&self, now: u64) -> bool {
        self.failed || self.tried_at.is_some_and(|at| now.saturating_sub(at) > LONG_NS)
    }

    fn keep(&mut self, gap: Gap) {
        if self.gaps.len() == KEPT {
            for pair in 0..KEPT / 2 {
                let [first, second] = [self.gaps[2 * pair], self.gaps[2 * pair + 1]];
                self.gaps[pair] = Gap { from: first.from, to: second.to, down_ns: first.down_ns + second.down_ns };
            }
            self.gaps.truncate(KEPT / 2);
        }
        self.gaps.push(gap);
    }

    /// No connection is open, and the latest attempts failed.
    pub fn is_away(&self) -> bool {
        self.since.is_some() && self.failed
    }

    /// Forgets the gaps that are over.
    pub fn forget(&mut self) {
        self.gaps.clear();
    }

    /// What lies in the worker's window, which closed at `ends_at`.
    pub fn finish(&mut self, begins_at: u64, ends_at: u64) -> Gaps {
        self.ends(ends_at);
        let inside = |gap: &Gap| {
            let (from, to) = (gap.from.max(begins_at), gap.to.min(ends_at));
            (from < to).then(|| Gap { from, to, down_ns: gap.within(from, to) })
        };
        Gaps { gaps: self.gaps.iter().filter_map(inside).collect(), ends_at }
    }
}

/// Gaps of a window, or what several workers' have in common: then none of them had a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// One after the other.
    gaps: Vec<Gap>,
    ends_at: u64,
}

impl Gaps {
    /// When no worker had a connection. One whose window is over needs none: from then on the others' gaps alone count.
    pub fn common(all: impl IntoIterator<Item = Gaps>) -> Gaps {
        all.into_iter().reduce(|one, other| one.with(&other)).unwrap_or_default()
    }

    fn with(self, other: &Gaps) -> Gaps {
        let ends_at = self.ends_at.max(other.ends_at);
        let forever = |gaps: &Gaps| Some(Gap::of(gaps.ends_at, ends_at)).filter(|rest| rest.from < rest.to);
        let ours: Vec<Gap> = self.gaps.iter().copied().chain(forever(&self)).collect();
        let theirs: Vec<Gap> = other.gaps.iter().copied().chain(forever(other)).collect();
        let (mut gaps, mut at) = (Vec::new(), (0, 0));
        while let (Some(one), Some(two)) = (ours.get(at.0), theirs.get(at.1)) {
            let (from, to) = (one.from.max(two.from), one.to.min(two.to));
            if from < to {
                gaps.push(Gap { from, to, down_ns: one.within(from, to).min(two.within(from, to)) });
            }
            if one.to <= two.to { at.0 += 1 } else { at.1 += 1 }
        }
        Gaps { gaps, ends_at }
    }

    /// All of it, ns.
    pub fn total_ns(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.down_ns).sum()
    }

    /// What of it lies between two instants, ns.
    pub fn within_ns(&self, from: u64, to: u64) -> u64 {
        let first = self.gaps.partition_point(|gap| gap.to <= from);
        self.gaps[first..].iter().take_while(|gap| gap.from < to).map(|gap| gap.within(from, to)).sum()
    }
}
