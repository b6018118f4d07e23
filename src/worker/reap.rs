//! What an enter brought: each completion is told to its connection, and that one's answer followed.

use std::io;

use super::connection::{Connection, Next, Shared, State};
use super::flights::Run;
use super::turn::Loop;
use crate::measure::clock::Clock;
use crate::measure::counters::{ConnectFailure, Failure};
use crate::ring::{Completion, Ring};

impl<R: Ring, C: Clock> Loop<'_, R, C> {
    /// Takes what completed; `now` was read when the enter returned and stamps all of it.
    #[inline]
    pub(super) fn reap(&mut self, now: u64) {
        while let Some(completion) = self.ring.next() {
            match completion {
                Completion::Received { slot, bytes } => {
                    let connection = &mut self.connections[slot as usize];
                    let before = connection.in_flight;
                    let shared = &mut Shared {
                        job: self.job,
                        heads: &mut self.heads,
                        tally: &mut self.tally,
                        schedule: &mut self.schedule,
                        stop: &mut self.stop,
                    };
                    let next = connection.receive(bytes, now, self.flights.of(slot), shared);
                    self.in_flight -= u64::from(before - connection.in_flight);
                    self.follow(slot, next);
                }
                Completion::Connected { slot } => {
                    self.connecting -= 1;
                    self.open += 1;
                    self.outage.ends(now);
                    self.event(slot, |connection, shared, _| connection.connected(now, shared));
                }
                Completion::ConnectFailed { slot, error } => self.connect_failed(slot, &error, now),
                Completion::Ended { slot, error } => {
                    let error = error.as_ref().map(failure);
                    self.event(slot, |connection, shared, runs| connection.end(error, now, runs, shared));
                }
                Completion::SendFailed { slot, error } => self.connections[slot as usize].send_failed(failure(&error)),
                Completion::Sent { slot, result } => {
                    let connection = &mut self.connections[slot as usize];
                    connection.confirming = false;
                    match result {
                        Ok(_) => self.follow(slot, Next::Ready),
                        Err(error) => connection.send_failed(failure(&error)),
                    }
                }
                Completion::Accepted { .. } => {}
            }
        }
    }

    pub(super) fn connect_failed(&mut self, slot: u32, error: &io::Error, now: u64) {
        let failure = match error.raw_os_error() {
            Some(libc::ECONNREFUSED) => ConnectFailure::Refused,
            Some(libc::ETIMEDOUT) => ConnectFailure::Timeout,
            Some(libc::EADDRNOTAVAIL) => ConnectFailure::NoLocalPort,
            Some(libc::EMFILE | libc::ENFILE) => ConnectFailure::NoDescriptor,
            _ => ConnectFailure::Other,
        };
        self.event(slot, |connection, shared, _| connection.connect_failed(failure, now, shared));
    }

    /// Tells a slot's connection of an event and follows its answer.
    pub(super) fn event(&mut self, slot: u32, tell: impl FnOnce(&mut Connection, &mut Shared<'_>, &mut [Run]) -> Next) {
        let connection = &mut self.connections[slot as usize];
        let (before, was) = (connection.in_flight, connection.state);
        let shared = &mut Shared {
            job: self.job,
            heads: &mut self.heads,
            tally: &mut self.tally,
            schedule: &mut self.schedule,
            stop: &mut self.stop,
        };
        let next = tell(connection, shared, self.flights.of(slot));
        self.in_flight -= u64::from(before - connection.in_flight);
        if was == State::Connecting && matches!(next, Next::ReopenAt(_)) {
            self.connecting -= 1;
        }
        self.follow(slot, next);
    }

    #[inline]
    pub(super) fn follow(&mut self, slot: u32, next: Next) {
        match next {
            Next::Ready => {
                let connection = &mut self.connections[slot as usize];
                if !connection.queued && connection.free(self.job) > 0 {
                    connection.queued = true;
                    self.ready.push_back(slot);
                }
            }
            Next::Nothing => self.enter_deadline(slot),
            Next::Reopen => self.hang_up(slot, None),
            Next::ReopenAt(at) => self.hang_up(slot, Some(at)),
        }
    }

    fn enter_deadline(&mut self, slot: u32) {
        let runs = self.flights.of(slot);
        if let Some(at) = self.connections[slot as usize].deadline(self.job, runs) {
            self.deadlines.look_at(slot, at);
        }
    }

    fn hang_up(&mut self, slot: u32, until: Option<u64>) {
        let connection = &mut self.connections[slot as usize];
        self.reached[connection.remote as usize].answers += connection.answered_here;
        if matches!(connection.state, State::Open | State::Ending) {
            self.open -= 1;
            if self.open == 0 {
                self.outage.begins(self.entered_at);
            }
        }
        // A server that takes requests and fails them is there.
        if until.is_some() && connection.sent_here == 0 {
            self.outage.fails();
        }
        self.ring.close(slot);
        connection.closed(until, &mut self.heads);
        match until {
            Some(at) => self.deadlines.look_at(slot, at),
            None => self.to_open.push_back(slot),
        }
    }
}

fn failure(error: &io::Error) -> Failure {
    match error.raw_os_error() {
        Some(libc::ECONNRESET | libc::EPIPE) => Failure::Reset,
        _ => Failure::Other,
    }
}
