//! Giving up: a request or a connect whose time has passed, and a run that gets nowhere. What has completed is taken first, and time
//! in which this process could not act does not count.

use std::io;

use super::connection::State;
use super::turn::{Loop, lost};
use crate::measure::clock::Clock;
use crate::measure::counters::{ConnectFailures, Errors};
use crate::protocol::Protocol;
use crate::result::{CutShort, NoProgress};
use crate::ring::Ring;

/// Connects that fail at once are tried again for the timeout and so much longer, ns: the attempts of the beginning have expired by
/// then, and are counted.
const LINGER_NS: u64 = 10_000_000;

/// What there was at an instant.
#[derive(Default)]
pub(super) struct Mark {
    pub(super) at: u64,
    heard: u64,
    sent: u64,
    errors: Errors,
    connects: ConnectFailures,
}

impl Mark {
    pub(super) fn at(at: u64) -> Mark {
        Mark { at, ..Mark::default() }
    }
}

impl<R: Ring, P: Protocol, C: Clock> Loop<'_, R, P, C> {
    /// Gives up connections whose deadline has passed, once all that had completed by then has been taken. Tells the instant it has
    /// come to: at `until` it ends, with something to be reaped.
    #[cold]
    pub(super) fn give_up(&mut self, now: u64, until: u64) -> io::Result<u64> {
        let mut now = now;
        while let Some(slot) = self.deadlines.due(now) {
            let due = self.deadline(slot).filter(|due| *due <= now);
            if now < until && due.is_some_and(|due| due > self.caught_up_at) {
                now = self.catch_up(until)?;
            }
            // What came may have changed it.
            match self.deadline(slot) {
                Some(due) if due <= self.caught_up_at => {
                    self.event(slot, |connection, shared, batches, _| connection.expire(now, batches, shared));
                }
                Some(due) => self.deadlines.look_at(slot, due),
                None => {}
            }
        }
        Ok(now)
    }

    /// When a slot's connection has had its time.
    fn deadline(&mut self, slot: u32) -> Option<u64> {
        let policy = &self.connections[slot as usize].policy;
        let due = policy.deadline(self.job, self.batches.of(slot))?;
        let patience_ns = policy.patience_ns(self.job);
        Some(self.shared.stalls.end_of(patience_ns, due - patience_ns))
    }

    /// Nobody is there: no connection was ever opened within the timeout, or a counted run gets nowhere. Else the instant it has come
    /// to, as [`give_up`](Loop::give_up) has it.
    pub(super) fn forsaken(&mut self, now: u64, until: u64) -> Result<u64, CutShort> {
        if self.shared.stats.connections.established == 0 {
            if now <= self.shared.stalls.end_of(self.job.timeout_ns + LINGER_NS, self.begun_at) {
                return Ok(now);
            }
            let now = self.catch_up(until).and_then(|now| self.give_up(now, until)).map_err(|error| lost(&error))?;
            return match self.shared.stats.connections.established == 0 && now < until {
                true => Err(CutShort::NoConnection),
                false => Ok(now),
            };
        }
        let nothing_to_do = self.in_flight == 0 && !self.shared.schedule.has_waiting();
        if nothing_to_do || self.shared.stats.heard() != self.progressed.heard {
            let stats = &self.shared.stats;
            let connects = stats.connections.failed;
            self.progressed =
                Mark { at: now, heard: stats.heard(), sent: stats.requests.sent, errors: stats.errors, connects };
            return Ok(now);
        }
        match self.job.patience_ns {
            Some(patience_ns) if now > self.shared.stalls.end_of(patience_ns, self.progressed.at) => {
                Err(CutShort::NoProgress(Box::new(self.no_progress(patience_ns))))
            }
            _ => Ok(now),
        }
    }

    /// What has been tried in vain since progress was last seen.
    fn no_progress(&self, patience_ns: u64) -> NoProgress {
        let (stats, then) = (&self.shared.stats, &self.progressed);
        NoProgress {
            for_ns: patience_ns,
            sent: stats.requests.sent.saturating_sub(then.sent),
            in_flight: self.in_flight,
            failed: stats.errors.since(&then.errors),
            connects: stats.connections.failed.since(&then.connects),
        }
    }

    /// Connects whose time had passed at `at` and to which nothing was heard, though the wheel has not come to them: they are counted
    /// whatever ends the run. `state` says how far they were.
    pub(super) fn expired_connects(&mut self, state: State, at: u64) -> u64 {
        let waiting = |slot: &u32| self.connections[*slot as usize].policy.state == state;
        let slots: Vec<u32> = (0..self.connections.len() as u32).filter(waiting).collect();
        slots.into_iter().filter(|&slot| self.deadline(slot).is_some_and(|due| due <= at)).count() as u64
    }
}
