//! A seeded stand-in for kernel and server: drives the loop through time that only passes where it is told to.
//!
//! It holds the loop to the ring's contract while it runs (room, payload ranges, waits, nothing after the end) and keeps its
//! own record of what happened, for the tests to hold the loop's figures against.

mod kernel;
mod random;
mod record;
pub(super) mod requests;
mod server;
pub(super) mod tls;

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::Range;
use std::rc::Rc;

use super::{Control, Job};
use crate::measure::clock::Clock;
use crate::ring::{Block, Blocks, Completion, Counters, Ring, Tx, Wait};

use kernel::{Queued, Report};
use random::Random;
pub(super) use record::Record;
use record::Slot;
pub(super) use server::{Action, Behaviour, ConnectOutcome};

/// More enters than any test needs: the loop hangs.
const MAX_ENTERS: u64 = 300_000;

/// The longest wait the loop may ask for, ns.
const PATIENCE_NS: u64 = 20_000_000;

/// What fits any socket's send buffer, in bytes.
const UNCONFIRMED_BYTES: usize = 8 * 1024;

/// Time as the loop reads it; each reading takes a nanosecond.
#[derive(Debug, Clone, Default)]
pub(super) struct Time {
    at: Rc<Cell<u64>>,
    /// After so many readings the process stands still for so long, ns.
    stop: Rc<Cell<(u32, u64)>>,
}

impl Time {
    /// The last reading.
    pub(super) fn last(&self) -> u64 {
        self.at.get()
    }

    /// The next reading.
    fn next(&self) -> u64 {
        let (readings, ns) = self.stop.get();
        self.last() + 1 + if readings == 0 { ns } else { 0 }
    }
}

impl Clock for Time {
    fn now(&self) -> u64 {
        self.at.set(self.next());
        let (readings, ns) = self.stop.get();
        self.stop.set(if readings == 0 { (0, 0) } else { (readings - 1, ns) });
        self.last()
    }

    /// In this time only a stop takes long.
    fn cpu(&self) -> u64 {
        0
    }
}

/// Kernel, network and server in one.
pub(super) struct Fake {
    pub(super) time: Time,
    pub(super) record: Record,
    pub(super) job: Job,
    pub(super) behaviour: Behaviour,
    /// From an instant on, another behaviour; soonest first.
    pub(super) later: Vec<(u64, Behaviour)>,
    /// Operations that fit the queue; drawn anew at each enter.
    pub(super) rooms: Range<u64>,
    /// How many of a hundred enters return early.
    pub(super) spurious: u64,
    /// How late an enter returns.
    pub(super) late_ns: Range<u64>,
    /// How many of a hundred pieces are read together with the one before.
    together: u64,
    /// How many of a hundred confirmed sends never end, and how many fail.
    pub(super) stuck_sends: u64,
    pub(super) failed_sends: u64,
    /// When the process is stopped, and for how long, ns; soonest first.
    pub(super) stops: VecDeque<(u64, u64)>,
    /// How long it was so far.
    stopped_ns: u64,
    /// When somebody says halt.
    pub(super) halt_at: Option<u64>,
    pub(super) control: Rc<Control>,
    /// When the ring breaks.
    pub(super) breaks_at: Option<u64>,
    pub(super) starts_at: u64,
    /// Called at each enter, as by another thread, with the instant and how many connections are open.
    pub(super) at_each_enter: Option<Box<dyn FnMut(u64, usize)>>,
    random: Random,
    slots: Vec<Slot>,
    queued: Vec<(u32, Queued)>,
    room: u64,
    drained: bool,
    to_come: BTreeMap<(u64, u64), Report>,
    sequence: u64,
    batch: VecDeque<Report>,
    pub(super) blocks: Blocks,
    /// Blocks that the kernel still reads, and until when.
    lent_blocks: Vec<(u64, Block)>,
    /// The bytes lent with the last completion.
    lent: Vec<u8>,
    counters: Counters,
}

impl Fake {
    pub(super) fn new(seed: u64, job: Job, behaviour: Behaviour) -> Fake {
        let time = Time::default();
        time.at.set(seed * 1_234_567);
        let mut random = Random::new(seed);
        Fake {
            starts_at: time.last(),
            time,
            record: Record::new(job.connections, job.layout.set().kinds.len()),
            behaviour,
            later: Vec::new(),
            rooms: 512..513,
            spurious: random.pick(&[(0, 1), (5, 1), (40, 1)]),
            late_ns: 0..random.pick(&[(1_000, 1), (3_000, 2), (8_000, 1)]),
            together: random.pick(&[(0, 1), (60, 2), (95, 1)]),
            stuck_sends: 0,
            failed_sends: 0,
            stops: VecDeque::new(),
            stopped_ns: 0,
            halt_at: None,
            control: Rc::default(),
            breaks_at: None,
            at_each_enter: None,
            random,
            slots: vec![Slot::default(); job.connections],
            queued: Vec::new(),
            room: 512,
            drained: false,
            to_come: BTreeMap::new(),
            sequence: 0,
            batch: VecDeque::new(),
            blocks: Blocks::new(job.blocks()),
            lent_blocks: Vec::new(),
            lent: Vec::new(),
            counters: Counters::default(),
            job,
        }
    }

    /// The instant `ns` after the start.
    pub(super) fn at(&self, ns: u64) -> u64 {
        self.starts_at + ns
    }

    /// Requests received and neither answered nor given up by the client.
    pub(super) fn unanswered(&self) -> usize {
        self.slots.iter().map(|slot| slot.unanswered.len()).sum()
    }

    pub(super) fn all_closed(&self) -> bool {
        self.slots.iter().all(|slot| !slot.is_open && slot.connecting_since.is_none())
    }

    /// The window's end in closed loop; in open loop what was due inside it is still sent and counted after it.
    fn ends_at(&self) -> u64 {
        let whole = self.job.duration_ns.filter(|_| self.job.open.is_none());
        whole.map_or(u64::MAX, |span| self.starts_at + self.job.warmup_ns + span)
    }

    /// Nothing may be sent or opened any more.
    fn must_be_quiet(&self) -> bool {
        self.record.over || self.control.is_stopped() || self.time.last() >= self.ends_at()
    }

    fn take_room(&mut self) {
        assert!(!self.must_be_quiet(), "nothing is sent or opened once the window has closed");
        assert!(self.room > 0, "no operation is queued without room");
        self.room -= 1;
        self.counters.sqes += 1;
    }
}

impl Ring for Fake {
    fn room(&self) -> usize {
        self.room as usize
    }

    fn connect(&mut self, slot: u32, remote: usize) -> io::Result<()> {
        assert!(remote < self.job.remotes, "remote {remote} is none of {}", self.job.remotes);
        self.take_room();
        let now = self.time.last();
        self.record.attempts.push((slot, remote, now));
        let outcome = self.random.pick(&self.behaviour.outcomes);
        let sync = match outcome {
            ConnectOutcome::NoSocket => Some(libc::EMFILE),
            ConnectOutcome::NoPortForSocket => Some(libc::EADDRNOTAVAIL),
            _ => None,
        };
        if let Some(code) = sync {
            self.record.connect_fails(code);
            return Err(io::Error::from_raw_os_error(code));
        }
        self.slots[slot as usize].begin(now);
        self.queued.push((slot, Queued::Connect(outcome)));
        Ok(())
    }

    fn block(&mut self) -> Option<Block> {
        self.blocks.take()
    }

    fn give_back(&mut self, block: Block) {
        self.blocks.give_back(block);
    }

    fn send(&mut self, slot: u32, bytes: Tx, confirm: bool) {
        self.take_room();
        let length = bytes.len();
        assert!(
            confirm || length <= UNCONFIRMED_BYTES,
            "{length} bytes may not fit a socket's buffer and are not confirmed"
        );
        let asked = match bytes {
            Tx::Fixed(range) => requests::read(&self.job.layout.memory()[range]),
            Tx::Block(block) => {
                let asked = requests::read(block.bytes());
                let until = self.time.last() + self.random.below(300_000);
                self.lent_blocks.push((until, block));
                asked
            }
        };
        self.slots[slot as usize].sends(confirm);
        self.record.sends(&mut self.slots[slot as usize], &asked, length, &self.job);
        self.queued.push((slot, Queued::Send { asked, bytes: length, confirm }));
    }

    fn close(&mut self, slot: u32) {
        let place = &mut self.slots[slot as usize];
        self.record.closes(place, self.time.last());
        place.close();
    }

    fn enter(&mut self, want: usize, wait: Wait) -> io::Result<()> {
        assert!(want == 1 || (want == Wait::ALL && wait == Wait::NONE), "{want} wanted");
        assert!(self.batch.is_empty(), "all completions of an enter are taken before the next");
        if let Some(call) = &mut self.at_each_enter {
            call(self.time.last(), self.slots.iter().filter(|slot| slot.is_open).count());
        }
        self.counters.enters += 1;
        assert!(self.counters.enters < MAX_ENTERS, "the loop does not end: {:?}", self.record);
        self.record.goes_on();
        self.record.over |= self.control.is_stopped() && self.job.open.is_none();
        let timeout_ns = wait.span_ns();
        self.submit();
        self.check_wait(timeout_ns);
        self.room = self.random.within(&self.rooms);
        let now = self.time.last();
        let over = self.lent_blocks.extract_if(.., |(until, _)| *until <= now);
        over.for_each(|(_, block)| self.blocks.give_back(block));
        if self.breaks_at.is_some_and(|at| self.time.last() >= at) {
            self.record.over = true;
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        self.pass(timeout_ns);
        self.record.reaped_at = self.time.next();
        self.reap();
        Ok(())
    }

    fn next(&mut self) -> Option<Completion<'_>> {
        while let Some(report) = self.batch.pop_front() {
            self.counters.cqes += 1;
            if self.slots[report.slot as usize].generation == report.generation {
                return Some(self.deliver(report.slot, report.event));
            }
        }
        None
    }

    fn is_drained(&self) -> bool {
        self.drained
    }

    fn counters(&self) -> Counters {
        self.counters
    }
}
