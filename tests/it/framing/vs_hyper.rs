//! The same bytes through hyper's client. Where it differs, the difference is named here with its reason.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::rt::{Read, ReadBufCursor, Write};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use saturing::http::response::Heads;
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
        seen.refused("not_http") && seen.accepted() && seen.longest_run(|b| b"\r\n".contains(&b)) > 8
    }),
    ("hyper takes any number of leading zeros in a chunk's size", |seen| {
        seen.refused("invalid_chunk") && seen.longest_run(|b| b.is_ascii_hexdigit()) > 16
    }),
    // A signed chunk has a long extension: one limit for the whole body would depend on its length.
    ("hyper limits extensions to 16 KiB in all, not to 4 KiB each", |seen| {
        let in_all = matches!(seen.ours, Some(Outcome::Answer { .. })) && seen.longer_than(16 * 1024);
        seen.refused("chunk_line_too_long") && seen.accepted() || in_all && seen.hyper.is_none()
    }),
    // RFC 9112, 2.2 permits it of a head; a chunked body is delimited by CR LF throughout.
    ("hyper lets LF alone end a trailer", |seen| {
        let lf_alone = |pair: &[u8]| pair[0] != b'\r' && pair[1] == b'\n';
        seen.refused("invalid_trailer") && seen.accepted() && seen.bytes.windows(2).any(lf_alone)
    }),
];

impl Seen<'_> {
    fn refused(&self, reason: &str) -> bool {
        matches!(self.ours, Some(Outcome::Refused(ours)) if ours == reason)
    }

    fn accepted(&self) -> bool {
        self.hyper.is_some()
    }

    fn has(&self, text: &str) -> bool {
        let (text, bytes) = (text.as_bytes(), self.bytes.to_ascii_lowercase());
        bytes.windows(text.len()).any(|window| window == text)
    }

    /// Whether a line gives such a `Transfer-Encoding`, in small letters and without white space around it.
    fn transfer_encoding(&self, is_such: fn(&[u8]) -> bool) -> bool {
        let text = self.bytes.to_ascii_lowercase();
        let mut values = text.split(|&byte| byte == b'\n').filter_map(|line| line.strip_prefix(b"transfer-encoding:"));
        values.any(|value| is_such(value.trim_ascii()))
    }

    fn longer_than(&self, bytes: usize) -> bool {
        self.bytes.len() > bytes
    }

    fn longest_run(&self, belongs: fn(u8) -> bool) -> usize {
        let runs = self.bytes.split(|&byte| !belongs(byte)).map(<[u8]>::len);
        runs.max().unwrap_or(0)
    }
}

/// `Ok` if both agree, and the reason if they differ for a known one.
fn compare(runtime: &Runtime, bytes: &[u8], head_request: bool) -> Result<Option<&'static str>, String> {
    let ours = outcomes(bytes, &[], &mut Heads::new(head_request)).first().copied();
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
            let reason = compare(&runtime, &stream.bytes, stream.head_request);
            prop_assert_eq!(reason, Ok(None));
            Ok(())
        })
        .expect("both read valid answers alike");
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
    builder.max_headers(256).max_header_size(64 * 1024);
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
