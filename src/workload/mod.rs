//! Which request is next: one fixed request, or a set of them in turn or at random, with values that change from one to the next.
//!
//! A [`RequestSet`] is made once before the run, checked and encoded whole; workers share it and never change it.

pub mod builder;
mod layout;
pub mod list;
mod mix;
mod patch;
pub mod placeholders;
pub mod raw;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::protocol::h1::request::Request;

pub use layout::Layout;
pub use mix::{Mix, Put, Sent, Workload};
pub use raw::RawFault;

/// How many kinds of request have figures of their own, at most.
pub const MAX_KINDS: usize = 256;

/// Everything a run may send.
#[derive(Debug, Clone, Default)]
pub struct RequestSet {
    /// The bytes of all requests, where placeholders stand with values of their width.
    pub bytes: Vec<u8>,
    /// The requests, in the order of the list. One that stands there twice has two entries, which may share their bytes.
    pub entries: Vec<Encoded>,
    /// The rows of the report, in the order in which they first stand in the list; at most [`MAX_KINDS`].
    pub kinds: Vec<Kind>,
    /// How the list is gone through.
    pub order: Order,
    /// What random values are drawn from.
    pub seed: u64,
    /// Where values change, of all entries one after the other.
    pub patches: Vec<Patch>,
    /// The first value of each `{SEQ:start}`: placeholders with the same start draw from the same sequence, and within one request
    /// have the same value. Sequences that only ever stand together go on together.
    pub sequences: Vec<Sequence>,
    /// What answers are held against.
    pub expectations: Vec<Expect>,
    /// Raw requests that no answer, or more than one, can be expected of, by name.
    pub faults: Vec<(String, RawFault)>,
}

impl RequestSet {
    /// The one request that a plain run repeats.
    pub fn of_one(request: &Request, kind: Kind) -> RequestSet {
        let (plain, closing) = (request.keep_alive(), request.closing());
        let end = plain.len() as u32;
        let entry = Encoded {
            kind: 0,
            head_only: request.head_only(),
            range: 0..end,
            closing: end..end + closing.len() as u32,
            asks_to_close: true,
            patches: 0..0,
            closing_patches: 0..0,
            expects: None,
        };
        RequestSet {
            bytes: [plain, closing].concat(),
            entries: vec![entry],
            kinds: vec![kind],
            ..RequestSet::default()
        }
    }

    /// The bytes of an entry's plain form, or of its closing one, placeholders unfilled.
    pub fn bytes_of(&self, entry: &Encoded, closes: bool) -> &[u8] {
        let range = if closes { &entry.closing } else { &entry.range };
        &self.bytes[range.start as usize..range.end as usize]
    }

    /// The patches of an entry's plain form, or of its closing one.
    pub fn patches_of(&self, entry: &Encoded, closes: bool) -> &[Patch] {
        let range = if closes { &entry.closing_patches } else { &entry.patches };
        &self.patches[range.start as usize..range.end as usize]
    }

    /// Whether it is one request, always the same.
    pub fn is_fixed(&self) -> bool {
        self.entries.len() == 1 && self.patches.is_empty()
    }

    /// How many requests draw from each sequence, of the whole list gone through once.
    pub fn draws(&self) -> Vec<u64> {
        let mut draws = vec![0; self.sequences.len()];
        for entry in &self.entries {
            for sequence in sequences_of(self.patches_of(entry, false)) {
                draws[usize::from(sequence)] += 1;
            }
        }
        draws
    }
}

/// The sequences that patches draw from, each once.
fn sequences_of(patches: &[Patch]) -> Vec<u16> {
    let mut all: Vec<u16> = patches
        .iter()
        .filter_map(|patch| match patch.value {
            Value::Seq(sequence) => Some(sequence),
            _ => None,
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// One request of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The row of the report it counts in.
    pub kind: u16,
    /// Answers to it have no body, as to `HEAD`.
    pub head_only: bool,
    /// Its bytes as sent on a connection that lives on.
    pub range: Range<u32>,
    /// Its bytes as sent where it is the last of its connection; the same as `range` if they are not ours to change (`--raw`).
    pub closing: Range<u32>,
    /// Its closing form, or a raw request's own head, asks the server to end the connection; else the client ends it behind the answer.
    pub asks_to_close: bool,
    /// Its part of [`RequestSet::patches`], in ascending order of place; empty for a request that is always the same.
    pub patches: Range<u32>,
    /// The same for its closing form, whose places may differ.
    pub closing_patches: Range<u32>,
    /// What its answers are held against, by index into [`RequestSet::expectations`].
    pub expects: Option<u16>,
}

/// A row of the report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kind {
    /// Its name, unique among the kinds.
    pub name: String,
    /// The method of its requests.
    pub method: String,
    /// The path, as in the list, placeholders unfilled; empty if its requests have several.
    pub path: String,
    /// How many entries of the list are of this kind.
    pub weight: u64,
}

/// How a list is gone through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// One after the other: each worker by itself, so that shares are exact.
    #[default]
    Turn,
    /// Each drawn independently of the others.
    Random,
}

/// A place in a request whose bytes change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patch {
    /// Where it begins, in bytes from the request's beginning.
    pub at: u32,
    /// Its width in bytes, which never changes.
    pub width: u8,
    /// What stands there.
    pub value: Value,
}

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// `{RAND:min:max}`: evenly from min to max, both included, padded with zeros to max's width.
    Rand {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// `{SEQ:start}`: the next number, by index into [`RequestSet::sequences`], padded with zeros to start's width.
    Seq(u16),
    /// `{UUID}`: a random one (RFC 9562, version 4).
    Uuid,
    /// `{NOW_MS}`: milliseconds since 1970-01-01 UTC, 13 digits.
    NowMs,
}

/// Numbers that no two requests of a run share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// The first, `--seq-skip` added.
    pub start: u64,
    /// Digits of `start` as typed.
    pub width: u8,
}

/// What an answer is held against: it has failed if it differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expect {
    /// Status codes that are right; empty: any.
    pub status: Vec<StatusRange>,
    /// The body, byte for byte; `None`: any.
    pub body: Option<Vec<u8>>,
}

/// Status codes from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusRange {
    /// The lowest, 100 to 999.
    pub first: u16,
    /// The highest.
    pub last: u16,
}
