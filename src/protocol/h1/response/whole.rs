//! The body of an answer that has come whole, for those who look at it. Load never does.

use super::chunked::Chunked;
use super::head::{Framing, Scan};
use super::heads::Heads;

/// The body of one answer that the [`Parser`](super::Parser) has called whole: `bytes` up to where it ended, interim answers
/// before it included, and the length of its body as told. Without a transfer coding's framing; `None` if the bytes are not such.
#[must_use]
pub fn body(mut bytes: &[u8], length: u64) -> Option<Vec<u8>> {
    let mut heads = Heads::of_one(false);
    let framing = loop {
        while let [b'\r' | b'\n', rest @ ..] = bytes {
            bytes = rest;
        }
        let mut scan = Scan::default();
        let end = scan.feed(bytes).ok()??;
        let head = heads.read(&bytes[..end], scan.headers()).ok()?;
        bytes = &bytes[end..];
        if !head.is_interim() {
            break head.framing;
        }
    };
    let body = match framing {
        // An answer to HEAD speaks of chunks that are not there.
        Framing::Chunked if !bytes.is_empty() => dechunked(bytes)?,
        _ => bytes.to_vec(),
    };
    (body.len() as u64 == length).then_some(body)
}

fn dechunked(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut body, mut data) = (Vec::with_capacity(bytes.len()), 0);
    let walked = Chunked::default().feed(bytes, &mut data, &mut |piece| body.extend_from_slice(piece));
    (walked == Ok((bytes.len(), true))).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::super::{Heads, Parser, Step};
    use super::*;

    #[test]
    fn bodies_of_what_the_parser_calls_whole() {
        for (text, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello", "Hello"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
            ("HTTP/1.1 204 No Content\r\n\r\n", ""),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", "Hello"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n", "0123456789"),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"),
            ("\r\nHTTP/1.0 200 OK\nContent-Length: 2\n\n\r\n", "\r\n"),
            ("HTTP/1.7 200 OK\nTransfer-Encoding:\n chunked\n\n2;\nHe\n3 \nllo\n0\nT: x\n y\n\n", "Hello"),
        ] {
            let (mut parser, mut heads) = (Parser::default(), Heads::of_one(false));
            let (used, step) = parser.feed(text.as_bytes(), &mut heads);
            let Step::Whole(answer) = step else { panic!("{text}: {step:?}") };
            let got = body(&text.as_bytes()[..used], answer.body_bytes).expect(text);
            assert_eq!(String::from_utf8_lossy(&got), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_answer_has_no_body() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (text, length) in [
            ("HTTP/1.1 200", 0),
            ("HTTP/1.1 200 OK\r\n\r\nabc", 2),
            (&format!("{chunked}5\r\nHel"), 5),
            (&format!("{chunked}2\r\nHeX0\r\n\r\n"), 2),
            (&format!("{chunked}2\r\nHe\r\n0\r\n\r\n"), 3),
        ] {
            assert_eq!(body(text.as_bytes(), length), None, "{text}");
        }
    }
}
