//! Where protocols put what they send.

use std::ops::Range;

/// Where a protocol puts what it sends.
pub trait Out {
    /// Bytes `range` of the run's fixed memory go out. False if there is no room left for them in this send.
    fn fixed(&mut self, range: Range<usize>) -> bool;

    /// Space for up to `most` bytes; `None` if there is none left in this send.
    fn write(&mut self, most: usize) -> Option<&mut [u8]>;

    /// The first `count` bytes of the space last given go out.
    fn commit(&mut self, count: usize);

    /// Once something was written: how many more bytes there is room for in this send. For a protocol around another.
    fn room(&mut self) -> usize {
        0
    }

    /// Once something was written: the bytes of this send so far, to be changed in place.
    fn made(&mut self) -> &mut [u8] {
        &mut []
    }

    /// Takes back the last `count` of them.
    fn cut(&mut self, _count: usize) {}
}

/// Bytes that a [`Growing`] takes, at most.
const MOST: usize = 1 << 20;

/// Bytes that are sent later: there is room for as many as anybody says by itself, and there is no fixed memory.
#[derive(Debug, Default)]
pub struct Growing {
    bytes: Vec<u8>,
    lent: usize,
}

impl Growing {
    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == self.lent
    }

    /// All of them; more go behind.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        self.commit(0);
        &mut self.bytes
    }
}

impl Out for Growing {
    fn fixed(&mut self, _range: Range<usize>) -> bool {
        false
    }

    fn write(&mut self, most: usize) -> Option<&mut [u8]> {
        self.commit(0);
        let end = self.bytes.len();
        self.lent = most;
        self.bytes.resize(end + most, 0);
        Some(&mut self.bytes[end..])
    }

    fn commit(&mut self, count: usize) {
        let unused = std::mem::take(&mut self.lent) - count;
        self.bytes.truncate(self.bytes.len() - unused);
    }

    fn room(&mut self) -> usize {
        MOST.saturating_sub(self.bytes.len() - self.lent)
    }

    fn made(&mut self) -> &mut [u8] {
        self.bytes()
    }

    fn cut(&mut self, count: usize) {
        self.commit(0);
        self.bytes.truncate(self.bytes.len() - count);
    }
}
