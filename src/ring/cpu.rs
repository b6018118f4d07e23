//! Pinning a thread, and what it has used.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// Pins the calling thread to one CPU; false when the system refuses.
pub fn pin(cpu: usize) -> bool {
    core_affinity::set_for_current(core_affinity::CoreId { id: cpu })
}

/// CPU time used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CpuTime {
    /// Seconds in user mode.
    pub user_s: f64,
    /// Seconds in the kernel.
    pub system_s: f64,
}

impl CpuTime {
    /// What was used since `start`.
    pub fn since(self, start: CpuTime) -> CpuTime {
        CpuTime { user_s: self.user_s - start.user_s, system_s: self.system_s - start.system_s }
    }
}

/// CPU time of the calling thread since it began.
pub fn of_this_thread() -> CpuTime {
    of(UsageWho::RUSAGE_THREAD)
}

/// The largest resident size of this process so far, in bytes.
pub fn max_resident_bytes() -> u64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss().unsigned_abs() * 1024)
}

fn of(who: UsageWho) -> CpuTime {
    let Ok(usage) = getrusage(who) else {
        return CpuTime::default();
    };
    let seconds = |time: nix::sys::time::TimeVal| time.num_microseconds() as f64 / 1e6;
    CpuTime { user_s: seconds(usage.user_time()), system_s: seconds(usage.system_time()) }
}
