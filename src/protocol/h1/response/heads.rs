//! What the parsers of one worker share: the last head read of each kind, and buffers for heads that cross reads.

use super::Answer;
use super::error::ProtocolError;
use super::glance::Glance;
use super::head::{self, Framing, Head, MINOR};
use crate::protocol::Asked;

/// Heads longer than this are not remembered.
const MAX_REMEMBERED: usize = 4 * 1024;
/// A first buffer's size: most heads fit.
const FIRST_SPILL: usize = 1024;
/// Bytes of unused buffers kept for the next head that crosses reads; what goes beyond is given back to the system.
const MAX_SPARE: usize = 1024 * 1024;

/// Shared by all parsers of a worker. Servers answer a kind of request with the same head again and again, byte for byte,
/// at least within a second: such a head is compared with the last one and not read again.
#[derive(Debug)]
pub struct Heads {
    /// What the answer fed next is to.
    asked: Asked,
    kinds: Box<[Remembered]>,
    spare: Vec<Vec<u8>>,
    spare_bytes: usize,
    pub(super) glance: Glance,
    #[cfg(test)]
    pub(super) work: Work,
}

/// The last head of a kind.
#[derive(Debug, Clone)]
struct Remembered {
    /// Its bytes; empty before the first.
    bytes: Vec<u8>,
    head: Head,
    /// It was read as an answer to `HEAD`.
    head_only: bool,
    /// For a head with a length: the bytes of head and body, and the answer they make. Otherwise `usize::MAX`, which no
    /// read reaches.
    whole: usize,
    answer: Answer,
}

impl Remembered {
    fn nothing() -> Remembered {
        Remembered {
            bytes: Vec::new(),
            head: Head { status: 0, keep_alive: false, framing: Framing::Close },
            head_only: false,
            whole: usize::MAX,
            answer: Answer { status: 0, body_bytes: 0, keep_alive: false },
        }
    }
}

/// What the parsers did, for tests of how much they do.
#[cfg(test)]
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) scanned: usize,
    pub(super) parsed: usize,
}

impl Heads {
    /// For answers of so many kinds, at least one.
    pub fn new(kinds: usize) -> Heads {
        let mut heads = Heads {
            asked: Asked::default(),
            kinds: vec![Remembered::nothing(); kinds.max(1)].into(),
            spare: Vec::new(),
            spare_bytes: 0,
            glance: Glance::new(),
            #[cfg(test)]
            work: Work::default(),
        };
        heads.kinds.iter_mut().for_each(|kind| kind.bytes.reserve_exact(MAX_REMEMBERED));
        heads
    }

    /// For the answers to one request; `head_only`: it is a `HEAD` request, whose answers have no bodies.
    pub fn of_one(head_only: bool) -> Heads {
        let mut heads = Heads::new(1);
        heads.expect(Asked { head_only, ..Asked::default() });
        heads
    }

    /// Says what the answer fed next is to.
    ///
    /// # Panics
    /// If there are fewer kinds.
    #[inline]
    pub fn expect(&mut self, asked: Asked) {
        debug_assert!(usize::from(asked.kind) < self.kinds.len());
        self.asked = asked;
    }

    #[inline]
    fn remembered(&self) -> &Remembered {
        &self.kinds[usize::from(self.asked.kind)]
    }

    /// The answer at the start of `bytes` and its length, if it is whole and its head is the remembered one.
    #[inline]
    pub(super) fn recall_answer(&self, bytes: &[u8]) -> Option<(usize, Answer)> {
        let last = self.remembered();
        let same =
            bytes.len() >= last.whole && last.head_only == self.asked.head_only && bytes.starts_with(&last.bytes);
        same.then_some((last.whole, last.answer))
    }

    /// The head at the start of `bytes` and its length, if it is the remembered one.
    pub(super) fn recall(&self, bytes: &[u8]) -> Option<(usize, Head)> {
        let last = self.remembered();
        let known = !last.bytes.is_empty() && last.head_only == self.asked.head_only;
        (known && bytes.starts_with(&last.bytes)).then_some((last.bytes.len(), last.head))
    }

    /// What the whole head `bytes` says; remembers it if it may come again.
    pub(super) fn read(&mut self, bytes: &[u8], headers: usize) -> Result<Head, ProtocolError> {
        if let Some((length, head)) = self.recall(bytes)
            && length == bytes.len()
        {
            return Ok(head);
        }
        #[cfg(test)]
        {
            self.work.parsed += 1;
        }
        let head = self.parse(bytes, headers)?;
        if bytes.len() <= MAX_REMEMBERED && !head.is_interim() {
            self.remember(bytes, head);
        }
        Ok(head)
    }

    /// A minor version above 1 is read as 1.1 (RFC 9110, 2.5), the last that httparse knows.
    fn parse(&mut self, bytes: &[u8], headers: usize) -> Result<Head, ProtocolError> {
        let head_only = self.asked.head_only;
        if !matches!(bytes.get(MINOR), Some(b'2'..=b'9')) {
            return head::parse(bytes, headers, head_only);
        }
        let mut known = self.take_spill();
        known.extend_from_slice(bytes);
        known[MINOR] = b'1';
        let head = head::parse(&known, headers, head_only);
        self.give_back(known);
        head
    }

    fn remember(&mut self, bytes: &[u8], head: Head) {
        let head_only = self.asked.head_only;
        let last = &mut self.kinds[usize::from(self.asked.kind)];
        last.bytes.clear();
        last.bytes.extend_from_slice(bytes);
        (last.head, last.head_only, last.whole) = (head, head_only, usize::MAX);
        if let Framing::Length(body_bytes) = head.framing
            && let Ok(body) = usize::try_from(body_bytes)
        {
            last.whole = bytes.len().saturating_add(body);
            last.answer = Answer { status: head.status, body_bytes, keep_alive: head.keep_alive };
        }
    }

    /// Whether an answer of status 400 said that the port is for TLS.
    pub fn saw_tls_port(&self) -> bool {
        self.glance.saw_tls_port()
    }

    /// An empty buffer for a head that crosses reads.
    pub(super) fn take_spill(&mut self) -> Vec<u8> {
        match self.spare.pop() {
            Some(spill) => {
                self.spare_bytes -= spill.capacity();
                spill
            }
            None => Vec::with_capacity(FIRST_SPILL),
        }
    }

    /// Takes a buffer back.
    pub(super) fn give_back(&mut self, mut spill: Vec<u8>) {
        if self.spare_bytes + spill.capacity() <= MAX_SPARE {
            spill.clear();
            self.spare_bytes += spill.capacity();
            self.spare.push(spill);
        }
    }

    #[cfg(test)]
    pub(super) fn spare(&self) -> (usize, usize) {
        (self.spare.len(), self.spare_bytes)
    }
}
