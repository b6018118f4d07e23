//! What is looked at from time to time rather than at each response.

use std::sync::atomic::Ordering::Relaxed;

use super::Progress;
use crate::worker::series::Series;
use crate::worker::stats::WorkerStats;

/// How often (ns) the response rate is sampled and progress is shown; the latter's percentile every ten times.
const EVERY_NS: u64 = 100_000_000;
const TIMES_PER_PERCENTILE: u32 = 10;

/// Knows when to look next, and what was there the last time.
pub(super) struct Sampler {
    last_at: u64,
    completed: u64,
    times: u32,
    interval_ns: u64,
    /// The end of the interval under way; none during the warm-up.
    next_cut: u64,
    /// The window's beginning, until it has come.
    begins_at: Option<u64>,
    series: Series,
}

impl Sampler {
    /// The window begins at `begins_at`: after a warm-up or, without one, as soon as there is load.
    pub(super) fn new(begins_at: u64, warm_up: bool, interval_ns: u64, progress: &Progress) -> Sampler {
        Sampler {
            last_at: begins_at,
            completed: 0,
            times: 0,
            interval_ns,
            next_cut: if warm_up { u64::MAX } else { begins_at.saturating_add(interval_ns) },
            begins_at: warm_up.then_some(begins_at),
            series: Series::new(&progress.series),
        }
    }

    /// The next instant, ns.
    #[inline]
    pub(super) fn next(&self) -> u64 {
        (self.last_at + EVERY_NS).min(self.next_cut).min(self.begins_at.unwrap_or(u64::MAX))
    }

    /// Has it come?
    #[inline]
    pub(super) fn is_due(&self, now: u64) -> bool {
        now >= self.next()
    }

    /// The warm-up is still on.
    pub(super) fn warms_up(&self) -> bool {
        self.begins_at.is_some()
    }

    /// True once, when the warm-up is over: then everything begins anew.
    pub(super) fn begins(&mut self, now: u64) -> bool {
        let Some(at) = self.begins_at.take_if(|at| now >= *at) else {
            return false;
        };
        (self.last_at, self.completed, self.times) = (at, 0, 0);
        self.next_cut = at.saturating_add(self.interval_ns);
        true
    }

    /// Records the response rate since the last time, shows progress, and cuts the time series where an interval has ended.
    pub(super) fn sample(&mut self, now: u64, stats: &mut WorkerStats, open: u64, away: bool, progress: &Progress) {
        if now >= self.last_at + EVERY_NS {
            self.show(now, stats, progress);
            progress.open.store(open, Relaxed);
            progress.away.store(away, Relaxed);
        }
        while now >= self.next_cut {
            self.series.cut(self.next_cut, stats, open, &progress.series);
            self.next_cut = self.next_cut.saturating_add(self.interval_ns);
        }
    }

    fn show(&mut self, now: u64, stats: &mut WorkerStats, progress: &Progress) {
        let completed = stats.requests.completed;
        let rate = (completed - self.completed) as f64 * 1e9 / (now - self.last_at) as f64;
        stats.rates.record_n(rate as u64, 1);
        progress.completed.store(completed, Relaxed);
        progress.failed.store(stats.requests.failed, Relaxed);
        let expected: u64 = stats.expected.values().sum();
        progress.refused.store(stats.status[400..].iter().sum::<u64>() - expected, Relaxed);
        (self.last_at, self.completed) = (now, completed);
        self.times += 1;
        if self.times.is_multiple_of(TIMES_PER_PERCENTILE) {
            let recent = &stats.recent;
            let most = [&recent.response, &recent.single, &recent.split].into_iter().find(|one| !one.is_empty());
            progress.p99_ns.store(most.and_then(|one| one.quantile_ns(0.99)).unwrap_or(0), Relaxed);
        }
    }

    /// The last interval ends at `now`; what is left in `stats` is in it. Nothing is looked at after that.
    pub(super) fn finish(&mut self, now: u64, stats: &mut WorkerStats, open: u64, progress: &Progress) {
        let began = self.next_cut.saturating_sub(self.interval_ns);
        let any = !self.warms_up() && (now > began || !stats.recent.is_empty());
        self.series.finish(any.then_some(now.max(began)), stats, open, &progress.series);
        (self.last_at, self.next_cut, self.begins_at) = (u64::MAX - EVERY_NS, u64::MAX, None);
    }
}
