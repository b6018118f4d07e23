//! io_uring under an async runtime: what that costs a client. The runtime is pinned with its worker; each connection is a task
//! that owns a pending read and a write together, so that a close is seen while a request is in flight.
//!
//! The loop, its connections and its stamps are those of the other engines: an enter runs the runtime until a task has
//! something to tell or the wait is over. No other care is taken: operations and buffers are the runtime's own.

mod life;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use bytes::Bytes;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio_uring::Runtime;
use tokio_uring::fs::File;

use crate::measure::clock::{Clock, Monotonic};
use crate::ring::{Block, BlockSizes, Blocks, Completion, Counters, Dialler, Ring, SetupError, Tx, Wait};
use life::{Life, Orders};

/// Operations queued at most before an enter, as a ring of the usual size has it.
const ROOM: usize = 512;

/// How long the tasks of closed connections may take to end when the engine is dropped, ns.
const FAREWELL_NS: u64 = 100_000_000;

/// An instant that has passed: no waiting. 0 would be no instant to a timer.
const NOW: u64 = 1;

/// What a task tells.
enum What {
    Connected,
    ConnectFailed(io::Error),
    Sent(io::Result<usize>),
    SendFailed(io::Error),
    Received(Vec<u8>),
    Ended(Option<io::Error>),
}

/// A slot and which of its connections is meant.
type Key = (u32, u32);

/// What tasks and engine share; all of it stays on one thread.
#[derive(Default)]
struct Board {
    done: VecDeque<(Key, What)>,
    /// Buffers to receive into.
    buffers: Vec<Vec<u8>>,
    /// Wakes the enter that waits.
    waker: Option<Waker>,
    /// The timer has expired, or broken.
    over: Option<io::Result<()>>,
    /// Operations begun.
    begun: u64,
}

impl Board {
    fn tell(&mut self, key: Key, what: What) {
        self.done.push_back((key, what));
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// One slot and its task.
#[derive(Default)]
struct Place {
    generation: u32,
    orders: Option<Rc<Orders>>,
}

/// An async runtime on io_uring and its tasks.
pub struct TokioUring {
    places: Vec<Place>,
    board: Rc<RefCell<Board>>,
    dialler: Dialler,
    payload: Bytes,
    blocks: Blocks,
    /// Connections whose tasks the next enter begins.
    to_begin: Vec<Life>,
    queued: usize,
    /// The bytes last handed out.
    held: Option<Vec<u8>>,
    timer: OwnedFd,
    counters: Counters,
    runtime: Runtime,
}

impl TokioUring {
    /// For `slots` connections made by `dialler`, whose sends come from `payload` or from `blocks`.
    ///
    /// # Errors
    /// The kernel refused; the message names the cause and the cure.
    pub fn new(
        slots: usize,
        dialler: Dialler,
        payload: Arc<[u8]>,
        blocks: BlockSizes,
    ) -> Result<TokioUring, SetupError> {
        let entries = (2 * slots).next_power_of_two().clamp(256, 4096) as u32;
        let failed = |error: io::Error| SetupError::new("set-up", error, entries as usize * (64 + 2 * 16));
        let runtime = Runtime::new(tokio_uring::builder().entries(entries)).map_err(failed)?;
        // The runtime's own timers are whole milliseconds.
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).map_err(|e| failed(e.into()))?;
        let file = File::from_std(timer.try_clone().map_err(failed)?.into());
        let board = Rc::<RefCell<Board>>::default();
        let watch = watch(file, Rc::clone(&board));
        runtime.block_on(async { drop(tokio_uring::spawn(watch)) });
        Ok(TokioUring {
            places: (0..slots).map(|_| Place::default()).collect(),
            board,
            dialler: dialler.nonblocking(),
            payload: Bytes::from_owner(payload),
            blocks: Blocks::new(blocks),
            to_begin: Vec::new(),
            queued: 0,
            held: None,
            timer,
            counters: Counters::default(),
            runtime,
        })
    }

    /// Runs the tasks until one has told something or the instant `until` has come.
    fn run(&mut self, until: u64) -> io::Result<()> {
        let time = Timespec { tv_sec: (until / 1_000_000_000) as i64, tv_nsec: (until % 1_000_000_000) as i64 };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: time };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
        self.board.borrow_mut().over = None;
        let board = Rc::clone(&self.board);
        let lives = std::mem::take(&mut self.to_begin);
        self.runtime.block_on(async move {
            for life in lives {
                tokio_uring::spawn(life.live());
            }
            let over = poll_fn(|context| {
                let mut board = board.borrow_mut();
                if !board.done.is_empty() {
                    return Poll::Ready(None);
                }
                board.waker = Some(context.waker().clone());
                board.over.take().map_or(Poll::Pending, |result| Poll::Ready(Some(result)))
            });
            let Some(result) = over.await else {
                return Ok(());
            };
            // The kernel may have told of other things together with it.
            tokio::task::yield_now().await;
            result
        })
    }

    fn place(&self, (slot, generation): Key) -> Option<&Place> {
        self.places.get(slot as usize).filter(|place| place.generation == generation && place.orders.is_some())
    }
}

/// Tells when the timer expires. A word that is late ends the next wait early, which only costs a turn.
async fn watch(timer: File, board: Rc<RefCell<Board>>) {
    let mut buffer = Vec::with_capacity(8);
    loop {
        let (result, back) = timer.read_at(buffer, 0).await;
        buffer = back;
        buffer.clear();
        let broken = result.is_err();
        let mut board = board.borrow_mut();
        board.over = Some(result.map(|_| ()));
        board.wake();
        if broken {
            return;
        }
    }
}

impl Ring for TokioUring {
    fn room(&self) -> usize {
        ROOM.saturating_sub(self.queued)
    }

    fn connect(&mut self, slot: u32, remote: usize) -> io::Result<()> {
        self.close(slot);
        let socket = self.dialler.open(slot, remote)?;
        let place = &mut self.places[slot as usize];
        let orders = Rc::new(if self.dialler.resets() { Orders::resetting(&socket)? } else { Orders::default() });
        place.orders = Some(Rc::clone(&orders));
        let key = (slot, place.generation);
        let remote = self.dialler.remote(remote).clone();
        self.queued += 1;
        self.to_begin.push(Life { key, socket, remote, orders, board: Rc::clone(&self.board) });
        Ok(())
    }

    fn send(&mut self, slot: u32, bytes: Tx, confirm: bool) {
        let bytes = match bytes {
            Tx::Fixed(range) => self.payload.slice(range),
            // A task keeps what it writes for as long as it likes: it gets a copy.
            Tx::Block(block) => {
                let copy = Bytes::copy_from_slice(block.bytes());
                self.blocks.give_back(block);
                copy
            }
        };
        if let Some(orders) = self.places.get(slot as usize).and_then(|place| place.orders.as_ref()) {
            self.queued += 1;
            orders.send(bytes, confirm);
        }
    }

    fn block(&mut self) -> Option<Block> {
        self.blocks.take()
    }

    fn give_back(&mut self, block: Block) {
        self.blocks.give_back(block);
    }

    fn say_goodbye(&mut self, slot: u32, bytes: &[u8]) {
        if let Some(orders) = self.places.get(slot as usize).and_then(|place| place.orders.as_ref()) {
            orders.say_goodbye(bytes);
        }
    }

    fn close(&mut self, slot: u32) {
        let Some(place) = self.places.get_mut(slot as usize) else {
            return;
        };
        if let Some(orders) = place.orders.take() {
            place.generation = place.generation.wrapping_add(1);
            orders.close();
        }
    }

    /// Waits for the first completion only, however many are wanted.
    fn enter(&mut self, want: usize, wait: Wait) -> io::Result<()> {
        self.held.take().into_iter().for_each(|buffer| self.board.borrow_mut().buffers.push(buffer));
        self.queued = 0;
        self.counters.enters += 1;
        let until = if want == 0 || wait.span_ns() == 0 { NOW } else { wait.until };
        self.run(until)?;
        if want == Wait::ALL && self.is_drained() {
            // Its timer may have expired for the wait before, and nothing have been looked at.
            self.run(NOW)?;
        }
        self.counters.sqes = self.board.borrow().begun;
        Ok(())
    }

    fn next(&mut self) -> Option<Completion<'_>> {
        self.held.take().into_iter().for_each(|buffer| self.board.borrow_mut().buffers.push(buffer));
        let (slot, what) = loop {
            let (key, what) = self.board.borrow_mut().done.pop_front()?;
            self.counters.cqes += 1;
            if self.place(key).is_some() {
                break (key.0, what);
            }
        };
        Some(match what {
            What::Connected => Completion::Connected { slot },
            What::ConnectFailed(error) => {
                self.close(slot);
                Completion::ConnectFailed { slot, error }
            }
            What::Sent(result) => Completion::Sent { slot, result },
            What::SendFailed(error) => Completion::SendFailed { slot, error },
            What::Received(bytes) => Completion::Received { slot, bytes: self.held.insert(bytes) },
            What::Ended(error) => Completion::Ended { slot, error },
        })
    }

    fn is_drained(&self) -> bool {
        self.board.borrow().done.is_empty()
    }

    /// Enters are runs of the runtime; submissions connects, reads and writes begun; completions what tasks told, also of
    /// connections closed since.
    fn counters(&self) -> Counters {
        self.counters
    }
}

impl Drop for TokioUring {
    fn drop(&mut self) {
        (0..self.places.len() as u32).for_each(|slot| self.close(slot));
        // Tasks end their connections themselves; what has not ended by then ends with the runtime, as the timer's does.
        let until = Monotonic.now() + FAREWELL_NS;
        while Rc::strong_count(&self.board) > 2 && Monotonic.now() < until {
            self.board.borrow_mut().done.clear();
            if self.run(NOW).is_err() {
                return;
            }
        }
    }
}
