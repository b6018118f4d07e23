//! A suite's result for people: a summary for the terminal, Benchmarks.md, and one self-contained page with charts.

mod charts;
mod comparison;
mod figures;
mod markdown;
mod page;
mod progress;
mod series;
mod terminal;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use comparison::comparison;
pub use markdown::markdown;
pub use page::page;
pub use progress::{fault, line};
pub use terminal::terminal;

/// What reports call figures of [`Then`](crate::result::suite::Then): the year of the study that suites hold themselves against.
const THEN: &str = "2013";

/// The groups of `of`, in order of appearance.
fn groups<'a>(of: impl IntoIterator<Item = &'a crate::result::suite::Row>) -> Vec<&'a str> {
    let mut groups: Vec<&str> = Vec::new();
    for row in of {
        if !groups.contains(&row.group.as_str()) {
            groups.push(&row.group);
        }
    }
    groups
}
