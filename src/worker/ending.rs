//! What is known of how a window ended: whether anything was still answered, and what was owed.

use super::turn::Loop;
use crate::measure::clock::Clock;
use crate::protocol::Protocol;
use crate::ring::Ring;
use crate::worker::stats::Misses;

/// The end of a worker's window, instants in ns on the run's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ending {
    /// When the last whole answer came, the drain included.
    pub last_answer_at: Option<u64>,
    /// Since when something was due that never came; in closed loop something always is, until a count is reached.
    pub owed_since: Option<u64>,
    /// Losses since the last answer.
    pub misses: Misses,
    /// How long the oldest request had waited that was not answered, not even in the drain; not while the client stood still.
    pub waited_ns: u64,
    /// There was no connection when the window closed, and the latest attempts had failed.
    pub away: bool,
}

/// What became of an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// Attempts to connect to it.
    pub attempts: u64,
    /// Whole answers from it, those of a warm-up included.
    pub answers: u64,
}

impl<R: Ring, P: Protocol, C: Clock> Loop<'_, R, P, C> {
    /// Once the drain is over at `done_at`; `misses` and what is `away` and `owed_since` the window's beginning are of the window.
    pub(super) fn ending(&self, away: bool, owed_since: Option<u64>, misses: Misses, done_at: u64) -> Ending {
        let owed_since = owed_since.or(misses.since);
        let mut ending = Ending { away, misses, owed_since, ..Ending::default() };
        for (slot, connection) in self.connections.iter().enumerate() {
            let answered_at = Some(connection.policy.last_answer_at).filter(|at| *at > self.begins_at);
            ending.last_answer_at = ending.last_answer_at.max(answered_at);
            if let Some(oldest) = connection.policy.oldest(self.batches.batches_of(slot as u32)) {
                ending.waited_ns = ending.waited_ns.max(self.shared.stalls.waited(oldest.sent_at, done_at));
                let since = oldest.intended_at;
                ending.owed_since = Some(ending.owed_since.map_or(since, |before| before.min(since)));
            }
        }
        ending
    }

    /// The answers on connections that are still open go to their addresses.
    pub(super) fn count_answers(&mut self) {
        for connection in &self.connections {
            let policy = &connection.policy;
            self.reached[policy.remote as usize].answers += policy.answered_here;
        }
    }
}
