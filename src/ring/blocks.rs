//! Memory of the ring's own for bytes that are made for one send: taken from here, filled, handed over with the send, and
//! back when the kernel is done with it.

/// Bytes of one send. Its memory never moves nor grows.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
}

impl Block {
    /// How many more bytes fit.
    #[inline]
    pub fn room(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    /// What is in it so far.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, to be changed in place.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Adds a copy of `bytes`.
    ///
    /// # Panics
    /// If they do not fit.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.room(), "more than the block holds");
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds `count` zeros and lends them to be written over.
    ///
    /// # Panics
    /// If they do not fit.
    #[inline]
    pub fn space(&mut self, count: usize) -> &mut [u8] {
        assert!(count <= self.room(), "more than the block holds");
        let end = self.bytes.len();
        self.bytes.resize(end + count, 0);
        &mut self.bytes[end..]
    }

    /// Takes the last `count` bytes away.
    pub fn shorten(&mut self, count: usize) {
        self.bytes.truncate(self.bytes.len() - count);
    }
}

/// How many blocks an engine may have, and how large they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlockSizes {
    /// So many at most.
    pub count: usize,
    /// Bytes of each.
    pub bytes: usize,
}

/// The blocks of a ring that nobody holds.
#[derive(Debug)]
pub struct Blocks {
    free: Vec<Block>,
    left: usize,
    bytes: usize,
}

impl Blocks {
    /// None is made before it is needed.
    pub fn new(sizes: BlockSizes) -> Blocks {
        Blocks { free: Vec::with_capacity(sizes.count), left: sizes.count, bytes: sizes.bytes }
    }

    /// An empty block; `None` while all are on their way.
    #[inline]
    pub fn take(&mut self) -> Option<Block> {
        if let Some(block) = self.free.pop() {
            return Some(block);
        }
        self.left = self.left.checked_sub(1)?;
        Some(Block { bytes: Vec::with_capacity(self.bytes) })
    }

    /// Takes a block back.
    #[inline]
    pub fn give_back(&mut self, mut block: Block) {
        block.bytes.clear();
        self.free.push(block);
    }
}

/// A block under way: on which connection, and how much of it has been taken.
#[derive(Debug)]
pub(super) struct Lent {
    pub(super) block: Block,
    pub(super) slot: u32,
    pub(super) generation: u32,
    pub(super) confirm: bool,
    pub(super) taken: usize,
}

/// The blocks that the kernel may still read, whatever has become of their connections.
#[derive(Debug, Default)]
pub(super) struct LentBlocks {
    places: Vec<Option<Lent>>,
    free: Vec<u32>,
}

impl LentBlocks {
    /// Keeps a block until it is [taken back](LentBlocks::take_back) under the number given.
    pub(super) fn lend(&mut self, lent: Lent) -> u32 {
        let id = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            (self.places.len() - 1) as u32
        });
        self.places[id as usize] = Some(lent);
        id
    }

    pub(super) fn get(&mut self, id: u32) -> Option<&mut Lent> {
        self.places.get_mut(id as usize)?.as_mut()
    }

    pub(super) fn take_back(&mut self, id: u32) -> Option<Lent> {
        let lent = self.places.get_mut(id as usize)?.take()?;
        self.free.push(id);
        Some(lent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_empty_and_there_are_no_more_than_allowed() {
        let mut blocks = Blocks::new(BlockSizes { count: 2, bytes: 100 });
        let mut one = blocks.take().expect("the first");
        let at = one.bytes().as_ptr();
        one.push(b"abc");
        one.space(4).copy_from_slice(b"defg");
        one.shorten(1);
        assert_eq!((one.bytes(), one.room()), (b"abcdef".as_slice(), 94));
        one.space(94);
        assert_eq!((one.room(), one.bytes().as_ptr()), (0, at), "full, and where it was");
        assert!(blocks.take().is_some() && blocks.take().is_none());
        blocks.give_back(one);
        let again = blocks.take().expect("given back");
        assert!(again.bytes().is_empty() && again.bytes().as_ptr() == at);
    }
}
