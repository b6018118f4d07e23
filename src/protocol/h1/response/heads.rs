//! What the parsers of one worker share: the last head read, and buffers for heads that cross reads.

use super::Answer;
use super::error::ProtocolError;
use super::glance::Glance;
use super::head::{self, Framing, Head, MINOR};

/// Heads longer than this are not remembered.
const MAX_REMEMBERED: usize = 4 * 1024;
/// A first buffer's size: most heads fit.
const FIRST_SPILL: usize = 1024;
/// Bytes of unused buffers kept for the next head that crosses reads; what goes beyond is given back to the system.
const MAX_SPARE: usize = 1024 * 1024;

/// Shared by all parsers of a worker. Servers answer with the same head again and again, byte for byte, at least
/// within a second: such a head is compared with the last one and not read again.
#[derive(Debug)]
pub struct Heads {
    head_request: bool,
    /// The last head read, and what it said. Empty before the first.
    remembered: Vec<u8>,
    head: Head,
    /// For a remembered head with a length: the bytes of head and body, and the answer they make. Otherwise
    /// `usize::MAX`, which no read reaches.
    whole: usize,
    answer: Answer,
    spare: Vec<Vec<u8>>,
    spare_bytes: usize,
    pub(super) glance: Glance,
    #[cfg(test)]
    pub(super) work: Work,
}

/// What the parsers did, for tests of how much they do.
#[cfg(test)]
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) scanned: usize,
    pub(super) parsed: usize,
}

impl Heads {
    /// `head_request`: the answers are to `HEAD` requests and have no bodies.
    pub fn new(head_request: bool) -> Heads {
        Heads {
            head_request,
            remembered: Vec::with_capacity(MAX_REMEMBERED),
            head: Head { status: 0, keep_alive: false, framing: Framing::Close },
            whole: usize::MAX,
            answer: Answer { status: 0, body_bytes: 0, keep_alive: false },
            spare: Vec::new(),
            spare_bytes: 0,
            glance: Glance::new(),
            #[cfg(test)]
            work: Work::default(),
        }
    }

    /// The answer at the start of `bytes` and its length, if it is whole and its head is the remembered one.
    #[inline]
    pub(super) fn recall_answer(&self, bytes: &[u8]) -> Option<(usize, Answer)> {
        (bytes.len() >= self.whole && bytes.starts_with(&self.remembered)).then_some((self.whole, self.answer))
    }

    /// The head at the start of `bytes` and its length, if it is the remembered one.
    pub(super) fn recall(&self, bytes: &[u8]) -> Option<(usize, Head)> {
        (!self.remembered.is_empty() && bytes.starts_with(&self.remembered))
            .then_some((self.remembered.len(), self.head))
    }

    /// What the whole head `bytes` says; remembers it if it may come again.
    pub(super) fn read(&mut self, bytes: &[u8], headers: usize) -> Result<Head, ProtocolError> {
        if bytes == self.remembered {
            return Ok(self.head);
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
        if !matches!(bytes.get(MINOR), Some(b'2'..=b'9')) {
            return head::parse(bytes, headers, self.head_request);
        }
        let mut known = self.take_spill();
        known.extend_from_slice(bytes);
        known[MINOR] = b'1';
        let head = head::parse(&known, headers, self.head_request);
        self.give_back(known);
        head
    }

    fn remember(&mut self, bytes: &[u8], head: Head) {
        self.remembered.clear();
        self.remembered.extend_from_slice(bytes);
        self.head = head;
        self.whole = usize::MAX;
        if let Framing::Length(body_bytes) = head.framing
            && let Ok(body) = usize::try_from(body_bytes)
        {
            self.whole = bytes.len().saturating_add(body);
            self.answer = Answer { status: head.status, body_bytes, keep_alive: head.keep_alive };
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
