//! Receives that tell when the kernel got the bytes, on connections sampled for that: for calibration alone.
//!
//! A sampled connection is received from by `recvmsg`, whose control data carries the kernel's software receive stamp (SO_TIMESTAMPING).
//! Its completions have an operation of their own in the token, so that other connections, and rings without samples, pay nothing.
#![allow(unsafe_code)]

use std::os::fd::BorrowedFd;

use io_uring::squeue::Entry;
use io_uring::types::{Fd, RecvMsgOut};
use io_uring::{cqueue, opcode};
use nix::sys::socket::{TimestampingFlag, setsockopt, sockopt};

use super::buffers::GROUP;
use super::reap::{Raw, outcome};
use super::token::Token;
use super::uring::Uring;
use super::{Completion, Features};

/// Room for one control message with the three instants of `struct scm_timestamping`.
const CONTROL_BYTES: usize = 64;

/// The control message's type, as x86-64, ARM and RISC-V number it: `SO_TIMESTAMPING_OLD`.
const SCM_TIMESTAMPING: i32 = libc::SO_TIMESTAMPING;

/// What every receive asks for: no name, and room for the stamp.
struct Header(libc::msghdr);

// SAFETY: it is never written to, and its pointers are null.
unsafe impl Sync for Header {}

static HEADER: Header = {
    // SAFETY: null pointers and zero lengths are a valid `msghdr`.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_controllen = CONTROL_BYTES;
    Header(header)
};

/// Which connections are sampled, and the last stamp.
#[derive(Debug, Default)]
pub(super) struct Sampling {
    /// One slot of so many; 0: none.
    every: u32,
    /// The kernel's stamp of what was handed out last: nanoseconds of `CLOCK_REALTIME`.
    stamp: Option<u64>,
}

/// A receive that goes on for the connection's life and stamps.
pub(super) fn receive(fd: Fd) -> Entry {
    opcode::RecvMsgMulti::new(fd, &raw const HEADER.0, GROUP).build()
}

impl Uring {
    /// Stamps what arrives on one slot of `every` that connects from now on: slot 0 and those that follow it so far apart. Nothing
    /// happens where this ring does not use multishot receives.
    pub fn stamp_receives(&mut self, every: u32) {
        let Features { multishot, .. } = self.parts.config.features;
        self.sampling = Sampling { every: if multishot { every } else { 0 }, stamp: None };
    }

    /// When the kernel received the last bytes of the completion handed out last, in nanoseconds of `CLOCK_REALTIME`; once, and only if
    /// that was a stamped receive.
    #[inline]
    pub fn take_stamp(&mut self) -> Option<u64> {
        self.sampling.stamp.take()
    }

    /// The slot is sampled, and its open socket stamps from now on.
    pub(super) fn samples(&self, slot: u32, fd: BorrowedFd<'_>) -> bool {
        let flags = TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE | TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE;
        let every = self.sampling.every;
        every > 0 && slot.is_multiple_of(every) && setsockopt(&fd, sockopt::Timestamping, &flags).is_ok()
    }

    /// A stamped receive has completed: as any receive, but that the bytes have a header before them, also where they are none.
    pub(super) fn received_stamped(&mut self, token: Token, entry: &cqueue::Entry) -> Option<Raw> {
        match self.received(token, cqueue::buffer_select(entry.flags()).map(u32::from), entry)? {
            Raw::Data(slot, id, len) => Some(Raw::Stamped(slot, id, len)),
            other => Some(other),
        }
    }

    /// Bytes and stamp taken apart.
    pub(super) fn unwrap_stamped(&mut self, slot: u32, id: u32, len: usize) -> Completion<'_> {
        let whole = self.parts.memory.get(id, len).unwrap_or_default();
        let Ok(message) = RecvMsgOut::parse(whole, &HEADER.0) else {
            return Completion::Ended { slot, error: outcome(-libc::EBADMSG).err() };
        };
        self.sampling.stamp = stamp(message.control_data());
        let begin = whole.len() - message.payload_data().len();
        match &mut whole[begin..] {
            // The peer's end is a message without bytes.
            [] => Completion::Ended { slot, error: None },
            bytes => Completion::Received { slot, bytes },
        }
    }
}

/// The software stamp in control data, ns since 1970.
fn stamp(control: &[u8]) -> Option<u64> {
    const WORD: usize = size_of::<usize>();
    let number = |at: usize| Some(i64::from_ne_bytes(control.get(at..at + 8)?.try_into().ok()?));
    let word = |at: usize| Some(i32::from_ne_bytes(control.get(at..at + 4)?.try_into().ok()?));
    if (word(WORD)?, word(WORD + 4)?) != (libc::SOL_SOCKET, SCM_TIMESTAMPING) {
        return None;
    }
    let (seconds, nanoseconds) = (number(WORD + 8)?, number(WORD + 16)?);
    let stamp = u64::try_from(seconds).ok()? * 1_000_000_000 + u64::try_from(nanoseconds).ok()?;
    // The kernel begins to stamp a moment after the first socket asked.
    (stamp > 0).then_some(stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(level: i32, kind: i32, seconds: i64, nanoseconds: i64) -> Vec<u8> {
        let mut bytes = CONTROL_BYTES.to_ne_bytes().to_vec();
        [level, kind].iter().for_each(|word| bytes.extend(word.to_ne_bytes()));
        [seconds, nanoseconds, 0, 0, 0, 0].iter().for_each(|number| bytes.extend(number.to_ne_bytes()));
        bytes
    }

    #[test]
    fn the_stamp_is_read_where_it_is_one() {
        let whole = control(libc::SOL_SOCKET, SCM_TIMESTAMPING, 1_700_000_000, 123);
        assert_eq!(whole.len(), CONTROL_BYTES);
        assert_eq!(stamp(&whole), Some(1_700_000_000_000_000_123));
        for (bytes, why) in [
            (control(libc::SOL_SOCKET, SCM_TIMESTAMPING, 0, 0), "not taken"),
            (control(libc::SOL_SOCKET, SCM_TIMESTAMPING, -1, 0), "before 1970"),
            (control(libc::SOL_SOCKET, libc::SO_TIMESTAMP, 1, 1), "another message"),
            (control(libc::IPPROTO_TCP, SCM_TIMESTAMPING, 1, 1), "another level"),
            (whole[..30].to_vec(), "cut"),
            (vec![], "none"),
        ] {
            assert_eq!(stamp(&bytes), None, "{why}");
        }
    }
}
