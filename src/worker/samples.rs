//! From a read's answers to samples.

use super::in_flight::Batch;
use super::shared::Shared;

/// Samples of one read: pipelined answers often share theirs, and are then recorded at once.
#[derive(Default)]
pub(super) struct Samples {
    service_ns: u64,
    count: u64,
}

impl Samples {
    /// The answer to `batch` was whole at `now`, and had begun at `first_byte_at`.
    #[inline]
    pub(super) fn add(&mut self, batch: Batch, first_byte_at: u64, now: u64, shared: &mut Shared<'_>) {
        let stats = &mut shared.stats;
        if !stats.samples(batch.intended_at) {
            return;
        }
        let service_ns = now.saturating_sub(batch.sent_at);
        if shared.schedule.is_open() {
            let response_ns = now.saturating_sub(batch.intended_at);
            stats.recent.response.record_n(response_ns, 1);
            if let Some(segment) = stats.segment(batch.intended_at) {
                segment.response.record_n(response_ns, 1);
            }
        }
        if first_byte_at != now {
            stats.recent.split.record_n(service_ns, 1);
            stats.recent.split_first.record_n(first_byte_at.saturating_sub(batch.sent_at), 1);
            return;
        }
        if service_ns != self.service_ns {
            self.flush(shared);
            self.service_ns = service_ns;
        }
        self.count += 1;
    }

    /// Records what was held back.
    #[inline]
    pub(super) fn flush(&mut self, shared: &mut Shared<'_>) {
        if self.count > 0 {
            shared.stats.recent.single.record_n(self.service_ns, self.count);
            self.count = 0;
        }
    }
}
