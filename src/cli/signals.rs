//! SIGINT and SIGTERM: the first asks for an orderly end, the second ends at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use crate::run::Control;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The control of a run, with the number of the signal that ended it once one came.
#[derive(Debug, Clone, Default)]
pub(super) struct Signal(Arc<Control>);

impl Signal {
    /// Listens from now on: only once everything is read and opened, as what blocks there looks at no flag.
    pub(super) fn listen() -> io::Result<Signal> {
        let signal = Signal::default();
        let seen = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
            // In this order: the first signal finds `seen` unset and sets it, the second one leaves by it.
            flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&seen))?;
            flag::register(number, Arc::clone(&seen))?;
            flag::register_usize(number, Arc::clone(signal.0.stop_flag()), number as usize)?;
        }
        Ok(signal)
    }

    /// The flag itself, for those who stop by it.
    pub(super) fn flag(&self) -> &Arc<AtomicUsize> {
        self.0.stop_flag()
    }

    /// The same for runs.
    pub(super) fn control(&self) -> &Arc<Control> {
        &self.0
    }

    /// The exit code a signal asks for, if one came.
    pub(super) fn exit_code(&self) -> Option<i32> {
        match self.0.stopped_by() {
            0 => None,
            number => Some(128 + number as i32),
        }
    }
}
