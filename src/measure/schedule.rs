//! When requests are due.

/// What decides how many requests may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Closed loop: a free place on a connection is filled at once.
    Closed,
}

impl Schedule {
    /// How many of `free` places are to be filled now.
    #[inline]
    pub fn due(&mut self, free: u32) -> u32 {
        match self {
            Schedule::Closed => free,
        }
    }
}
