//! How a worker spends its time: what the verdict on the client rests on.

use crate::ring::cpu::{self, Thread};

/// A worker's own account of its window, up to the return of the last enter in it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// The time it covers, ns.
    pub span_ns: u64,
    /// Of that inside enters, ns: the kernel's work for them, and waiting.
    pub entered_ns: u64,
    /// Requests in flight by time, ns: what they took, each from its stamp to its answer, as far as that is inside.
    pub in_flight_ns: u128,
    /// Time in which it could not act, ns.
    pub stopped_ns: u64,
    /// The longest stop of those, ns.
    pub stopped_longest_ns: u64,
    /// What the scheduler did with the thread.
    pub thread: Thread,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.span_ns += other.span_ns;
        self.entered_ns += other.entered_ns;
        self.in_flight_ns += other.in_flight_ns;
        self.stopped_ns += other.stopped_ns;
        self.stopped_longest_ns = self.stopped_longest_ns.max(other.stopped_longest_ns);
        self.thread += other.thread;
    }
}

/// The account under way.
pub(super) struct Account {
    began_at: u64,
    /// The window's end: an enter that lasts longer does not count beyond.
    ends_at: u64,
    entered_ns: u64,
    in_flight_ns: u128,
    stopped_ns: u64,
    stopped_longest_ns: u64,
    before: Thread,
}

impl Account {
    pub(super) fn new(now: u64, ends_at: u64) -> Account {
        let (stopped_ns, stopped_longest_ns) = (0, 0);
        let before = cpu::this_thread();
        Account { began_at: now, ends_at, entered_ns: 0, in_flight_ns: 0, stopped_ns, stopped_longest_ns, before }
    }

    /// From `began_at` on, which passed in an enter that returned at `entered_at` with so many in flight.
    pub(super) fn begin(&mut self, began_at: u64, entered_at: u64, in_flight: u64) {
        *self = Account::new(began_at.min(entered_at), self.ends_at);
        self.turn(entered_at, 0, self.began_at, in_flight, entered_at);
    }

    /// One turn: so many were in flight from the last enter's return on, and so many from the stamp of this one's sends on.
    #[inline]
    pub(super) fn turn(&mut self, entered_at: u64, carried: u64, sent_at: u64, in_flight: u64, now: u64) {
        let sent_at = sent_at.min(self.ends_at);
        let inside = now.min(self.ends_at) - sent_at;
        self.entered_ns += inside;
        self.in_flight_ns += u128::from(carried) * u128::from(sent_at.saturating_sub(entered_at));
        self.in_flight_ns += u128::from(in_flight) * u128::from(inside);
    }

    /// From `from` on it could not act for `ns`: what of that is inside.
    pub(super) fn stopped(&mut self, from: u64, ns: u64) {
        let (from, to) = (from.max(self.began_at), from.saturating_add(ns).min(self.ends_at));
        let inside = to.saturating_sub(from);
        self.stopped_ns += inside;
        self.stopped_longest_ns = self.stopped_longest_ns.max(inside);
    }

    /// What it comes to at `now`.
    pub(super) fn close(&self, now: u64) -> Usage {
        Usage {
            span_ns: now.min(self.ends_at).saturating_sub(self.began_at),
            entered_ns: self.entered_ns,
            in_flight_ns: self.in_flight_ns,
            stopped_ns: self.stopped_ns,
            stopped_longest_ns: self.stopped_longest_ns,
            thread: cpu::this_thread().since(self.before),
        }
    }
}
