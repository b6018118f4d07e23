//! A URL in the characters that may be sent.

use std::borrow::Cow;
use std::fmt::Display;

use idna::AsciiDenyList;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What no URL holds as it is (RFC 3986, appendix A), but for `[` and `]`, which many queries have.
const ENCODED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// Path and query with what is not ASCII percent-encoded as UTF-8.
pub(super) fn path(text: &str) -> impl Display + '_ {
    utf8_percent_encode(text, CONTROLS)
}

/// The same with all that must be percent-encoded.
pub(super) fn all_encoded(text: &str) -> impl Display + '_ {
    utf8_percent_encode(text, ENCODED)
}

/// Which characters of `text` no URL holds as they are, each once.
pub(super) fn unencoded(text: &str) -> Option<String> {
    let mut names: Vec<Cow<'static, str>> = Vec::new();
    for c in text.chars() {
        let name = match c {
            _ if c.is_control() => "a control character".into(),
            _ if c.is_whitespace() => "a space".into(),
            '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => String::from(c).into(),
            _ => continue,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| names.join(" and "))
}

/// Host and port with the host's name as the domain name system has it; `None` if it is no valid one.
pub(super) fn authority(authority: &str) -> Option<Cow<'_, str>> {
    if authority.is_ascii() {
        return Some(authority.into());
    }
    let (host, port) = authority.split_at(authority.rfind(':').unwrap_or(authority.len()));
    let host = idna::domain_to_ascii_cow(host.as_bytes(), AsciiDenyList::URL).ok()?;
    Some(format!("{host}{port}").into())
}
