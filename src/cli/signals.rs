//! SIGINT and SIGTERM: the first asks for an orderly end, the second ends at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::run::Control;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// What ends a run when a signal comes.
#[derive(Debug, Clone, Default)]
pub(super) struct Signal {
    /// 0 until a signal came, then its number.
    number: Arc<AtomicUsize>,
    control: Arc<Control>,
}

impl Signal {
    /// Listens from now on: only once everything is read and opened, as what blocks there looks at no flag.
    pub(super) fn listen() -> io::Result<Signal> {
        let number = Arc::<AtomicUsize>::default();
        let signal = Signal { control: Arc::new(Control::new(Arc::clone(&number))), number };
        let seen = Arc::new(AtomicBool::new(false));
        for of in [SIGINT, SIGTERM] {
            // In this order: the first signal finds `seen` unset and sets it, the second one leaves by it.
            flag::register_conditional_shutdown(of, 128 + of, Arc::clone(&seen))?;
            flag::register(of, Arc::clone(&seen))?;
            flag::register_usize(of, Arc::clone(&signal.number), of as usize)?;
        }
        Ok(signal)
    }

    /// The flag itself, for those who stop by it.
    pub(super) fn flag(&self) -> &Arc<AtomicUsize> {
        &self.number
    }

    /// The same for runs.
    pub(super) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// The exit code a signal asks for, if one came.
    pub(super) fn exit_code(&self) -> Option<i32> {
        match self.number.load(Ordering::Relaxed) {
            0 => None,
            number => Some(128 + number as i32),
        }
    }
}
