//! What is told while a run lasts, and the rows that are kept of its time series.

use std::num::NonZeroU64;
use std::time::{Duration, SystemTime};

use super::{Ended, Observer};
use crate::measure::clock::{Clock, Monotonic};
use crate::measure::histogram::{Histogram, Percentiles};
use crate::measure::series::Kind;
use crate::result::{Interval, Snapshot};
use crate::worker::series::Merged;

/// The observer of all passes, and the time series so far.
pub(super) struct Told<'a> {
    observer: &'a mut dyn Observer,
    /// One instant on both clocks: of the day, and of the run (ns).
    unix: Duration,
    clock: u64,
    /// When the first window began, on the run's clock.
    first_begins_at: Option<u64>,
    /// Its intervals so far, a small row each.
    pub(super) intervals: Vec<Interval>,
}

impl<'a> Told<'a> {
    pub(super) fn new(observer: &'a mut dyn Observer) -> Told<'a> {
        let (unix, clock) = (SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(), Monotonic.now());
        Told { observer, unix, clock, first_begins_at: None, intervals: Vec::new() }
    }

    /// What leads from the run's clock to 1970-01-01 UTC, ns.
    pub(super) fn unix_ns(&self) -> u64 {
        u64::try_from(self.unix.as_nanos()).unwrap_or(u64::MAX).wrapping_sub(self.clock)
    }

    /// A window begins at `at` on the run's clock.
    pub(super) fn begins(&mut self, at: u64) {
        self.first_begins_at.get_or_insert(at);
    }

    /// When the first window began, since 1970-01-01 UTC.
    pub(super) fn started(&self) -> Duration {
        self.unix + Duration::from_nanos(self.first_begins_at.map_or(0, |at| at.saturating_sub(self.clock)))
    }

    pub(super) fn moment(&mut self, moment: &Snapshot) {
        self.observer.moment(moment);
    }

    /// An interval has ended: its row is kept, its samples are not.
    pub(super) fn interval(&mut self, merged: &Merged) {
        let interval = row(merged, self.first_begins_at.unwrap_or(merged.starts_at));
        let started_unix_s = self.started().as_secs_f64();
        self.observer.interval(&Ended { started_unix_s, interval: &interval, histograms: &merged.histograms });
        self.intervals.push(interval);
    }
}

fn row(merged: &Merged, first_begins_at: u64) -> Interval {
    let seconds = |ns: u64| ns as f64 / 1e9;
    // The latency to quote. How late requests were sent is none, also where nothing came back.
    let kinds = Kind::ALL.into_iter().zip(&merged.histograms).filter(|(kind, _)| *kind != Kind::Lag);
    let quoted = kinds.map(|(_, histogram)| histogram).find(|one| !one.is_empty());
    let percentiles = quoted.map(Percentiles::of).unwrap_or_default();
    let time = |ns: Option<u64>| ns.and_then(NonZeroU64::new);
    Interval {
        start_s: seconds(merged.starts_at.saturating_sub(first_begins_at)),
        length_s: seconds(merged.ends_at.saturating_sub(merged.starts_at)),
        completed: merged.counts.completed,
        failed: merged.counts.failed,
        // Which gaps between connections count shows later.
        down_ns: 0,
        status: merged.counts.status,
        errors: merged.counts.errors,
        connections_open: Some(merged.open),
        p50_ns: time(percentiles.p50),
        p90_ns: time(percentiles.p90),
        p99_ns: time(percentiles.p99),
        max_ns: time(quoted.map(Histogram::max_ns)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::counters::{Classes, Errors};
    use crate::worker::series::Counts;

    fn merged(count: u64, lag: u64) -> Merged {
        let errors = Errors { timeout: 2, ..Errors::default() };
        let status = Classes { success: count, ..Classes::default() };
        let mut merged = Merged {
            starts_at: 3_000_000_000,
            ends_at: 4_000_000_000,
            counts: Counts { completed: count, failed: 2, status, errors },
            open: 7,
            ..Merged::default()
        };
        merged.histograms[Kind::Response as usize].record_n(5_000, count);
        merged.histograms[Kind::Lag as usize].record_n(100, lag);
        merged
    }

    #[test]
    fn a_row_is_small_and_has_what_enough_samples_support() {
        assert!(size_of::<Interval>() < 200, "{} bytes", size_of::<Interval>());
        let whole = row(&merged(100, 100), 1_000_000_000);
        assert_eq!((whole.start_s, whole.length_s, whole.completed, whole.failed), (2.0, 1.0, 100, 2));
        assert_eq!((whole.errors.timeout, whole.status.success, whole.connections_open), (2, 100, Some(7)));
        let ns = NonZeroU64::new(5_000);
        assert_eq!([whole.p50_ns, whole.p90_ns, whole.p99_ns, whole.max_ns], [ns; 4]);
        let few = row(&merged(10, 100), 0);
        assert_eq!([few.p50_ns, few.p90_ns, few.p99_ns, few.max_ns], [ns, ns, None, ns]);
        let silent = row(&merged(0, 100), 0);
        assert_eq!([silent.p50_ns, silent.max_ns], [None; 2], "how late requests were sent is no latency");
    }

    #[test]
    fn each_interval_is_told_with_its_samples_and_kept_without() {
        struct Log(Vec<(f64, u64)>);
        impl Observer for Log {
            fn moment(&mut self, _: &Snapshot) {}
            fn interval(&mut self, ended: &Ended<'_>) {
                self.0.push((ended.interval.start_s, ended.histograms[0].count()));
            }
        }
        let mut log = Log(Vec::new());
        let mut told = Told::new(&mut log);
        told.begins(1_000_000_000);
        told.begins(2_000_000_000);
        told.interval(&merged(5, 5));
        told.interval(&merged(6, 6));
        assert_eq!(told.intervals.iter().map(|one| one.completed).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(log.0, [(2.0, 5), (2.0, 6)]);
    }
}
