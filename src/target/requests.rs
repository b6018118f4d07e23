//! Reading requests off a connection: which answers are owed.

use memchr::memmem;

use super::answers::Kind;

/// Heads beyond this are refused.
const HEAD_LIMIT: usize = 64 * 1024;

/// The last plain request seen by a thread: clients repeat themselves, and comparing is cheaper than parsing.
#[derive(Default)]
pub(super) struct Repeated {
    head: Vec<u8>,
    id: Vec<u8>,
}

/// One connection's place in its stream of requests.
#[derive(Default)]
pub(super) struct Requests {
    /// A head that is not whole yet, and how much of it was searched.
    partial: Vec<u8>,
    /// Bytes of a body still to skip, and what its request is owed afterwards.
    skip: u64,
    pending: Option<(Kind, Vec<u8>)>,
    /// Nothing after this point is read as a request: a closing answer is owed.
    over: bool,
}

impl Requests {
    /// Feeds bytes; calls `owe` with each run of answers, in order, and the X-Request-Id of their requests (empty: none).
    pub(super) fn feed(&mut self, mut bytes: &[u8], repeated: &mut Repeated, owe: &mut impl FnMut(Kind, u32, &[u8])) {
        while !bytes.is_empty() && !self.over {
            if self.skip > 0 {
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
        let here = self.skip.min(bytes.len() as u64);
        self.skip -= here;
        if self.skip == 0
            && let Some((kind, id)) = self.pending.take()
        {
            self.answer(kind, &id, owe);
        }
        &bytes[here as usize..]
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
        match Head::parse(bytes) {
            Parsed::Partial => {
                self.partial.extend_from_slice(bytes);
                &[]
            }
            Parsed::Refused(kind) => {
                self.answer(kind, &[], owe);
                &[]
            }
            Parsed::Whole(head) => {
                if head.kind == Kind::Hello && head.body == 0 {
                    repeated.head.clear();
                    repeated.head.extend_from_slice(&bytes[..head.len]);
                    repeated.id.clear();
                    repeated.id.extend_from_slice(head.id);
                }
                match head.body {
                    0 => self.answer(head.kind, head.id, owe),
                    body => (self.skip, self.pending) = (body, Some((head.kind, head.id.to_vec()))),
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
    body: u64,
    /// Value of the X-Request-Id header; empty without one.
    id: &'a [u8],
}

enum Parsed<'a> {
    Partial,
    Whole(Head<'a>),
    Refused(Kind),
}

impl Head<'_> {
    fn parse(bytes: &[u8]) -> Parsed<'_> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        let len = match request.parse(bytes) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) if bytes.len() <= HEAD_LIMIT => return Parsed::Partial,
            _ => return Parsed::Refused(Kind::BadRequest),
        };
        let (mut body, mut close, mut keep, mut id) = (0, false, false, &[][..]);
        for header in request.headers.iter() {
            if header.name.eq_ignore_ascii_case("content-length") {
                let digits =
                    std::str::from_utf8(header.value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
                let Some(length) = digits.and_then(|text| text.parse().ok()) else {
                    return Parsed::Refused(Kind::BadRequest);
                };
                body = length;
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                return Parsed::Refused(Kind::NotImplemented);
            } else if header.name.eq_ignore_ascii_case("connection") {
                let tokens = || header.value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
                close |= tokens().any(|token| token.eq_ignore_ascii_case(b"close"));
                keep |= tokens().any(|token| token.eq_ignore_ascii_case(b"keep-alive"));
            } else if header.name.eq_ignore_ascii_case("x-request-id") {
                id = header.value;
            }
        }
        close |= request.version == Some(0) && !keep;
        let kind = match (request.method == Some("HEAD"), close) {
            (false, false) => Kind::Hello,
            (true, false) => Kind::Head,
            (false, true) => Kind::HelloAndClose,
            (true, true) => Kind::HeadAndClose,
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
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", &[NotImplemented]),
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
