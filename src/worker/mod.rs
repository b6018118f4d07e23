//! One worker: its connections, and the loop around them.

pub mod baseline;
pub mod checks;
mod closing;
mod connection;
mod control;
mod deadlines;
mod ending;
#[cfg(test)]
mod fake;
mod in_flight;
mod orders;
mod outgoing;
mod patience;
mod reap;
mod sampler;
mod samples;
pub mod series;
mod shared;
mod stalls;
pub mod stats;
#[cfg(test)]
mod tests;
pub mod timestamp_probe;
mod turn;
mod usage;

use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::measure::outage::Gaps;
use crate::measure::schedule::Offer;
use crate::protocol::tls::{TlsSetup, sealed_length};
use crate::result::CutShort;
use crate::ring::cpu::CpuTime;
use crate::ring::{BlockSizes, Counters};
use crate::worker::checks::Checks;
use crate::worker::series::Outbox;
use crate::worker::stats::WorkerStats;
use crate::workload::Layout;

pub use control::Control;
pub(crate) use control::share;
pub use ending::{Ending, Reached};
pub use turn::work;
pub use usage::Usage;

/// Fixed for the run: what one worker is to do.
#[derive(Debug, Clone)]
pub struct Job {
    /// Connections this worker keeps open.
    pub connections: usize,
    /// The run's number of the first of them, so that workers together use all addresses in turn.
    pub first_connection: usize,
    /// How many addresses there are to connect to.
    pub remotes: usize,
    /// Requests in flight per connection, at most.
    pub pipeline: u32,
    /// Requests per connection, if limited.
    pub requests_per_connection: Option<u64>,
    /// The client ends its connections by a reset, and asks nobody to.
    pub resets: bool,
    /// After this many ns without a whole answer a request has failed; the same for a connect.
    pub timeout_ns: u64,
    /// How many ns answers are waited for after the window closed.
    pub drain_ns: u64,
    /// The same after a halt, if that is shorter.
    pub halted_drain_ns: u64,
    /// The offered load of an open loop.
    pub open: Option<OpenJob>,
    /// Load before the window, ns, of which nothing is recorded.
    pub warmup_ns: u64,
    /// Length of the time series' intervals, ns.
    pub interval_ns: u64,
    /// The window's length in ns, if that ends it.
    pub duration_ns: Option<u64>,
    /// How many outcomes end it, if a count does.
    pub requests: Option<u64>,
    /// After this many ns without a whole answer it gives up, if it does at all.
    pub patience_ns: Option<u64>,
    /// What is sent; its memory is the ring's payload.
    pub layout: Layout,
    /// What answers are held against.
    pub checks: Checks,
    /// Connections speak TLS.
    pub tls: Option<TlsSetup>,
    /// Which worker this is, from 0, and how many there are.
    pub worker: (u64, u64),
    /// Nothing is of the sample: a run that is to be looked at from outside alone.
    pub unrecorded: bool,
    /// What leads from the run's clock to 1970-01-01 UTC, ns.
    pub unix_ns: u64,
}

/// Bytes of a block at least, and so large that it holds what one send has, at most.
const BLOCK_BYTES: (usize, usize) = (4 * 1024, 64 * 1024);

/// How many blocks serve for what a protocol says by itself; each connection has one more where requests are made for each send.
const BLOCKS_OF_PROTOCOL: usize = 64;

/// Bytes of all blocks of a worker, at most; but there are at least so many blocks.
const ALL_BLOCKS: usize = 256 << 20;
const BLOCKS_AT_LEAST: usize = 16;

impl Job {
    /// What the ring needs for this beside the fixed memory.
    pub fn blocks(&self) -> BlockSizes {
        let (least, most) = BLOCK_BYTES;
        let fixed = self.layout.set().is_fixed();
        let send = self.layout.longest(false).saturating_mul(self.layout.pipeline() as usize);
        let made = || send.clamp(least, most).max(self.layout.longest(true));
        let bytes = match &self.tls {
            Some(_) => sealed_length(made()),
            None if fixed => least,
            None => made(),
        };
        let each_sends = !fixed || self.tls.is_some();
        let wanted = if each_sends { self.connections + BLOCKS_OF_PROTOCOL } else { BLOCKS_OF_PROTOCOL };
        BlockSizes { count: wanted.min((ALL_BLOCKS / bytes).max(BLOCKS_AT_LEAST)), bytes }
    }
}

/// What one worker offers in open loop.
#[derive(Debug, Clone)]
pub struct OpenJob {
    /// The offer of all workers together; its profile begins with the load, warm-up included.
    pub offer: Offer,
    /// Which of them this one is, from 0.
    pub worker: u64,
    /// What has waited longer, ns, to be sent is shed.
    pub deadline_ns: Option<u64>,
    /// Stay awake for the last stretch before a due instant.
    pub spin: bool,
    /// Where the stages of the rate end, ns from the window's beginning, if there are several.
    pub stages_ns: Vec<u64>,
}

/// What a worker did.
#[derive(Debug)]
pub struct Done {
    /// Everything measured: in closed loop what came inside the window, in open loop what was intended inside it.
    pub stats: WorkerStats,
    /// The window's length, ns.
    pub elapsed_ns: u64,
    /// Answers that came inside the window, whenever they were intended.
    pub inside: u64,
    /// As many as the window's own requests could have brought inside it: what is above that is the warm-up's backlog.
    pub inside_at_most: u64,
    /// Bytes that came inside the window.
    pub received_inside: u64,
    /// Answers of the sample by slot.
    pub completed_by_slot: Vec<u64>,
    /// Time spent awake before due instants, ns.
    pub spun_ns: u64,
    /// CPU time that its thread used for that, of the warm-up nothing.
    pub used: CpuTime,
    /// How it spent the window.
    pub usage: Usage,
    /// The ring's own counts of the same time.
    pub ring: Counters,
    /// When it had no connection.
    pub gaps: Gaps,
    /// How its window ended.
    pub ending: Ending,
    /// What became of each address.
    pub reached: Vec<Reached>,
    /// Why it ended before its time, if it did.
    pub cut_short: Option<CutShort>,
}

/// What a worker shows while it runs; written by it alone, on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Progress {
    /// Requests completed.
    pub completed: AtomicU64,
    /// Requests failed.
    pub failed: AtomicU64,
    /// Answers of status 400 and above.
    pub refused: AtomicU64,
    /// Connections open.
    pub open: AtomicU64,
    /// No connection is open and the latest attempts failed.
    pub away: AtomicBool,
    /// 99th percentile of the latest interval's latencies, ns; 0 before there is one.
    pub p99_ns: AtomicU64,
    /// The intervals of its time series, as they end.
    pub series: Outbox,
}
