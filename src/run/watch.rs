//! Looking at the workers while they work.

use std::convert::Infallible;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;
use std::time::Duration;

use super::Pass;
use super::evidence::Watcher;
use super::told::Told;
use crate::measure::clock::{Clock, Monotonic};
use crate::result::{Phase, Snapshot};
use crate::worker::Progress;
use crate::worker::series::Merger;

/// How often the observer is told.
const OBSERVE_EVERY: Duration = Duration::from_millis(100);

/// What is to be expected, instants in ns on the run's clock.
pub(super) struct Outlook {
    pub(super) begins_at: u64,
    pub(super) ends_at: Option<u64>,
    pub(super) requests: Option<u64>,
}

impl Outlook {
    /// How long nothing is to be seen, the window's ends included.
    fn pause(&self, now: u64) -> Duration {
        let ends = [Some(self.begins_at), self.ends_at].into_iter().flatten().filter(|at| *at > now);
        ends.map(|at| Duration::from_nanos(at - now)).min().map_or(OBSERVE_EVERY, |pause| pause.min(OBSERVE_EVERY))
    }

    /// The phase, since when it lasts, and its share that is done.
    fn at(&self, now: u64, started_at: u64, completed: u64) -> (Phase, u64, Option<f64>) {
        let share = |from: u64, to: u64| (to > from).then(|| (now.saturating_sub(from)) as f64 / (to - from) as f64);
        if now < self.begins_at {
            return (Phase::WarmUp, started_at, share(started_at, self.begins_at));
        }
        if let Some(end) = self.ends_at.filter(|end| now >= *end) {
            return (Phase::Drain, end, None);
        }
        let by_time = self.ends_at.and_then(|end| share(self.begins_at, end));
        let by_count = self.requests.map(|whole| completed as f64 / whole as f64);
        (Phase::Measure, self.begins_at, by_time.into_iter().chain(by_count).reduce(f64::max))
    }
}

/// Tells the observer how it goes and of each interval that has ended, until all workers have ended, and has the watcher look at
/// the window's ends.
pub(super) fn watch(
    outlook: &Outlook,
    pass: &Pass,
    board: &[Progress],
    all_gone: &mpsc::Receiver<Infallible>,
    told: &mut Told<'_>,
    watcher: &mut Watcher<'_>,
) {
    let started_at = Monotonic.now();
    let (mut last_at, mut last) = (started_at, 0);
    let mut merger = Merger::new(board.len(), outlook.begins_at);
    loop {
        let now = Monotonic.now();
        if now >= outlook.begins_at {
            watcher.begin();
        }
        if outlook.ends_at.is_some_and(|end| now >= end) {
            watcher.end();
        }
        let gone = all_gone.recv_timeout(outlook.pause(now)) != Err(mpsc::RecvTimeoutError::Timeout);
        if gone {
            watcher.end();
        }
        while let Some(merged) = merger.next(board.iter().map(|one| &one.series)) {
            told.interval(merged);
        }
        if gone {
            return;
        }
        let now = Monotonic.now();
        if Duration::from_nanos(now.saturating_sub(last_at)) < OBSERVE_EVERY {
            continue;
        }
        let sum = |read: fn(&Progress) -> u64| -> u64 { board.iter().map(read).sum() };
        let completed = sum(|one| one.completed.load(Relaxed));
        let (phase, since, share) = outlook.at(now, started_at, completed);
        let open = sum(|one| one.open.load(Relaxed));
        let p99_ns = board.iter().map(|one| one.p99_ns.load(Relaxed)).max().filter(|&ns| ns > 0);
        told.moment(&Snapshot {
            phase,
            elapsed: Duration::from_nanos(now.saturating_sub(since)),
            // Of several passes as one.
            share: share.map(|share| (pass.index as f64 + share.min(1.0)) / pass.of as f64),
            completed,
            // The workers forget what the warm-up brought.
            rate_per_s: completed.saturating_sub(last) as f64 * 1e9 / now.saturating_sub(last_at).max(1) as f64,
            p99_ns,
            failed: sum(|one| one.failed.load(Relaxed)),
            refused: sum(|one| one.refused.load(Relaxed)),
            open_connections: open,
            away: open == 0 && board.iter().any(|one| one.away.load(Relaxed)),
        });
        (last_at, last) = (now, completed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_windows_ends_are_not_slept_through() {
        let ms = |n: u64| n * 1_000_000;
        let outlook = Outlook { begins_at: ms(30), ends_at: Some(ms(180)), requests: None };
        let pauses = [0, 30, 79, 90, 180].map(|now| outlook.pause(ms(now)).as_millis());
        assert_eq!(pauses, [30, 100, 100, 90, 100]);
    }

    #[test]
    fn phases_follow_each_other_with_their_shares() {
        let outlook = Outlook { begins_at: 100, ends_at: Some(300), requests: Some(10) };
        assert_eq!(outlook.at(50, 0, 0), (Phase::WarmUp, 0, Some(0.5)));
        assert_eq!(outlook.at(150, 0, 1), (Phase::Measure, 100, Some(0.25)));
        assert_eq!(outlook.at(150, 0, 9), (Phase::Measure, 100, Some(0.9)));
        assert_eq!(outlook.at(300, 0, 10), (Phase::Drain, 300, None));
        let endless = Outlook { begins_at: 0, ends_at: None, requests: Some(4) };
        assert_eq!(endless.at(1_000, 0, 1), (Phase::Measure, 0, Some(0.25)));
    }
}
