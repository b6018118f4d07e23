//! The server's answers, encoded once a second.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The 13 bytes of every good answer.
pub(super) const BODY: &str = "Hello, World!";

/// How many plain answers one send may carry.
pub(super) const BATCH: u32 = 64;

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
}

impl Kind {
    /// The connection ends after this answer.
    pub(super) fn closes(self) -> bool {
        !matches!(self, Kind::Hello | Kind::Head)
    }
}

/// All answers of one second in one shared, immutable block.
pub(super) struct Answers {
    second: u64,
    block: Arc<[u8]>,
    ranges: [Range<usize>; 6],
}

const KINDS: [Kind; 6] =
    [Kind::Hello, Kind::Head, Kind::HelloAndClose, Kind::HeadAndClose, Kind::BadRequest, Kind::NotImplemented];

impl Answers {
    pub(super) fn new(now: SystemTime) -> Answers {
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
        Answers { second, block: block.into(), ranges }
    }

    /// Encodes anew when the Date has changed.
    pub(super) fn refresh(&mut self, now: SystemTime) {
        if seconds(now) != self.second {
            *self = Answers::new(now);
        }
    }

    /// The block, and the part of it that holds `count` answers of one kind; `count` above 1 only for [`Kind::Hello`].
    pub(super) fn get(&self, kind: Kind, count: u32) -> (&Arc<[u8]>, Range<usize>) {
        let one = &self.ranges[kind as usize];
        (&self.block, one.start..one.start + one.len() * count as usize)
    }
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
        let answers = Answers::new(UNIX_EPOCH + Duration::from_secs(784_111_777));
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
    fn a_batch_is_copies_and_the_date_moves_on() {
        let start = UNIX_EPOCH + Duration::from_secs(1_000);
        let mut answers = Answers::new(start);
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
