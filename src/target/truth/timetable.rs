//! When answers leave: pure arithmetic on instants, so that the server's behaviour is tested in virtual time.

use std::time::Duration;

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{RngCore, SeedableRng};

/// The server's known behaviour. The default is none: each answer leaves at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// What each answer waits after its service, independent of all others.
    pub delay: Duration,
    /// When nothing is served and nothing leaves.
    pub pause: Option<Pause>,
    /// What the one queue of a thread spends on each request.
    pub service: Option<Service>,
    /// What random services are drawn from.
    pub seed: u64,
}

/// The last `length` of every `period`, counted from the first connection accepted: a run begins with normal service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// More than 0.
    pub length: Duration,
    /// Longer than the pause.
    pub period: Duration,
}

/// Times of service; both more than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The same for each request.
    Constant(Duration),
    /// Exponentially distributed, with this mean.
    Exponential(Duration),
}

/// One thread's answers: in which instants (ns) they leave, given when their requests came.
///
/// Requests are served one after another in order of reception; each begins when it was received and its predecessor is done,
/// rests during pauses, and is followed by the delay. An answer whose instant falls into a pause leaves at the pause's end.
pub(super) struct Timetable {
    behaviour: Behaviour,
    origin: u64,
    /// When the last request so far is done.
    done: u64,
    random: Pcg64Mcg,
}

impl Timetable {
    /// The table of the `thread`-th (from 0) thread, with the periods' beginning at instant 0.
    pub(super) fn new(behaviour: Behaviour, thread: u64) -> Timetable {
        // Seeds next to each other must not give related sequences.
        let seed = behaviour.seed.wrapping_add(thread.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Timetable { behaviour, origin: 0, done: 0, random: Pcg64Mcg::seed_from_u64(seed) }
    }

    /// Periods of the pause are counted from `origin` on.
    pub(super) fn begin(&mut self, origin: u64) {
        self.origin = origin;
    }

    /// The instant at which the answer to the next request leaves. Given receptions that never go back, neither does it.
    pub(super) fn departure(&mut self, received: u64) -> u64 {
        let start = received.max(self.done);
        let service = self.service();
        self.done = self.worked(start, service);
        let ready = self.done.saturating_add(nanoseconds(self.behaviour.delay));
        self.worked(ready, 0)
    }

    fn service(&mut self) -> u64 {
        match self.behaviour.service {
            None => 0,
            Some(Service::Constant(time)) => nanoseconds(time),
            Some(Service::Exponential(mean)) => {
                let uniform = ((self.random.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
                (-uniform.ln() * nanoseconds(mean) as f64).round() as u64
            }
        }
    }

    /// When `work` begun at `from` is done, with no work in pauses; what would end in a pause ends with it.
    fn worked(&self, from: u64, work: u64) -> u64 {
        let Some(Pause { length, period }) = self.behaviour.pause else {
            return from.saturating_add(work);
        };
        let (period, awake) = (nanoseconds(period), nanoseconds(period - length));
        let since = from.saturating_sub(self.origin);
        // On a clock that stands still in pauses, work takes its own time.
        let stopped = (since / period) * awake + (since % period).min(awake) + work;
        self.origin + (stopped / awake) * period + stopped % awake
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
