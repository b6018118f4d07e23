//! One slot of the epoll engine: its socket, and what is still to be read and sent there.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

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
    /// Shared with the caller; `None`: the engine's payload.
    pub(super) shared: Option<Arc<[u8]>>,
    /// What is left of them.
    pub(super) left: Range<usize>,
    /// How many there were.
    pub(super) whole: usize,
    /// Its end is reported also if all went well.
    pub(super) confirm: bool,
}

impl Sending {
    pub(super) fn new(shared: Option<Arc<[u8]>>, range: Range<usize>, confirm: bool) -> Sending {
        Sending { shared, whole: range.len(), left: range, confirm }
    }

    /// Hands over as much as the socket takes: whether that was all.
    fn go_on(&mut self, socket: &Socket, payload: &[u8]) -> Result<bool, Errno> {
        let bytes = self.shared.as_deref().unwrap_or(payload);
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

/// How a send ended: the bytes taken or the kernel's reason, and whether it was to be confirmed.
pub(super) type Ended = (Result<usize, Errno>, bool);

impl Place {
    /// The slot's connection ends here, without a word to the one that follows.
    pub(super) fn clear(&mut self) {
        let generation = self.generation.wrapping_add(1);
        let mut unsent = std::mem::take(&mut self.unsent);
        unsent.clear();
        *self = Place { generation, unsent, ..Place::default() };
    }

    /// Sends, behind what is still waiting. `None`: it waits for room in the socket's buffer.
    #[inline]
    pub(super) fn send(&mut self, mut sending: Sending, payload: &[u8]) -> Option<Ended> {
        let socket = self.socket.as_ref()?;
        if self.unsent.is_empty() {
            match sending.go_on(socket, payload) {
                Ok(true) => return Some((Ok(sending.whole), sending.confirm)),
                Ok(false) => {}
                Err(error) => return Some((Err(error), sending.confirm)),
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
        let confirm = first.confirm;
        self.unsent.pop_front();
        Some((ended, confirm))
    }
}
