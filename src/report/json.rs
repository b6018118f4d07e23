//! Results as JSON, for programs.

use serde::Serialize;

/// One JSON object over several lines, ended by a newline: a [`RunResult`](crate::result::RunResult), a search, a comparison.
///
/// # Errors
/// As serde_json has it; there is no value in a result that it cannot write.
pub fn render(result: &impl Serialize) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(result)?;
    text.push('\n');
    Ok(text)
}
