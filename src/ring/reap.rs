//! Completions, from what the kernel says to what they mean here: those of connections closed since end in this place.

use std::io;

use io_uring::cqueue;

use super::buffers::Memory;
use super::token::{Op, Token};
use super::uring::{Accepting, Uring};

/// A completion taken apart, before it is turned into what the caller sees.
pub(super) enum Raw {
    Connected(u32, i32),
    Sent(u32, i32, bool),
    Data(u32, u32, usize),
    Stamped(u32, u32, usize),
    Ended(u32, i32),
    Accepted(u32),
    /// Of what is left at the end: the result of its cancelling.
    Cancelled(i32),
}

impl Uring {
    /// The next completion of a connection that is still open, or of the listener.
    #[inline]
    pub(super) fn take_known(&mut self) -> Option<Raw> {
        loop {
            if let Some(id) = self.held.take() {
                self.parts.memory.give_back(id);
            }
            let entry = self.completions.next()?;
            self.counters.cqes += 1;
            let silent = self.parts.config.features.cqe_skip && Token(entry.user_data()).op() == Some(Op::Send);
            let ends = !cqueue::more(entry.flags()) && !silent;
            self.outstanding -= usize::from(ends);
            if let Some(raw) = self.take_apart(&entry) {
                return Some(raw);
            }
        }
    }

    #[inline]
    fn take_apart(&mut self, entry: &cqueue::Entry) -> Option<Raw> {
        let token = Token(entry.user_data());
        let (slot, generation, mut result) = (token.slot(), token.generation(), entry.result());
        let raw = match token.op()? {
            Op::Receive => return self.received(token, cqueue::buffer_select(entry.flags()).map(u32::from), entry),
            Op::ReceiveStamped => return self.received_stamped(token, entry),
            Op::ReceiveOwn => {
                let Memory::Own(own) = &self.parts.memory else { return None };
                let owner = own.owner(slot)?;
                return self.received(owner, Some(slot), entry);
            }
            Op::Accept => return self.accepted(entry),
            Op::SendBlock => return self.block_sent(slot, result),
            Op::SendShared | Op::SendConfirmed if self.goes_on(token, &mut result) => return None,
            Op::SendShared => {
                self.parts.sockets.take_back(token);
                Raw::Sent(slot, result, true)
            }
            Op::SendConfirmed => Raw::Sent(slot, result, true),
            // Not skipped: then also a success comes here.
            Op::Send if result >= 0 && !self.parts.config.features.cqe_skip => return None,
            Op::Send => Raw::Sent(slot, result, false),
            Op::Connect => {
                self.connects.retain(|connect| *connect != token);
                Raw::Connected(slot, result)
            }
            Op::Cancel => return Some(Raw::Cancelled(result)),
        };
        self.parts.sockets.current(slot, generation)?;
        Some(raw)
    }

    fn accepted(&mut self, entry: &cqueue::Entry) -> Option<Raw> {
        if !cqueue::more(entry.flags()) {
            self.accepting = if entry.result() < 0 { Accepting::Refused } else { Accepting::Idle };
        }
        let fd = u32::try_from(entry.result()).ok()?;
        let slot = self.parts.sockets.adopt(fd as i32);
        self.receive_from(slot);
        Some(Raw::Accepted(slot))
    }

    #[inline]
    pub(super) fn received(&mut self, owner: Token, buffer: Option<u32>, entry: &cqueue::Entry) -> Option<Raw> {
        let (slot, result, flags) = (owner.slot(), entry.result(), entry.flags());
        self.held = buffer;
        let place = self.parts.sockets.current(slot, owner.generation())?;
        if !cqueue::more(flags) {
            place.receiving = false;
        }
        match (result, buffer) {
            (1.., Some(id)) => {
                if !cqueue::more(flags) {
                    self.counters.rearms += 1;
                    self.receive_from(slot);
                }
                Some(Raw::Data(slot, id, result as usize))
            }
            (code, _) if code == -libc::ENOBUFS => {
                self.counters.recv_starved += 1;
                self.counters.rearms += 1;
                self.receive_from(slot);
                None
            }
            _ => Some(Raw::Ended(slot, result)),
        }
    }
}

pub(super) fn outcome(result: i32) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| reason(result))
}

/// The reason behind a negative result. A short send without one counts as a broken connection.
pub(super) fn reason(result: i32) -> io::Error {
    io::Error::from_raw_os_error(if result < 0 { -result } else { libc::EPIPE })
}
