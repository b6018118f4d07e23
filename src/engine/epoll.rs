//! The engine of readiness and plain system calls, for where there is no io_uring.
//!
//! It keeps the contract of a ring: operations are queued, an enter begins them all after the loop's stamp, waits, and reads
//! whatever has arrived, so that the stamp taken when it returns never precedes the bytes. Sockets are registered once,
//! edge-triggered; a read that does not fill its buffer has emptied the socket, so that none is made in vain.

mod accepting;
mod instance;
mod place;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use rustix::event::epoll::{Event, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use crate::measure::clock::{Clock, Monotonic};
use crate::ring::{Block, BlockSizes, Blocks, Completion, Counters, Dialler, Ring, SetupError, Tx, Wait, say_goodbye};
use accepting::Accepting;
use instance::Instance;
use place::{Place, Sending, Source};

/// Operations queued at most before an enter, as a ring of the usual size has it.
const ROOM: usize = 512;

/// Sockets looked at per enter, at most.
const EVENTS: usize = 256;

/// Bytes read off a socket at a time, and off all of them per enter. Answers lie one behind the other, so that small ones
/// touch a few cache lines each and no more.
const READ_BYTES: usize = 4096;
const AREA_BYTES: usize = 64 * READ_BYTES;
const CACHE_LINE: usize = 64;

/// The peer closed its side, or the connection broke.
const ENDING: EventFlags = EventFlags::RDHUP.union(EventFlags::HUP).union(EventFlags::ERR);

/// An operation that the next enter begins.
enum Begun {
    Connect(usize),
    Send(Sending),
}

/// What became of an operation, to be handed out if its connection is still there then.
enum What {
    Connected,
    ConnectFailed(io::Error),
    Accepted,
    Sent(Result<usize, Errno>),
    SendFailed(Errno),
    Received(Range<usize>),
    Ended(Option<Errno>),
}

/// A slot and which of its connections is meant.
type Key = (u32, u32);

/// An epoll instance, the sockets it watches, and what they brought.
pub struct Epoll {
    epoll: Instance,
    places: Vec<Place>,
    dialler: Dialler,
    payload: Arc<[u8]>,
    blocks: Blocks,
    begun: Vec<(Key, Begun)>,
    /// Slots to be read without waiting for them.
    to_read: VecDeque<Key>,
    done: VecDeque<(Key, What)>,
    events: Vec<Event>,
    /// Waits of this thread end when they should.
    punctual: bool,
    /// What was read, up to `filled`.
    area: Box<[u8]>,
    filled: usize,
    accepting: Accepting,
    counters: Counters,
}

impl Epoll {
    /// For `slots` connections made by `dialler`, whose sends come from `payload` or from `blocks`.
    ///
    /// # Errors
    /// The kernel refused; the message names the cause and the cure.
    pub fn new(slots: usize, dialler: Dialler, payload: Arc<[u8]>, blocks: BlockSizes) -> Result<Epoll, SetupError> {
        let epoll = Instance::new().map_err(|error| {
            SetupError::of("epoll", "set-up", error, "if files or memory are short: raise `ulimit -n`")
        })?;
        Ok(Epoll {
            epoll,
            places: (0..slots).map(|_| Place::default()).collect(),
            dialler: dialler.nonblocking(),
            payload,
            blocks: Blocks::new(blocks),
            begun: Vec::with_capacity(ROOM),
            // A slot is listed once; a slot that was closed while listed may be on it twice.
            to_read: VecDeque::with_capacity(2 * slots.max(EVENTS)),
            done: VecDeque::with_capacity(2 * slots.max(ROOM)),
            events: Vec::with_capacity(EVENTS),
            punctual: false,
            area: vec![0; AREA_BYTES].into(),
            filled: 0,
            accepting: Accepting::default(),
            counters: Counters::default(),
        })
    }

    #[inline]
    fn current(&mut self, (slot, generation): Key) -> Option<&mut Place> {
        let place = self.places.get_mut(slot as usize)?;
        (place.generation == generation && place.socket.is_some()).then_some(place)
    }

    fn key(&self, slot: u32) -> Option<Key> {
        let place = self.places.get(slot as usize)?;
        place.socket.is_some().then_some((slot, place.generation))
    }

    /// Begins what was queued.
    fn begin(&mut self) {
        let mut begun = std::mem::take(&mut self.begun);
        for (key, operation) in begun.drain(..) {
            let Some(place) = self.places.get_mut(key.0 as usize).filter(|place| place.generation == key.1) else {
                if let Begun::Send(sending) = operation {
                    sending.into_block().into_iter().for_each(|block| self.blocks.give_back(block));
                }
                continue;
            };
            match operation {
                Begun::Send(sending) => {
                    if let Some(ended) = place.send(sending, &self.payload) {
                        self.sent(key, ended);
                    }
                }
                Begun::Connect(remote) => match self.begin_connect(key, remote) {
                    Ok(true) => self.done.push_back((key, What::Connected)),
                    Ok(false) => {}
                    Err(error) => self.done.push_back((key, What::ConnectFailed(error))),
                },
            }
        }
        self.begun = begun;
    }

    /// Whether the connection is open already, as on loopback.
    fn begin_connect(&mut self, key: Key, remote: usize) -> io::Result<bool> {
        let place = &mut self.places[key.0 as usize];
        let Some(socket) = &place.socket else {
            return Ok(false);
        };
        let open = match socket.connect(self.dialler.remote(remote)) {
            Ok(()) => true,
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => false,
            Err(error) => return Err(error),
        };
        place.connecting = !open;
        // Not before the connect: a socket that is not connected reports that it has ended.
        self.epoll.watch(socket, key)?;
        Ok(open)
    }

    #[inline]
    fn sent(&mut self, key: Key, (result, sending): place::Ended) {
        let confirm = sending.confirm;
        sending.into_block().into_iter().for_each(|block| self.blocks.give_back(block));
        match result {
            result if confirm => self.done.push_back((key, What::Sent(result))),
            Ok(_) => {}
            Err(error) => self.done.push_back((key, What::SendFailed(error))),
        }
    }

    /// What an event says of its socket.
    #[inline]
    fn look_at(&mut self, key: Key, flags: EventFlags) {
        let Some(place) = self.current(key) else {
            return;
        };
        if place.connecting {
            let outcome = connected(place);
            place.connecting = false;
            self.done.push_back((key, outcome.map_or_else(What::ConnectFailed, |()| What::Connected)));
        }
        let Some(place) = self.current(key) else {
            return;
        };
        let waits = flags.contains(EventFlags::OUT) && !place.unsent.is_empty();
        if flags.intersects(EventFlags::IN.union(ENDING)) {
            place.readable = true;
            place.ending |= flags.intersects(ENDING);
            self.list(key);
        }
        if waits {
            while let Some(ended) = self.places[key.0 as usize].go_on(&self.payload) {
                self.sent(key, ended);
            }
        }
    }

    /// Enters a slot that may be read into the list.
    #[inline]
    fn list(&mut self, key: Key) {
        let place = &mut self.places[key.0 as usize];
        if place.armed && place.readable && !place.listed && !place.over {
            place.listed = true;
            self.to_read.push_back(key);
        }
    }

    /// Reads what is listed, each slot once, as far as there is memory.
    fn read_all(&mut self) {
        for _ in 0..self.to_read.len() {
            let Some(key) = self.to_read.pop_front() else {
                return;
            };
            if self.current(key).is_some() {
                self.read(key);
            }
        }
    }

    #[inline]
    fn read(&mut self, key: Key) {
        let Some(place) = self.places.get_mut(key.0 as usize) else {
            return;
        };
        place.listed = false;
        let Some(socket) = &place.socket else {
            return;
        };
        loop {
            let Some(buffer) = self.area.get_mut(self.filled..self.filled + READ_BYTES) else {
                self.counters.recv_starved += 1;
                return self.list(key);
            };
            let end = match recv(socket, buffer, RecvFlags::empty()) {
                Ok((_, 0)) => place.fault.take(),
                Ok((_, got)) => {
                    let start = self.filled;
                    self.filled = start + got.next_multiple_of(CACHE_LINE);
                    self.done.push_back((key, What::Received(start..start + got)));
                    if got == READ_BYTES {
                        // The others first.
                        self.counters.rearms += 1;
                        return self.list(key);
                    }
                    if place.ending {
                        continue;
                    }
                    place.readable = false;
                    return;
                }
                Err(Errno::AGAIN) => {
                    place.readable = false;
                    return;
                }
                Err(Errno::INTR) => continue,
                Err(error) => Some(error),
            };
            place.over = true;
            self.done.push_back((key, What::Ended(end)));
            return;
        }
    }
}

/// What became of a connect of which there is news.
fn connected(place: &mut Place) -> io::Result<()> {
    let Some(socket) = &place.socket else {
        return Ok(());
    };
    match socket.take_error()?.map(|error| (error.raw_os_error().and_then(errno), error)) {
        None => Ok(()),
        // Open for a moment, or it would have been refused: the end is told when it is read.
        Some((Some(fault @ (Errno::CONNRESET | Errno::PIPE)), _)) => {
            place.fault = Some(fault);
            Ok(())
        }
        Some((_, error)) => Err(error),
    }
}

fn errno(number: i32) -> Option<Errno> {
    (number > 0).then(|| Errno::from_raw_os_error(number))
}

impl Ring for Epoll {
    #[inline]
    fn room(&self) -> usize {
        ROOM.saturating_sub(self.begun.len())
    }

    fn connect(&mut self, slot: u32, remote: usize) -> io::Result<()> {
        self.close(slot);
        let socket = self.dialler.open(slot, remote)?;
        let place = &mut self.places[slot as usize];
        place.socket = Some(socket);
        self.counters.sqes += 1;
        self.begun.push(((slot, place.generation), Begun::Connect(remote)));
        Ok(())
    }

    #[inline]
    fn send(&mut self, slot: u32, bytes: Tx, confirm: bool) {
        let length = bytes.len();
        let (source, range) = match bytes {
            Tx::Fixed(range) => (Source::Fixed, range),
            Tx::Block(block) => (Source::Block(block), 0..length),
        };
        let sending = Sending::new(source, range, confirm);
        let Some(key) = self.key(slot) else {
            return sending.into_block().into_iter().for_each(|block| self.blocks.give_back(block));
        };
        self.counters.sqes += 1;
        self.begun.push((key, Begun::Send(sending)));
    }

    fn block(&mut self) -> Option<Block> {
        self.blocks.take()
    }

    fn give_back(&mut self, block: Block) {
        self.blocks.give_back(block);
    }

    fn say_goodbye(&mut self, slot: u32, bytes: &[u8]) {
        if let Some(socket) = self.places.get(slot as usize).and_then(|place| place.socket.as_ref()) {
            say_goodbye(socket.as_raw_fd(), bytes);
        }
    }

    fn close(&mut self, slot: u32) {
        if let Some(place) = self.places.get_mut(slot as usize)
            && place.socket.is_some()
        {
            if self.dialler.resets()
                && let Some(socket) = &place.socket
            {
                self.dialler.reset(socket);
            }
            place.clear(|block| self.blocks.give_back(block));
            self.accepting.retry();
        }
    }

    /// Waits for the first completion only, however many are wanted.
    #[inline]
    fn enter(&mut self, want: usize, wait: Wait) -> io::Result<()> {
        if !self.punctual {
            // By default waits end up to 50 us late. An error would leave them so.
            let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
            self.punctual = true;
        }
        if self.done.is_empty() {
            self.filled = 0;
        }
        self.accepting.arm(&self.epoll)?;
        let worked = !self.begun.is_empty();
        self.begin();
        let at_hand = want == 0 || !self.done.is_empty() || !self.to_read.is_empty();
        let left = match at_hand {
            true => 0,
            // What was begun has taken its time: the end of the wait stays where it was.
            false if worked && wait.span_ns() > 0 => wait.until.saturating_sub(Monotonic.now()),
            false => wait.span_ns(),
        };
        self.counters.enters += 1;
        self.epoll.wait(left, &mut self.events)?;
        if self.events.is_empty() && !at_hand {
            self.accepting.retry();
        }
        for at in 0..self.events.len() {
            let Event { flags, data, .. } = self.events[at];
            match data.u64() {
                accepting::TOKEN => self.accept(),
                token => self.look_at((token as u32, (token >> 32) as u32), flags),
            }
        }
        self.read_all();
        Ok(())
    }

    #[inline]
    fn next(&mut self) -> Option<Completion<'_>> {
        loop {
            let (key, what) = self.done.pop_front()?;
            self.counters.cqes += 1;
            let slot = key.0;
            if self.current(key).is_none() {
                continue;
            }
            return Some(match what {
                What::Received(range) => Completion::Received { slot, bytes: &mut self.area[range] },
                What::Connected => {
                    self.places[slot as usize].armed = true;
                    self.list(key);
                    Completion::Connected { slot }
                }
                What::ConnectFailed(error) => {
                    self.close(slot);
                    Completion::ConnectFailed { slot, error }
                }
                What::Accepted => Completion::Accepted { slot },
                What::Sent(result) => Completion::Sent { slot, result: result.map_err(io::Error::from) },
                What::SendFailed(error) => Completion::SendFailed { slot, error: error.into() },
                What::Ended(error) => Completion::Ended { slot, error: error.map(io::Error::from) },
            });
        }
    }

    fn is_drained(&self) -> bool {
        self.events.len() < EVENTS && self.to_read.is_empty()
    }

    /// Enters are waits; submissions connects and sends; completions also what came of connections closed since; a starved
    /// receive is a socket that was left for the next enter as the memory of this one was used up, and one armed again has
    /// filled its buffer and goes on with the next enter.
    fn counters(&self) -> Counters {
        self.counters
    }
}
