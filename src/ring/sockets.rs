//! The sockets of a ring: one place per slot, and the addresses they connect to.
#![allow(unsafe_code)]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

use socket2::{SockAddr, SockRef};

use super::dialler::Dialler;
use super::token::{GENERATIONS, Op, Token};

/// What a connection goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// An address and port.
    Tcp(SocketAddr),
    /// A unix socket, by its path.
    Unix(PathBuf),
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Endpoint {
        Endpoint::Tcp(address)
    }
}

/// Where connections go, and from where.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// What to connect to; `connect` names one by its index.
    pub remotes: Vec<Endpoint>,
    /// Local addresses to use in turn, slot by slot, among those of the remote's family; empty: the system chooses.
    pub sources: Vec<IpAddr>,
    /// Connections that the client ends are reset, as by SO_LINGER with no time: neither side keeps anything of them.
    pub resets: bool,
}

/// One slot: its present socket and which of the slot's connections that is.
pub(super) struct Place {
    pub(super) socket: Option<OwnedFd>,
    pub(super) generation: u32,
    /// A receive is armed, so closing needs a shutdown first: the receive holds the socket open.
    pub(super) receiving: bool,
    /// It is open, and a send may be on its way.
    pub(super) established: bool,
    /// Bytes of a send on its way that are shared with the caller: kept until its completion was taken.
    pub(super) lent: Option<Arc<[u8]>>,
    /// What of the send on its way is still to be taken, where the kernel does not see to that.
    pub(super) rest: Rest,
}

/// A send as it was asked for, and what of it is still to come.
#[derive(Debug, Clone, Default)]
pub(super) struct Rest {
    pub(super) whole: usize,
    pub(super) range: Range<usize>,
}

impl Rest {
    pub(super) fn of(range: Range<usize>) -> Rest {
        Rest { whole: range.len(), range }
    }
}

impl Place {
    fn empty() -> Place {
        Place { socket: None, generation: 0, receiving: false, established: false, lent: None, rest: Rest::default() }
    }
}

/// All slots of a ring.
pub(super) struct Sockets {
    places: Vec<Place>,
    dialler: Dialler,
    /// Closed descriptors whose numbers must not be reused before the submission queue is empty.
    graveyard: Vec<OwnedFd>,
    free: Vec<u32>,
    /// As `Place::lent`, of connections closed since.
    orphans: Vec<(Token, Arc<[u8]>)>,
    /// Closing shuts down also what nothing is armed on: a stalled send holds the socket open too.
    shut_always: bool,
}

impl Sockets {
    pub(super) fn new(slots: usize, dialler: Dialler, shut_always: bool) -> Sockets {
        let place = |_| Place::empty();
        Sockets {
            places: (0..slots).map(place).collect(),
            dialler,
            graveyard: Vec::new(),
            free: Vec::new(),
            orphans: Vec::new(),
            shut_always,
        }
    }

    /// The slot's place.
    #[inline]
    pub(super) fn get(&mut self, slot: u32) -> Option<&mut Place> {
        self.places.get_mut(slot as usize)
    }

    /// The same, to look at.
    pub(super) fn peek(&self, slot: u32) -> Option<&Place> {
        self.places.get(slot as usize)
    }

    /// The place, if it still holds the connection of that generation.
    #[inline]
    pub(super) fn current(&mut self, slot: u32, generation: u32) -> Option<&mut Place> {
        self.get(slot).filter(|place| place.generation == generation && place.socket.is_some())
    }

    /// Descriptor and generation of an open slot.
    #[inline]
    pub(super) fn open_fd(&self, slot: u32) -> Option<(RawFd, u32)> {
        let place = self.places.get(slot as usize)?;
        Some((place.socket.as_ref()?.as_raw_fd(), place.generation))
    }

    /// The address at the other end of an open slot.
    pub(super) fn peer(&self, slot: u32) -> Option<SocketAddr> {
        let socket = self.places.get(slot as usize)?.socket.as_ref()?;
        SockRef::from(socket).peer_addr().ok()?.as_socket()
    }

    /// The address in memory that stays put, for a connect.
    pub(super) fn remote(&self, remote: usize) -> &SockAddr {
        self.dialler.remote(remote)
    }

    /// Makes a socket ready to connect from `slot` to the `remote`-th address.
    pub(super) fn open(&mut self, slot: u32, remote: usize) -> io::Result<(RawFd, u32)> {
        let socket = self.dialler.open(slot, remote)?;
        let place = &mut self.places[slot as usize];
        let fd = socket.as_raw_fd();
        place.generation = (place.generation + 1) % GENERATIONS;
        (place.receiving, place.established) = (false, false);
        place.socket = Some(socket.into());
        Ok((fd, place.generation))
    }

    /// Gives an accepted connection a slot.
    pub(super) fn adopt(&mut self, fd: RawFd) -> u32 {
        // SAFETY: `fd` is the result of an accept completion, taken once: nobody else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::empty());
            (self.places.len() - 1) as u32
        });
        let place = &mut self.places[slot as usize];
        place.generation = (place.generation + 1) % GENERATIONS;
        place.socket = Some(socket);
        (place.receiving, place.established) = (false, true);
        slot
    }

    /// Lets an accepted connection's slot be used again.
    pub(super) fn release(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// Ends the slot's connection. `keep_number` while queued operations may still name the descriptor.
    pub(super) fn close(&mut self, slot: u32, keep_number: bool) {
        let Some(place) = self.places.get_mut(slot as usize) else {
            return;
        };
        let Some(socket) = place.socket.take() else {
            return;
        };
        if let Some(bytes) = place.lent.take() {
            self.orphans.push((Token::new(Op::SendShared, slot, place.generation), bytes));
        }
        let held_open = std::mem::take(&mut place.receiving) || (self.shut_always && place.established);
        if self.dialler.resets() {
            self.dialler.reset(&socket);
        } else if held_open {
            // An error means that the peer was faster; what is armed ends either way.
            let _ = nix::sys::socket::shutdown(socket.as_raw_fd(), nix::sys::socket::Shutdown::Both);
        }
        if keep_number {
            self.graveyard.push(socket);
        }
    }

    /// The send of shared bytes has ended, whoever holds the slot now.
    pub(super) fn take_back(&mut self, token: Token) {
        match self.current(token.slot(), token.generation()) {
            Some(place) => place.lent = None,
            None => self.orphans.retain(|(orphan, _)| *orphan != token),
        }
    }

    /// Ends all connections, also one that only a stalled send holds open.
    pub(super) fn close_all(&mut self) {
        self.shut_always = true;
        (0..self.places.len() as u32).for_each(|slot| self.close(slot, true));
    }

    /// The submission queue is empty: descriptor numbers may be reused.
    #[inline]
    pub(super) fn bury(&mut self) {
        if !self.graveyard.is_empty() {
            self.graveyard.clear();
        }
    }
}
