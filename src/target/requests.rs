//! Reading requests off a connection: which answers are owed.

use std::collections::HashMap;
use std::sync::Arc;

use memchr::memmem;

use super::answers::{Form, Kind};
use super::routes::Routes;
use crate::protocol::h1::response::chunked::Chunked;

/// Heads beyond this are refused.
const HEAD_LIMIT: usize = 64 * 1024;

/// Heads whose answers are remembered, at most, where there are routes.
const MAX_KNOWN: usize = 1024;

/// What a thread remembers: clients repeat themselves, and comparing is cheaper than parsing.
#[derive(Default)]
pub(super) struct Repeated {
    /// The last plain request.
    head: Vec<u8>,
    id: Vec<u8>,
    routes: Option<Arc<Routes>>,
    /// Where there are routes: heads of requests without a body and an id, and what they are owed.
    known: HashMap<Box<[u8]>, Kind>,
}

/// A body that is skipped.
enum Body {
    /// Bytes to come.
    Length(u64),
    Chunked(Chunked),
}

/// One connection's place in its stream of requests.
#[derive(Default)]
pub(super) struct Requests {
    /// A head that is not whole yet, and how much of it was searched.
    partial: Vec<u8>,
    /// A body still to skip, and what its request is owed afterwards.
    pending: Option<(Body, Kind, Vec<u8>)>,
    /// Nothing after this point is read as a request: a closing answer is owed.
    over: bool,
}

impl Requests {
    /// Feeds bytes; calls `owe` with each run of answers, in order, and the X-Request-Id of their requests (empty: none).
    pub(super) fn feed(&mut self, mut bytes: &[u8], repeated: &mut Repeated, owe: &mut impl FnMut(Kind, u32, &[u8])) {
        while !bytes.is_empty() && !self.over {
            if self.pending.is_some() {
                bytes = self.skip_body(bytes, owe);
            } else if self.partial.is_empty() {
                let (rest, count) = repeated.strip(bytes);
                if count > 0 {
                    owe(Kind::Hello, count, &repeated.id);
                    bytes = rest;
                } else {
                    bytes = self.head(bytes, repeated, owe);
                }
            } else {
                bytes = self.continued(bytes, repeated, owe);
            }
        }
    }

    fn skip_body<'a>(&mut self, bytes: &'a [u8], owe: &mut impl FnMut(Kind, u32, &[u8])) -> &'a [u8] {
        let Some((mut body, kind, id)) = self.pending.take() else { return bytes };
        let (here, ends) = match &mut body {
            Body::Length(left) => {
                let here = (*left).min(bytes.len() as u64);
                *left -= here;
                (here as usize, *left == 0)
            }
            Body::Chunked(chunked) => match chunked.feed(bytes, &mut 0, &mut |_| {}) {
                Ok(walked) => walked,
                Err(_) => {
                    self.answer(Kind::BadRequest, &[], owe);
                    return &[];
                }
            },
        };
        match ends {
            true => self.answer(kind, &id, owe),
            false => self.pending = Some((body, kind, id)),
        }
        &bytes[here..]
    }

    /// A head that began in an earlier read: only as many bytes are taken as it needs.
    fn continued<'a>(
        &mut self,
        bytes: &'a [u8],
        repeated: &mut Repeated,
        owe: &mut impl FnMut(Kind, u32, &[u8]),
    ) -> &'a [u8] {
        let mut partial = std::mem::take(&mut self.partial);
        let before = partial.len();
        partial.extend_from_slice(bytes);
        let Some(at) = memmem::find(&partial[before.saturating_sub(3)..], b"\r\n\r\n") else {
            if partial.len() > HEAD_LIMIT {
                self.answer(Kind::BadRequest, &[], owe);
            }
            self.partial = partial;
            return &[];
        };
        let whole = before.saturating_sub(3) + at + 4;
        self.head(&partial[..whole], repeated, owe);
        &bytes[whole - before..]
    }

    fn head<'a>(
        &mut self,
        bytes: &'a [u8],
        repeated: &mut Repeated,
        owe: &mut impl FnMut(Kind, u32, &[u8]),
    ) -> &'a [u8] {
        if let Some((kind, length)) = repeated.recall(bytes) {
            self.answer(kind, &[], owe);
            return &bytes[length..];
        }
        match Head::parse(bytes, repeated.routes.as_deref()) {
            Parsed::Partial => {
                self.partial.extend_from_slice(bytes);
                &[]
            }
            Parsed::Refused(kind) => {
                self.answer(kind, &[], owe);
                &[]
            }
            Parsed::Whole(head) => {
                if head.kind == Kind::Hello && head.body.is_none() {
                    repeated.head.clear();
                    repeated.head.extend_from_slice(&bytes[..head.len]);
                    repeated.id.clear();
                    repeated.id.extend_from_slice(head.id);
                }
                if matches!(head.kind, Kind::Routed(..)) && head.body.is_none() && head.id.is_empty() {
                    repeated.remember(&bytes[..head.len], head.kind);
                }
                match head.body {
                    None => self.answer(head.kind, head.id, owe),
                    Some(body) => self.pending = Some((body, head.kind, head.id.to_vec())),
                }
                &bytes[head.len..]
            }
        }
    }

    fn answer(&mut self, kind: Kind, id: &[u8], owe: &mut impl FnMut(Kind, u32, &[u8])) {
        self.over = kind.closes();
        owe(kind, 1, id);
    }
}

impl Repeated {
    /// For a server with these routes.
    pub(super) fn new(routes: Option<Arc<Routes>>) -> Repeated {
        Repeated { routes, ..Repeated::default() }
    }

    /// What the whole head at the front is owed, if it was seen before, and its length.
    fn recall(&self, bytes: &[u8]) -> Option<(Kind, usize)> {
        if self.known.is_empty() {
            return None;
        }
        let length = memmem::find(bytes, b"\r\n\r\n")? + 4;
        self.known.get(&bytes[..length]).map(|kind| (*kind, length))
    }

    fn remember(&mut self, head: &[u8], kind: Kind) {
        if self.known.len() >= MAX_KNOWN {
            // Of a client whose requests all differ nothing is worth to be known.
            self.known.clear();
        }
        self.known.insert(head.into(), kind);
    }

    /// Takes as many copies of the remembered head off the front as there are.
    #[inline]
    fn strip<'a>(&self, mut bytes: &'a [u8]) -> (&'a [u8], u32) {
        let mut count = 0;
        while !self.head.is_empty()
            && let Some(rest) = bytes.strip_prefix(self.head.as_slice())
        {
            bytes = rest;
            count += 1;
        }
        (bytes, count)
    }
}

struct Head<'a> {
    len: usize,
    kind: Kind,
    body: Option<Body>,
    /// Value of the X-Request-Id header; empty without one.
    id: &'a [u8],
}

enum Parsed<'a> {
    Partial,
    Whole(Head<'a>),
    Refused(Kind),
}

impl Head<'_> {
    fn parse<'a>(bytes: &'a [u8], routes: Option<&Routes>) -> Parsed<'a> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        let len = match request.parse(bytes) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) if bytes.len() <= HEAD_LIMIT => return Parsed::Partial,
            _ => return Parsed::Refused(Kind::BadRequest),
        };
        let (mut length, mut chunked, mut close, mut keep, mut id) = (0, false, false, false, &[][..]);
        for header in request.headers.iter() {
            if header.name.eq_ignore_ascii_case("content-length") {
                let digits =
                    std::str::from_utf8(header.value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
                let Some(given) = digits.and_then(|text| text.parse().ok()) else {
                    return Parsed::Refused(Kind::BadRequest);
                };
                length = given;
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                if !header.value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                    return Parsed::Refused(Kind::NotImplemented);
                }
                chunked = true;
            } else if header.name.eq_ignore_ascii_case("connection") {
                let tokens = || header.value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
                close |= tokens().any(|token| token.eq_ignore_ascii_case(b"close"));
                keep |= tokens().any(|token| token.eq_ignore_ascii_case(b"keep-alive"));
            } else if header.name.eq_ignore_ascii_case("x-request-id") {
                id = header.value;
            }
        }
        close |= request.version == Some(0) && !keep;
        // RFC 9112, 6.3: a length beside it does not count.
        let body = match (chunked, length) {
            (true, _) => Some(Body::Chunked(Chunked::default())),
            (false, 0) => None,
            (false, length) => Some(Body::Length(length)),
        };
        let form = Form { head_only: request.method == Some("HEAD"), closes: close };
        let kind = match routes {
            Some(routes) => {
                let (method, path) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
                Kind::Routed(routes.find(method, path), form)
            }
            None => Kind::plain(form),
        };
        Parsed::Whole(Head { len, kind, body, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owed(reads: &[&[u8]]) -> Vec<Kind> {
        let (mut requests, mut repeated, mut owed) = (Requests::default(), Repeated::default(), Vec::new());
        for bytes in reads {
            requests.feed(bytes, &mut repeated, &mut |kind, count, _| (0..count).for_each(|_| owed.push(kind)));
        }
        owed
    }

    #[test]
    fn each_request_is_owed_its_answer_at_every_split() {
        use Kind::{BadRequest, Head, HeadAndClose, Hello, HelloAndClose, NotImplemented};
        let table: &[(&str, &[Kind])] = &[
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", &[Hello]),
            ("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n", &[Hello, Hello, Hello]),
            ("HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", &[Head, Hello]),
            ("GET / HTTP/1.1\r\nConnection: Close\r\n\r\nGET / HTTP/1.1\r\n\r\n", &[HelloAndClose]),
            ("HEAD / HTTP/1.1\r\nConnection: x, close\r\n\r\n", &[HeadAndClose]),
            ("GET / HTTP/1.0\r\n\r\n", &[HelloAndClose]),
            ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &[Hello]),
            ("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /GET / HTTP/1.1\r\n\r\n", &[Hello, Hello]),
            ("POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n", &[BadRequest]),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", &[NotImplemented]),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", &[]),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nContent-Length: 1\r\n\r\n5\r\nGET /\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
                &[Hello, Hello],
            ),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", &[BadRequest]),
            ("\0\0\0\0\r\n\r\nGET / HTTP/1.1\r\n\r\n", &[BadRequest]),
            ("GET / HTTP/1.1\r\nHost: x\r\n", &[]),
        ];
        for (text, expected) in table {
            let bytes = text.as_bytes();
            for split in 0..=bytes.len() {
                assert_eq!(owed(&[&bytes[..split], &bytes[split..]]), *expected, "{text:?} split at {split}");
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(owed(&single), *expected, "{text:?} byte by byte");
        }
    }

    #[test]
    fn routes_are_found_at_every_split_and_again_when_they_repeat() {
        let text = "[[route]]\npath = \"/a\"\n[[route]]\nmethod = \"POST\"\npath = \"/b\"";
        let routes = Arc::new(Routes::parse(text).expect("routes"));
        let requests = "GET /a?1 HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 2\r\n\r\nxyHEAD /a HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\nConnection: close\r\n\r\n";
        let form = |head_only, closes| Form { head_only, closes };
        let expected = [
            Kind::Routed(0, form(false, false)),
            Kind::Routed(1, form(false, false)),
            Kind::Routed(0, form(true, false)),
            Kind::Routed(2, form(false, true)),
        ];
        let mut repeated = Repeated::new(Some(routes));
        for split in 0..=requests.len() {
            let (mut reader, mut owed) = (Requests::default(), Vec::new());
            for bytes in [&requests[..split], &requests[split..]] {
                reader.feed(bytes.as_bytes(), &mut repeated, &mut |kind, _, _| owed.push(kind));
            }
            assert_eq!(owed, expected, "split at {split}");
        }
        assert!(repeated.known.len() == 3);
    }

    #[test]
    fn ids_go_with_their_requests_at_every_split() {
        let text = "GET / HTTP/1.1\r\nX-Request-ID: a\r\n\r\n".repeat(2)
            + "POST / HTTP/1.1\r\nx-request-id: b\r\nContent-Length: 2\r\n\r\nxyGET / HTTP/1.1\r\n\r\n";
        for split in 0..=text.len() {
            let (mut requests, mut repeated, mut ids) = (Requests::default(), Repeated::default(), Vec::new());
            for bytes in [&text[..split], &text[split..]] {
                let mut owe = |_, count, id: &[u8]| (0..count).for_each(|_| ids.push(id.to_vec()));
                requests.feed(bytes.as_bytes(), &mut repeated, &mut owe);
            }
            assert_eq!(ids, [&b"a"[..], b"a", b"b", b""], "split at {split}");
        }
    }
}
