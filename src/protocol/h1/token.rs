//! The `token` of RFC 9110, section 5.6.2: what methods and header names are made of.

/// Whether `byte` may stand in a token.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether `text` is a token: at least one byte, and only token bytes.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Whether the comma-separated list `value` has `wanted` among its elements, in any case.
pub(super) fn list_has(value: &[u8], wanted: &str) -> bool {
    elements(value).any(|element| element.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// The elements of a comma-separated list without the white space around them; empty ones are kept.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        for (text, expected) in [
            ("GET", true),
            ("x-1_~!", true),
            ("", false),
            ("a b", false),
            ("a:", false),
            ("a\t", false),
            ("\u{e9}", false),
            ("a/b", false),
        ] {
            assert_eq!(is_token(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lists() {
        for (value, expected) in
            [("close", true), ("Keep-Alive ,\tCLOSE", true), ("closed", false), ("not close", false), ("", false)]
        {
            assert_eq!(list_has(value.as_bytes(), "close"), expected, "{value:?}");
        }
    }
}
