//! The time series: each interval's samples, kept small until the end.

use super::histogram::Histogram;
use super::tally::{Latencies, Tally};

/// The kinds of time that a series keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Open loop: done - intended.
    Response,
    /// Done - sent.
    Service,
    /// Open loop: sent - intended.
    Lag,
}

impl Kind {
    /// All, in the order in which a series keeps them.
    pub const ALL: [Kind; 3] = [Kind::Response, Kind::Service, Kind::Lag];

    /// As it is reported.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Response => "response",
            Kind::Service => "service",
            Kind::Lag => "lag",
        }
    }
}

/// One worker's interval.
#[derive(Debug, Clone, Copy, Default)]
struct Cut {
    ends_at: u64,
    completed: u64,
    failed: u64,
    /// Where the histograms of each kind end in the packed bytes.
    ends: [usize; Kind::ALL.len()],
}

/// One worker's intervals, their histograms packed: some kilobytes each instead of hundreds.
#[derive(Debug, Default)]
pub struct Series {
    cuts: Vec<Cut>,
    packed: Vec<u8>,
    /// Completed and failed before the interval under way.
    before: (u64, u64),
}

/// Bytes that an interval takes, more or less; and for how many intervals room is made at the start.
const BYTES_PER_INTERVAL: usize = 8 * 1024;
const ROOM_FOR: usize = 600;

impl Series {
    /// With room for so many intervals, or for ten minutes' worth of seconds; beyond that it grows.
    pub fn new(intervals: usize) -> Series {
        let room = intervals.min(ROOM_FOR);
        Series { cuts: Vec::with_capacity(room), packed: Vec::with_capacity(room * BYTES_PER_INTERVAL), before: (0, 0) }
    }

    /// Ends an interval at `now` (ns): packs what is recent in `tally`, and settles it there.
    pub fn cut(&mut self, now: u64, tally: &mut Tally) {
        let (completed, failed) = (tally.requests.completed, tally.requests.failed);
        let mut cut = Cut { ends_at: now, ..Cut::default() };
        (cut.completed, cut.failed) = (completed - self.before.0, failed - self.before.1);
        self.before = (completed, failed);
        let Latencies { single, split, response, lag, .. } = &mut tally.recent;
        for (kind, end) in Kind::ALL.into_iter().zip(&mut cut.ends) {
            match kind {
                Kind::Response => response.pack(&mut self.packed),
                // Packed one after the other, two are read back as their sum.
                Kind::Service => {
                    single.pack(&mut self.packed);
                    split.pack(&mut self.packed);
                }
                Kind::Lag => lag.pack(&mut self.packed),
            }
            *end = self.packed.len();
        }
        self.cuts.push(cut);
        tally.settle();
    }
}

/// What all workers measured in one interval.
#[derive(Debug)]
pub struct Merged {
    /// Its end: that of the worker that cut it last, ns.
    pub ends_at: u64,
    /// Requests completed.
    pub completed: u64,
    /// Requests failed.
    pub failed: u64,
    /// By kind, in the order of [`Kind::ALL`]; without samples where a kind is not taken.
    pub histograms: [Histogram; Kind::ALL.len()],
}

/// The workers' series as one: interval by interval, each handed to `each` and then forgotten.
pub fn merge(workers: &[Series], mut each: impl FnMut(Merged)) {
    let longest = workers.iter().map(|one| one.cuts.len()).max().unwrap_or(0);
    for index in 0..longest {
        let mut merged =
            Merged { ends_at: 0, completed: 0, failed: 0, histograms: std::array::from_fn(|_| Histogram::new()) };
        for series in workers {
            let Some(cut) = series.cuts.get(index) else { continue };
            merged.ends_at = merged.ends_at.max(cut.ends_at);
            merged.completed += cut.completed;
            merged.failed += cut.failed;
            let mut start = index.checked_sub(1).map_or(0, |before| series.cuts[before].ends[Kind::ALL.len() - 1]);
            for (histogram, &end) in merged.histograms.iter_mut().zip(&cut.ends) {
                histogram.unpack(&series.packed[start..end]);
                start = end;
            }
        }
        each(merged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_add_up_to_the_whole() {
        let mut all = Vec::new();
        let mut tallies = Vec::new();
        for worker in 0..2u64 {
            let (mut tally, mut series) = (Tally::new(), Series::new(1));
            for interval in 0..3 + worker {
                for sample in 0..100 * interval {
                    tally.requests.completed += 1;
                    tally.recent.single.record_n(1_000 * (sample + 1), 1);
                    tally.recent.response.record_n(2_000_000 * (sample + 1) + worker, 1);
                }
                tally.requests.failed += interval;
                tally.recent.split.record_n(77, interval);
                tally.requests.completed += interval;
                series.cut(1_000 * (interval + 1) + worker, &mut tally);
            }
            all.push(series);
            tallies.push(tally);
        }
        let (mut ends, mut counts) = (Vec::new(), Vec::new());
        let mut sums: [Histogram; 3] = std::array::from_fn(|_| Histogram::new());
        merge(&all, |one| {
            ends.push(one.ends_at);
            counts.push((one.completed, one.failed));
            sums.iter_mut().zip(&one.histograms).for_each(|(sum, one)| sum.merge(one));
        });
        assert_eq!(ends, [1_001, 2_001, 3_001, 4_001]);
        assert_eq!(counts, [(0, 0), (202, 2), (404, 4), (303, 3)]);
        let [mut whole, mut other] = <[Tally; 2]>::try_from(tallies).expect("two");
        whole.merge(&mut other);
        assert_eq!(sums[0].summary(None), whole.latencies.response.summary(None));
        assert_eq!(sums[1].summary(None), whole.latencies.service().summary(None));
        assert!(sums[2].is_empty());
    }
}
