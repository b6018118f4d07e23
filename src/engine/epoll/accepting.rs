//! The server's side of the epoll engine.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};
use socket2::Socket;

use super::place::{Place, Sending, Source};
use super::{Begun, Epoll, Instance, What};
use crate::ring::{Acceptor, Ring};

/// The listener's events; no slot and generation look so.
pub(super) const TOKEN: u64 = u64::MAX;

/// Connections accepted per enter, at most: those that are open are not to wait for long.
const AT_ONCE: usize = 64;

/// The listener and the slots it fills.
#[derive(Default)]
pub(super) struct Accepting {
    listener: Option<Socket>,
    watched: bool,
    /// An accept failed (descriptors used up): tried again when a connection closes or a wait runs out.
    refused: bool,
    free: Vec<u32>,
}

impl Accepting {
    /// Watches the listener, unless there is none or accepting makes no sense now.
    #[inline]
    pub(super) fn arm(&mut self, epoll: &Instance) -> io::Result<()> {
        if let Some(listener) = &self.listener
            && self.watched == self.refused
        {
            // Level-triggered: what is left over is told again.
            match self.refused {
                true => epoll.forget(listener)?,
                false => epoll.watch_listener(listener, TOKEN)?,
            }
            self.watched = !self.refused;
        }
        Ok(())
    }

    pub(super) fn retry(&mut self) {
        self.refused = false;
    }
}

impl Epoll {
    /// Takes what connections wait.
    pub(super) fn accept(&mut self) {
        for _ in 0..AT_ONCE {
            let Some(listener) = &self.accepting.listener else {
                return;
            };
            match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(socket) => self.adopt(socket.into()),
                Err(Errno::AGAIN) => return,
                // Gone again before it was taken, or a signal.
                Err(Errno::CONNABORTED | Errno::INTR) => {}
                Err(_) => {
                    self.accepting.refused = true;
                    return;
                }
            }
        }
    }

    fn adopt(&mut self, socket: Socket) {
        let slot = self.accepting.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            (self.places.len() - 1) as u32
        });
        let place = &mut self.places[slot as usize];
        let key = (slot, place.generation);
        if self.epoll.watch(&socket, key).is_err() {
            // Memory for watches is used up: the connection is lost, as it would be with descriptors.
            self.accepting.free.push(slot);
            return;
        }
        place.socket = Some(socket);
        place.armed = true;
        self.done.push_back((key, What::Accepted));
    }
}

impl Acceptor for Epoll {
    fn listen(&mut self, listener: Socket) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        self.accepting.listener = Some(listener);
        Ok(())
    }

    fn stop_listening(&mut self) {
        // Closing ends the watch too.
        self.accepting = Accepting { free: std::mem::take(&mut self.accepting.free), ..Accepting::default() };
    }

    #[inline]
    fn send_shared(&mut self, slot: u32, bytes: &Arc<[u8]>, range: Range<usize>) {
        if let Some(key) = self.key(slot) {
            self.counters.sqes += 1;
            self.begun.push((key, Begun::Send(Sending::new(Source::Shared(Arc::clone(bytes)), range, true))));
        }
    }

    fn peer(&self, slot: u32) -> Option<SocketAddr> {
        let socket = self.places.get(slot as usize)?.socket.as_ref()?;
        socket.peer_addr().ok()?.as_socket()
    }

    fn hang_up(&mut self, slot: u32) {
        self.close(slot);
        self.accepting.free.push(slot);
    }
}
