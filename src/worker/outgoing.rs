//! What goes out on a connection in one send.

use std::ops::Range;

use crate::protocol::Out;
use crate::ring::{Block, Ring, Tx};

/// Collects what a connection has to send, to be handed to the ring at once: a range of the fixed memory where that is all,
/// else a block of bytes made for it.
pub(super) struct Outgoing<'a, R> {
    ring: &'a mut R,
    fixed_memory: &'a [u8],
    what: What,
}

enum What {
    Nothing,
    Fixed(Range<usize>),
    /// The block, and how much of it is lent and not committed yet.
    Made(Block, usize),
}

impl<'a, R: Ring> Outgoing<'a, R> {
    #[inline]
    pub(super) fn new(ring: &'a mut R, fixed_memory: &'a [u8]) -> Self {
        Outgoing { ring, fixed_memory, what: What::Nothing }
    }

    /// How many bytes there are so far.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match &self.what {
            What::Nothing => 0,
            What::Fixed(range) => range.len(),
            What::Made(block, lent) => block.bytes().len() - lent,
        }
    }

    /// Queues the send, and tells how many bytes it has; 0: there was nothing.
    #[inline]
    pub(super) fn send(self, slot: u32, confirm: bool) -> usize {
        let tx = match self.what {
            What::Nothing => return 0,
            What::Fixed(range) => Tx::Fixed(range),
            What::Made(mut block, lent) => {
                block.shorten(lent);
                Tx::Block(block)
            }
        };
        let length = tx.len();
        match tx {
            Tx::Block(block) if length == 0 => self.ring.give_back(block),
            tx => self.ring.send(slot, tx, confirm),
        }
        length
    }

    /// Makes what there is so far, and `more` bytes behind it, one block.
    #[cold]
    fn make(&mut self, more: usize) -> bool {
        let before = match &self.what {
            What::Nothing => 0..0,
            What::Fixed(range) => range.clone(),
            What::Made(block, _) => return more <= block.room(),
        };
        let Some(mut block) = self.ring.block() else { return false };
        if before.len() + more > block.room() {
            self.ring.give_back(block);
            return false;
        }
        block.push(&self.fixed_memory[before]);
        self.what = What::Made(block, 0);
        true
    }
}

impl<R: Ring> Out for Outgoing<'_, R> {
    #[inline]
    fn fixed(&mut self, range: Range<usize>) -> bool {
        match &mut self.what {
            What::Nothing => self.what = What::Fixed(range),
            What::Fixed(before) if before.end == range.start => before.end = range.end,
            _ => {
                let Some(space) = self.write(range.len()) else { return false };
                let length = space.len();
                if let What::Made(block, _) = &mut self.what {
                    block.shorten(length);
                    block.push(&self.fixed_memory[range]);
                }
                self.commit(length);
            }
        }
        true
    }

    fn write(&mut self, most: usize) -> Option<&mut [u8]> {
        if let What::Made(block, lent) = &mut self.what {
            block.shorten(std::mem::take(lent));
        }
        if !self.make(most) {
            return None;
        }
        let What::Made(block, lent) = &mut self.what else { return None };
        *lent = most;
        Some(block.space(most))
    }

    fn commit(&mut self, count: usize) {
        if let What::Made(block, lent) = &mut self.what {
            block.shorten(*lent - count);
            *lent = 0;
        }
    }

    fn room(&mut self) -> usize {
        match &self.what {
            What::Made(block, lent) => block.room() + lent,
            What::Nothing | What::Fixed(_) => 0,
        }
    }

    fn made(&mut self) -> &mut [u8] {
        match &mut self.what {
            What::Made(block, lent) => {
                block.shorten(std::mem::take(lent));
                block.bytes_mut()
            }
            What::Nothing | What::Fixed(_) => &mut [],
        }
    }

    fn cut(&mut self, count: usize) {
        if let What::Made(block, lent) = &mut self.what {
            block.shorten(std::mem::take(lent) + count);
        }
    }
}
