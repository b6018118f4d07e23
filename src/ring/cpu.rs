//! Pinning a thread, and what it has used.

use std::io::Read;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::ClockId;

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

/// What the scheduler did with a thread.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Thread {
    /// CPU time used, by the thread's own clock, ns.
    pub cpu_ns: u64,
    /// Time it could have run and had no CPU, ns; `None` where the kernel keeps no such account.
    pub queued_ns: Option<u64>,
    /// How often it gave up its CPU to wait.
    pub voluntary: u64,
    /// How often its CPU was taken from it.
    pub involuntary: u64,
}

impl Thread {
    /// What came to it since `start`.
    pub fn since(self, start: Thread) -> Thread {
        Thread {
            cpu_ns: self.cpu_ns.saturating_sub(start.cpu_ns),
            queued_ns: self.queued_ns.zip(start.queued_ns).map(|(now, then)| now.saturating_sub(then)),
            voluntary: self.voluntary - start.voluntary,
            involuntary: self.involuntary - start.involuntary,
        }
    }
}

impl std::ops::AddAssign for Thread {
    fn add_assign(&mut self, other: Thread) {
        self.cpu_ns += other.cpu_ns;
        self.queued_ns = match (self.queued_ns, other.queued_ns) {
            (Some(one), Some(two)) => Some(one + two),
            (one, two) => one.or(two),
        };
        self.voluntary += other.voluntary;
        self.involuntary += other.involuntary;
    }
}

/// The calling thread since it began. Reads a file of a line; allocates nothing.
pub fn this_thread() -> Thread {
    let cpu_ns = ClockId::CLOCK_THREAD_CPUTIME_ID.now().map_or(0, |time| time.num_nanoseconds().unsigned_abs());
    let (voluntary, involuntary) = getrusage(UsageWho::RUSAGE_THREAD).map_or((0, 0), |usage| {
        (usage.voluntary_context_switches().unsigned_abs(), usage.involuntary_context_switches().unsigned_abs())
    });
    let mut line = [0; 128];
    let read = std::fs::File::open("/proc/thread-self/schedstat").and_then(|mut file| file.read(&mut line));
    let queued_ns = read.ok().and_then(|length| queued(&line[..length]));
    Thread { cpu_ns, queued_ns, voluntary, involuntary }
}

/// The second figure of a line of schedstat. All three are 0 where the kernel does not count.
fn queued(line: &[u8]) -> Option<u64> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let ran: u64 = words.next()?.parse().ok()?;
    words.next()?.parse().ok().filter(|_| ran > 0)
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
    fn schedstat_is_read() {
        assert_eq!(queued(b"126533 17 1\n"), Some(17));
        assert_eq!(queued(b"0 0 0\n"), None, "a kernel that does not count");
        assert_eq!(queued(b""), None);
        let (before, mut sum) = (this_thread(), 0u64);
        while this_thread().since(before).cpu_ns < 2_000_000 {
            sum = sum.wrapping_add(1);
        }
        assert!(sum > 0 && this_thread().since(before).cpu_ns < 60_000_000_000);
    }

    #[test]
    fn an_account_is_kept_as_long_as_one_part_is() {
        let mut all = Thread { cpu_ns: 1, queued_ns: Some(2), voluntary: 3, involuntary: 4 };
        all += Thread { queued_ns: None, ..all };
        assert_eq!(all, Thread { cpu_ns: 2, queued_ns: Some(2), voluntary: 6, involuntary: 8 });
        all += all;
        assert_eq!(all.queued_ns, Some(4));
    }

    #[test]
    fn the_peak_is_read_from_status() {
        assert_eq!(resident_peak("VmPeak:\t  9000 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 1000 kB\n"), Some(1234 * 1024));
        assert_eq!(resident_peak("Name:\tx\n"), None);
        assert!(max_resident_bytes().is_some_and(|bytes| bytes > 100_000));
    }
}
