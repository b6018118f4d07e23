//! A response's head: finding where it ends while it arrives, and what it says about the body.

use httparse::{EMPTY_HEADER, Header, Status};
use memchr::memchr;

use super::error::ProtocolError;
use crate::protocol::h1::token::{elements, list_has};

/// Bytes of a head at most, its final empty line included.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// Headers of a head at most.
pub(super) const MAX_HEADERS: usize = 256;

/// Heads of few headers spare the cost of clearing a long list of them.
const FEW_HEADERS: usize = 32;

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    /// The body ends where the connection does.
    Close,
}

/// What a head says, as far as framing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) keep_alive: bool,
    pub(super) framing: Framing,
}

impl Head {
    /// Whether this is a 1xx answer: another head follows.
    pub(super) fn is_interim(&self) -> bool {
        self.status < 200
    }
}

/// The search for the end of a head, carried from read to read: each byte is looked at once, however they arrive.
/// A line ends at LF, with or without a CR before it, as httparse has it: no other place of a valid head has an LF.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Bytes looked at.
    seen: u32,
    /// Headers begun; a folded one is one.
    headers: u16,
    line: Line,
}

#[derive(Debug, Default)]
enum Line {
    #[default]
    Within,
    AtStart,
    /// After a CR at the start of a line: only LF may follow.
    AtLastLf,
}

impl Scan {
    /// Looks at the next bytes of the head and gives the end of the head in them, or `None` if it lies beyond them.
    ///
    /// # Errors
    /// As soon as the status line cannot be one any more, or a limit is passed.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Option<usize>, ProtocolError> {
        let seen = self.seen as usize;
        let window = &bytes[..bytes.len().min(MAX_HEAD - seen)];
        for (at, &byte) in (seen..STATUS_LINE_START).zip(window) {
            check_status_line(at, byte)?;
        }
        let end = self.find_end(window)?;
        // Both terms are at most MAX_HEAD.
        self.seen += end.unwrap_or(window.len()) as u32;
        if end.is_none() && self.seen as usize == MAX_HEAD {
            return Err(ProtocolError::HeadTooLarge);
        }
        Ok(end)
    }

    /// Headers of a head whose end was found.
    pub(super) fn headers(&self) -> usize {
        usize::from(self.headers)
    }

    fn find_end(&mut self, window: &[u8]) -> Result<Option<usize>, ProtocolError> {
        let mut at = 0;
        while at < window.len() {
            match self.line {
                Line::Within => {
                    let Some(length) = memchr(b'\n', &window[at..]) else {
                        return Ok(None);
                    };
                    at += length + 1;
                    self.line = Line::AtStart;
                }
                Line::AtStart => match window[at] {
                    b'\n' => return Ok(Some(at + 1)),
                    b'\r' => {
                        self.line = Line::AtLastLf;
                        at += 1;
                    }
                    // A fold: the header before it goes on.
                    b' ' | b'\t' => self.line = Line::Within,
                    _ => {
                        self.line = Line::Within;
                        self.headers += 1;
                        if self.headers() > MAX_HEADERS {
                            return Err(ProtocolError::TooManyHeaders);
                        }
                    }
                },
                Line::AtLastLf if window[at] == b'\n' => return Ok(Some(at + 1)),
                Line::AtLastLf => return Err(ProtocolError::MalformedHead),
            }
        }
        Ok(None)
    }
}

/// Where the digit of the minor version stands.
pub(super) const MINOR: usize = 7;

/// Bytes of `HTTP/1.1 200` and the one behind it.
const STATUS_LINE_START: usize = 13;

/// Checks the byte at `at` within the first [`STATUS_LINE_START`] bytes, so that what is no HTTP is known as such at
/// once and not after 64 KiB.
fn check_status_line(at: usize, byte: u8) -> Result<(), ProtocolError> {
    let (valid, error) = match at {
        0..=4 => (byte == b"HTTP/"[at], ProtocolError::NotHttp),
        5..=6 => (byte == b"1."[at - 5], ProtocolError::UnsupportedVersion),
        MINOR => (byte.is_ascii_digit(), ProtocolError::MalformedHead),
        8 => (byte == b' ', ProtocolError::MalformedHead),
        9 => (matches!(byte, b'1'..=b'9'), ProtocolError::MalformedHead),
        10..=11 => (byte.is_ascii_digit(), ProtocolError::MalformedHead),
        _ => (matches!(byte, b' ' | b'\r' | b'\n'), ProtocolError::MalformedHead),
    };
    if valid { Ok(()) } else { Err(error) }
}

/// Reads a whole head of `headers` headers, of version 1.0 or 1.1.
///
/// Folds need no further care: the value's parts keep the line end and white space between them, which here end an
/// element as a space does.
///
/// # Errors
/// When the grammar is broken, or the body's end could not be known for certain.
pub(super) fn parse(head: &[u8], headers: usize, head_request: bool) -> Result<Head, ProtocolError> {
    if headers <= FEW_HEADERS {
        parse_into(head, &mut [EMPTY_HEADER; FEW_HEADERS], head_request)
    } else {
        parse_into(head, &mut [EMPTY_HEADER; MAX_HEADERS], head_request)
    }
}

fn parse_into<'b>(head: &'b [u8], headers: &mut [Header<'b>], head_request: bool) -> Result<Head, ProtocolError> {
    let mut response = httparse::Response::new(headers);
    let mut config = httparse::ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    // The scan and httparse agree on the end; were they ever not to, refusing is safe.
    match config.parse_response(&mut response, head) {
        Ok(Status::Complete(end)) if end == head.len() => {}
        Ok(_) => return Err(ProtocolError::MalformedHead),
        Err(httparse::Error::TooManyHeaders) => return Err(ProtocolError::TooManyHeaders),
        Err(_) => return Err(ProtocolError::MalformedHead),
    }
    let (Some(status), Some(minor)) = (response.code, response.version) else {
        return Err(ProtocolError::MalformedHead);
    };
    let bodiless = head_request || matches!(status, 100..=199 | 204 | 304);
    let mut facts = Facts::default();
    for header in response.headers.iter() {
        facts.take(header, bodiless)?;
    }
    if status == 101 {
        return Err(ProtocolError::UnexpectedUpgrade);
    }
    let framing = if bodiless { Framing::Length(0) } else { facts.framing(minor)? };
    let persistent = !facts.close && (minor == 1 || facts.keep_alive);
    Ok(Head { status, keep_alive: persistent && framing != Framing::Close, framing })
}

/// What the headers said, gathered one by one.
#[derive(Default)]
struct Facts {
    length: Option<u64>,
    /// `Transfer-Encoding` was there.
    encoded: bool,
    /// `chunked` was among the transfer codings.
    chunked: bool,
    /// The last of them was `chunked`.
    chunked_last: bool,
    close: bool,
    keep_alive: bool,
}

impl Facts {
    /// Takes in one header. A `bodiless` answer's lengths and encodings describe what another method or condition
    /// would have brought (RFC 9110, 6.4.1 and 8.6): nothing follows, so they cannot misframe, and are not judged.
    fn take(&mut self, header: &Header<'_>, bodiless: bool) -> Result<(), ProtocolError> {
        // The length of a name rules out most headers without looking at their letters.
        match header.name.len() {
            10 if header.name.eq_ignore_ascii_case("connection") => {
                self.close |= list_has(header.value, "close");
                self.keep_alive |= list_has(header.value, "keep-alive");
            }
            14 if !bodiless && header.name.eq_ignore_ascii_case("content-length") => {
                for element in elements(header.value) {
                    let length = parse_length(element).ok_or(ProtocolError::InvalidLength)?;
                    if self.length.replace(length).is_some_and(|other| other != length) {
                        return Err(ProtocolError::ConflictingLength);
                    }
                }
            }
            17 if !bodiless && header.name.eq_ignore_ascii_case("transfer-encoding") => {
                self.encoded = true;
                // Empty elements count for nothing (RFC 9110, 5.6.1.2).
                for coding in elements(header.value).filter(|coding| !coding.is_empty()) {
                    self.chunked_last = coding.eq_ignore_ascii_case(b"chunked");
                    if self.chunked_last && std::mem::replace(&mut self.chunked, true) {
                        return Err(ProtocolError::InvalidTransferEncoding);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// RFC 9112, 6.3, but for what could smuggle an answer: that is refused.
    fn framing(&self, minor: u8) -> Result<Framing, ProtocolError> {
        match (self.encoded, self.length) {
            (true, Some(_)) => Err(ProtocolError::ConflictingLength),
            (true, None) if minor == 0 => Err(ProtocolError::InvalidTransferEncoding),
            (true, None) if self.chunked_last => Ok(Framing::Chunked),
            (false, Some(length)) => Ok(Framing::Length(length)),
            (_, None) => Ok(Framing::Close),
        }
    }
}

/// Digits only (`str::parse` would take a sign), and no more than a `u64` holds.
fn parse_length(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |length, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        length.checked_mul(10)?.checked_add(digit)
    })
}
