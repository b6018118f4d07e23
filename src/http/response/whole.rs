//! The body of an answer that has come whole, for those who look at it. Load never does.

/// Headers beyond this many end the look: the framing refuses such an answer before.
const MAX_HEADERS: usize = 256;

/// The body of one answer that the [`Parser`](super::Parser) has called whole: `bytes` up to where it ended, interim answers
/// before it included, and the length of its body as told. Without a transfer coding's framing; `None` if the bytes are not such.
#[must_use]
pub fn body(mut bytes: &[u8], length: u64) -> Option<Vec<u8>> {
    let length = usize::try_from(length).ok()?;
    while let [b'\r' | b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(end) = head.parse(bytes).ok()? else { return None };
        let interim = head.code.is_some_and(|code| code < 200);
        bytes = &bytes[end..];
        if interim {
            continue;
        }
        return if bytes.len() == length { Some(bytes.to_vec()) } else { dechunked(bytes, length) };
    }
}

fn dechunked(mut bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut body = Vec::with_capacity(length);
    while let httparse::Status::Complete((start, size)) = httparse::parse_chunk_size(bytes).ok()? {
        let size = usize::try_from(size).ok()?;
        if size == 0 {
            return (body.len() == length).then_some(body);
        }
        body.extend_from_slice(bytes.get(start..start.checked_add(size)?)?);
        bytes = bytes.get(start + size..)?.strip_prefix(b"\r\n")?;
    }
    None
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
        ] {
            let (mut parser, mut heads) = (Parser::default(), Heads::new(false));
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
