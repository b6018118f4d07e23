//! From a read's answers to samples.

use super::connection::Shared;
use super::flights::Run;

/// Samples of one read: pipelined answers often share theirs, and are then recorded at once.
#[derive(Default)]
pub(super) struct Samples {
    service_ns: u64,
    count: u64,
}

impl Samples {
    /// The answer to `run` was whole at `now`, and had begun at `first_byte_at`.
    #[inline]
    pub(super) fn add(&mut self, run: Run, first_byte_at: u64, now: u64, shared: &mut Shared<'_>) {
        let tally = &mut *shared.tally;
        if !tally.samples(run.intended_at) {
            return;
        }
        let service_ns = now.saturating_sub(run.sent_at);
        if shared.schedule.is_open() {
            let response_ns = now.saturating_sub(run.intended_at);
            tally.recent.response.record_n(response_ns, 1);
            if let Some(segment) = tally.segment(run.intended_at) {
                segment.response.record_n(response_ns, 1);
            }
        }
        if first_byte_at != now {
            tally.recent.split.record_n(service_ns, 1);
            tally.recent.split_first.record_n(first_byte_at.saturating_sub(run.sent_at), 1);
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
            shared.tally.recent.single.record_n(self.service_ns, self.count);
            self.count = 0;
        }
    }
}
