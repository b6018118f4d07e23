//! The time series as NDJSON: one JSON object on a line of its own for each interval.

use crate::result::RunResult;

/// The intervals, in the names of the JSON schema; nothing without a time series.
///
/// # Errors
/// As serde_json has it; there is no value in an interval that it cannot write.
pub fn render(result: &RunResult) -> serde_json::Result<String> {
    let mut out = String::new();
    for interval in &result.intervals {
        out.push_str(&serde_json::to_string(interval)?);
        out.push('\n');
    }
    Ok(out)
}
