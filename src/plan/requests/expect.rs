//! What answers have to be, as typed.

use super::super::error::Error;
use crate::workload::StatusRange;

/// `200,204,300-303,4xx`: status codes that are right.
///
/// # Errors
/// A part is not of that form.
pub fn expected_status(argument: &'static str, text: &str) -> Result<Vec<StatusRange>, Error> {
    let rule = "must be status codes, as in 200,204,3xx or 200-299";
    text.split(',').map(|part| range(part.trim()).ok_or_else(|| Error::argument(argument, rule, text))).collect()
}

fn range(part: &str) -> Option<StatusRange> {
    let code = |text: &str| {
        let all_digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        all_digits.then(|| text.parse().ok()).flatten().filter(|code| (200..=999).contains(code))
    };
    if let Some(class) = part.strip_suffix("xx").or_else(|| part.strip_suffix("XX")) {
        let first = code(&format!("{class}00"))?;
        return Some(StatusRange { first, last: first + 99 });
    }
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let (first, last) = (code(first)?, code(last)?);
    (first <= last).then_some(StatusRange { first, last })
}

/// A body as typed, or of the file behind an `@`.
///
/// # Errors
/// The file cannot be read.
pub fn expected_body(argument: &'static str, text: &str) -> Result<Vec<u8>, Error> {
    match text.strip_prefix('@') {
        None => Ok(text.as_bytes().to_vec()),
        Some("") => Err(Error::argument(argument, "must be TEXT or @FILE", text)),
        Some("-") => Err(Error::argument(argument, "cannot come from standard input: must be TEXT or @FILE", text)),
        Some(file) => {
            std::fs::read(file).map_err(|cause| Error::argument(argument, format!("cannot be read ({cause})"), text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ranges_and_classes() {
        let of = |text| -> Vec<(u16, u16)> {
            expected_status("--expect-status", text).expect(text).iter().map(|one| (one.first, one.last)).collect()
        };
        assert_eq!(of("200"), [(200, 200)]);
        assert_eq!(of("200, 204,3xx"), [(200, 200), (204, 204), (300, 399)]);
        assert_eq!(of("200-299,9XX"), [(200, 299), (900, 999)]);
        for text in ["", "20", "2000", "abc", "1xx", "100", "xx", "22xx", "300-200", "200-", "200,,204", "+20"] {
            let error = expected_status("--expect-status", text).expect_err(text).to_string();
            assert!(error.starts_with("--expect-status: must be status codes"), "{error}");
        }
    }
}
