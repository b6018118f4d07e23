//! The result as text, for people, and for scripts that read wrk's output.
//!
//! wrk's lines come first, unbroken, in its order, spelling and widths; what wrk lacks follows
//! after an empty line. A run in steps has a table of them there instead, and no figure of all steps as one.

mod detail;
mod evidence;
mod mix;
pub(super) mod page;
mod parts;
mod tls;
mod wrk;

use super::spectrum;
use crate::result::RunResult;
use page::Page;

/// How the text is to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// ANSI colours: headings bold, failures red, warnings yellow. wrk's lines never have any.
    pub colour: bool,
    /// wrk's `Latency Distribution` lines, in open loop wrk2's, and the percentile spectrum, as `--latency` asks for.
    pub latency: bool,
    /// All that the verdict rests on, as `--verbose` asks for.
    pub verbose: bool,
}

/// The whole report, ended by a newline.
#[must_use]
pub fn render(result: &RunResult, style: Style) -> String {
    let mut page = Page::new(style.colour);
    let mut out = match result.plan.steps {
        Some(_) => {
            parts::steps(result, &mut page);
            String::new()
        }
        None => wrk::render(result, style.latency) + "\n",
    };
    detail::render(result, style.verbose, &mut page);
    out.push_str(&page.finish());
    // In a closed loop wrk has no such thing: its lines stay unbroken.
    if style.latency && result.requests.open.is_none() && result.plan.steps.is_none() {
        out.push_str("\n  Detailed Percentile spectrum:\n");
        out.push_str(&spectrum::render(result.latency_ns.as_ref()));
    }
    out
}
