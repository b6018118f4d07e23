//! The progress line.

use std::io::{self, IsTerminal, Write};

use super::terminal;
use crate::report::progress;
use crate::result::Snapshot;

/// On a terminal only.
pub(super) struct Bar {
    terminal: bool,
    shown: bool,
}

impl Bar {
    pub(super) fn new() -> Bar {
        Bar { terminal: io::stderr().is_terminal(), shown: false }
    }

    pub(super) fn show(&mut self, moment: &Snapshot) {
        if self.terminal {
            self.line(&progress::line(moment, terminal_width().saturating_sub(1)));
        }
    }

    /// Any line, cut to the terminal's width.
    pub(super) fn line(&mut self, line: &str) {
        if self.terminal {
            let line: String = line.chars().take(terminal_width().saturating_sub(1)).collect();
            let _ = write!(io::stderr(), "\r{line}\x1b[K");
            self.shown = true;
        }
    }

    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// Columns of the terminal on standard error; 80 where it does not tell.
fn terminal_width() -> usize {
    terminal::width(io::stderr()).unwrap_or(80)
}
