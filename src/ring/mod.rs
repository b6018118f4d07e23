//! The kernel's side of a run: one io_uring, and every byte of memory lent to it.
//!
//! All of this crate's unsafe code lives here. Callers name *slots* (places for a connection) and *ranges* of memory the ring
//! owns, never pointers; received bytes come back as a borrow that ends before the ring is used again. A completion that
//! belongs to a connection already closed is recognised by its generation and never leaves this module.

mod blocks;
mod buffers;
mod build;
pub mod cpu;
mod dialler;
mod end;
mod error;
mod level;
mod probe;
mod reap;
mod serving;
mod sockets;
mod sqe;
mod sqpoll;
mod stamped;
#[cfg(test)]
mod tests;
mod token;
mod trials;
mod uring;

use std::io;
use std::ops::Range;
use std::time::Duration;

pub use blocks::{Block, BlockSizes, Blocks};
pub use build::{Config, Idle};
pub use dialler::{Dialler, may_busy_poll, say_goodbye};
pub use error::SetupError;
pub use level::{Features, Level, Sqpoll};
pub use probe::{Feature, features, level_here};
pub use serving::Acceptor;
pub use sockets::{Endpoint, Endpoints};
pub use uring::Uring;

/// What became of an operation. Bytes are borrowed from the ring until its next use.
#[derive(Debug)]
pub enum Completion<'a> {
    /// The slot's connection is open; receiving has been armed.
    Connected {
        /// The slot.
        slot: u32,
    },
    /// The connection could not be opened; the slot is closed.
    ConnectFailed {
        /// The slot.
        slot: u32,
        /// The kernel's reason.
        error: io::Error,
    },
    /// A connection arrived at the listener and got this slot (server side); receiving has been armed.
    Accepted {
        /// The slot.
        slot: u32,
    },
    /// A send queued with `confirm` has left user memory whole, or failed.
    Sent {
        /// The slot.
        slot: u32,
        /// The bytes taken, or the kernel's reason.
        result: io::Result<usize>,
    },
    /// A send queued without `confirm` failed; success is silent.
    SendFailed {
        /// The slot.
        slot: u32,
        /// The kernel's reason.
        error: io::Error,
    },
    /// Bytes arrived.
    Received {
        /// The slot.
        slot: u32,
        /// What arrived, in ring-owned memory. It may be changed in place.
        bytes: &'a mut [u8],
    },
    /// The peer will send nothing more.
    Ended {
        /// The slot.
        slot: u32,
        /// `None`: an orderly end; otherwise the kernel's reason.
        error: Option<io::Error>,
    },
}

/// How long an enter may last: until an instant, as seen from another. Both are nanoseconds of `CLOCK_MONOTONIC`.
///
/// Where the kernel takes instants, what the enter spends on submitting does not delay the wait's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// When this was decided.
    pub now: u64,
    /// The wait's end; one that has passed means not to wait.
    pub until: u64,
}

impl Wait {
    /// Not at all.
    pub const NONE: Wait = Wait { now: 0, until: 0 };

    /// As many completions as there are.
    pub const ALL: usize = u32::MAX as usize;

    /// From `now` on for `span`.
    pub fn lasting(now: u64, span: Duration) -> Wait {
        Wait { now, until: now.saturating_add(span.as_nanos() as u64) }
    }

    /// The time between the two, ns.
    pub fn span_ns(self) -> u64 {
        self.until.saturating_sub(self.now)
    }
}

/// What is sent.
#[derive(Debug)]
pub enum Tx {
    /// This range of the run's fixed memory, which is immutable and outlives the ring.
    Fixed(Range<usize>),
    /// Bytes made for this send: moved in, and at [`Ring::block`] again when the kernel is done with them.
    Block(Block),
}

impl Tx {
    /// How many bytes it has.
    pub fn len(&self) -> usize {
        match self {
            Tx::Fixed(range) => range.len(),
            Tx::Block(block) => block.bytes().len(),
        }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the loop needs of a ring, so that a seeded fake can stand in for the kernel in tests.
pub trait Ring {
    /// How many more operations can be queued before the next [`enter`](Ring::enter).
    fn room(&self) -> usize;

    /// Opens a socket for `slot` and queues its connect to the `remote`-th address.
    ///
    /// # Errors
    /// The socket could not be made (descriptors, ports, an unusable source address); the slot stays closed.
    fn connect(&mut self, slot: u32, remote: usize) -> io::Result<()>;

    /// Queues a send. With `confirm` its end is reported as [`Completion::Sent`]; without, only a failure is, and the caller
    /// must know that the bytes fit the socket's buffer.
    fn send(&mut self, slot: u32, bytes: Tx, confirm: bool);

    /// An empty block to be sent; `None` while all are on their way, of which each comes back with a later enter.
    fn block(&mut self) -> Option<Block>;

    /// Takes back a block that is not to be sent.
    fn give_back(&mut self, block: Block);

    /// Sends these few bytes at once, right before a close: there is no other chance for them, and no word of what becomes of them.
    fn say_goodbye(&mut self, _slot: u32, _bytes: &[u8]) {}

    /// Closes the slot's connection now. Nothing of it is reported afterwards.
    fn close(&mut self, slot: u32);

    /// Submits what is queued and waits for `want` completions, at most as long as `wait` says.
    ///
    /// # Errors
    /// Only what ends a run: interruptions, expiry and a full completion queue are survived.
    fn enter(&mut self, want: usize, wait: Wait) -> io::Result<()>;

    /// The next completion of the last enter.
    fn next(&mut self) -> Option<Completion<'_>>;

    /// Right after an enter that wanted [`ALL`](Wait::ALL): whether it brought all that had completed when it began. Some bring no
    /// more than so many at a time.
    fn is_drained(&self) -> bool;

    /// What the ring has counted so far.
    fn counters(&self) -> Counters;
}

/// What a ring counts about itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls of `io_uring_enter`.
    pub enters: u64,
    /// Operations submitted.
    pub sqes: u64,
    /// Completions taken.
    pub cqes: u64,
    /// Completions that did not fit the completion queue when they happened (kept by the kernel, delivered late).
    pub cq_overflows: u64,
    /// Receives that found no free buffer (re-armed; never the server's fault).
    pub recv_starved: u64,
    /// Receives armed again on a connection, for whatever reason.
    pub rearms: u64,
    /// CPU time of the kernel's submission thread, ns; 0 without one.
    pub sqpoll_ns: u64,
}

impl Counters {
    /// What was counted since `start`.
    pub fn since(self, start: Counters) -> Counters {
        Counters {
            enters: self.enters - start.enters,
            sqes: self.sqes - start.sqes,
            cqes: self.cqes - start.cqes,
            cq_overflows: self.cq_overflows - start.cq_overflows,
            recv_starved: self.recv_starved - start.recv_starved,
            rearms: self.rearms - start.rearms,
            sqpoll_ns: self.sqpoll_ns.saturating_sub(start.sqpoll_ns),
        }
    }
}

impl std::ops::AddAssign for Counters {
    fn add_assign(&mut self, other: Counters) {
        self.enters += other.enters;
        self.sqes += other.sqes;
        self.cqes += other.cqes;
        self.cq_overflows += other.cq_overflows;
        self.recv_starved += other.recv_starved;
        self.rearms += other.rearms;
        self.sqpoll_ns += other.sqpoll_ns;
    }
}
