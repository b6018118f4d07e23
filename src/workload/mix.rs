//! Which request is next.

use std::ops::Range;

use super::layout::Layout;
use super::patch::{Filler, NONE};
use super::{Encoded, Order, Patch};
use crate::protocol::{Asked, Out, Source};

/// What a worker sends; decided once for each send, never for each byte.
#[derive(Debug)]
pub enum Workload {
    /// One request, always the same.
    Fixed(Fixed),
    /// Any other.
    Mix(Box<Mix>),
}

/// Where the one request lies, as often as it may be in flight, and then its closing form.
#[derive(Debug)]
pub struct Fixed {
    /// Bytes of it.
    plain: usize,
    /// Where the copies begin, and where they end.
    copies: Range<usize>,
    closing: Range<usize>,
    /// What must be known to read its answers.
    pub asked: Asked,
}

impl Fixed {
    /// The bytes of `count` requests, of which the last closes the connection if so it is said.
    #[inline]
    pub fn range(&self, count: u32, closes: bool) -> Range<usize> {
        let count = count as usize;
        match closes {
            false => self.copies.start..self.copies.start + self.plain * count,
            true if count == 1 => self.closing.clone(),
            true => self.copies.end - self.plain * (count - 1)..self.closing.end,
        }
    }
}

/// Requests of a list, some of which change from one to the next.
#[derive(Debug)]
pub struct Mix {
    layout: Layout,
    order: Order,
    /// The next entry in turn.
    next: u32,
    /// The place behind what was put last.
    behind: usize,
    /// Entries that were never owed an answer, with what they had drawn: they come first, so that shares stay exact and no number is missing.
    given_back: Vec<Sent>,
    filler: Filler,
}

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Which entry of the list.
    pub entry: u32,
    /// The number that its first sequence's counter gave it; `u64::MAX` if it has none.
    pub number: u64,
}

/// How an entry goes out.
#[derive(Debug)]
pub enum Put<'a> {
    /// As it lies in the fixed memory.
    Fixed(Range<usize>),
    /// With new values.
    Filled(Filled<'a>),
}

/// A request whose values are made as it is put.
#[derive(Debug)]
pub struct Filled<'a> {
    template: Range<usize>,
    patches: &'a [Patch],
    layout: &'a Layout,
    filler: &'a mut Filler,
    now: u64,
}

impl Workload {
    /// Of the worker `index` of `count`; `unix_ns` leads from the run's clock to 1970-01-01 UTC.
    pub fn new(layout: &Layout, (index, count): (u64, u64), unix_ns: u64) -> Workload {
        let set = layout.set();
        if set.is_fixed() {
            let plain = layout.place(0, false);
            let copies = plain.start..plain.start + plain.len() * layout.pipeline() as usize;
            return Workload::Fixed(Fixed {
                plain: plain.len(),
                copies,
                closing: layout.place(0, true),
                asked: asked(&set.entries[0]),
            });
        }
        Workload::Mix(Box::new(Mix::new(layout, (index, count), unix_ns)))
    }
}

impl Mix {
    fn new(layout: &Layout, (index, count): (u64, u64), unix_ns: u64) -> Mix {
        let set = layout.set();
        // Each worker begins elsewhere, so that the first requests of a run are not all the same.
        let next = (set.entries.len() as u64 * index / count.max(1)) as u32;
        Mix {
            layout: layout.clone(),
            order: set.order,
            next,
            behind: 0,
            given_back: Vec::with_capacity(64),
            filler: Filler::new(set.seed, index, unix_ns, set.sequences.len()),
        }
    }

    /// The entry to be sent now.
    #[inline]
    pub fn take(&mut self) -> u32 {
        if let Some(Sent { entry, number }) = self.given_back.pop() {
            self.filler.again = number;
            return entry;
        }
        let count = self.layout.set().entries.len() as u32;
        match self.order {
            Order::Random => self.filler.below(u64::from(count)) as u32,
            Order::Turn => {
                let entry = self.next;
                self.next = if entry + 1 == count { 0 } else { entry + 1 };
                entry
            }
        }
    }

    /// What was sent was never owed an answer: it goes out again before others, with the same number.
    pub fn give_back(&mut self, sent: Sent) {
        self.given_back.push(sent);
    }

    /// The entry taken last was not put.
    pub fn put_back(&mut self, entry: u32) {
        let number = std::mem::replace(&mut self.filler.again, NONE);
        self.given_back.push(Sent { entry, number });
    }

    /// What the entry put last has drawn.
    #[inline]
    pub fn drawn(&self) -> u64 {
        self.filler.first
    }

    /// What must be known to read the answers to an entry.
    #[inline]
    pub fn asked(&self, entry: u32) -> Asked {
        asked(&self.layout.set().entries[entry as usize])
    }

    /// How an entry goes out at `now`; `first` in its send, or behind the one that was put last.
    #[inline]
    pub fn put(&mut self, entry: u32, closes: bool, first: bool, now: u64) -> Put<'_> {
        let Mix { layout, filler, behind, .. } = self;
        filler.first = NONE;
        let set = layout.set();
        let patches = set.patches_of(&set.entries[entry as usize], closes);
        if !patches.is_empty() {
            return Put::Filled(Filled { template: layout.place(entry, closes), patches, layout, filler, now });
        }
        if closes {
            return Put::Fixed(layout.place(entry, true));
        }
        let goes_on = !first && *behind % set.entries.len() == entry as usize;
        // Beyond the list's end its beginning lies once more.
        let place = layout.place_in_turn(*behind).filter(|_| goes_on);
        *behind = if place.is_some() { *behind + 1 } else { entry as usize + 1 };
        Put::Fixed(place.unwrap_or_else(|| layout.place(entry, false)))
    }
}

fn asked(entry: &Encoded) -> Asked {
    Asked { kind: entry.kind, head_only: entry.head_only, wants_body: entry.expects.is_some() }
}

impl Source for Put<'_> {
    #[inline]
    fn put(self, out: &mut impl Out) -> bool {
        match self {
            Put::Fixed(range) => out.fixed(range),
            Put::Filled(filled) => filled.put(out),
        }
    }
}

impl Source for Filled<'_> {
    #[inline]
    fn put(self, out: &mut impl Out) -> bool {
        let template = &self.layout.memory()[self.template];
        let Some(space) = out.write(template.len()) else { return false };
        space.copy_from_slice(template);
        self.filler.fill(space, self.patches, self.layout, self.now);
        out.commit(template.len());
        true
    }
}
