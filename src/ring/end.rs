//! The end of a ring: nothing lent may be freed while the kernel might still use it.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::time::Duration;

use io_uring::types::{CancelBuilder, Timespec};

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
        // What does not end by that: connects on their way, sends that stall.
        let patience = || Some(Timespec::from(Duration::from_millis(20)));
        (0..64).any(|_| {
            let cancelled = self.submitter.register_sync_cancel(patience(), CancelBuilder::any().all());
            cancelled.is_err_and(|error| error.raw_os_error() == Some(libc::ENOENT))
        })
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        // Nothing lent may be freed while the kernel might still use it: if quiet cannot be had, it leaks.
        let quiet = self.quiesce();
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
