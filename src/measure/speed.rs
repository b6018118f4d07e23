//! How fast a CPU is right now: a fixed loop, timed.
//!
//! Virtual machines with burst credits, thermal and power limits and busy neighbours slow a CPU several times over, for seconds, and
//! show nothing of it in any account of CPU time. A loop that always does the same shows it at once.

use std::hint::black_box;

use super::clock::Clock;

/// Steps of the loop: some 10 to 20 us, so that a reading of the clock is nothing beside it.
const STEPS: u32 = 4_000;
/// A CPU asleep takes so long to come to its clock rate, ns: until then a slow loop says nothing.
const WAKES_WITHIN_NS: u64 = 30_000_000;
/// This near to the best there is nothing to wait for.
const NEAR: f64 = 1.1;

/// Times the loop once on the CPU that the calling thread runs on, ns. Each step needs the one before it, so that no compiler and no
/// CPU can do several at once.
pub fn time_loop(clock: &impl Clock) -> u64 {
    let begun = clock.now();
    let mut x = black_box(1.0f64);
    for _ in 0..STEPS {
        x = x * 1.000_000_1 + 0.1;
    }
    black_box(x);
    clock.now().saturating_sub(begun).max(1)
}

/// The quickest of several loops, ns: what came between, as another thread's turn, does not count. As few as possible: the first
/// that is near `best_ns` ends it, else it is over when a CPU must be awake.
pub fn quickest_loop(clock: &impl Clock, best_ns: Option<u64>) -> u64 {
    let until = clock.now().saturating_add(WAKES_WITHIN_NS);
    let mut quickest = time_loop(clock);
    let near = |ns: u64| best_ns.is_some_and(|best| ns as f64 <= NEAR * best as f64);
    while !near(quickest) && clock.now() < until {
        quickest = quickest.min(time_loop(clock));
    }
    quickest
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::*;

    /// Goes on at each reading by the next of these, and by nothing once there is none.
    struct Scripted(RefCell<(u64, VecDeque<u64>)>);

    impl Scripted {
        fn new(steps: impl IntoIterator<Item = u64>) -> Scripted {
            Scripted(RefCell::new((0, steps.into_iter().collect())))
        }
    }

    impl Clock for Scripted {
        fn now(&self) -> u64 {
            let (now, steps) = &mut *self.0.borrow_mut();
            *now += steps.pop_front().unwrap_or(0);
            *now
        }

        fn cpu(&self) -> u64 {
            self.0.borrow().0
        }
    }

    #[test]
    fn the_quickest_of_several_counts() {
        // The beginning; then each loop's beginning and end, and a look at the time.
        let readings = [0, 0, 900, 0, 0, 20, 0, 0, 500];
        assert_eq!(quickest_loop(&Scripted::new(readings), Some(19)), 20, "the second is near the best and ends it");
        assert_eq!(quickest_loop(&Scripted::new([0, 0, 900]), Some(900)), 900, "the first one does");
        let slow = (0..).flat_map(|_| [0, 10_000_000, 0]).take(100);
        assert_eq!(quickest_loop(&Scripted::new(std::iter::once(0).chain(slow)), Some(1_000_000)), 10_000_000);
    }

    #[test]
    fn a_loop_takes_time() {
        let one = time_loop(&super::super::clock::Monotonic);
        assert!(one > u64::from(STEPS) / 10, "a step is no less than a cycle of 10 GHz: {one} ns");
    }
}
