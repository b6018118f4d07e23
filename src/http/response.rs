//! Framing of responses while they arrive, whatever the reads look like.
//!
//! A [`Parser`] stands at each connection; the [`Heads`] of a worker are lent to it with every read. Bodies are walked
//! over and never copied; of a head only what crosses a read is.
//!
//! HTTP/1.0 and 1.1, by RFC 9112, section 6.3. Where a body's end could be taken to be in two places, the answer is
//! refused. Answers to `HEAD` and answers 204 and 304 end with their heads, whatever those say of lengths, even if it
//! is nonsense: nothing follows that it could frame.

mod chunked;
mod error;
mod head;
mod heads;
pub mod whole;

pub use error::ProtocolError;
pub use heads::Heads;

use chunked::Chunked;
use head::{Framing, Head, Scan};

/// Bytes of empty lines skipped before an answer, as a courtesy to servers that send one line end too many.
const MAX_EMPTY_LINES: u8 = 8;

/// The state of one connection's stream of answers.
#[derive(Debug, Default)]
pub struct Parser {
    state: State,
}

/// What came of the bytes fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// More bytes are needed.
    Partial,
    /// One final answer has ended.
    Whole(Answer),
    /// The bytes are no valid answer. The parser says so again until it is reset.
    Refused(ProtocolError),
}

/// A whole final answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200 to 999.
    pub status: u16,
    /// Bytes of the body, without a transfer coding's framing.
    pub body_bytes: u64,
    /// Whether the server will read another request on this connection.
    pub keep_alive: bool,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    /// Something was seen, an interim answer or an empty line, but nothing of a next head.
    Before {
        empty_lines: u8,
        cr: bool,
    },
    /// Within a head that crosses reads; `spill` is what there is of it.
    Head {
        scan: Scan,
        spill: Vec<u8>,
    },
    /// `got` counts the bytes of the body so far.
    Body {
        got: u64,
        body: Body,
        status: u16,
        keep_alive: bool,
    },
    Refused(ProtocolError),
}

#[derive(Debug)]
enum Body {
    /// Bytes to come, at least one.
    Length(u64),
    Chunked(Chunked),
    Close,
}

/// Bytes used, and the answer if one ended there.
type Advance = Result<(usize, Option<Answer>), ProtocolError>;

impl Parser {
    /// Takes what was read from the connection. Gives the number of bytes used, up to the end of one final answer, and
    /// what came of them; the rest is to be fed again. `Partial` and `Refused` use all of them.
    #[inline]
    pub fn feed(&mut self, bytes: &[u8], heads: &mut Heads) -> (usize, Step) {
        if matches!(self.state, State::Idle)
            && let Some((used, answer)) = heads.recall_answer(bytes)
        {
            return (used, Step::Whole(answer));
        }
        self.feed_slowly(bytes, heads)
    }

    /// The peer has closed its side. `Whole` for a body that ends so; `Partial` if an answer was cut short, or none
    /// had begun: see [`is_idle`](Self::is_idle).
    pub fn end(&mut self, heads: &mut Heads) -> Step {
        match self.state {
            State::Body { got, body: Body::Close, status, keep_alive } => {
                self.reset(heads);
                Step::Whole(Answer { status, body_bytes: got, keep_alive })
            }
            State::Refused(error) => Step::Refused(error),
            _ => Step::Partial,
        }
    }

    /// Whether the stream stands between answers: not a byte of a next one was seen, an interim answer's included.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Forgets everything, for a new connection.
    pub fn reset(&mut self, heads: &mut Heads) {
        if let State::Head { spill, .. } = std::mem::take(&mut self.state) {
            heads.give_back(spill);
        }
    }

    #[inline(never)]
    fn feed_slowly(&mut self, bytes: &[u8], heads: &mut Heads) -> (usize, Step) {
        let mut used = 0;
        while used < bytes.len() {
            match self.advance(&bytes[used..], heads) {
                Ok((here, None)) => used += here,
                Ok((here, Some(answer))) => {
                    self.state = State::Idle;
                    return (used + here, Step::Whole(answer));
                }
                Err(error) => {
                    self.reset(heads);
                    self.state = State::Refused(error);
                    return (bytes.len(), Step::Refused(error));
                }
            }
        }
        (used, Step::Partial)
    }

    /// One step through `bytes`, which are not empty: empty lines, a head or a body, to its end or theirs.
    fn advance(&mut self, bytes: &[u8], heads: &mut Heads) -> Advance {
        match &mut self.state {
            State::Idle => {
                self.state = State::Before { empty_lines: 0, cr: false };
                Ok((0, None))
            }
            State::Before { empty_lines, cr } => match (*cr, bytes[0]) {
                (false, b'\r') | (_, b'\n') if *empty_lines < MAX_EMPTY_LINES => {
                    *empty_lines += 1;
                    *cr = bytes[0] == b'\r';
                    Ok((1, None))
                }
                (true, _) => Err(ProtocolError::NotHttp),
                (false, _) => self.begin_head(bytes, heads),
            },
            State::Head { scan, spill } => {
                let end = scan.feed(bytes)?;
                let here = end.unwrap_or(bytes.len());
                #[cfg(test)]
                {
                    heads.work.scanned += here;
                }
                spill.extend_from_slice(&bytes[..here]);
                if end.is_none() {
                    return Ok((here, None));
                }
                let head = heads.read(spill, scan.headers())?;
                heads.give_back(std::mem::take(spill));
                Ok((here, self.begin_body(head)))
            }
            State::Body { got, body, status, keep_alive } => {
                let (here, ended) = body.feed(bytes, got)?;
                let answer = Answer { status: *status, body_bytes: *got, keep_alive: *keep_alive };
                Ok((here, ended.then_some(answer)))
            }
            State::Refused(error) => Err(*error),
        }
    }

    fn begin_head(&mut self, bytes: &[u8], heads: &mut Heads) -> Advance {
        if let Some((length, head)) = heads.recall(bytes) {
            return Ok((length, self.begin_body(head)));
        }
        let mut scan = Scan::default();
        let end = scan.feed(bytes)?;
        #[cfg(test)]
        {
            heads.work.scanned += end.unwrap_or(bytes.len());
        }
        if let Some(length) = end {
            let head = heads.read(&bytes[..length], scan.headers())?;
            return Ok((length, self.begin_body(head)));
        }
        let mut spill = heads.take_spill();
        spill.extend_from_slice(bytes);
        self.state = State::Head { scan, spill };
        Ok((bytes.len(), None))
    }

    /// Goes on behind a head; gives the answer if that was all of it.
    fn begin_body(&mut self, head: Head) -> Option<Answer> {
        let Head { status, keep_alive, framing } = head;
        if head.is_interim() {
            self.state = State::Before { empty_lines: 0, cr: false };
            return None;
        }
        let body = match framing {
            Framing::Length(0) => {
                return Some(Answer { status, body_bytes: 0, keep_alive });
            }
            Framing::Length(length) => Body::Length(length),
            Framing::Chunked => Body::Chunked(Chunked::default()),
            Framing::Close => Body::Close,
        };
        self.state = State::Body { got: 0, body, status, keep_alive };
        None
    }
}

impl Body {
    /// Walks over the body; gives the bytes used and whether it ended there. `got` grows by the bytes of data.
    fn feed(&mut self, bytes: &[u8], got: &mut u64) -> Result<(usize, bool), ProtocolError> {
        match self {
            Body::Length(left) => {
                let here = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= here as u64;
                *got += here as u64;
                Ok((here, *left == 0))
            }
            Body::Chunked(chunked) => chunked.feed(bytes, got),
            Body::Close => {
                *got += bytes.len() as u64;
                Ok((bytes.len(), false))
            }
        }
    }
}

#[cfg(test)]
mod tests;
