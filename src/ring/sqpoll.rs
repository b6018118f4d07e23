//! The kernel's submission thread: which of this process's threads it is, and what CPU time it has used. It works for the client,
//! and what it costs is the client's.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;
use std::{fs, io, thread};

use nix::sys::time::TimeValLike;
use nix::time::ClockId;

/// Busy for this long with nothing to submit before it sleeps, in milliseconds.
pub(super) const IDLE_MS: u32 = 50;

/// A submission thread, by its number among the threads of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Poller(libc::pid_t);

impl Poller {
    /// What `start` returns, and the submission thread it started. One at a time, or a thread would be taken for another's: the
    /// numbers in their names, and in the ring's fdinfo, are those outside a container.
    pub(super) fn started_by<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<(T, Option<Poller>)> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock();
        let before = submission_threads();
        let started = start()?;
        // The thread names itself, a little after it was started.
        for _ in 0..100 {
            let new = submission_threads().difference(&before).next().copied();
            if new.is_some() {
                return Ok((started, new.map(Poller)));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok((started, None))
    }

    /// CPU time since it began, ns; 0 once it is gone.
    pub(super) fn cpu_ns(self) -> u64 {
        // How Linux names the CPU clock of a thread (CPUCLOCK_PERTHREAD and CPUCLOCK_SCHED).
        let clock = ClockId::from_raw((!self.0 << 3) | 6);
        clock.now().map_or(0, |time| time.num_nanoseconds().cast_unsigned())
    }
}

fn submission_threads() -> BTreeSet<libc::pid_t> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let polls = |path: std::path::PathBuf| fs::read_to_string(path).is_ok_and(|name| name.starts_with("iou-sqp"));
    let named = tasks.filter(|task| polls(task.path().join("comm")));
    named.filter_map(|task| task.file_name().to_str()?.parse().ok()).collect()
}
