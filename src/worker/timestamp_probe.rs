//! How late the loop knows: its own `done_at` held against the kernel's receive stamp.
//!
//! The loop is the one that every run has. It is given a ring that hands through everything and a clock that remembers its last reading:
//! the last one before a completion is handed out is that completion's `done_at`. So it is the engine's own instant that is judged, and a
//! run without a probe pays nothing.

use std::cell::Cell;
use std::io;

use crate::measure::clock::{Clock, WallClock};
use crate::measure::histogram::Histogram;
use crate::ring::{Block, Completion, Counters, Ring, Tx, Uring, Wait};

/// A clock that remembers what it said last.
pub struct RecordingClock<C> {
    clock: C,
    last: Cell<u64>,
}

impl<C: Clock> RecordingClock<C> {
    /// The same clock, remembering.
    pub fn new(clock: C) -> Self {
        RecordingClock { last: Cell::new(clock.now()), clock }
    }
}

impl<C: Clock> Clock for RecordingClock<C> {
    #[inline]
    fn now(&self) -> u64 {
        let now = self.clock.now();
        self.last.set(now);
        now
    }

    fn cpu(&self) -> u64 {
        self.clock.cpu()
    }
}

/// A ring whose stamped receives are held against the loop's own instants.
pub struct TimestampProbe<'a, C> {
    ring: &'a mut Uring,
    clock: &'a RecordingClock<C>,
    wall: WallClock,
    /// Nothing is recorded before, ns.
    from: u64,
    /// `done_at` less the kernel's stamp, ns.
    pub late: Histogram,
}

impl<'a, C: Clock> TimestampProbe<'a, C> {
    /// Of one connection in `every`, from the instant `from` on.
    pub fn new(ring: &'a mut Uring, clock: &'a RecordingClock<C>, every: u32, from: u64) -> Self {
        ring.stamp_receives(every);
        TimestampProbe { ring, clock, wall: WallClock::read(), from, late: Histogram::new() }
    }

    /// How the wall clock stood when it began.
    pub fn wall(&self) -> WallClock {
        self.wall
    }
}

impl<C: Clock> Ring for TimestampProbe<'_, C> {
    fn room(&self) -> usize {
        self.ring.room()
    }

    fn connect(&mut self, slot: u32, remote: usize) -> io::Result<()> {
        self.ring.connect(slot, remote)
    }

    fn send(&mut self, slot: u32, bytes: Tx, confirm: bool) {
        self.ring.send(slot, bytes, confirm);
    }

    fn block(&mut self) -> Option<Block> {
        self.ring.block()
    }

    fn give_back(&mut self, block: Block) {
        self.ring.give_back(block);
    }

    fn close(&mut self, slot: u32) {
        self.ring.close(slot);
    }

    fn enter(&mut self, want: usize, wait: Wait) -> io::Result<()> {
        self.ring.enter(want, wait)
    }

    fn next(&mut self) -> Option<Completion<'_>> {
        // Of the completion before: the loop has not read its clock since, as one reading stamps all that an enter brought.
        if let Some(stamp) = self.ring.take_stamp() {
            let done_at = self.clock.last.get();
            if done_at >= self.from {
                self.late.record_n(done_at.saturating_sub(self.wall.to_monotonic(stamp)), 1);
            }
        }
        self.ring.next()
    }

    fn is_drained(&self) -> bool {
        self.ring.is_drained()
    }

    fn counters(&self) -> Counters {
        self.ring.counters()
    }
}
