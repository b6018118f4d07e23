//! How a set of requests lies in the memory that sends come from.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Encoded, Order, RequestSet, sequences_of};

/// Requests of one connection that fit any socket's send buffer whole, in bytes; more than that needs confirmed sends.
const UNCONFIRMED_BYTES: usize = 8 * 1024;

/// A larger request is not copied: what copies save is small beside it.
const COPIED_BYTES: usize = 4 * 1024;

/// Bytes of all copies, at most.
const MAX_COPIES: usize = 64 << 20;

/// Made once for a run; clones share it, and so do all its workers and windows.
#[derive(Debug, Clone)]
pub struct Layout(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    set: Arc<RequestSet>,
    memory: Arc<[u8]>,
    /// Where each entry lies, in turn; where they are laid one behind the other, those at the beginning once more at the end.
    plain: Vec<Range<usize>>,
    /// Where each entry's closing form lies.
    closing: Vec<Range<usize>>,
    /// How many of each sequence were drawn; sequences that only ever stand together share one.
    counters: Vec<Counter>,
    counter_of: Vec<u16>,
    pipeline: u32,
    /// What a connection may have under way does not fit any socket's buffer.
    confirm: bool,
    /// The answers of some requests are read otherwise than those of others.
    differ: bool,
    /// See [`Encoded::asks_to_close`]: all do.
    asks_to_close: bool,
    /// See [`Layout::longest`].
    longest: usize,
    longest_changing: usize,
}

/// On a cache line of its own: all workers write it.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counter(AtomicU64);

impl Layout {
    /// For connections with `pipeline` requests in flight.
    ///
    /// # Panics
    /// If the set is empty.
    pub fn new(set: Arc<RequestSet>, pipeline: u32) -> Layout {
        assert!(!set.entries.is_empty(), "nothing to send");
        let Laid { memory, plain, closing } = Laid::of(&set, pipeline);
        let longest = |patched: bool| {
            let forms = set.entries.iter().flat_map(|entry| [(entry, false), (entry, true)]);
            let lengths = forms.filter(|(entry, closes)| !patched || !set.patches_of(entry, *closes).is_empty());
            lengths.map(|(entry, closes)| set.bytes_of(entry, closes).len()).max().unwrap_or(0)
        };
        let first = &set.entries[0];
        let alike = |entry: &Encoded| {
            (entry.kind, entry.head_only, entry.expects) == (first.kind, first.head_only, first.expects)
        };
        let (counters, counter_of) = counters(&set);
        Layout(Arc::new(Inner {
            confirm: pipeline > 1 && pipeline as usize * longest(false) > UNCONFIRMED_BYTES,
            differ: !set.entries.iter().all(alike),
            asks_to_close: set.entries.iter().all(|entry| entry.asks_to_close),
            longest: longest(false),
            longest_changing: longest(true),
            memory: memory.into(),
            plain,
            closing,
            counters,
            counter_of,
            pipeline,
            set,
        }))
    }

    /// The memory that sends come from.
    pub fn memory(&self) -> &Arc<[u8]> {
        &self.0.memory
    }

    /// What it lays out.
    pub fn set(&self) -> &Arc<RequestSet> {
        &self.0.set
    }

    /// Requests in flight on a connection, at most.
    pub fn pipeline(&self) -> u32 {
        self.0.pipeline
    }

    /// Whether a send of so many bytes may not fit a socket's buffer, beside what else is under way on its connection.
    #[inline]
    pub fn needs_confirming(&self, bytes: usize) -> bool {
        self.0.confirm || bytes > UNCONFIRMED_BYTES
    }

    /// Whether the last request of a connection asks the server to end it.
    #[inline]
    pub fn asks_to_close(&self) -> bool {
        self.0.asks_to_close
    }

    /// Groups of requests that are in flight on a connection, at most: requests next to each other that are alike are one.
    pub fn groups(&self) -> u32 {
        if self.0.differ { self.0.pipeline } else { 1 }
    }

    /// Where an entry lies, or its closing form.
    #[inline]
    pub(super) fn place(&self, entry: u32, closes: bool) -> Range<usize> {
        let places = if closes { &self.0.closing } else { &self.0.plain };
        places[entry as usize].clone()
    }

    /// Where the entry lies that stands so many places behind the first: beyond the list's end its beginning follows.
    #[inline]
    pub(super) fn place_in_turn(&self, at: usize) -> Option<Range<usize>> {
        self.0.plain.get(at).cloned()
    }

    /// Whether two sequences share a counter.
    pub(super) fn go_together(&self, one: u16, other: u16) -> bool {
        self.0.counter_of[usize::from(one)] == self.0.counter_of[usize::from(other)]
    }

    /// Takes the next number of a sequence's counter, from 0.
    #[inline]
    pub(super) fn draw(&self, sequence: u16) -> u64 {
        let counter = self.0.counter_of[usize::from(sequence)];
        self.0.counters[usize::from(counter)].0.fetch_add(1, Relaxed)
    }

    /// How many numbers did not fit their width.
    pub fn past_width(&self) -> u64 {
        let past = |(sequence, counter): (&super::Sequence, &u16)| {
            let drawn = self.0.counters[usize::from(*counter)].0.load(Relaxed);
            drawn.saturating_sub(sequence.capacity())
        };
        self.0.set.sequences.iter().zip(&self.0.counter_of).map(past).sum()
    }

    /// Bytes of the longest request, or of the longest whose bytes change: those are made anew for each send.
    pub fn longest(&self, changing: bool) -> usize {
        if changing { self.0.longest_changing } else { self.0.longest }
    }
}

/// Memory and the places in it.
struct Laid {
    memory: Vec<u8>,
    plain: Vec<Range<usize>>,
    closing: Vec<Range<usize>>,
}

impl Laid {
    /// A single request lies there as often as it may be in flight, then its closing form: each send of it is one range.
    fn of_one(set: &RequestSet, only: &Encoded, pipeline: u32) -> Laid {
        let mut laid = Laid { memory: Vec::new(), plain: Vec::new(), closing: Vec::new() };
        laid.plain = (0..pipeline).map(|_| laid.push(set.bytes_of(only, false))).collect();
        laid.closing = vec![laid.push(set.bytes_of(only, true))];
        laid
    }

    fn of(set: &RequestSet, pipeline: u32) -> Laid {
        if set.is_fixed() {
            return Laid::of_one(set, &set.entries[0], pipeline);
        }
        let in_place = |range: &Range<u32>| range.start as usize..range.end as usize;
        let mut laid = Laid {
            memory: set.bytes.clone(),
            plain: set.entries.iter().map(|entry| in_place(&entry.range)).collect(),
            closing: set.entries.iter().map(|entry| in_place(&entry.closing)).collect(),
        };
        let count = set.entries.len();
        // What follows an entry in turn, as often as requests can be in flight.
        let in_turn = || (0..count + pipeline as usize - 1).map(|at| &set.entries[at % count]);
        let copied = |entry: &&Encoded| entry.range.len() <= COPIED_BYTES && entry.patches.is_empty();
        let bytes: usize = in_turn().filter(copied).map(|entry| entry.range.len()).sum();
        if pipeline == 1 || set.order != Order::Turn || bytes > MAX_COPIES {
            return laid;
        }
        laid.plain.clear();
        for entry in in_turn() {
            let place = match copied(&entry) {
                true => laid.push(set.bytes_of(entry, false)),
                false => in_place(&entry.range),
            };
            laid.plain.push(place);
        }
        laid
    }

    fn push(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.memory.len();
        self.memory.extend_from_slice(bytes);
        start..self.memory.len()
    }
}

/// A counter for each group of sequences that stand in the same requests, and which is whose.
fn counters(set: &RequestSet) -> (Vec<Counter>, Vec<u16>) {
    let mut stands_in = vec![Vec::new(); set.sequences.len()];
    for (at, entry) in set.entries.iter().enumerate() {
        sequences_of(set.patches_of(entry, false)).iter().for_each(|one| stands_in[usize::from(*one)].push(at));
    }
    let mut groups: HashMap<Vec<usize>, u16> = HashMap::new();
    let counter_of: Vec<u16> = stands_in
        .into_iter()
        .map(|entries| {
            let next = groups.len() as u16;
            *groups.entry(entries).or_insert(next)
        })
        .collect();
    (groups.iter().map(|_| Counter::default()).collect(), counter_of)
}
