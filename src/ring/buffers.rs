//! Receive buffers lent to the kernel: through a provided-buffer ring or, where there is none, each to one receive.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::Submitter;
use io_uring::types::BufRingEntry;

use super::token::Token;

/// The only buffer group.
pub(super) const GROUP: u16 = 0;

/// Buffers start this many bytes further apart than their size, so that their first lines do not all fall into the same
/// cache sets: of a small answer only the first lines of a buffer are ever touched.
const SKEW: usize = 192;

const PAGE: usize = 4096;

/// A zeroed allocation at a fixed address that begins with a page, freed on drop.
struct Block {
    start: NonNull<u8>,
    allocated: NonNull<u8>,
    layout: Layout,
}

// SAFETY: a Block is plain owned memory; nothing in it is tied to the thread that allocated it.
unsafe impl Send for Block {}

impl Block {
    fn new(bytes: usize) -> Block {
        // A page more than is needed, as memory that is aligned to pages by the allocator is also zeroed by it, byte by byte: that
        // touches pages of which most are never used, and took 3 ms at the start.
        let layout = Layout::from_size_align(bytes.max(1) + PAGE, 16).expect("buffer sizes are bounded by Config");
        // SAFETY: the layout's size is not zero.
        let allocated = unsafe { alloc_zeroed(layout) };
        let Some(allocated) = NonNull::new(allocated) else { handle_alloc_error(layout) };
        let to_page = allocated.as_ptr().align_offset(PAGE);
        assert!(to_page < PAGE, "a page begins within a page");
        // SAFETY: the allocation is a page longer than `bytes`, so the page begins inside it.
        let start = unsafe { allocated.add(to_page) };
        Block { start, allocated, layout }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: it came from `alloc_zeroed` with this layout and is freed once.
        unsafe { dealloc(self.allocated.as_ptr(), self.layout) }
    }
}

/// The ring of free buffers and the buffers themselves. Exactly one holder at a time: the kernel until a completion names a
/// buffer, then us until [`give_back`](Buffers::give_back) and the next [`publish`](Buffers::publish).
pub(super) struct Buffers {
    ring: Block,
    memory: Block,
    count: u16,
    size: usize,
    tail: u16,
}

impl Buffers {
    /// `count` must be a power of two up to 32,768; `size` in bytes. Takes the memory; all buffers are free but not yet lent.
    pub(super) fn new(count: u16, size: usize) -> Buffers {
        assert!(count.is_power_of_two() && count <= 1 << 15, "buffer count {count} must be a power of two up to 32768");
        let mut buffers = Buffers {
            ring: Block::new(usize::from(count) * size_of::<BufRingEntry>()),
            memory: Block::new(usize::from(count) * (size + SKEW)),
            count,
            size,
            tail: 0,
        };
        for id in 0..count {
            buffers.give_back(id);
        }
        buffers
    }

    /// Hands the ring of buffers to the kernel.
    ///
    /// # Safety
    /// `self` must outlive every operation of that io_uring that selects from [`GROUP`].
    pub(super) unsafe fn register(&self, submitter: &Submitter<'_>) -> io::Result<()> {
        // SAFETY: the address is page-aligned memory of `count` entries, alive as long as the caller promises.
        unsafe { submitter.register_buf_ring_with_flags(self.ring.start.as_ptr() as u64, self.count, GROUP, 0) }?;
        Ok(())
    }

    /// Bytes of locked and plain memory taken, for messages.
    pub(super) fn bytes(&self) -> usize {
        self.ring.layout.size() + self.memory.layout.size()
    }

    /// The first `len` bytes of buffer `id`, or `None` if the kernel named what it was not lent.
    #[inline]
    pub(super) fn get(&mut self, id: u16, len: usize) -> Option<&mut [u8]> {
        if id >= self.count || len > self.size {
            return None;
        }
        // SAFETY: the range lies inside `memory` (checked above), is initialised (zeroed at first, then kernel-written), and
        // the kernel does not touch it between the completion that names it and the next `publish`, which needs `&mut`, as
        // every other access does.
        Some(unsafe { std::slice::from_raw_parts_mut(self.at(id), len) })
    }

    /// Queues buffer `id` for the kernel again; seen by it after the next [`publish`](Buffers::publish).
    #[inline]
    pub(super) fn give_back(&mut self, id: u16) {
        debug_assert!(id < self.count);
        let index = usize::from(self.tail & (self.count - 1));
        let address = self.at(id) as u64;
        let size = self.size as u32;
        // SAFETY: `index` is below `count`, so the entry lies inside `ring`; the kernel reads only entries below the published
        // tail, which this one is not yet. Its `resv` field (the tail, in entry 0) is left alone by these setters.
        let entry = unsafe { &mut *self.ring.start.as_ptr().cast::<BufRingEntry>().add(index) };
        entry.set_addr(address);
        entry.set_len(size);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
    }

    /// Shows the kernel every buffer given back so far.
    #[inline]
    pub(super) fn publish(&mut self) {
        // SAFETY: the tail lies in entry 0 of `ring`, which is alive, aligned for u16 and shared with the kernel only
        // through this atomic.
        let tail = unsafe {
            let address = BufRingEntry::tail(self.ring.start.as_ptr().cast());
            &*address.cast::<AtomicU16>()
        };
        tail.store(self.tail, Ordering::Release);
    }

    #[inline]
    fn at(&self, id: u16) -> *mut u8 {
        // SAFETY: callers pass ids below `count`, so the offset stays inside `memory`.
        unsafe { self.memory.start.as_ptr().add(usize::from(id) * (self.size + SKEW)) }
    }
}

/// Buffers of which each is lent to one receive, by itself: the kernel holds it until that receive's completion, whatever
/// becomes of the connection meanwhile, and then we until [`give_back`](Own::give_back).
pub(super) struct Own {
    chunks: Vec<Block>,
    size: usize,
    free: Vec<u32>,
    /// By buffer, for which connection it was lent last.
    owners: Vec<Token>,
}

impl Own {
    /// Buffers are made this many at a time.
    const CHUNK: usize = 64;

    /// Enough for `count` receives at a time, of `size` bytes each; more are made when they are needed.
    pub(super) fn new(count: usize, size: usize) -> Own {
        let mut own = Own { chunks: Vec::new(), size, free: Vec::new(), owners: Vec::new() };
        // One chunk more: a connection may be replaced before its last receive has ended.
        (0..count.div_ceil(Own::CHUNK) + 1).for_each(|_| own.grow());
        own
    }

    fn grow(&mut self) {
        self.chunks.push(Block::new(Own::CHUNK * (self.size + SKEW)));
        let first = self.owners.len() as u32;
        self.owners.resize(self.owners.len() + Own::CHUNK, Token(0));
        self.free.reserve(self.owners.len());
        self.free.extend((first..self.owners.len() as u32).rev());
    }

    /// A buffer for a receive of `owner`, its address and its size. Nobody else gets it until it is given back.
    pub(super) fn lend(&mut self, owner: Token) -> (u32, *mut u8, u32) {
        let id = self.free.pop().unwrap_or_else(|| {
            self.grow();
            self.free.pop().expect("just made")
        });
        self.owners[id as usize] = owner;
        (id, self.at(id), self.size as u32)
    }

    /// For which connection buffer `id` was lent.
    #[inline]
    pub(super) fn owner(&self, id: u32) -> Option<Token> {
        self.owners.get(id as usize).copied()
    }

    /// The first `len` bytes of buffer `id`, or `None` if that is more than there is.
    #[inline]
    pub(super) fn get(&mut self, id: u32, len: usize) -> Option<&mut [u8]> {
        if id as usize >= self.owners.len() || len > self.size {
            return None;
        }
        // SAFETY: the range lies inside its chunk (checked above), is initialised (zeroed at first, then kernel-written), and
        // the kernel does not touch it after the one receive it was lent to, whose completion named it. To be lent again it
        // has to be given back, which needs `&mut`, as every other access does.
        Some(unsafe { std::slice::from_raw_parts_mut(self.at(id), len) })
    }

    /// The receive has ended and its bytes were looked at.
    #[inline]
    pub(super) fn give_back(&mut self, id: u32) {
        debug_assert!(!self.free.contains(&id));
        self.free.push(id);
    }

    fn bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.layout.size()).sum()
    }

    #[inline]
    fn at(&self, id: u32) -> *mut u8 {
        let (chunk, place) = (id as usize / Own::CHUNK, id as usize % Own::CHUNK);
        // SAFETY: `place` is below the number of buffers in a chunk, so the offset stays inside it.
        unsafe { self.chunks[chunk].start.as_ptr().add(place * (self.size + SKEW)) }
    }
}

/// The memory received into.
pub(super) enum Memory {
    Ring(Buffers),
    Own(Own),
}

impl Memory {
    /// As the features say: `count` shared buffers, or one for each of `slots`, of `size` bytes. None is touched before the
    /// kernel writes to it, so that it lies near the CPU that does the receiving.
    pub(super) fn new(buffer_ring: bool, count: u16, slots: usize, size: usize) -> Memory {
        match buffer_ring {
            true => Memory::Ring(Buffers::new(count, size)),
            false => Memory::Own(Own::new(slots, size)),
        }
    }

    /// Bytes taken, for messages.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Memory::Ring(buffers) => buffers.bytes(),
            Memory::Own(own) => own.bytes(),
        }
    }

    #[inline]
    pub(super) fn get(&mut self, id: u32, len: usize) -> Option<&mut [u8]> {
        match self {
            Memory::Ring(buffers) => buffers.get(u16::try_from(id).ok()?, len),
            Memory::Own(own) => own.get(id, len),
        }
    }

    #[inline]
    pub(super) fn give_back(&mut self, id: u32) {
        match self {
            Memory::Ring(buffers) => buffers.give_back(id as u16),
            Memory::Own(own) => own.give_back(id),
        }
    }

    #[inline]
    pub(super) fn publish(&mut self) {
        if let Memory::Ring(buffers) = self {
            buffers.publish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_its_own_is_lent_to_one_at_a_time() {
        let mut own = Own::new(1, 2048);
        let owner = Token(7);
        let lent: Vec<_> = (0..300).map(|_| own.lend(owner)).collect();
        let mut places: Vec<usize> = lent.iter().map(|(_, place, _)| *place as usize).collect();
        places.sort_unstable();
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= 2048), "no two overlap");
        let (id, place, size) = lent[299];
        assert_eq!((own.owner(id), size), (Some(owner), 2048));
        assert_eq!(own.get(id, 2048).map(<[u8]>::as_mut_ptr), Some(place));
        assert!(own.get(id, 2049).is_none() && own.get(1 << 20, 1).is_none() && own.owner(1 << 20).is_none());
        own.give_back(id);
        assert_eq!(own.lend(Token(8)).0, id, "one given back is lent again");
        assert_eq!(own.owner(id), Some(Token(8)));
    }

    #[test]
    fn a_buffer_outside_what_was_lent_is_refused() {
        let mut buffers = Buffers::new(8, 2048);
        assert_eq!(buffers.get(7, 2048).map(|bytes| bytes.len()), Some(2048));
        assert!(buffers.get(8, 1).is_none());
        assert!(buffers.get(0, 2049).is_none());
    }

    #[test]
    #[should_panic(expected = "power of two")]
    fn the_count_must_be_a_power_of_two() {
        let _ = Buffers::new(100, 2048);
    }
}
