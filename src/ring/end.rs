//! The end of a ring: nothing lent may be freed while the kernel might still use it.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::thread;
use std::time::Duration;

use io_uring::types::{CancelBuilder, Timespec};

use super::uring::{Raw, Uring};
use super::{Ring, Wait};

impl Uring {
    /// Ends every operation and waits for that. False when the kernel would not say that nothing is left.
    fn quiesce(&mut self) -> bool {
        self.stop_listening();
        self.parts.sockets.close_all();
        // A closed socket ends what was armed on it; taking that in bulk is far quicker than cancelling one by one.
        while self.outstanding > 0 {
            let before = self.outstanding;
            let _ = self.enter(before.min(1024), Wait::NONE);
            while self.take_known().is_some() {}
            if self.outstanding == before {
                break;
            }
        }
        // What is queued and not yet taken would be begun after the rest has ended.
        let submitted = (0..64).any(|attempt| {
            if attempt > 0 {
                // A submission thread takes its time.
                thread::sleep(Duration::from_millis(1));
            }
            let _ = self.enter(0, Wait::NONE);
            self.is_submitted()
        });
        // What does not end by that: connects on their way, sends that stall.
        submitted
            && if self.parts.config.features.sync_cancel { self.cancel_in_a_call() } else { self.cancel_by_entries() }
    }

    fn cancel_in_a_call(&mut self) -> bool {
        let patience = || Some(Timespec::from(PATIENCE));
        (0..64).any(|_| {
            let cancelled = self.submitter.register_sync_cancel(patience(), CancelBuilder::any().all());
            cancelled.is_err_and(|error| error.raw_os_error() == Some(libc::ENOENT))
        })
    }

    /// Where a send that worked is silent, only the kernel's word that nothing is left says so; else all were counted.
    fn cancel_by_entries(&mut self) -> bool {
        let counted = !self.parts.config.features.cqe_skip;
        (0..64).any(|_| {
            let mut none_left = false;
            self.cancel();
            let _ = self.enter(self.outstanding.min(1024), Wait { now: 0, until: PATIENCE.as_nanos() as u64 });
            while let Some(raw) = self.take_known() {
                if let Raw::Cancelled(result) = raw {
                    none_left |= result == 0 || result == -libc::ENOENT;
                }
            }
            self.outstanding == 0 && (counted || (none_left && self.parts.config.features.cancel_any))
        })
    }
}

/// What is cancelled ends within this time, or is cancelled again.
const PATIENCE: Duration = Duration::from_millis(20);

impl Drop for Uring {
    fn drop(&mut self) {
        // Nothing lent may be freed while the kernel might still use it: if quiet cannot be had, it leaks.
        let quiet = self.quiesce();
        // A thread has room for 16 of them, and keeps their rings.
        let _ = self.submitter.unregister_ring_fd();
        // SAFETY: each field is dropped at most once and not used afterwards: the borrowed parts, then the ring they point
        // into, and the memory only when no operation is left that could touch it.
        unsafe {
            ManuallyDrop::drop(&mut self.completions);
            ManuallyDrop::drop(&mut self.queue);
            ManuallyDrop::drop(&mut self.submitter);
            ManuallyDrop::drop(&mut self.io);
            if quiet {
                ManuallyDrop::drop(&mut self.parts);
            }
        }
    }
}
