//! Valid streams of answers of all kinds, with what they mean, and ways to damage them.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::feeding::Outcome;

/// What one connection sends, and what it means.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) head_request: bool,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Vec<Outcome>,
}

#[derive(Clone, Debug)]
struct Message {
    /// Statuses of the interim answers before it.
    interim: Vec<u16>,
    /// Before it, and behind the one before.
    empty_lines: &'static str,
    minor: u8,
    status: u16,
    reason: &'static str,
    fields: Vec<(String, String)>,
    connection: Option<&'static str>,
    body: Body,
    /// The line end of the head, and of folds in it.
    line_end: &'static str,
    /// The line end behind a chunked body's sizes and trailers, and the one behind its data.
    chunk_line_ends: (&'static str, &'static str),
}

#[derive(Clone, Debug)]
enum Body {
    /// `Content-Length` in that spelling, `{}` being the number and `\n` a line end.
    Length(usize, &'static str),
    Chunked(Vec<Chunk>, Vec<(String, String)>),
    /// Ends with the connection: anywhere but at the end of a stream it is given a length.
    Close(usize),
}

#[derive(Clone, Debug)]
struct Chunk {
    bytes: usize,
    zeros: usize,
    upper_case: bool,
    behind_size: &'static str,
}

/// One to four answers behind each other, all to `HEAD` or none.
pub(crate) fn stream() -> impl Strategy<Value = Stream> {
    let messages = prop::collection::vec(message(), 1..=4);
    (prop::bool::weighted(0.2), messages).prop_map(|(head_request, messages)| {
        let mut stream = Stream { head_request, bytes: Vec::new(), expected: Vec::new() };
        let last = messages.len() - 1;
        for (at, message) in messages.into_iter().enumerate() {
            message.write(&mut stream, at == last);
        }
        stream
    })
}

fn line_end() -> impl Strategy<Value = &'static str> {
    select(vec!["\r\n", "\r\n", "\r\n", "\n"])
}

fn message() -> impl Strategy<Value = Message> {
    (
        prop::collection::vec(select(vec![100, 102, 103, 199]), 0..=2),
        select(vec!["", "", "", "\r\n", "\n\r\n", "\r\n\r\n\r\n\r\n\r\n\r\n"]),
        select(vec![0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 9]),
        select(vec![200, 200, 200, 204, 205, 301, 304, 404, 500, 600, 999]),
        select(vec!["", " ", " OK", " Not so good", " \u{e9}t\u{e9}"]),
        prop::collection::vec(field(), 0..4),
        select(vec![
            None,
            None,
            Some("close"),
            Some("Keep-Alive"),
            Some("keep-alive , CLOSE"),
            Some("Upgrade,keep-alive"),
            Some("x,\n\tclose"),
            Some("\n keep-alive\n "),
        ]),
        body(),
        line_end(),
        (line_end(), line_end()),
    )
        .prop_map(|parts| Message {
            interim: parts.0,
            empty_lines: parts.1,
            minor: parts.2,
            status: parts.3,
            reason: parts.4,
            fields: parts.5,
            connection: parts.6,
            body: parts.7,
            line_end: parts.8,
            chunk_line_ends: parts.9,
        })
}

/// A name and a value, which is folded at each `\n`.
fn field() -> impl Strategy<Value = (String, String)> {
    let value = "[ \t]{0,2}[!-~\u{a1}-\u{ff}]{0,12}[ \t]{0,2}";
    let folds = "(\n[ \t]{1,2}[!-~]{0,8}[ \t]{0,1}){0,3}";
    ("X-[A-Za-z0-9_~!]{1,8}", value, prop_oneof![3 => "", 1 => folds])
        .prop_map(|(name, value, folds)| (name, value + &folds))
}

fn body() -> impl Strategy<Value = Body> {
    let spelling = select(vec!["{}", "{}", "00{}", " {}, {}\t", "\n {}", "{},\n\t{} \n "]);
    let chunks = prop::collection::vec(chunk(), 0..5);
    let trailers = prop::collection::vec(field(), 0..3);
    prop_oneof![
        4 => (0..300_usize, spelling).prop_map(|(length, spelling)| Body::Length(length, spelling)),
        4 => (chunks, trailers).prop_map(|(chunks, trailers)| Body::Chunked(chunks, trailers)),
        1 => (0..300_usize).prop_map(Body::Close),
    ]
}

fn chunk() -> impl Strategy<Value = Chunk> {
    let behind_size = select(vec!["", "", ";", " ", " \t;a=b;c", ";q=\"0\"", ";q=\"0"]);
    (1..300_usize, 0..3_usize, any::<bool>(), behind_size).prop_map(|(bytes, zeros, upper_case, behind_size)| Chunk {
        bytes,
        zeros,
        upper_case,
        behind_size,
    })
}

/// A body that would mislead whoever looked for heads and chunks in it.
fn filler(bytes: usize) -> impl Iterator<Item = u8> {
    b"\r\nHTTP/1.1 200 OK\r\n\r\n0\r\n\r\n".iter().copied().cycle().take(bytes)
}

impl Message {
    fn write(mut self, stream: &mut Stream, last: bool) {
        self.adapt(last);
        let bodiless = stream.head_request || matches!(self.status, 204 | 304);
        self.write_head(&mut stream.bytes);
        let mut body_bytes = 0;
        if !bodiless {
            body_bytes = self.write_body(&mut stream.bytes);
        }
        let says = |token: &str| self.connection.is_some_and(|value| value.to_lowercase().contains(token));
        let ends_with_connection = !bodiless && matches!(self.body, Body::Close(_));
        stream.expected.push(Outcome::Answer {
            status: self.status,
            body_bytes: body_bytes as u64,
            keep_alive: !says("close") && (self.minor > 0 || says("keep-alive")) && !ends_with_connection,
        });
    }

    /// Replaces framings that are not valid here by a length.
    fn adapt(&mut self, last: bool) {
        match &self.body {
            Body::Close(length) if !last => self.body = Body::Length(*length, "{}"),
            Body::Chunked(chunks, _) if self.minor == 0 => {
                self.body = Body::Length(chunks.iter().map(|chunk| chunk.bytes).sum(), "{}");
            }
            _ => {}
        }
    }

    fn write_head(&self, bytes: &mut Vec<u8>) {
        let end = self.line_end;
        for status in &self.interim {
            bytes.extend(format!("HTTP/1.1 {status} Wait{end}Content-Length: 9{end}{end}").bytes());
        }
        let mut head = format!("{}HTTP/1.{} {}{}{end}", self.empty_lines, self.minor, self.status, self.reason);
        for (name, value) in &self.fields {
            head.push_str(&format!("{name}:{}{end}", value.replace('\n', end)));
        }
        if let Some(value) = self.connection {
            head.push_str(&format!("connection: {}{end}", value.replace('\n', end)));
        }
        match &self.body {
            Body::Length(length, spelling) => {
                let value = spelling.replace("{}", &length.to_string()).replace('\n', end);
                head.push_str(&format!("Content-LENGTH:{value}{end}"));
            }
            Body::Chunked(..) => head.push_str(&format!("transfer-encoding: gzip,{end} Chunked{end}")),
            Body::Close(_) => {}
        }
        head.push_str(end);
        bytes.extend(head.bytes());
    }

    /// Writes the body and gives its length without framing.
    fn write_body(&self, bytes: &mut Vec<u8>) -> usize {
        match &self.body {
            Body::Length(length, _) | Body::Close(length) => {
                bytes.extend(filler(*length));
                *length
            }
            Body::Chunked(chunks, trailers) => {
                let (end, _) = self.chunk_line_ends;
                for chunk in chunks {
                    chunk.write(bytes, self.chunk_line_ends);
                }
                bytes.extend(format!("0{end}").bytes());
                for (name, value) in trailers {
                    bytes.extend(format!("{name}:{}{end}", value.replace('\n', end)).bytes());
                }
                bytes.extend(end.bytes());
                chunks.iter().map(|chunk| chunk.bytes).sum()
            }
        }
    }
}

impl Chunk {
    fn write(&self, bytes: &mut Vec<u8>, (behind_size, behind_data): (&str, &str)) {
        let mut size = format!("{:0>1$}{2:x}", "", self.zeros, self.bytes);
        if self.upper_case {
            size.make_ascii_uppercase();
        }
        bytes.extend(format!("{size}{}{behind_size}", self.behind_size).bytes());
        bytes.extend(filler(self.bytes));
        bytes.extend(behind_data.bytes());
    }
}

/// Damage done to a stream.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    Flip(Index, u8),
    Delete(Index, usize),
    Insert(Index, Vec<u8>),
    Repeat(Index, usize),
}

pub(crate) fn mutation() -> impl Strategy<Value = Mutation> {
    let telling: Vec<&[u8]> = vec![
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\0",
        b"0",
        b"f",
        b",",
        b" ",
        b"\r\n ",
        b"\n\t",
        b":",
        b"\xff",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\n",
        b"HTTP/1.1 101 \r\n\r\n",
        b"HTTP/1.0",
        b"HTTP/1.4",
        b"\x15\x03\x01",
        b"\0\0\x06\x04\0\0\0\0\0",
    ];
    let inserted = prop_oneof![
        3 => select(telling).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 1..6),
    ];
    prop_oneof![
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        (any::<Index>(), 1..20_usize).prop_map(|(at, length)| Mutation::Delete(at, length)),
        (any::<Index>(), inserted).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Mutation::Repeat(at, length)),
    ]
}

pub(crate) fn mutate(mut bytes: Vec<u8>, mutations: &[Mutation]) -> Vec<u8> {
    for mutation in mutations {
        if bytes.is_empty() {
            break;
        }
        let range = |at: &Index, length: usize| {
            let at = at.index(bytes.len());
            at..bytes.len().min(at + length)
        };
        match mutation {
            Mutation::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Mutation::Delete(at, length) => {
                bytes.drain(range(at, *length));
            }
            Mutation::Insert(at, inserted) => {
                let at = range(at, 0).start;
                bytes.splice(at..at, inserted.iter().copied());
            }
            Mutation::Repeat(at, length) => {
                let range = range(at, *length);
                let repeated = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, repeated);
            }
        }
    }
    bytes
}
