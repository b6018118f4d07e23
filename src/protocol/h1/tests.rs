//! Bytes in, events out: whatever the reads look like.

use proptest::prelude::*;

use super::*;
use crate::protocol::{Asked, Event, Out, Protocol};
use std::ops::Range;

const GET: Asked = Asked { kind: 0, head_only: false, wants_body: false };
const HEAD: Asked = Asked { kind: 1, head_only: true, wants_body: false };
const CHECKED: Asked = Asked { kind: 2, head_only: false, wants_body: true };

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
const LENGTH_ONLY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const LAST: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
const UNTIL_END: &str = "HTTP/1.0 200 OK\r\n\r\nok";
const INTERIM: &str = "HTTP/1.1 103 Early Hints\r\n\r\n";

/// Takes no more than so many sends.
struct Room(usize, Vec<Range<usize>>);

impl Out for Room {
    fn fixed(&mut self, range: Range<usize>) -> bool {
        let fits = self.1.len() < self.0;
        if fits {
            self.1.push(range);
        }
        fits
    }

    fn write(&mut self, _most: usize) -> Option<&mut [u8]> {
        None
    }

    fn commit(&mut self, _count: usize) {}
}

/// What is told of these answers to these requests, read in pieces that end at `cuts`: pieces of a body as one, and nothing of
/// where reads ended.
fn told(asked: &[(Asked, u32)], bytes: &str, cuts: &[usize], ends: bool) -> Vec<String> {
    let (mut heads, mut connection) = (Heads::new(3), H1::new(8));
    let mut out = Room(usize::MAX, Vec::new());
    for &(what, count) in asked {
        assert!(connection.request(what, count, 0..1, &mut out));
    }
    let (mut told, mut body) = (Vec::new(), Vec::new());
    let mut on = |event: Event<'_>| match event {
        Event::Begun | Event::Ready(_) | Event::Broken(_) | Event::Closed => {}
        Event::Body(piece) => body.extend_from_slice(piece),
        Event::Done(answer) => {
            let keeps = if answer.keep_alive { "" } else { " last" };
            let text = String::from_utf8(std::mem::take(&mut body)).expect("text");
            told.push(format!("{} {}{text}{keeps}", answer.status, answer.body_bytes));
        }
        Event::Excess => told.push("excess".into()),
        Event::Refused { error, stray } => {
            told.push(format!("{}{}", error.reason(), if stray { " stray" } else { "" }));
        }
    };
    let mut start = 0;
    for &end in cuts.iter().chain([&bytes.len()]) {
        connection.receive(&mut bytes.as_bytes()[start..end].to_vec(), &mut heads, &mut out, &mut on);
        start = end;
        if connection.refusal().is_some() {
            // Nothing more is read from such a connection.
            break;
        }
    }
    if ends {
        connection.end(&mut heads, &mut on);
    }
    assert_eq!(out.1.len(), asked.len(), "HTTP/1.1 says nothing by itself");
    told.dedup_by(|one, before| one == "excess" && before == "excess");
    told
}

/// Requests, what comes for them, whether the connection then ends, and what is told.
type Case = (&'static [(Asked, u32)], String, bool, &'static [&'static str]);

fn cases() -> Vec<Case> {
    let all = |parts: &[&str]| parts.concat();
    vec![
        (&[(GET, 3)], all(&[OK, OK, OK]), false, &["200 2", "200 2", "200 2"]),
        (&[(GET, 1), (HEAD, 1), (GET, 1)], all(&[OK, LENGTH_ONLY, OK]), false, &["200 2", "200 0", "200 2"]),
        (&[(HEAD, 2), (GET, 1)], all(&[LENGTH_ONLY, LENGTH_ONLY, EMPTY]), false, &["200 0", "200 0", "204 0"]),
        (&[(CHECKED, 2), (GET, 1)], all(&[OK, CHUNKED, CHUNKED]), false, &["200 2ok", "200 5abcde", "200 5"]),
        (
            &[(CHECKED, 1), (CHECKED, 1), (HEAD, 1)],
            all(&[OK, OK, LENGTH_ONLY]),
            false,
            &["200 2ok", "200 2ok", "200 0"],
        ),
        (&[(GET, 2)], all(&[INTERIM, OK, INTERIM, INTERIM, OK]), false, &["200 2", "200 2"]),
        (&[(GET, 3)], all(&[OK, LAST, OK]), false, &["200 2", "200 2 last", "excess"]),
        (&[(GET, 1)], all(&[OK, "\r\n\r\n"]), false, &["200 2"]),
        (&[(GET, 1)], all(&[OK, OK]), false, &["200 2", "excess"]),
        (&[(CHECKED, 2)], UNTIL_END.into(), true, &["200 2ok last"]),
        (&[(GET, 2)], all(&[OK, "HTTP/1.1 200 OK\r\nContent-Le"]), true, &["200 2"]),
        (&[(GET, 2)], all(&[OK, "ICY 200 OK\r\n\r\n"]), false, &["200 2", "not_http stray"]),
        (&[(GET, 2)], all(&[OK, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]), false, &["200 2", "invalid_length"]),
        (&[(GET, 1)], "\x15\x03\x03\x00\x02\x02\x28".into(), false, &["tls_alert stray"]),
    ]
}

#[test]
fn every_case_at_every_split() {
    for (asked, bytes, ends, expected) in cases() {
        for cut in 0..=bytes.len() {
            assert_eq!(told(asked, &bytes, &[cut], ends), expected, "{bytes:?} cut at {cut}");
        }
        let everywhere: Vec<usize> = (1..bytes.len()).collect();
        assert_eq!(told(asked, &bytes, &everywhere, ends), expected, "{bytes:?} bytewise");
    }
}

proptest! {
    #[test]
    fn every_case_at_any_splits(which in 0..cases().len(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let (asked, bytes, ends, expected) = cases().swap_remove(which);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(told(asked, &bytes, &cuts, ends), expected);
    }
}

#[test]
fn an_answer_that_takes_several_reads_begins_once() {
    let (mut heads, mut connection, mut out) = (Heads::new(1), H1::new(1), Room(1, Vec::new()));
    assert!(connection.request(GET, 2, 7..9, &mut out));
    let mut events = Vec::new();
    for part in [INTERIM, &OK[..9], &OK[9..30], &OK[30..], OK] {
        connection.receive(&mut part.as_bytes().to_vec(), &mut heads, &mut out, &mut |event| {
            events.push(matches!(event, Event::Begun));
        });
    }
    assert_eq!(events, [true, false, false], "one begins before it is done; the other comes at once");
    assert!(connection.is_idle() && connection.begun().is_none());
    assert_eq!(out.1.as_slice(), std::slice::from_ref(&(7..9)));
}

#[test]
fn a_request_without_room_has_not_happened() {
    let (mut heads, mut connection, mut out) = (Heads::new(2), H1::new(2), Room(1, Vec::new()));
    assert!(connection.request(HEAD, 1, 0..1, &mut out));
    assert!(!connection.request(GET, 1, 1..2, &mut out));
    let mut done = 0;
    connection.receive(&mut LENGTH_ONLY.as_bytes().to_vec(), &mut heads, &mut out, &mut |event| {
        done += u32::from(matches!(event, Event::Done(_)));
    });
    assert_eq!(done, 1);
    connection.receive(&mut OK.as_bytes().to_vec(), &mut heads, &mut out, &mut |event| {
        assert_eq!(event, Event::Excess);
    });
}

#[test]
fn a_new_connection_begins_from_nothing() {
    let (mut heads, mut connection, mut out) = (Heads::new(2), H1::new(2), Room(9, Vec::new()));
    assert!(connection.request(GET, 2, 0..1, &mut out) && connection.request(HEAD, 1, 0..1, &mut out));
    connection.receive(&mut OK.as_bytes()[..20].to_vec(), &mut heads, &mut out, &mut |_| {});
    assert_eq!(connection.begun(), Some(0));
    connection.reset(&mut heads);
    assert!(connection.is_idle() && connection.refusal().is_none());
    assert!(connection.request(HEAD, 1, 0..1, &mut out));
    let mut done = Vec::new();
    connection.receive(&mut LENGTH_ONLY.as_bytes().to_vec(), &mut heads, &mut out, &mut |event| {
        done.push(matches!(event, Event::Done(answer) if answer.body_bytes == 0));
    });
    assert_eq!(done, [true]);
}
