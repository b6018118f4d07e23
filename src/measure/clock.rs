//! The only place that reads time.

use nix::time::{ClockId, clock_gettime};

/// A source of nanoseconds that never goes back.
pub trait Clock {
    /// Nanoseconds since the clock's own beginning.
    fn now(&self) -> u64;

    /// CPU time that the calling thread has used, ns.
    fn cpu(&self) -> u64;
}

/// The system's `CLOCK_MONOTONIC`, read without entering the kernel: the clock that the kernel's own timers go by, so that an
/// instant of it can be waited for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Monotonic;

impl Clock for Monotonic {
    #[inline]
    fn now(&self) -> u64 {
        // Cannot fail on Linux; a zero would be seen by the first test.
        clock_gettime(ClockId::CLOCK_MONOTONIC)
            .map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
    }

    fn cpu(&self) -> u64 {
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
            .map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
    }
}

/// Where the wall clock stands against [`Monotonic`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallClock {
    /// `CLOCK_REALTIME` less `CLOCK_MONOTONIC`, ns.
    pub ahead_ns: u64,
    /// How wrong that may be, ns: half of the time that passed around the reading.
    pub within_ns: u64,
}

impl WallClock {
    /// Reads the wall clock between two readings of [`Monotonic`], again and again; the narrowest counts.
    #[must_use]
    pub fn read() -> WallClock {
        let one = || {
            let before = Monotonic.now();
            let wall = clock_gettime(ClockId::CLOCK_REALTIME);
            let after = Monotonic.now();
            let wall = wall.map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64);
            let within_ns = (after - before).div_ceil(2);
            WallClock { ahead_ns: wall.saturating_sub(before + within_ns), within_ns }
        };
        (0..100).map(|_| one()).min_by_key(|reading| reading.within_ns).unwrap_or_else(one)
    }

    /// An instant of the wall clock on [`Monotonic`].
    #[must_use]
    pub fn to_monotonic(self, wall_ns: u64) -> u64 {
        wall_ns.saturating_sub(self.ahead_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on() {
        let first = Monotonic.now();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(first > 0 && Monotonic.now() >= first + 2_000_000);
    }

    #[test]
    fn the_wall_clock_is_read_between_two_others() {
        let reading = WallClock::read();
        assert!(reading.ahead_ns > 0 && reading.within_ns < 10_000_000, "{reading:?}");
        assert_eq!(reading.to_monotonic(reading.ahead_ns + 5), 5);
    }
}
