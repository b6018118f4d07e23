//! What a run costs without some of what it does: the floor, which parses, stamps and records nothing, and runs that leave out one of these.
//! It is the same loop: parsing is another protocol's, stamps are of a clock that is not read, and what is recorded is of a sample that never begins.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use super::turn::work_as;
use super::{Control, Done, Job, Progress};
use crate::measure::clock::{Clock, Monotonic};
use crate::protocol::H1;
use crate::protocol::count::{AnswerBytes, CountBytes};
use crate::protocol::h1::response::Heads;
use crate::ring::cpu::CpuTime;
use crate::ring::{Block, Completion, Counters, Ring, Tx, Wait};

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ablation {
    /// All three: the floor.
    All,
    /// Nothing: the engine as it is.
    Nothing,
    /// The parser: answers are told apart by their length.
    Parse,
    /// The clock: an instant is that at which the last enter returned.
    Stamps,
    /// Counters and histograms.
    Record,
}

/// What such a run did in its window.
#[derive(Debug, Clone, Copy, Default)]
pub struct Baseline {
    /// Requests answered.
    pub requests: u64,
    /// The window's length, ns.
    pub elapsed_ns: u64,
    /// CPU time of its thread.
    pub used: CpuTime,
    /// The ring's counts.
    pub ring: Counters,
    /// Time between enters, ns: what the loop itself takes, without the kernel's noise.
    pub outside_ns: u64,
}

/// Runs the closed loop `job` on `ring` without what `ablation` says. The server must keep connections open and send answers of `answer_bytes`.
///
/// # Errors
/// The ring failed, or the server does not behave so.
pub fn baseline<R: Ring>(
    job: &Job,
    ablation: Ablation,
    answer_bytes: u64,
    ring: &mut R,
    control: &Control,
) -> Result<Baseline, String> {
    let unrecorded = matches!(ablation, Ablation::All | Ablation::Record);
    let job = &Job { unrecorded, ..job.clone() };
    let starts_at = Monotonic.now();
    let returned_at = Rc::new(Cell::new(starts_at));
    let from = starts_at + job.warmup_ns;
    let window = (from, from.saturating_add(job.duration_ns.unwrap_or(u64::MAX)));
    let ring = &mut Timed { ring, returned_at: Rc::clone(&returned_at), window, outside_ns: 0 };
    let (last, progress) = (LastReturn(returned_at), Progress::default());
    let bytes = || AnswerBytes(answer_bytes.max(1));
    let heads = || Heads::new(job.layout.set().kinds.len());
    let done = match ablation {
        Ablation::All => work_as::<_, CountBytes, _>(job, starts_at, ring, &last, &progress, control, bytes()),
        Ablation::Parse => work_as::<_, CountBytes, _>(job, starts_at, ring, &Monotonic, &progress, control, bytes()),
        Ablation::Stamps => work_as::<_, H1, _>(job, starts_at, ring, &last, &progress, control, heads()),
        Ablation::Nothing | Ablation::Record => {
            work_as::<_, H1, _>(job, starts_at, ring, &Monotonic, &progress, control, heads())
        }
    };
    let outside_ns = ring.outside_ns;
    let Done { stats, inside, elapsed_ns, used, ring, cut_short, .. } = done;
    if let Some(why) = cut_short {
        return Err(why.to_string());
    }
    if stats.connections.reconnects > 0 || stats.anomalies.excess_bytes > 0 {
        return Err(format!(
            "the server does not answer as the built-in one does: {} connections had to be replaced, {} had bytes nobody asked for",
            stats.connections.reconnects, stats.anomalies.excess_bytes
        ));
    }
    Ok(Baseline { requests: inside, elapsed_ns, used, ring, outside_ns })
}

/// A clock that is never read.
struct LastReturn(Rc<Cell<u64>>);

impl Clock for LastReturn {
    #[inline]
    fn now(&self) -> u64 {
        self.0.get()
    }

    fn cpu(&self) -> u64 {
        Monotonic.cpu()
    }
}

/// A ring that takes the time between its enters, by a clock of its own.
struct Timed<'a, R> {
    ring: &'a mut R,
    returned_at: Rc<Cell<u64>>,
    /// From when to when, ns.
    window: (u64, u64),
    outside_ns: u64,
}

impl<R: Ring> Ring for Timed<'_, R> {
    #[inline]
    fn room(&self) -> usize {
        self.ring.room()
    }

    fn connect(&mut self, slot: u32, remote: usize) -> io::Result<()> {
        self.ring.connect(slot, remote)
    }

    #[inline]
    fn send(&mut self, slot: u32, bytes: Tx, confirm: bool) {
        self.ring.send(slot, bytes, confirm);
    }

    fn block(&mut self) -> Option<Block> {
        self.ring.block()
    }

    fn give_back(&mut self, block: Block) {
        self.ring.give_back(block);
    }

    fn close(&mut self, slot: u32) {
        self.ring.close(slot);
    }

    #[inline]
    fn enter(&mut self, want: usize, wait: Wait) -> io::Result<()> {
        let (from, to) = self.window;
        let left_at = Monotonic.now();
        if (from..to).contains(&left_at) {
            self.outside_ns += left_at.saturating_sub(self.returned_at.get().max(from));
        }
        let entered = self.ring.enter(want, wait);
        self.returned_at.set(Monotonic.now());
        entered
    }

    #[inline]
    fn next(&mut self) -> Option<Completion<'_>> {
        self.ring.next()
    }

    fn is_drained(&self) -> bool {
        self.ring.is_drained()
    }

    fn counters(&self) -> Counters {
        self.ring.counters()
    }
}
