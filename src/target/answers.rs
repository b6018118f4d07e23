//! The server's answers, encoded once a second.

use super::routes::Routes;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The 13 bytes of every good answer.
pub(super) const BODY: &str = "Hello, World!";

/// How many plain answers one send may carry.
pub(super) const BATCH: u32 = 64;

/// Bytes of several different answers in one send, at most.
const SEVERAL_BYTES: usize = 64 * 1024;

/// The kinds of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Hello,
    /// To HEAD: the head alone.
    Head,
    HelloAndClose,
    HeadAndClose,
    BadRequest,
    NotImplemented,
    /// Of the route with this number; that of none is how many there are.
    Routed(u16, Form),
}

/// How an answer is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// Without its body, as to `HEAD`.
    pub(super) head_only: bool,
    /// The connection ends after it.
    pub(super) closes: bool,
}

impl Kind {
    /// The connection ends after this answer.
    pub(super) fn closes(self) -> bool {
        match self {
            Kind::Hello | Kind::Head => false,
            Kind::Routed(_, form) => form.closes,
            _ => true,
        }
    }

    /// Of a server without routes.
    pub(super) fn plain(form: Form) -> Kind {
        match (form.head_only, form.closes) {
            (false, false) => Kind::Hello,
            (true, false) => Kind::Head,
            (false, true) => Kind::HelloAndClose,
            (true, true) => Kind::HeadAndClose,
        }
    }

    /// Where it is among [`KINDS`]; of a route, nowhere.
    #[inline]
    fn index(self) -> usize {
        match self {
            Kind::Hello => 0,
            Kind::Head => 1,
            Kind::HelloAndClose => 2,
            Kind::HeadAndClose => 3,
            Kind::BadRequest => 4,
            Kind::NotImplemented => 5,
            Kind::Routed(..) => KINDS.len(),
        }
    }
}

/// All answers of one second in one shared, immutable block.
pub(super) struct Answers {
    second: u64,
    block: Arc<[u8]>,
    ranges: [Range<usize>; 6],
    routes: Option<Arc<Routes>>,
    /// For each route, and for none: the head of an answer, and head and body; then the same of those that close.
    routed: Vec<[Range<usize>; 4]>,
}

const KINDS: [Kind; 6] =
    [Kind::Hello, Kind::Head, Kind::HelloAndClose, Kind::HeadAndClose, Kind::BadRequest, Kind::NotImplemented];

impl Answers {
    pub(super) fn new(now: SystemTime, routes: Option<Arc<Routes>>) -> Answers {
        let second = seconds(now);
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second));
        let mut block = Vec::new();
        let ranges = KINDS.map(|kind| {
            let start = block.len();
            let copies = if kind == Kind::Hello { BATCH } else { 1 };
            let one = encode(kind, &date);
            (0..copies).for_each(|_| block.extend_from_slice(one.as_bytes()));
            start..start + one.len()
        });
        let mut routed = Vec::new();
        if let Some(routes) = &routes {
            let own = routes.all().iter().map(|route| (route.status, route.headers.as_slice(), &*route.body));
            let none: (u16, &[(String, String)], &[u8]) = (404, &[], b"no route fits\n");
            for (status, headers, body) in own.chain([none]) {
                let mut form = |closes| {
                    let start = block.len();
                    block.extend_from_slice(head_of(status, headers, body.len(), closes, &date).as_bytes());
                    let head = block.len();
                    block.extend_from_slice(body);
                    (start..head, start..block.len())
                };
                let ((head, whole), (closing_head, closing)) = (form(false), form(true));
                routed.push([head, whole, closing_head, closing]);
            }
        }
        Answers { second, block: block.into(), ranges, routes, routed }
    }

    /// Encodes anew when the Date has changed.
    pub(super) fn refresh(&mut self, now: SystemTime) {
        if seconds(now) != self.second {
            *self = Answers::new(now, self.routes.take());
        }
    }

    /// The block, and the part of it that holds `count` answers of one kind; `count` above 1 only for [`Kind::Hello`].
    pub(super) fn get(&self, kind: Kind, count: u32) -> (&Arc<[u8]>, Range<usize>) {
        let one = match kind {
            Kind::Routed(route, form) => {
                let forms = &self.routed[usize::from(route)];
                &forms[usize::from(form.closes) * 2 + usize::from(!form.head_only)]
            }
            kind => &self.ranges[kind.index()],
        };
        (&self.block, one.start..one.start + one.len() * count as usize)
    }

    /// The answers to several requests in a row, as many as fit a send: how many those are, and their bytes.
    pub(super) fn several(&self, kinds: impl Iterator<Item = Kind>) -> (u32, Arc<[u8]>) {
        let (mut count, mut bytes, mut closes) = (0, Vec::new(), false);
        for kind in kinds {
            let (block, range) = self.get(kind, 1);
            if closes || (count > 0 && bytes.len() + range.len() > SEVERAL_BYTES) {
                break;
            }
            bytes.extend_from_slice(&block[range]);
            count += 1;
            closes = kind.closes();
        }
        (count, bytes.into())
    }
}

/// The head of a route's answer; status 204 and 304 have no length.
fn head_of(status: u16, headers: &[(String, String)], length: usize, closes: bool, date: &str) -> String {
    let reason = http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).unwrap_or("Other");
    let mut head = format!("HTTP/1.1 {status} {reason}\r\nServer: saturing\r\nDate: {date}\r\n");
    if closes {
        head.push_str("Connection: close\r\n");
    }
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    if !matches!(status, 204 | 304) {
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    head + "\r\n"
}

fn seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn encode(kind: Kind, date: &str) -> String {
    let (status, body) = match kind {
        Kind::BadRequest => ("400 Bad Request", "bad request\n"),
        Kind::NotImplemented => ("501 Not Implemented", "transfer codings are not taken\n"),
        _ => ("200 OK", BODY),
    };
    let close = if kind.closes() { "Connection: close\r\n" } else { "" };
    let shown = if matches!(kind, Kind::Head | Kind::HeadAndClose) { "" } else { body };
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nServer: saturing\r\nDate: {date}\r\n{close}Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{shown}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_parses_and_says_what_it_does() {
        let answers = Answers::new(UNIX_EPOCH + Duration::from_secs(784_111_777), None);
        for kind in KINDS {
            let (block, range) = answers.get(kind, 1);
            let bytes = &block[range];
            let mut headers = [httparse::EMPTY_HEADER; 8];
            let mut response = httparse::Response::new(&mut headers);
            let head = response.parse(bytes).expect("a valid head").unwrap();
            let named = |name: &str| {
                let header = response.headers.iter().find(|header| header.name == name);
                header.map(|header| String::from_utf8_lossy(header.value).into_owned())
            };
            assert_eq!(named("Date").as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
            assert_eq!(named("Connection").is_some(), kind.closes());
            let length: usize = named("Content-Length").and_then(|text| text.parse().ok()).expect("a length");
            let body = if matches!(kind, Kind::Head | Kind::HeadAndClose) { 0 } else { length };
            assert_eq!(bytes.len() - head, body, "{kind:?}");
        }
    }

    #[test]
    fn routes_have_their_answers_in_every_form() {
        let text = "[[route]]\npath = \"/\"\nstatus = 201\nbody = \"abc\"\nheaders = { X-A = \"1\" }\n[[route]]\npath = \"/n\"\nstatus = 204";
        let routes = Arc::new(Routes::parse(text).expect("routes"));
        let answers = Answers::new(UNIX_EPOCH, Some(routes));
        let of = |route, head_only, closes| {
            let (block, range) = answers.get(Kind::Routed(route, Form { head_only, closes }), 1);
            String::from_utf8(block[range].to_vec()).expect("text")
        };
        let date = "Server: saturing\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
        let created = format!("HTTP/1.1 201 Created\r\n{date}X-A: 1\r\nContent-Length: 3\r\n\r\n");
        assert_eq!((of(0, true, false), of(0, false, false)), (created.clone(), format!("{created}abc")));
        assert!(of(0, false, true).contains("\r\nConnection: close\r\n"));
        assert_eq!(of(1, false, false), format!("HTTP/1.1 204 No Content\r\n{date}\r\n"));
        assert!(of(2, false, false).starts_with("HTTP/1.1 404 Not Found\r\n"));
        let several = [(0, false), (1, false), (2, true), (0, false)];
        let kinds = several.map(|(route, closes)| Kind::Routed(route, Form { head_only: false, closes }));
        let (count, bytes) = answers.several(kinds.into_iter());
        assert_eq!(
            (count, bytes.len()),
            (3, of(0, false, false).len() + of(1, false, false).len() + of(2, false, true).len())
        );
    }

    #[test]
    fn a_batch_is_copies_and_the_date_moves_on() {
        let start = UNIX_EPOCH + Duration::from_secs(1_000);
        let mut answers = Answers::new(start, None);
        let one = {
            let (block, range) = answers.get(Kind::Hello, 1);
            block[range].to_vec()
        };
        let (block, range) = answers.get(Kind::Hello, BATCH);
        assert_eq!(block[range], one.repeat(BATCH as usize));
        answers.refresh(start + Duration::from_millis(999));
        assert_eq!(answers.second, 1_000);
        answers.refresh(start + Duration::from_secs(1));
        assert_eq!(answers.second, 1_001);
    }
}
