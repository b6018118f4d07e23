//! Framing of responses while they arrive, whatever the reads look like.
//!
//! A [`Parser`] stands at each connection; the [`Heads`] of a worker are lent to it with every read. Bodies are walked
//! over and never copied; of a head only what crosses a read is.
//!
//! HTTP/1.0 and 1.1, by RFC 9112, section 6.3; a later minor version is read as 1.1 (RFC 9110, 2.5). Where a body's end
//! could be taken to be in two places, the answer is refused. Answers to `HEAD` and answers 204 and 304 end with their
//! heads, whatever those say of lengths, even if it is nonsense: nothing follows that it could frame.
//!
//! A line ends at LF; a CR before it is dropped, a CR elsewhere is refused. That holds for heads (RFC 9112, 2.2), for the
//! lines of a chunked body, and for trailers, as nginx, curl and Chromium have it; Go, hyper and llhttp want CR LF in
//! chunked bodies. A line that begins with white space goes on with the header or trailer before it (obs-fold, RFC 9112,
//! 5.2), and the break counts as a space. Empty lines behind an answer are dropped, up to 128 bytes of them (RFC 9112, 9.2).

pub mod chunked;
mod error;
mod foreign;
mod glance;
mod head;
mod heads;
pub mod whole;

pub use error::ProtocolError;
pub use heads::Heads;

use chunked::Chunked;
use foreign::Foreign;
use head::{Framing, Head, Scan};

/// Bytes of line ends dropped between two answers: enough for a server that keeps a connection alive with them, and no
/// leave to send them without end.
const MAX_LINE_ENDS: u8 = 128;

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
    /// Line ends were seen or, if so it says, an interim answer, but nothing of a next head.
    Before { line_ends: LineEnds, interim: bool },
    /// What begins is no head, and may be another protocol.
    Foreign { foreign: Foreign, interim: bool },
    /// Within a head that crosses reads; `spill` is what there is of it.
    Head { scan: Scan, spill: Vec<u8> },
    /// `got` counts the bytes of the body so far.
    Body {
        got: u64,
        body: Body,
        status: u16,
        keep_alive: bool,
        /// The bytes are to be shown to [`glance`].
        glanced: bool,
    },
    /// `stray`: at the first byte of what should have been an answer.
    Refused { error: ProtocolError, stray: bool },
}

/// Line ends between answers.
#[derive(Clone, Copy, Debug, Default)]
struct LineEnds {
    bytes: u8,
    /// The last byte was a CR: only LF may follow.
    cr: bool,
}

impl LineEnds {
    /// Takes `byte` if it belongs to a line end; false: a head may begin here.
    fn take(&mut self, byte: u8) -> Result<bool, ProtocolError> {
        match (self.cr, byte) {
            (false, b'\r') | (_, b'\n') if self.bytes < MAX_LINE_ENDS => {
                self.bytes += 1;
                self.cr = byte == b'\r';
                Ok(true)
            }
            (true, _) | (_, b'\r' | b'\n') => Err(ProtocolError::NotHttp),
            (false, _) => Ok(false),
        }
    }
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
        self.feed_slowly(bytes, heads, &mut |_| {})
    }

    /// The same; shows each piece of the body to `tell`.
    pub fn feed_telling(&mut self, bytes: &[u8], heads: &mut Heads, tell: &mut dyn FnMut(&[u8])) -> (usize, Step) {
        if matches!(self.state, State::Idle)
            && let Some((used, answer)) = heads.recall_answer(bytes)
        {
            tell(&bytes[used - answer.body_bytes as usize..used]);
            return (used, Step::Whole(answer));
        }
        self.feed_slowly(bytes, heads, tell)
    }

    /// The peer has closed its side. `Whole` for a body that ends so; `Partial` if an answer was cut short, or none
    /// had begun: see [`is_idle`](Self::is_idle); `Refused` if what had come was no answer.
    pub fn end(&mut self, heads: &mut Heads) -> Step {
        match self.state {
            State::Body { got, body: Body::Close, status, keep_alive, .. } => {
                self.reset(heads);
                Step::Whole(Answer { status, body_bytes: got, keep_alive })
            }
            State::Foreign { interim, .. } => {
                self.state = State::Refused { error: ProtocolError::NotHttp, stray: !interim };
                Step::Refused(ProtocolError::NotHttp)
            }
            State::Refused { error, .. } => Step::Refused(error),
            _ => Step::Partial,
        }
    }

    /// Whether the stream stands between answers: of a next one nothing was seen, an interim answer included. Line ends
    /// are nothing.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle | State::Before { interim: false, .. })
    }

    /// The bytes of the body so far, if a final answer has begun and not ended.
    pub fn begun(&self) -> Option<u64> {
        match self.state {
            State::Head { .. } => Some(0),
            State::Body { got, .. } => Some(got),
            _ => None,
        }
    }

    /// Takes the line ends at the beginning of what was read while no answer was awaited, and gives their number: they
    /// may follow an answer, and mean nothing.
    pub fn skip_line_ends(&mut self, bytes: &[u8]) -> usize {
        let mut line_ends = match self.state {
            State::Idle => LineEnds::default(),
            State::Before { line_ends, interim: false } => line_ends,
            _ => return 0,
        };
        let taken = bytes.iter().take_while(|&&byte| line_ends.take(byte) == Ok(true)).count();
        if taken > 0 {
            self.state = State::Before { line_ends, interim: false };
        }
        taken
    }

    /// Takes what a server said before it was asked for the first time, if that is or may yet be another protocol than
    /// HTTP/1: then whatever is fed next is refused by its name.
    pub fn meets_other_protocol(&mut self, bytes: &[u8], heads: &mut Heads) -> bool {
        let begun = match &self.state {
            State::Foreign { .. } => true,
            State::Refused { error, .. } => return error.is_other_protocol(),
            _ => self.is_idle() && bytes.first().is_some_and(|&byte| Foreign::may_begin(byte)),
        };
        begun
            && match self.feed_slowly(bytes, heads, &mut |_| {}).1 {
                Step::Refused(error) => error.is_other_protocol(),
                step => step == Step::Partial,
            }
    }

    /// Why the bytes were refused, if they were.
    pub fn refusal(&self) -> Option<ProtocolError> {
        match self.state {
            State::Refused { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether the bytes were refused where an answer might have begun, and not within one.
    pub fn refused_stray_bytes(&self) -> bool {
        matches!(self.state, State::Refused { stray: true, .. })
    }

    /// Forgets everything, for a new connection.
    pub fn reset(&mut self, heads: &mut Heads) {
        match std::mem::take(&mut self.state) {
            State::Head { spill, .. } => heads.give_back(spill),
            State::Body { glanced: true, .. } => heads.glance.ends(),
            _ => {}
        }
    }

    #[inline(never)]
    fn feed_slowly(&mut self, bytes: &[u8], heads: &mut Heads, tell: &mut dyn FnMut(&[u8])) -> (usize, Step) {
        let mut used = 0;
        while used < bytes.len() {
            match self.advance(&bytes[used..], heads, tell) {
                Ok((here, None)) => used += here,
                Ok((here, Some(answer))) => {
                    self.state = State::Idle;
                    return (used + here, Step::Whole(answer));
                }
                Err(error) => {
                    let stray = self.is_stray(bytes[used]);
                    self.reset(heads);
                    self.state = State::Refused { error, stray };
                    return (bytes.len(), Step::Refused(error));
                }
            }
        }
        (used, Step::Partial)
    }

    /// Whether what is refused at `byte` had not begun as an answer does.
    fn is_stray(&self, byte: u8) -> bool {
        match self.state {
            State::Foreign { interim, .. } => !interim,
            State::Refused { stray, .. } => stray,
            _ => self.is_idle() && byte != b'H',
        }
    }

    /// One step through `bytes`, which are not empty: line ends, a head or a body, to its end or theirs.
    fn advance(&mut self, bytes: &[u8], heads: &mut Heads, tell: &mut dyn FnMut(&[u8])) -> Advance {
        match &mut self.state {
            State::Idle => {
                self.state = State::Before { line_ends: LineEnds::default(), interim: false };
                Ok((0, None))
            }
            State::Before { line_ends, interim } => {
                let interim = *interim;
                match line_ends.take(bytes[0])? {
                    true => Ok((1, None)),
                    false if Foreign::may_begin(bytes[0]) => {
                        self.state = State::Foreign { foreign: Foreign::default(), interim };
                        Ok((0, None))
                    }
                    false => self.begin_head(bytes, heads),
                }
            }
            State::Foreign { foreign, .. } => foreign.take(bytes[0]).map(|()| (1, None)),
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
                Ok((here, self.begin_body(head, heads)))
            }
            State::Body { got, body, status, keep_alive, glanced } => {
                let (here, ended) = body.feed(bytes, got, tell)?;
                if *glanced {
                    heads.glance.add(&bytes[..here]);
                    if ended {
                        heads.glance.ends();
                    }
                }
                let answer = Answer { status: *status, body_bytes: *got, keep_alive: *keep_alive };
                Ok((here, ended.then_some(answer)))
            }
            State::Refused { error, .. } => Err(*error),
        }
    }

    fn begin_head(&mut self, bytes: &[u8], heads: &mut Heads) -> Advance {
        if let Some((length, head)) = heads.recall(bytes) {
            return Ok((length, self.begin_body(head, heads)));
        }
        let mut scan = Scan::default();
        let end = scan.feed(bytes)?;
        #[cfg(test)]
        {
            heads.work.scanned += end.unwrap_or(bytes.len());
        }
        if let Some(length) = end {
            let head = heads.read(&bytes[..length], scan.headers())?;
            return Ok((length, self.begin_body(head, heads)));
        }
        let mut spill = heads.take_spill();
        spill.extend_from_slice(bytes);
        self.state = State::Head { scan, spill };
        Ok((bytes.len(), None))
    }

    /// Goes on behind a head; gives the answer if that was all of it.
    fn begin_body(&mut self, head: Head, heads: &mut Heads) -> Option<Answer> {
        let Head { status, keep_alive, framing } = head;
        if head.is_interim() {
            self.state = State::Before { line_ends: LineEnds::default(), interim: true };
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
        let glanced = heads.glance.begins(status);
        self.state = State::Body { got: 0, body, status, keep_alive, glanced };
        None
    }
}

impl Body {
    /// Walks over the body; gives the bytes used and whether it ended there. `got` grows by the bytes of data.
    fn feed(
        &mut self,
        bytes: &[u8],
        got: &mut u64,
        tell: &mut dyn FnMut(&[u8]),
    ) -> Result<(usize, bool), ProtocolError> {
        match self {
            Body::Length(left) => {
                let here = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= here as u64;
                *got += here as u64;
                tell(&bytes[..here]);
                Ok((here, *left == 0))
            }
            Body::Chunked(chunked) => chunked.feed(bytes, got, tell),
            Body::Close => {
                *got += bytes.len() as u64;
                tell(bytes);
                Ok((bytes.len(), false))
            }
        }
    }
}

#[cfg(test)]
mod tests;
