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

/// How often a new thread is looked for, a millisecond apart.
const LOOKS: u32 = 5_000;

/// A submission thread, by its number among the threads of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Poller(libc::pid_t);

impl Poller {
    /// What `start` returns, and the submission thread it started. One at a time, or a thread would be taken for another's: the
    /// numbers in their names, and in the ring's fdinfo, are those outside a container.
    pub(super) fn started_by<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<(T, Option<Poller>)> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock();
        // All of them: one that is about to end, or has no name yet, is not the new one.
        let before: BTreeSet<_> = threads().collect();
        let started = start()?;
        // The thread names itself when it first runs: on a busy machine that may be long after it was started.
        for _ in 0..LOOKS {
            let new = threads().find(|id| !before.contains(id) && submits(*id));
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

fn threads() -> impl Iterator<Item = libc::pid_t> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks.filter_map(|task| task.file_name().to_str()?.parse().ok())
}

fn submits(thread: libc::pid_t) -> bool {
    fs::read_to_string(format!("/proc/self/task/{thread}/comm")).is_ok_and(|name| name.starts_with("iou-sqp"))
}

#[cfg(test)]
mod tests {
    use super::super::trials::plain;
    use super::*;

    #[test]
    fn the_thread_of_this_ring_is_found_beside_others_that_come_and_go() {
        let ring = || plain(|builder| builder.setup_sqpoll(10_000));
        for _ in 0..20 {
            // Its thread ends while the next is looked for.
            drop(Poller::started_by(ring).expect("a ring"));
            let (_kept, poller) = Poller::started_by(ring).expect("a ring");
            let poller = poller.expect("its thread");
            let used = (0..LOOKS).any(|_| {
                thread::sleep(Duration::from_millis(1));
                poller.cpu_ns() > 0
            });
            assert!(used, "it is still there, as its ring is");
        }
    }
}
