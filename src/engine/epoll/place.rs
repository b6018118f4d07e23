//! One slot of the epoll engine: its socket, and what is still to be read and sent there.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::ring::Block;
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use socket2::Socket;

/// A slot, its present connection and which of the slot's connections that is.
#[derive(Default)]
pub(super) struct Place {
    pub(super) socket: Option<Socket>,
    pub(super) generation: u32,
    /// The kernel has not said yet what became of the connect.
    pub(super) connecting: bool,
    /// Whoever uses the engine knows of the connection: what arrives may be read. Not before, as what is read with
    /// nothing sent yet would look like an answer to nothing.
    pub(super) armed: bool,
    /// Something may be there to be read.
    pub(super) readable: bool,
    /// The end will follow what is there to be read.
    pub(super) ending: bool,
    /// On the list of slots to be read.
    pub(super) listed: bool,
    /// The peer will send nothing more, and that was told.
    pub(super) over: bool,
    /// An error that was taken off the socket before it could be read there.
    pub(super) fault: Option<Errno>,
    /// What a full socket buffer left over, in order.
    pub(super) unsent: VecDeque<Sending>,
}

/// Bytes on their way into the socket.
pub(super) struct Sending {
    pub(super) source: Source,
    /// What is left of them.
    pub(super) left: Range<usize>,
    /// How many there were.
    pub(super) whole: usize,
    /// Its end is reported also if all went well.
    pub(super) confirm: bool,
}

/// Whose they are.
pub(super) enum Source {
    /// The run's.
    Fixed,
    /// Shared with the caller.
    Shared(Arc<[u8]>),
    /// The engine's, made for this send.
    Block(Block),
}

impl Sending {
    pub(super) fn new(source: Source, range: Range<usize>, confirm: bool) -> Sending {
        Sending { source, whole: range.len(), left: range, confirm }
    }

    /// The block that it was made of, if it was.
    pub(super) fn into_block(self) -> Option<Block> {
        if let Source::Block(block) = self.source { Some(block) } else { None }
    }

    /// Hands over as much as the socket takes: whether that was all.
    fn go_on(&mut self, socket: &Socket, payload: &[u8]) -> Result<bool, Errno> {
        let bytes = match &self.source {
            Source::Fixed => payload,
            Source::Shared(bytes) => bytes,
            Source::Block(block) => block.bytes(),
        };
        while !self.left.is_empty() {
            match send(socket, &bytes[self.left.clone()], SendFlags::NOSIGNAL) {
                // Short: the buffer is full, and its room will be told.
                Ok(taken) if taken < self.left.len() => {
                    self.left.start += taken;
                    return Ok(false);
                }
                Ok(taken) => self.left.start += taken,
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// How a send ended: the bytes taken or the kernel's reason, and what it was.
pub(super) type Ended = (Result<usize, Errno>, Sending);

impl Place {
    /// The slot's connection ends here, without a word to the one that follows. The blocks it had go to `take`.
    pub(super) fn clear(&mut self, take: impl FnMut(Block)) {
        let generation = self.generation.wrapping_add(1);
        let mut unsent = std::mem::take(&mut self.unsent);
        unsent.drain(..).filter_map(Sending::into_block).for_each(take);
        *self = Place { generation, unsent, ..Place::default() };
    }

    /// Sends, behind what is still waiting. `None`: it waits for room in the socket's buffer.
    #[inline]
    pub(super) fn send(&mut self, mut sending: Sending, payload: &[u8]) -> Option<Ended> {
        let socket = self.socket.as_ref()?;
        if self.unsent.is_empty() {
            match sending.go_on(socket, payload) {
                Ok(true) => return Some((Ok(sending.whole), sending)),
                Ok(false) => {}
                Err(error) => return Some((Err(error), sending)),
            }
        }
        self.unsent.push_back(sending);
        None
    }

    /// Goes on with what waited for room: the next one that has ended, if one has.
    pub(super) fn go_on(&mut self, payload: &[u8]) -> Option<Ended> {
        let (socket, first) = (self.socket.as_ref()?, self.unsent.front_mut()?);
        let ended = match first.go_on(socket, payload) {
            Ok(false) => return None,
            Ok(true) => Ok(first.whole),
            Err(error) => Err(error),
        };
        Some((ended, self.unsent.pop_front()?))
    }
}
