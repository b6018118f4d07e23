//! Text where somebody reads it: as wide as the terminal is, and as it stands where it goes into a pipe or a file, so that what
//! searches it finds whole lines.

use std::borrow::Cow;
use std::io::{self, Write};
use std::os::fd::AsFd;

use crate::report::fold::fold;

/// Columns of the terminal that `stream` is; `None` where it is none, or does not tell.
pub(super) fn width(stream: impl AsFd) -> Option<usize> {
    terminal_size::terminal_size_of(stream).map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0)
}

/// `text` as it goes to `stream`.
pub(super) fn fitted(text: &str, stream: impl AsFd) -> Cow<'_, str> {
    width(stream).map_or(Cow::Borrowed(text), |width| Cow::Owned(fold(text, width)))
}

/// A message on standard error, and the end of its line.
pub(super) fn tell(message: &str) {
    // Nobody is left to be told of a failure.
    let _ = writeln!(io::stderr(), "{}", fitted(message, io::stderr()));
}
