//! Which runs a calibration makes, and in which order.

use std::fmt;

use crate::result::calibration::Part;

/// A closed loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) workers: usize,
    /// Of each worker.
    pub(super) connections: usize,
    pub(super) pipeline: usize,
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Task {
    /// The floor, at the place of this number.
    Floor(usize),
    /// The engine.
    Engine(usize),
    /// The engine with nothing left out, at the entry of [`COSTS`] of this number.
    All(usize),
    /// The same without one part.
    Without(usize, Part),
    /// The engine beside the kernel's stamps.
    Late(Place),
    /// An open loop at this rate.
    Lag(f64),
}

const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
const PIPELINES: [usize; 2] = [1, 16];
/// How often floor and engine take turns.
const ROUNDS: usize = 3;
/// How often the parts take turns: their costs are small.
const COST_ROUNDS: usize = 6;
/// Where the parts' costs are taken: one worker, as it works without and with pipelining.
pub(super) const COSTS: [Place; 2] =
    [Place { workers: 1, connections: 64, pipeline: 1 }, Place { workers: 1, connections: 64, pipeline: 16 }];
pub(super) const PARTS: [Part; 3] = [Part::Parse, Part::Stamps, Part::Histogram];
/// Where lateness is taken.
const LATE: [Place; 2] =
    [Place { workers: 1, connections: 1, pipeline: 1 }, Place { workers: 1, connections: 64, pipeline: 1 }];
/// What open loops run on, and their rates, requests per second.
pub(super) const OPEN: Place = Place { workers: 1, connections: 64, pipeline: 1 };
const RATES: [f64; 3] = [10e3, 50e3, 100e3];

/// One worker everywhere, then all where there are several.
pub(super) fn places(workers: usize) -> Vec<Place> {
    let mut all = Vec::new();
    for workers in if workers > 1 { vec![1, workers] } else { vec![1] } {
        for pipeline in PIPELINES {
            all.extend(CONNECTIONS.map(|connections| Place { workers, connections, pipeline }));
        }
    }
    all
}

/// All runs in their order: after the first round there is something of every place.
pub(super) fn tasks(places: &[Place]) -> Vec<Task> {
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        for place in 0..places.len() {
            // Neither always follows the other.
            let pair = [Task::Floor(place), Task::Engine(place)];
            all.extend(if round % 2 == 0 { pair } else { [pair[1], pair[0]] });
        }
    }
    all.extend(LATE.map(Task::Late));
    all.extend(RATES.map(Task::Lag));
    for round in 0..COST_ROUNDS {
        for cost in 0..COSTS.len() {
            let mut turn = vec![Task::All(cost)];
            turn.extend(PARTS.map(|part| Task::Without(cost, part)));
            turn.rotate_left(round % PARTS.len());
            all.extend(turn);
        }
    }
    all
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Task::Floor(_) => f.write_str("the floor"),
            Task::Engine(_) => f.write_str("the engine"),
            Task::All(_) => f.write_str("the engine with all parts"),
            Task::Without(_, part) => write!(f, "the engine without {}", part.as_str()),
            Task::Late(_) => f.write_str("the engine beside the kernel's stamps"),
            Task::Lag(rate) => write!(f, "open loop, {rate}/s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_its_turns() {
        for (workers, places_wanted) in [(1, 8), (4, 16)] {
            let places = places(workers);
            assert_eq!(places.len(), places_wanted);
            let all = tasks(&places);
            for place in 0..places.len() {
                for task in [Task::Floor(place), Task::Engine(place)] {
                    assert_eq!(all.iter().filter(|one| **one == task).count(), ROUNDS, "{task:?}");
                    let first = all.iter().position(|one| *one == task).expect("a turn");
                    assert!(first < 2 * places.len(), "{task:?} is in the first round");
                }
            }
            for cost in 0..COSTS.len() {
                for part in PARTS {
                    let task = Task::Without(cost, part);
                    assert_eq!(all.iter().filter(|one| **one == task).count(), COST_ROUNDS, "{task:?}");
                }
            }
            assert_eq!(all.len(), 2 * ROUNDS * places.len() + 2 + 3 + 4 * COST_ROUNDS * COSTS.len());
        }
    }

    #[test]
    fn in_the_default_window_it_takes_less_than_a_minute() {
        let seconds = |task: &Task| match task {
            Task::Late(_) | Task::Lag(_) => f64::from(crate::calibrate::LONGER),
            _ => 1.0,
        };
        let windows: f64 = tasks(&places(64)).iter().map(seconds).sum();
        let all = windows * (crate::calibrate::WINDOW.as_secs_f64() * (1.0 + crate::calibrate::WARMUP));
        assert!(all < 55.0, "{all} s of windows and warm-ups");
    }
}
