//! The time series. A worker leaves what it measured in an interval when that ends; whoever watches the run takes it, merges it
//! with what the other workers left, and gives the memory back. Nobody keeps an interval's histograms.
//!
//! A worker never waits for the watcher. While too much of what it left has not been taken, its interval goes on instead, and
//! the merged one is as long: no sample is lost.

use std::collections::VecDeque;
use std::ops::{AddAssign, Sub};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::stats::{Latencies, WorkerStats};
use crate::measure::counters::{Classes, Errors};
use crate::measure::histogram::Histogram;
use crate::measure::series::{Histograms, Kind};

#[cfg(test)]
mod tests;

/// How many intervals of a worker may wait to be taken.
const BACKLOG: usize = 8;

/// What is counted in an interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests completed.
    pub completed: u64,
    /// Requests failed.
    pub failed: u64,
    /// Those completed, by class of status.
    pub status: Classes,
    /// Those failed, by kind.
    pub errors: Errors,
}

impl Counts {
    fn so_far(stats: &WorkerStats) -> Counts {
        Counts {
            completed: stats.requests.completed,
            failed: stats.requests.failed,
            status: Classes::of(stats.status.iter().enumerate().map(|(code, &count)| (code as u16, count))),
            errors: stats.errors,
        }
    }
}

impl Sub for Counts {
    type Output = Counts;

    fn sub(self, other: Counts) -> Counts {
        Counts {
            completed: self.completed - other.completed,
            failed: self.failed - other.failed,
            status: self.status - other.status,
            errors: self.errors - other.errors,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.status += other.status;
        self.errors += other.errors;
    }
}

/// One worker's interval.
#[derive(Debug, Default)]
struct Part {
    /// Its number, from 0; where it went on over several, that of the last.
    number: u64,
    ends_at: u64,
    counts: Counts,
    open: u64,
    histograms: Histograms,
}

/// Where a worker leaves its intervals, and finds the memory of those that were taken.
#[derive(Debug, Default)]
pub struct Outbox(Mutex<Shared>);

#[derive(Debug, Default)]
struct Shared {
    left: VecDeque<Part>,
    spare: Vec<Part>,
    /// Nothing more will come.
    over: bool,
}

/// Why there is nothing in an outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Empty {
    NothingYet,
    Over,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Part, Empty> {
        let mut shared = self.lock();
        let empty = if shared.over { Empty::Over } else { Empty::NothingYet };
        shared.left.pop_front().ok_or(empty)
    }

    fn give_back(&self, mut part: Part) {
        reset(&mut part.histograms);
        self.lock().spare.push(part);
    }

    /// How many parts there are, filled or not.
    #[cfg(test)]
    pub(crate) fn parts(&self) -> usize {
        let shared = self.lock();
        shared.left.len() + shared.spare.len()
    }
}

fn reset(histograms: &mut Histograms) {
    histograms.iter_mut().filter(|one| !one.is_empty()).for_each(Histogram::reset);
}

/// A worker's side of its series.
#[derive(Debug)]
pub struct Series {
    /// The next interval's number.
    number: u64,
    /// What was counted before the interval under way.
    before: Counts,
    /// How many parts there are in all.
    made: usize,
}

impl Series {
    /// Makes the memory that is enough unless the watcher is late.
    pub fn new(outbox: &Outbox) -> Series {
        let mut shared = outbox.lock();
        shared.left.reserve(BACKLOG + 1);
        shared.spare.reserve(BACKLOG + 1);
        shared.spare.push(Part::default());
        Series { number: 0, before: Counts::default(), made: 1 }
    }

    /// Ends an interval at `now` (ns), with so many connections open: leaves what is recent in `stats`, and settles it there. The
    /// interval goes on where there is no memory left, or the watcher looks right now.
    pub fn cut(&mut self, now: u64, stats: &mut WorkerStats, open: u64, outbox: &Outbox) {
        let number = self.number;
        self.number += 1;
        let Ok(mut shared) = outbox.0.try_lock() else { return };
        let mut part = match shared.spare.pop() {
            Some(part) => part,
            None if self.made < BACKLOG => {
                self.made += 1;
                Part::default()
            }
            None => return,
        };
        self.fill(&mut part, now, stats, open);
        part.number = number;
        shared.left.push_back(part);
    }

    /// The last interval ends at `now`, unless there is none.
    pub fn finish(&mut self, now: Option<u64>, stats: &mut WorkerStats, open: u64, outbox: &Outbox) {
        let mut shared = outbox.lock();
        if let Some(now) = now {
            let mut part = shared.spare.pop().unwrap_or_default();
            self.fill(&mut part, now, stats, open);
            part.number = self.number;
            shared.left.push_back(part);
        }
        shared.over = true;
    }

    fn fill(&mut self, part: &mut Part, now: u64, stats: &mut WorkerStats, open: u64) {
        let counted = Counts::so_far(stats);
        (part.ends_at, part.counts, part.open) = (now, counted - self.before, open);
        self.before = counted;
        let Latencies { single, split, response, lag, .. } = &stats.recent;
        for (kind, histogram) in Kind::ALL.into_iter().zip(&mut part.histograms) {
            match kind {
                Kind::Response => histogram.merge(response),
                Kind::Service => {
                    histogram.merge(single);
                    histogram.merge(split);
                }
                Kind::Lag => histogram.merge(lag),
            }
        }
        stats.settle();
    }
}

/// What all workers measured in one interval.
#[derive(Debug, Default)]
pub struct Merged {
    /// Its beginning: the end of the one before, ns.
    pub starts_at: u64,
    /// Its end: that of the worker that ended it last, ns.
    pub ends_at: u64,
    /// What was counted.
    pub counts: Counts,
    /// Connections open at its end.
    pub open: u64,
    /// All samples.
    pub histograms: Histograms,
}

impl Merged {
    fn next(&mut self) {
        self.starts_at = self.ends_at;
        (self.counts, self.open) = (Counts::default(), 0);
        reset(&mut self.histograms);
    }
}

/// A worker's part in the interval that is being merged.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// The number it has come to; `None`: nothing of it yet.
    number: Option<u64>,
    open: u64,
}

/// The watcher's side: makes one series of the workers'.
#[derive(Debug)]
pub struct Merger {
    places: Vec<Place>,
    merged: Merged,
    /// `merged` is whole, and was handed out.
    whole: bool,
}

impl Merger {
    /// For so many workers whose windows begin at `begins_at`, ns.
    pub fn new(workers: usize, begins_at: u64) -> Merger {
        let merged = Merged { starts_at: begins_at, ends_at: begins_at, ..Merged::default() };
        Merger { places: vec![Place::default(); workers], merged, whole: false }
    }

    /// Takes what the workers left. The next interval, once it is whole: every worker that still works has ended it. One that
    /// went on for any of them goes on for all.
    pub fn next<'a>(&mut self, outboxes: impl Iterator<Item = &'a Outbox> + Clone) -> Option<&Merged> {
        if std::mem::take(&mut self.whole) {
            self.merged.next();
            self.places.fill(Place::default());
        }
        loop {
            let upto = self.places.iter().filter_map(|place| place.number).max();
            let (mut took, mut waits) = (false, false);
            for (place, outbox) in self.places.iter_mut().zip(outboxes.clone()) {
                if place.number.is_some() && place.number >= upto {
                    continue;
                }
                match outbox.take() {
                    Ok(part) => {
                        took = true;
                        *place = Place { number: Some(part.number), open: part.open };
                        self.merged.ends_at = self.merged.ends_at.max(part.ends_at);
                        self.merged.counts += part.counts;
                        let all = self.merged.histograms.iter_mut().zip(&part.histograms);
                        all.filter(|(_, one)| !one.is_empty()).for_each(|(all, one)| all.merge(one));
                        outbox.give_back(part);
                    }
                    Err(Empty::NothingYet) => waits = true,
                    Err(Empty::Over) => {}
                }
            }
            if !took {
                self.whole = !waits && upto.is_some();
                self.merged.open = self.places.iter().map(|place| place.open).sum();
                return self.whole.then_some(&self.merged);
            }
        }
    }
}
