//! The same bytes through hyper's client. Where it differs, the difference is named here with its reason.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::rt::{Read, ReadBufCursor, Write};
use memchr::{memchr, memmem};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use saturing::protocol::h1::response::Heads;
use tokio::runtime::{Builder, Runtime};

use super::feeding::{Outcome, outcomes};
use super::{generated, table};

/// What one parser made of the first answer: status and bytes of body, or nothing whole.
type Verdict = Option<(u16, u64)>;

/// The same bytes as seen by both.
struct Seen<'a> {
    bytes: &'a [u8],
    /// The first thing ours came to.
    ours: Option<Outcome>,
    hyper: Verdict,
}

/// Why ours differs, and how to know that it differs for this reason.
type Explanation = (&'static str, fn(&Seen<'_>) -> bool);

const EXPLAINED: &[Explanation] = &[
    // RFC 9112, 6.3 (3): this ought to be handled as an error, it may be an attempt at smuggling.
    ("hyper lets Transfer-Encoding override Content-Length", |seen| {
        seen.refused("conflicting_length") && seen.accepted() && seen.has("transfer-encoding")
    }),
    // RFC 9112, 6.1: a sender must not apply chunked more than once.
    ("hyper looks at the last transfer coding only", |seen| {
        seen.refused("invalid_transfer_encoding") && seen.accepted()
    }),
    // RFC 9110, 5.6.1.2: a recipient must parse and ignore empty list elements.
    ("hyper takes an empty last element for the last coding", |seen| {
        seen.transfer_encoding(|value| value.is_empty() || value.ends_with(b","))
    }),
    // RFC 9110, 5.5: bytes beyond ASCII are opaque data, and here none of the last coding's.
    ("hyper knows no coding on a line that is not all ASCII", |seen| {
        seen.transfer_encoding(|value| !value.is_ascii() && value.ends_with(b"chunked"))
    }),
    // No request of ours asks for an upgrade, so what follows is nothing that could be read.
    ("hyper gives a 101 to its caller", |seen| seen.refused("unexpected_upgrade") && seen.hyper == Some((101, 0))),
    ("hyper skips empty lines before an answer without limit", |seen| {
        seen.refused("not_http") && seen.accepted() && seen.longest_run(|b| b"\r\n".contains(&b)) > 128
    }),
    ("hyper takes any number of leading zeros in a chunk's size", |seen| {
        seen.refused("invalid_chunk") && seen.longest_run(|b| b.is_ascii_hexdigit()) > 16
    }),
    // A signed chunk has a long extension: one limit for the whole body would depend on its length.
    ("hyper limits extensions to 16 KiB in all, not to 4 KiB each", |seen| {
        let in_all = seen.only_ours() && seen.longer_than(16 * 1024);
        seen.refused("chunk_line_too_long") && seen.accepted() || in_all
    }),
    // RFC 9112, 2.2 permits it of a head. That one rule holds for all lines is our choice; see http/response.rs.
    ("hyper takes LF alone for a line end in heads only", |seen| {
        seen.only_ours() && seen.has("chunked") && seen.lf_ends_a_chunk_line()
    }),
    // RFC 9112, 5.2: trailers are made of field lines, and a user agent takes a fold as a space.
    ("hyper takes folds in heads only", |seen| {
        let fold = |pair: &[u8]| pair[0] == b'\n' && b" \t".contains(&pair[1]);
        seen.only_ours() && seen.has("chunked") && seen.bytes.windows(2).any(fold)
    }),
    // RFC 9110, 2.5: a recipient treats a minor version that it does not know as the highest that it knows.
    ("hyper knows the minor versions 0 and 1 only", |seen| {
        seen.only_ours() && (2..=9).any(|minor| seen.has(&format!("http/1.{minor} ")))
    }),
];

impl Seen<'_> {
    fn refused(&self, reason: &str) -> bool {
        matches!(self.ours, Some(Outcome::Refused(ours)) if ours == reason)
    }

    fn accepted(&self) -> bool {
        self.hyper.is_some()
    }

    /// A whole answer to us and none to hyper.
    fn only_ours(&self) -> bool {
        matches!(self.ours, Some(Outcome::Answer { .. })) && !self.accepted()
    }

    fn has(&self, text: &str) -> bool {
        let (text, bytes) = (text.as_bytes(), self.bytes.to_ascii_lowercase());
        bytes.windows(text.len()).any(|window| window == text)
    }

    /// Whether a line gives such a `Transfer-Encoding`, in small letters and without white space around it.
    fn transfer_encoding(&self, is_such: fn(&[u8]) -> bool) -> bool {
        let text = self.bytes.to_ascii_lowercase();
        let text = unfolded(&text);
        let mut values = text.split(|&byte| byte == b'\n').filter_map(|line| line.strip_prefix(b"transfer-encoding:"));
        values.any(|value| is_such(value.trim_ascii()))
    }

    /// Whether LF alone ends a line of the first final answer's body, if that is chunked.
    fn lf_ends_a_chunk_line(&self) -> bool {
        let mut rest = self.bytes;
        loop {
            rest = rest.trim_ascii_start();
            let interim = rest.get(9) == Some(&b'1');
            let end = |end: &[u8]| memmem::find(rest, end).map(|at| at + end.len());
            let Some(end) = [end(b"\n\r\n"), end(b"\n\n")].into_iter().flatten().min() else { return false };
            rest = &rest[end..];
            if !interim {
                break;
            }
        }
        let mut trailers = false;
        while let Some(at) = memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(at + 1);
            let text = String::from_utf8_lossy(line);
            let digits: String = text.chars().take_while(char::is_ascii_hexdigit).collect();
            match usize::from_str_radix(&digits, 16) {
                _ if !line.ends_with(b"\r\n") => return true,
                _ if trailers && line == b"\r\n" => return false,
                _ if trailers => rest = behind,
                Ok(0) => (trailers, rest) = (true, behind),
                Ok(size) => match behind.get(size..) {
                    Some([b'\n', ..]) => return true,
                    Some([b'\r', b'\n', next @ ..]) => rest = next,
                    _ => return false,
                },
                Err(_) => return false,
            }
        }
        false
    }

    fn longer_than(&self, bytes: usize) -> bool {
        self.bytes.len() > bytes
    }

    fn longest_run(&self, belongs: fn(u8) -> bool) -> usize {
        let runs = self.bytes.split(|&byte| !belongs(byte)).map(<[u8]>::len);
        runs.max().unwrap_or(0)
    }
}

/// The text with each fold as a space.
fn unfolded(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(text.len());
    for (at, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let fold = matches!(line.first(), Some(b' ' | b'\t'));
        if at > 0 && !fold {
            lines.push(b'\n');
        }
        lines.extend_from_slice(line);
    }
    lines
}

/// `Ok` if both agree, and the reason if they differ for a known one.
fn compare(runtime: &Runtime, bytes: &[u8], head_request: bool) -> Result<Option<&'static str>, String> {
    let ours = outcomes(bytes, &[], &mut Heads::of_one(head_request)).first().copied();
    let hyper = runtime.block_on(through_hyper(bytes.to_vec(), head_request));
    let verdict = match ours {
        Some(Outcome::Answer { status, body_bytes, .. }) => Some((status, body_bytes)),
        _ => None,
    };
    if verdict == hyper {
        return Ok(None);
    }
    let seen = Seen { bytes, ours, hyper };
    match EXPLAINED.iter().find(|(_, holds)| holds(&seen)) {
        Some((reason, _)) => Ok(Some(reason)),
        None => Err(format!("ours {ours:?}, hyper {hyper:?}: {:?}", String::from_utf8_lossy(bytes))),
    }
}

#[test]
fn the_table_agrees_but_for_what_is_explained() {
    let runtime = runtime();
    let mut met = BTreeSet::new();
    for case in table::cases() {
        match compare(&runtime, &case.bytes, case.head_request) {
            Ok(reason) => met.extend(reason),
            Err(difference) => panic!("{}: {difference}", case.name),
        }
    }
    let listed: BTreeSet<_> = EXPLAINED.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(met, listed, "an explanation without a case is none");
}

#[test]
fn generated_answers_agree() {
    let runtime = runtime();
    runner(512)
        .run(&generated::stream(), |stream| {
            compare(&runtime, &stream.bytes, stream.head_request).map_err(TestCaseError::fail)?;
            Ok(())
        })
        .expect("every difference is explained");
}

#[test]
fn mutations_agree_but_for_what_is_explained() {
    let runtime = runtime();
    let mutations = prop::collection::vec(generated::mutation(), 1..6);
    runner(2048)
        .run(&(generated::stream(), mutations), |(stream, mutations)| {
            let bytes = generated::mutate(stream.bytes, &mutations);
            compare(&runtime, &bytes, stream.head_request).map_err(TestCaseError::fail)?;
            Ok(())
        })
        .expect("every difference is explained");
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

/// What hyper's client makes of the first answer, with our limits.
async fn through_hyper(bytes: Vec<u8>, head_request: bool) -> Verdict {
    let server = Script { answer: bytes, sent: 0, asked: false, reader: None };
    let mut builder = http1::Builder::new();
    builder.max_headers(256).max_header_size(64 * 1024).allow_obsolete_multiline_headers_in_responses(true);
    let (mut sender, connection) = builder.handshake(server).await.ok()?;
    let method = if head_request { "HEAD" } else { "GET" };
    let request = Request::builder().method(method).uri("/").body(Empty::<Bytes>::new()).ok()?;
    let answer = async move {
        let mut response = sender.send_request(request).await.ok()?;
        let mut body_bytes = 0;
        while let Some(frame) = response.frame().await {
            body_bytes += frame.ok()?.data_ref().map_or(0, Bytes::len) as u64;
        }
        Some((response.status().as_u16(), body_bytes))
    };
    tokio::join!(connection, answer).1
}

/// A server that sends its answer as soon as it is asked anything, and then closes.
struct Script {
    answer: Vec<u8>,
    sent: usize,
    asked: bool,
    reader: Option<Waker>,
}

impl Read for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        if !self.asked {
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let rest = &self.answer[self.sent..];
        let here = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..here]);
        self.sent += here;
        Poll::Ready(Ok(()))
    }
}

impl Write for Script {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, request: &[u8]) -> Poll<std::io::Result<usize>> {
        self.asked = true;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(request.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
