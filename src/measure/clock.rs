//! The only place that reads time.

use nix::time::{ClockId, clock_gettime};

/// A source of nanoseconds that never goes back.
pub trait Clock {
    /// Nanoseconds since the clock's own beginning.
    fn now(&self) -> u64;
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
}
