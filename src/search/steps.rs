//! How to search: which load to try next, and what the answers mean. Nothing here runs anything.
//!
//! A run says something only if the machine was itself meanwhile: one that was disturbed is repeated. An answer is settled when
//! three runs in a row held there, and three in a row did not at the next load beyond.

mod connections;
mod rates;

pub(super) use connections::{ENOUGH, fewest_connections};
pub(super) use rates::highest_rate;

use crate::result::search::{Answer, Probe, Range, Why};

/// So many runs have to agree.
const AGREE: usize = 3;
/// How often in one search a disturbed run is repeated.
const REPEATS: u32 = 12;

/// A load that was tried.
#[derive(Debug, Clone, Default)]
pub(super) struct Trial {
    pub(super) probe: Probe,
    /// The machine turned out to be so much faster than before that what was tried until now was tried on a slow one.
    pub(super) was_slow: bool,
}

/// What a search comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Found {
    /// Settled, or absent.
    pub(super) answer: Option<Answer>,
    /// Where it lies, without one.
    pub(super) range: Option<Range>,
    /// Why there is none.
    pub(super) why: Option<Unsettled>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsettled {
    /// Who tries loads ended it, and knows why.
    Ended,
    /// Nothing was answered at the first load.
    Silent,
    /// No load holds.
    NoneHolds,
    /// Runs of the same load say different things.
    Disagree,
    /// The machine disturbed too many runs.
    Disturbed,
}

/// Tries loads, and repeats what was disturbed.
struct Tries<T> {
    try_load: T,
    repeats: u32,
}

/// Why a step was not made.
enum Stop {
    Unsettled(Unsettled),
    /// What was tried until now does not count.
    WasSlow,
}

impl<T> Tries<T> {
    fn new(try_load: T) -> Tries<T> {
        Tries { try_load, repeats: REPEATS }
    }

    /// A probe that says something.
    fn run<L: Copy>(&mut self, load: L, why: Why) -> Result<Probe, Stop>
    where
        T: FnMut(L, Why) -> Option<Trial>,
    {
        let mut why = why;
        loop {
            let Trial { probe, was_slow } = (self.try_load)(load, why).ok_or(Stop::Unsettled(Unsettled::Ended))?;
            let disturbed = probe.disturbed.is_some();
            if disturbed || was_slow {
                self.repeats = self.repeats.checked_sub(1).ok_or(Stop::Unsettled(Unsettled::Disturbed))?;
            }
            if was_slow {
                return Err(Stop::WasSlow);
            }
            if !disturbed {
                return Ok(probe);
            }
            why = Why::Repeat;
        }
    }
}

#[cfg(test)]
mod tests;
