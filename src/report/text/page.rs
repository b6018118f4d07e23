//! Lines of the second part: headings, counts, facts and remarks in common columns.

use std::fmt::Write as _;

/// What a line is about, and so its colour.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Tone {
    Plain,
    Heading,
    Failure,
    Warning,
}

pub(in crate::report) struct Page {
    out: String,
    colour: bool,
}

impl Page {
    pub(in crate::report) fn new(colour: bool) -> Self {
        let out = String::new();
        Self { out, colour }
    }

    pub(in crate::report) fn finish(self) -> String {
        self.out
    }

    /// One line as it is, in its colour.
    pub(in crate::report) fn line(&mut self, tone: Tone, text: &str) {
        let code = match tone {
            Tone::Plain => None,
            Tone::Heading => Some("1"),
            Tone::Failure => Some("31"),
            Tone::Warning => Some("33"),
        };
        // Writing to a String cannot fail.
        let _ = match code.filter(|_| self.colour) {
            Some(code) => writeln!(self.out, "\x1b[{code}m{text}\x1b[0m"),
            None => writeln!(self.out, "{text}"),
        };
    }

    /// An empty line, unless nothing or one stands above.
    pub(in crate::report) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// The first line of a table.
    pub(in crate::report) fn heading(&mut self, text: &str) {
        self.gap();
        self.line(Tone::Heading, &format!("  {text}"));
    }

    /// One count of a table, `depth` steps below its heading; with its share of `whole`, if that
    /// is asked for and not 0.
    pub(super) fn count(&mut self, tone: Tone, depth: usize, label: &str, n: u64, whole: Option<u64>) {
        let indent = "  ".repeat(depth + 1);
        let mut line = format!("{:<32} {n:>11}", indent + label);
        if let Some(whole) = whole.filter(|&whole| whole > 0) {
            let share = n as f64 / whole as f64 * 100.0;
            let _ = write!(line, "{share:>10.2}%");
        }
        self.line(tone, &line);
    }

    /// Like [`Page::count`], and left out if it is 0.
    pub(super) fn count_if_any(&mut self, tone: Tone, depth: usize, label: &str, n: u64) {
        if n > 0 {
            self.count(tone, depth, label, n, None);
        }
    }

    /// What must not be missed, in words behind its name; all of it in its colour.
    pub(super) fn alarm(&mut self, tone: Tone, name: &str, words: &str) {
        self.line(tone, &format!("  {name:<14}{words}"));
    }

    /// One fact, in words behind its name.
    pub(super) fn fact(&mut self, name: &str, words: &str) {
        let (on, off) = if self.colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let _ = writeln!(self.out, "  {on}{name:<14}{off}{words}");
    }
}
