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

impl std::ops::AddAssign for CpuTime {
    fn add_assign(&mut self, other: CpuTime) {
        self.user_s += other.user_s;
        self.system_s += other.system_s;
    }
}

/// CPU time of the calling thread since it began.
pub fn of_this_thread() -> CpuTime {
    of(UsageWho::RUSAGE_THREAD)
}

/// The largest resident size of this process so far, in bytes. From /proc, as `getrusage` counts in whatever program the
/// process was before it became this one.
pub fn max_resident_bytes() -> Option<u64> {
    resident_peak(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident_peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn of(who: UsageWho) -> CpuTime {
    let Ok(usage) = getrusage(who) else {
        return CpuTime::default();
    };
    let seconds = |time: nix::sys::time::TimeVal| time.num_microseconds() as f64 / 1e6;
    CpuTime { user_s: seconds(usage.user_time()), system_s: seconds(usage.system_time()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_status() {
        assert_eq!(resident_peak("VmPeak:\t  9000 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 1000 kB\n"), Some(1234 * 1024));
        assert_eq!(resident_peak("Name:\tx\n"), None);
        assert!(max_resident_bytes().is_some_and(|bytes| bytes > 100_000));
    }
}
