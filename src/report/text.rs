//! The result as text, for people, and for scripts that read wrk's output.
//!
//! wrk's lines come first, unbroken, in its order, spelling and widths; what wrk lacks follows
//! after an empty line.

mod detail;
mod page;
mod parts;
mod wrk;

use crate::result::RunResult;
use page::Page;

/// How the text is to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// ANSI colours: headings bold, failures red, warnings yellow. wrk's lines never have any.
    pub colour: bool,
    /// wrk's `Latency Distribution` lines, as its `--latency` asks for.
    pub latency: bool,
}

/// The whole report, ended by a newline.
#[must_use]
pub fn render(result: &RunResult, style: Style) -> String {
    let mut out = wrk::render(result, style.latency);
    let mut page = Page::new(style.colour);
    detail::render(result, &mut page);
    out.push('\n');
    out.push_str(&page.finish());
    out
}
