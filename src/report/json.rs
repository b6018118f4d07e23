//! The result as JSON, for programs.

use crate::result::RunResult;

/// One JSON object over several lines, ended by a newline.
///
/// # Errors
/// As serde_json has it; there is no value in a result that it cannot write.
pub fn render(result: &RunResult) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(result)?;
    text.push('\n');
    Ok(text)
}
