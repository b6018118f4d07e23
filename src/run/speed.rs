//! How fast the client's CPUs are, against the best that this process has seen of them.

use std::thread;
use std::time::Duration;

use crate::measure::clock::Monotonic;
use crate::measure::speed::quickest_loop;
use crate::plan::Plan;
use crate::ring::cpu;

/// A CPU that takes so many times as long as at its best is slow.
const SLOW: f64 = 1.3;

/// What the CPUs were seen to do, and the best of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speed {
    cpus: Vec<usize>,
    /// Of the fixed loop, ns, by CPU.
    best_ns: Option<Vec<u64>>,
}

/// What a loop took on each CPU, ns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading(Vec<u64>);

impl Speed {
    /// Nothing seen yet of the CPUs that the plan's workers run on.
    #[must_use]
    pub fn of(plan: &Plan) -> Speed {
        let mut cpus = plan.placement.cpus.clone();
        cpus.sort_unstable();
        cpus.dedup();
        Speed { cpus, best_ns: None }
    }

    /// Looks at all of them at the same time, each from a thread pinned there: some 20 us, and 30 ms where one is slow.
    pub fn read(&self) -> Reading {
        let best = |index: usize| self.best_ns.as_ref().map(|best| best[index]);
        let time = |(index, id): (usize, usize)| {
            move || {
                cpu::pin(id);
                quickest_loop(&Monotonic, best(index))
            }
        };
        let took = thread::scope(|scope| {
            let threads: Vec<_> = self.cpus.iter().copied().enumerate().map(|one| scope.spawn(time(one))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(u64::MAX)).collect()
        });
        Reading(took)
    }

    /// Keeps the best; true if a CPU is so much faster than it was seen before that it must have been slow until now.
    pub fn keep(&mut self, reading: &Reading) -> bool {
        let Some(best_ns) = &mut self.best_ns else {
            self.best_ns = Some(reading.0.clone());
            return false;
        };
        let mut was_slow = false;
        for (best, now) in best_ns.iter_mut().zip(&reading.0) {
            was_slow |= *best as f64 > SLOW * *now as f64;
            *best = (*best).min(*now);
        }
        was_slow
    }

    /// The slowest CPU's speed as a share of its best, 0 to 1.
    #[must_use]
    pub fn share(&self, reading: &Reading) -> f64 {
        let best = self.best_ns.as_ref().unwrap_or(&reading.0);
        best.iter().zip(&reading.0).map(|(best, now)| *best as f64 / *now as f64).fold(1.0, f64::min)
    }

    /// Whether a share is that of a slow CPU.
    #[must_use]
    pub fn is_slow(share: f64) -> bool {
        share * SLOW < 1.0
    }
}

/// Sleeps for as long as the CPUs are slow, `at_most` so long; `stop` ends it too. The last reading, and the time that passed.
pub fn await_speed(speed: &mut Speed, at_most: Duration, stop: &dyn Fn() -> bool) -> (Reading, bool, Duration) {
    const PAUSE: Duration = Duration::from_millis(200);
    let (mut waited, mut was_slow) = (Duration::ZERO, false);
    loop {
        let reading = speed.read();
        was_slow |= speed.keep(&reading);
        if !Speed::is_slow(speed.share(&reading)) || waited >= at_most || stop() {
            return (reading, was_slow, waited);
        }
        thread::sleep(PAUSE);
        waited += PAUSE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed() -> Speed {
        Speed { cpus: vec![0, 1], best_ns: None }
    }

    #[test]
    fn slow_is_against_the_best_of_each_cpu() {
        let mut speed = speed();
        let first = Reading(vec![100, 400]);
        assert!(!speed.keep(&first) && (speed.share(&first) - 1.0).abs() < 1e-12);
        for (now, share, slow) in
            [(vec![100, 400], 1.0, false), (vec![125, 400], 0.8, false), (vec![100, 4_000], 0.1, true)]
        {
            let reading = Reading(now);
            assert!((speed.share(&reading) - share).abs() < 1e-12 && Speed::is_slow(share) == slow, "{reading:?}");
        }
        assert!(!speed.keep(&Reading(vec![95, 4_000])), "a little better is no news");
        assert!(speed.keep(&Reading(vec![95, 40])), "CPU 1 had been slow all the time");
        assert!((speed.share(&first) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn a_machine_that_is_itself_is_not_waited_for_and_a_slow_one_not_for_ever() {
        let mut speed = Speed { cpus: vec![cpu_of_this_thread()], best_ns: None };
        let (_, _, waited) = await_speed(&mut speed, Duration::from_secs(60), &|| false);
        assert_eq!(waited, Duration::ZERO, "the first reading is the best");
        speed.best_ns = Some(vec![1]);
        let (reading, _, waited) = await_speed(&mut speed, Duration::from_millis(200), &|| false);
        assert!(Speed::is_slow(speed.share(&reading)) && waited >= Duration::from_millis(200), "{reading:?}");
        let (_, _, waited) = await_speed(&mut speed, Duration::from_secs(60), &|| true);
        assert_eq!(waited, Duration::ZERO, "told to stop");
    }

    fn cpu_of_this_thread() -> usize {
        nix::sched::sched_getcpu().unwrap_or(0)
    }
}
