//! The epoll instance: what it watches, and waits that end when they should.

use std::io;
use std::os::fd::AsFd;

use nix::sys::epoll::{self as plain, EpollCreateFlags, EpollEvent, EpollTimeout};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::{EVENTS, Key};

/// What a socket is watched for, once and for all.
const WATCHED: EventFlags = EventFlags::IN.union(EventFlags::OUT).union(EventFlags::RDHUP).union(EventFlags::ET);

pub(super) struct Instance {
    epoll: plain::Epoll,
    /// The kernel takes waits in nanoseconds (`epoll_pwait2`, 5.11).
    pub(super) precise: bool,
}

impl Instance {
    pub(super) fn new() -> io::Result<Instance> {
        Ok(Instance { epoll: plain::Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?, precise: true })
    }

    /// Tells from now on what becomes of `socket`.
    pub(super) fn watch(&self, socket: impl AsFd, (slot, generation): Key) -> io::Result<()> {
        let data = EventData::new_u64(u64::from(generation) << 32 | u64::from(slot));
        Ok(epoll::add(&self.epoll.0, socket, data, WATCHED)?)
    }

    /// Tells that `listener` has connections, again and again until they are taken.
    pub(super) fn watch_listener(&self, listener: impl AsFd, token: u64) -> io::Result<()> {
        Ok(epoll::add(&self.epoll.0, listener, EventData::new_u64(token), EventFlags::IN)?)
    }

    /// Tells nothing more of it.
    pub(super) fn forget(&self, listener: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll.0, listener)?)
    }

    /// Waits for events, at most so many nanoseconds; `events` are then those.
    #[inline]
    pub(super) fn wait(&mut self, nanoseconds: u64, events: &mut Vec<Event>) -> io::Result<()> {
        let span =
            Timespec { tv_sec: (nanoseconds / 1_000_000_000) as i64, tv_nsec: (nanoseconds % 1_000_000_000) as i64 };
        events.clear();
        if self.precise {
            match epoll::wait(&self.epoll.0, spare_capacity(events), Some(&span)) {
                // An older kernel, or a sandbox that does not know the call.
                Err(Errno::NOSYS | Errno::PERM) => self.precise = false,
                Ok(_) | Err(Errno::INTR) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        self.wait_plainly(&span, events)
    }

    /// An instance can itself be polled, and that in nanoseconds everywhere.
    fn wait_plainly(&self, span: &Timespec, events: &mut Vec<Event>) -> io::Result<()> {
        match poll(&mut [PollFd::new(&self.epoll.0, PollFlags::IN)], Some(span)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut found = [EpollEvent::empty(); EVENTS];
        let count = match self.epoll.wait(&mut found, EpollTimeout::ZERO) {
            Ok(count) => count,
            Err(nix::errno::Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        events.extend(found[..count].iter().map(|one| Event {
            flags: EventFlags::from_bits_retain(one.events().bits().cast_unsigned()),
            data: EventData::new_u64(one.data()),
        }));
        Ok(())
    }
}
