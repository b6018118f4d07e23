//! What the built-in server needs of a ring beside what the client does.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use socket2::Socket;

use super::{Ring, Uring};

/// A ring that accepts connections; each gets a slot of its own.
pub trait Acceptor: Ring {
    /// Accepts connections from `listener` from the next enter on; each comes as [`Completion::Accepted`](super::Completion).
    ///
    /// # Errors
    /// The listener cannot be used so.
    fn listen(&mut self, listener: Socket) -> io::Result<()>;

    /// Accepts nothing more: closes the listener.
    fn stop_listening(&mut self);

    /// Queues a send of bytes shared with the caller, reported as [`Completion::Sent`](super::Completion). One at a time on a
    /// connection.
    fn send_shared(&mut self, slot: u32, bytes: &Arc<[u8]>, range: Range<usize>);

    /// The address at the other end of an open slot's connection; `None` too if the peer is gone already.
    fn peer(&self, slot: u32) -> Option<SocketAddr>;

    /// Closes an accepted connection; its slot is used again.
    fn hang_up(&mut self, slot: u32);
}

impl Acceptor for Uring {
    fn listen(&mut self, listener: Socket) -> io::Result<()> {
        Uring::listen(self, listener);
        Ok(())
    }

    fn stop_listening(&mut self) {
        Uring::stop_listening(self);
    }

    #[inline]
    fn send_shared(&mut self, slot: u32, bytes: &Arc<[u8]>, range: Range<usize>) {
        Uring::send_shared(self, slot, bytes, range);
    }

    fn peer(&self, slot: u32) -> Option<SocketAddr> {
        Uring::peer(self, slot)
    }

    fn hang_up(&mut self, slot: u32) {
        Uring::hang_up(self, slot);
    }
}
