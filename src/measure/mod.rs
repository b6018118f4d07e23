//! Nanoseconds, what is due when, when to stop, and statistics that can be merged.

pub mod clock;
pub mod counters;
pub mod estimate;
pub mod histogram;
pub mod outage;
pub mod schedule;
pub mod series;
pub mod speed;
pub mod stop;
