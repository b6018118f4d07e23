//! What is looked at from time to time rather than at each response.

use std::sync::atomic::Ordering::Relaxed;

use super::Progress;
use crate::measure::counters::Tally;

/// How often (ns) the response rate is sampled and progress is shown; samples are settled every ten times.
const EVERY_NS: u64 = 100_000_000;
const TIMES_PER_SETTLING: u32 = 10;

/// Knows when to look next, and what was there the last time.
pub(super) struct Sampler {
    last_at: u64,
    completed: u64,
    times: u32,
}

impl Sampler {
    /// From `now` on.
    pub(super) fn new(now: u64) -> Sampler {
        Sampler { last_at: now, completed: 0, times: 0 }
    }

    /// The next instant, ns.
    #[inline]
    pub(super) fn next(&self) -> u64 {
        self.last_at + EVERY_NS
    }

    /// Has it come?
    #[inline]
    pub(super) fn is_due(&self, now: u64) -> bool {
        now >= self.next()
    }

    /// Records the response rate since the last time and shows progress.
    pub(super) fn sample(&mut self, now: u64, tally: &mut Tally, open: u64, progress: &Progress) {
        let completed = tally.requests.completed;
        let rate = (completed - self.completed) as f64 * 1e9 / (now - self.last_at) as f64;
        tally.rates.record_n(rate as u64, 1);
        progress.completed.store(completed, Relaxed);
        progress.failed.store(tally.requests.failed, Relaxed);
        progress.open.store(open, Relaxed);
        (self.last_at, self.completed) = (now, completed);
        self.times += 1;
        if self.times.is_multiple_of(TIMES_PER_SETTLING) {
            let (single, split) = (&tally.recent.single, &tally.recent.split);
            let larger = if single.count() >= split.count() { single } else { split };
            progress.p99_ns.store(larger.quantile_ns(0.99).unwrap_or(0), Relaxed);
            tally.settle();
        }
    }
}
