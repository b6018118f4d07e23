//! Which request is next: one fixed request, or a set of them in turn or at random, with values that change from one to the next.
//!
//! A [`RequestSet`] is made once before the run, checked and encoded whole; workers share it and never change it.

use std::ops::Range;

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
    /// Where values change, of all entries one after the other.
    pub patches: Vec<Patch>,
    /// The first value of each `{SEQ:start}`: placeholders with the same start draw from the same sequence, and within one request
    /// have the same value.
    pub sequences: Vec<Sequence>,
    /// What answers are held against.
    pub expectations: Vec<Expect>,
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
    /// Each drawn independently of the others, from this seed.
    Random(u64),
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
