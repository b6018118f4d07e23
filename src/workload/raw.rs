//! Requests as bytes that are sent as they are.

use memchr::{memchr, memmem};

use super::builder::Form;
use super::placeholders::{self, Wrong};

/// A request as it was found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// Its bytes.
    pub form: Form,
    /// The first word of its first line.
    pub method: String,
    /// The second, placeholders as typed.
    pub path: String,
    /// Its head asks the server to end the connection.
    pub asks_to_close: bool,
    /// Why no answer, or more than one, can be expected of it.
    pub fault: Option<RawFault>,
}

/// Why no answer, or more than one, can be expected of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawFault {
    /// No empty line ends its head.
    EndlessHead,
    /// Bytes behind its head, and no Content-Length.
    NoLength(usize),
    /// A Content-Length, as it was given, and another number of bytes behind the head.
    OtherLength(String, usize),
}

/// Takes bytes for a request, placeholders being what they are called.
///
/// # Errors
/// A placeholder is wrong.
pub fn read(bytes: &[u8]) -> Result<Raw, Wrong> {
    let form = form(bytes)?;
    let line = &bytes[..memchr(b'\n', bytes).unwrap_or(bytes.len())];
    let mut words = line.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let mut word = || String::from_utf8_lossy(words.next().unwrap_or_default()).into_owned();
    let (method, path) = (word(), word());
    let head = Head::of(&form.bytes);
    let asks_to_close = head.fields("connection").any(|value| value.to_ascii_lowercase().contains("close"));
    Ok(Raw { method, path, asks_to_close, fault: head.fault(), form })
}

/// The bytes with a value's width in place of each placeholder.
///
/// # Errors
/// A placeholder is wrong.
pub fn form(bytes: &[u8]) -> Result<Form, Wrong> {
    let found = placeholders::find(bytes)?;
    let mut form = Form { bytes: Vec::with_capacity(bytes.len()), places: Vec::with_capacity(found.len()) };
    let mut end = 0;
    for one in found {
        form.bytes.extend_from_slice(&bytes[end..one.range.start]);
        end = one.range.end;
        let at = form.bytes.len();
        form.bytes.resize(at + usize::from(one.width), b'0');
        form.places.push((at as u32, one));
    }
    form.bytes.extend_from_slice(&bytes[end..]);
    Ok(form)
}

/// What can be seen of a request's head.
struct Head<'a> {
    text: &'a [u8],
    /// Bytes behind it; `None`: it does not end.
    body: Option<usize>,
}

impl<'a> Head<'a> {
    fn of(bytes: &'a [u8]) -> Head<'a> {
        let ends = [(&b"\r\n\r\n"[..], 4), (&b"\n\n"[..], 2)];
        let end = ends.iter().filter_map(|(end, length)| Some(memmem::find(bytes, end)? + length)).min();
        Head { text: &bytes[..end.unwrap_or(bytes.len())], body: end.map(|end| bytes.len() - end) }
    }

    fn fields(&self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        let lines = self.text.split(|byte| *byte == b'\n').skip(1);
        lines.filter_map(move |line| {
            let (key, value) = line.split_at(memchr(b':', line)?);
            let value = String::from_utf8_lossy(&value[1..]).trim().to_owned();
            key.eq_ignore_ascii_case(name.as_bytes()).then_some(value)
        })
    }

    fn fault(&self) -> Option<RawFault> {
        let Some(body) = self.body else { return Some(RawFault::EndlessHead) };
        if self.fields("transfer-encoding").next().is_some() {
            return None;
        }
        match self.fields("content-length").next() {
            None if body > 0 => Some(RawFault::NoLength(body)),
            Some(length) if length.parse() != Ok(body) => Some(RawFault::OtherLength(length, body)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_path_and_faults_are_seen() {
        for (text, method, path, closes, fault) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", false, None),
            ("HEAD /x HTTP/1.1\nconnection: Close\n\n", "HEAD", "/x", true, None),
            ("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", "POST", "/", false, None),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "POST", "/", false, None),
            (
                "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nab",
                "POST",
                "/",
                false,
                Some(RawFault::OtherLength("3".into(), 2)),
            ),
            ("GET / HTTP/1.1\r\n\r\nab", "GET", "/", false, Some(RawFault::NoLength(2))),
            ("GET / HTTP/1.1\r\n", "GET", "/", false, Some(RawFault::EndlessHead)),
            ("\x00\x01", "\0\u{1}", "", false, Some(RawFault::EndlessHead)),
        ] {
            let raw = read(text.as_bytes()).expect(text);
            assert_eq!((raw.method.as_str(), raw.path.as_str(), raw.asks_to_close), (method, path, closes), "{text:?}");
            assert_eq!(raw.fault, fault, "{text:?}");
            assert_eq!(raw.form.bytes, text.as_bytes());
        }
    }

    #[test]
    fn placeholders_keep_their_width_and_lengths_are_counted_with_it() {
        let raw = read(b"POST /{SEQ:001} HTTP/1.1\r\nContent-Length: 4\r\n\r\n{RAND:1:1000}").expect("a request");
        assert_eq!(raw.form.bytes, b"POST /000 HTTP/1.1\r\nContent-Length: 4\r\n\r\n0000");
        assert_eq!(raw.form.places.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [6, 41]);
        assert_eq!((raw.path.as_str(), raw.fault), ("/{SEQ:001}", None));
    }
}
