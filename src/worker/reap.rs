//! What an enter brought: each completion is told to its connection, and that one's answer followed.

use std::io;

use super::connection::{Connection, Next, State};
use super::in_flight::Batch;
use super::outgoing::Outgoing;
use super::shared::Shared;
use super::turn::Loop;
use crate::measure::clock::Clock;
use crate::measure::counters::ConnectFailure;
use crate::protocol::{Failure, Protocol};
use crate::ring::{Completion, Ring};

impl<R: Ring, P: Protocol, C: Clock> Loop<'_, R, P, C> {
    /// Takes what completed; `now` was read when the enter returned and stamps all of it.
    #[inline]
    pub(super) fn reap(&mut self, now: u64) {
        while let Some(completion) = self.ring.next() {
            match completion {
                Completion::Received { slot, bytes } => {
                    let connection = &mut self.connections[slot as usize];
                    let before = connection.policy.in_flight;
                    let shakes_hands = P::SHAKES_HANDS && connection.policy.state == State::ShakingHands;
                    let (batches, shared) = (self.batches.of(slot), &mut self.shared);
                    let next = connection.receive(bytes, now, batches, shared, &mut self.wire, &mut self.replies);
                    self.in_flight -= u64::from(before - connection.policy.in_flight);
                    if !self.replies.is_empty() {
                        self.reply(slot);
                    }
                    if shakes_hands {
                        self.shook_hands(slot, now, next);
                    }
                    self.follow(slot, next);
                }
                Completion::Connected { slot } => self.connected(slot, now),
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
        let is_open = connection.policy.state == State::Open;
        if !self.replies.is_empty() {
            self.reply(slot);
        }
        if is_open {
            self.opened(now);
        }
        self.follow(slot, next);
    }

    /// One more connection is open.
    fn opened(&mut self, now: u64) {
        self.connecting -= 1;
        self.open += 1;
        self.outage.ends(now);
    }

    /// Bytes came within a handshake: is it finished, or has it failed?
    fn shook_hands(&mut self, slot: u32, now: u64, next: Next) {
        match self.connections[slot as usize].policy.state {
            State::ShakingHands if matches!(next, Next::ReopenAt(_)) => self.connecting -= 1,
            State::ShakingHands => {}
            _ => self.opened(now),
        }
    }

    /// Sends what the slot's protocol has said by itself; behind a handshake with the requests of the next turn.
    #[cold]
    fn reply(&mut self, slot: u32) {
        self.connections[slot as usize].policy.unsent.append(self.replies.bytes());
        match P::SHAKES_HANDS {
            true => self.to_flush.push(slot),
            false => self.flush(slot),
        }
    }

    /// Sends what waits on all connections.
    pub(super) fn flush_all(&mut self) {
        for slot in std::mem::take(&mut self.to_flush) {
            self.flush(slot);
        }
    }

    /// Sends what waits on a connection, as far as there are blocks for it now.
    pub(super) fn flush(&mut self, slot: u32) {
        let Connection { policy, protocol } = &mut self.connections[slot as usize];
        while !policy.confirming && (!policy.unsent.is_empty() || protocol.has_more()) {
            if self.ring.room() == 0 {
                return self.to_flush.push(slot);
            }
            let mut out = Outgoing::new(self.ring, self.job.layout.memory());
            if policy.put_unsent(&mut out) {
                protocol.more(&mut out);
                protocol.finish(&mut self.wire, &mut out);
            }
            let more = !policy.unsent.is_empty() || protocol.has_more();
            // Where a part of them may have to wait, what follows must not overtake it.
            let confirm = more || self.job.layout.needs_confirming(out.len());
            let sent = out.send(slot, confirm);
            if sent == 0 {
                return self.to_flush.push(slot);
            }
            self.shared.stats.bytes.sent += sent as u64;
            policy.confirming = confirm;
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
        if matches!(was, State::Connecting | State::ShakingHands) && matches!(next, Next::ReopenAt(_)) {
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

    /// What the protocol says before a connection is closed.
    pub(super) fn say_goodbye(&mut self, slot: u32) {
        let Connection { protocol, policy } = &mut self.connections[slot as usize];
        // Not in the middle of something else, and not where the end is to be a reset.
        if !policy.confirming && policy.unsent.is_empty() && !self.job.resets {
            protocol.goodbye(&mut self.replies);
            self.shared.stats.bytes.sent += self.replies.bytes().len() as u64;
            self.ring.say_goodbye(slot, self.replies.bytes());
            self.replies.bytes().clear();
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
        if P::SHAKES_HANDS {
            self.say_goodbye(slot);
        }
        self.ring.close(slot);
        self.connections[slot as usize].closed(until, &mut self.wire);
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
