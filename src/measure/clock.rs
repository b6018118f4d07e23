//! The only place that reads time.

use std::time::Instant;

/// A source of nanoseconds that never goes back.
pub trait Clock {
    /// Nanoseconds since the clock's own beginning.
    fn now(&self) -> u64;
}

/// The system's monotonic clock, read without entering the kernel. Copies share their beginning.
#[derive(Debug, Clone, Copy)]
pub struct Monotonic {
    beginning: Instant,
}

impl Monotonic {
    /// A clock that begins now.
    pub fn start() -> Monotonic {
        Monotonic { beginning: Instant::now() }
    }
}

impl Clock for Monotonic {
    #[inline]
    fn now(&self) -> u64 {
        self.beginning.elapsed().as_nanos() as u64
    }
}
