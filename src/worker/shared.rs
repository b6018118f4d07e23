//! What a worker's connections share: what is counted, what is due, and what may still be sent.

use super::Job;
use super::in_flight::Batch;
use super::stalls::Stalls;
use super::stats::WorkerStats;
use crate::measure::counters::Requests;
use crate::measure::schedule::Schedule;
use crate::measure::stop::Stop;
use crate::protocol::Failure;
use crate::workload::Workload;

/// One for each worker, lent to its connections with every event.
pub(super) struct Shared<'a> {
    pub(super) job: &'a Job,
    pub(super) stats: WorkerStats,
    pub(super) schedule: Schedule,
    pub(super) stop: Stop,
    /// What is sent.
    pub(super) workload: Workload,
    /// When this process could not act: nobody else is judged by that time.
    pub(super) stalls: Stalls,
    /// There are neither kinds nor checks.
    pub(super) plain: bool,
}

impl Shared<'_> {
    /// Counts so many requests of a batch where `field` says.
    #[inline]
    pub(super) fn count(&mut self, batch: &Batch, count: u16, field: impl Fn(&mut Requests) -> &mut u64) {
        self.stats.count_kind(batch.kind, batch.intended_at, |requests| *field(requests) += u64::from(count));
    }

    /// Counts a batch as failed.
    pub(super) fn fail(&mut self, failure: Failure, batch: &Batch) {
        self.stats.fail(failure, batch.kind, batch.intended_at, u64::from(batch.count));
    }
}
