//! What an enter brought: each completion is told to its connection, and that one's answer followed.

use std::io;

use super::connection::{Connection, Next, State};
use super::in_flight::Batch;
use super::shared::Shared;
use super::turn::Loop;
use crate::measure::clock::Clock;
use crate::measure::counters::ConnectFailure;
use crate::protocol::{Failure, Protocol};
use crate::ring::{Completion, Ring, Tx};

impl<R: Ring, P: Protocol, C: Clock> Loop<'_, R, P, C> {
    /// Takes what completed; `now` was read when the enter returned and stamps all of it.
    #[inline]
    pub(super) fn reap(&mut self, now: u64) {
        while let Some(completion) = self.ring.next() {
            match completion {
                Completion::Received { slot, bytes } => {
                    let connection = &mut self.connections[slot as usize];
                    let before = connection.policy.in_flight;
                    let (batches, shared) = (self.batches.of(slot), &mut self.shared);
                    let next = connection.receive(bytes, now, batches, shared, &mut self.wire, &mut self.replies);
                    self.in_flight -= u64::from(before - connection.policy.in_flight);
                    if !self.replies.is_empty() {
                        self.reply(slot);
                    }
                    self.follow(slot, next);
                }
                Completion::Connected { slot } => {
                    self.connecting -= 1;
                    self.open += 1;
                    self.outage.ends(now);
                    self.connected(slot, now);
                }
                Completion::ConnectFailed { slot, error } => self.connect_failed(slot, &error, now),
                Completion::Ended { slot, error } => {
                    let error = error.as_ref().map(failure);
                    self.event(slot, |connection, shared, batches, wire| {
                        connection.end(error, now, batches, shared, wire)
                    });
                }
                Completion::SendFailed { slot, error } => {
                    self.connections[slot as usize].policy.send_failed(failure(&error));
                }
                Completion::Sent { slot, result } => {
                    let policy = &mut self.connections[slot as usize].policy;
                    policy.confirming = false;
                    match result {
                        Ok(_) => {
                            self.flush(slot);
                            self.follow(slot, Next::Ready);
                        }
                        Err(error) => policy.send_failed(failure(&error)),
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
        self.event(slot, |connection, shared, _, _| connection.policy.connect_failed(failure, now, shared));
    }

    fn connected(&mut self, slot: u32, now: u64) {
        let connection = &mut self.connections[slot as usize];
        let next = connection.connected(now, &mut self.shared, &mut self.wire, &mut self.replies);
        if !self.replies.is_empty() {
            self.reply(slot);
        }
        self.follow(slot, next);
    }

    /// Sends what the slot's protocol has said by itself.
    #[cold]
    fn reply(&mut self, slot: u32) {
        self.replies.move_to(&mut self.connections[slot as usize].policy.unsent);
        self.flush(slot);
    }

    /// Sends what waits on a connection, as far as there are blocks for it now.
    pub(super) fn flush(&mut self, slot: u32) {
        let policy = &mut self.connections[slot as usize].policy;
        while !policy.unsent.is_empty() && !policy.confirming {
            let Some(mut block) = self.ring.block().filter(|_| self.ring.room() > 0) else {
                return self.to_flush.push(slot);
            };
            let part = policy.unsent.len().min(block.room());
            block.push(&policy.unsent[..part]);
            policy.unsent.drain(..part);
            self.shared.stats.bytes.sent += part as u64;
            // A part of them may have to wait, and what follows must not overtake it.
            policy.confirming = true;
            self.ring.send(slot, Tx::Block(block), true);
        }
    }

    /// Tells a slot's connection of an event and follows its answer.
    pub(super) fn event(
        &mut self,
        slot: u32,
        tell: impl FnOnce(&mut Connection<P>, &mut Shared<'_>, &mut [Batch], &mut P::Shared) -> Next,
    ) {
        let connection = &mut self.connections[slot as usize];
        let (before, was) = (connection.policy.in_flight, connection.policy.state);
        let next = tell(connection, &mut self.shared, self.batches.of(slot), &mut self.wire);
        self.in_flight -= u64::from(before - connection.policy.in_flight);
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
                if !connection.policy.queued && connection.free(self.job) > 0 {
                    connection.policy.queued = true;
                    self.ready.push_back(slot);
                }
            }
            Next::Nothing => self.enter_deadline(slot),
            Next::Reopen => self.hang_up(slot, None),
            Next::ReopenAt(at) => self.hang_up(slot, Some(at)),
        }
    }

    fn enter_deadline(&mut self, slot: u32) {
        let batches = self.batches.of(slot);
        if let Some(at) = self.connections[slot as usize].policy.deadline(self.job, batches) {
            self.deadlines.look_at(slot, at);
        }
    }

    pub(super) fn hang_up(&mut self, slot: u32, until: Option<u64>) {
        let connection = &mut self.connections[slot as usize];
        let policy = &connection.policy;
        self.reached[policy.remote as usize].answers += policy.answered_here;
        if matches!(policy.state, State::Open | State::Surplus | State::Ending) {
            self.open -= 1;
            if self.open == 0 {
                self.outage.begins(self.entered_at);
            }
        }
        // A server that takes requests and fails them is there.
        if until.is_some() && policy.sent_here == 0 {
            self.outage.fails();
        }
        self.ring.close(slot);
        connection.closed(until, &mut self.wire);
        match until {
            Some(at) => self.deadlines.look_at(slot, at),
            None if (slot as usize) < self.wanted => self.to_open.push_back(slot),
            None => {}
        }
    }
}

fn failure(error: &io::Error) -> Failure {
    match error.raw_os_error() {
        Some(libc::ECONNRESET | libc::EPIPE) => Failure::Reset,
        _ => Failure::Other,
    }
}
