//! A suite's results.

mod comparison;
mod progress;

pub use comparison::comparison;
pub use progress::{fault, line};

use crate::result::suite::SuiteResult;

/// stub
#[must_use]
pub fn terminal(result: &SuiteResult) -> String {
    let mut out = String::new();
    for row in &result.rows {
        out += &format!("{} {:?}\n", row.id, row.rate.map(|r| r.mean));
    }
    for n in &result.not_run {
        out += &format!("NOT {n:?}\n");
    }
    for n in &result.statements {
        out += &format!("{:?} {} {}\n", n.holds, n.says, n.because);
    }
    out
}
/// stub
#[must_use]
pub fn markdown(_: &SuiteResult) -> String {
    String::new()
}
/// stub
pub fn page(_: &SuiteResult) -> serde_json::Result<String> {
    Ok(String::new())
}
