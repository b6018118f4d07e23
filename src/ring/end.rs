//! The end of a ring: nothing lent may be freed while the kernel might still use it.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::thread;
use std::time::Duration;

use super::reap::Raw;
use super::uring::Uring;
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
        // What does not end by that: connects on their way, sends that stall. Where a send that worked is silent, only the kernel's
        // word that nothing is left says so; else all were counted.
        let mut none_left = !self.parts.config.features.cqe_skip;
        let mut asked = 0;
        (0..ROUNDS).any(|round| {
            if round > 0 {
                // A submission thread takes its time.
                thread::sleep(Duration::from_millis(1));
            }
            if asked == 0 && !(none_left && self.outstanding == 0) {
                asked = self.cancel();
            }
            let _ = self.enter(self.outstanding.min(1024), Wait::NONE);
            while let Some(raw) = self.take_known() {
                if let Raw::Cancelled(found) = raw {
                    asked -= 1;
                    none_left |= found == 0 || found == -libc::ENOENT;
                }
            }
            none_left && self.outstanding == 0
        })
    }
}

/// How often it is looked whether nothing is left, a millisecond apart.
const ROUNDS: u32 = 200;

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
