//! Puts a set of requests together: kinds, sequences and expectations that several share stand in it once.

use std::collections::HashMap;

use super::placeholders::{Found, Typed};
use super::{Encoded, Expect, Kind, MAX_KINDS, Patch, RequestSet, Sequence, Value};

/// Bytes of all requests of a set, at most.
pub const MAX_BYTES: usize = 1 << 30;

/// Why a set cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Full {
    /// More than [`MAX_BYTES`].
    Bytes,
    /// More than [`MAX_KINDS`].
    Kinds,
    /// More different sequences, or expectations, than can be told apart.
    Sequences,
}

/// A request's bytes in one of its forms, and what stands where in them, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// The bytes, a placeholder's width of any bytes where values go.
    pub bytes: Vec<u8>,
    /// Where values go.
    pub places: Vec<(u32, Found)>,
}

/// A request to be added.
#[derive(Debug, Clone)]
pub struct Addition<'a> {
    /// The row of the report it counts in.
    pub kind: &'a str,
    /// Its method.
    pub method: &'a str,
    /// Its path; empty if it has none that could be told.
    pub path: &'a str,
    /// As it is sent on a connection that lives on.
    pub plain: Form,
    /// As it is sent last on its connection; `None`: the same.
    pub closing: Option<Form>,
    /// See [`Encoded::asks_to_close`].
    pub asks_to_close: bool,
    /// What its answer is held against.
    pub expect: Option<Expect>,
}

/// A set under way.
#[derive(Debug, Default)]
pub struct Builder {
    set: RequestSet,
    kinds: HashMap<String, u16>,
    sequences: HashMap<(u64, u8), u16>,
    seq_skip: u64,
}

impl Builder {
    /// Sequences go on from `seq_skip` values behind their first.
    pub fn new(seq_skip: u64) -> Builder {
        Builder { seq_skip, ..Builder::default() }
    }

    /// How many requests there are so far.
    pub fn len(&self) -> usize {
        self.set.entries.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds one request behind the others.
    ///
    /// # Errors
    /// The set is full.
    pub fn add(&mut self, addition: Addition<'_>) -> Result<(), Full> {
        let Addition { kind, method, path, plain, closing, asks_to_close, expect } = addition;
        let kind = self.kind(kind, method, path)?;
        let (range, patches) = self.form(&plain)?;
        let (closing, closing_patches) = match closing {
            Some(form) => self.form(&form)?,
            None => (range.clone(), patches.clone()),
        };
        let expects = expect.map(|expect| self.expectation(expect)).transpose()?;
        let head_only = method == "HEAD";
        let entry = Encoded { kind, head_only, range, closing, asks_to_close, patches, closing_patches, expects };
        self.set.entries.push(entry);
        Ok(())
    }

    /// Adds the request added last once more.
    pub fn repeat(&mut self, entry: usize) {
        let again = self.set.entries[entry].clone();
        self.set.kinds[usize::from(again.kind)].weight += 1;
        self.set.entries.push(again);
    }

    /// The set; whoever has asked for it says how it is gone through.
    pub fn finish(self) -> RequestSet {
        self.set
    }

    fn kind(&mut self, name: &str, method: &str, path: &str) -> Result<u16, Full> {
        if let Some(&index) = self.kinds.get(name) {
            let kind = &mut self.set.kinds[usize::from(index)];
            kind.weight += 1;
            // What its requests do not have in common is not told.
            for (known, other) in [(&mut kind.method, method), (&mut kind.path, path)] {
                if known != other {
                    known.clear();
                }
            }
            return Ok(index);
        }
        if self.set.kinds.len() == MAX_KINDS {
            return Err(Full::Kinds);
        }
        let index = self.set.kinds.len() as u16;
        self.kinds.insert(name.to_owned(), index);
        self.set.kinds.push(Kind {
            name: name.to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            weight: 1,
        });
        Ok(index)
    }

    fn form(&mut self, form: &Form) -> Result<(std::ops::Range<u32>, std::ops::Range<u32>), Full> {
        if self.set.bytes.len() + form.bytes.len() > MAX_BYTES {
            return Err(Full::Bytes);
        }
        let (start, first) = (self.set.bytes.len() as u32, self.set.patches.len() as u32);
        self.set.bytes.extend_from_slice(&form.bytes);
        for (at, found) in &form.places {
            let value = match found.typed {
                Typed::Rand { min, max } => Value::Rand { min, max },
                Typed::Seq { start } => Value::Seq(self.sequence(start, found.width)?),
                Typed::Uuid => Value::Uuid,
                Typed::NowMs => Value::NowMs,
            };
            self.set.patches.push(Patch { at: *at, width: found.width, value });
        }
        Ok((start..self.set.bytes.len() as u32, first..self.set.patches.len() as u32))
    }

    fn sequence(&mut self, start: u64, width: u8) -> Result<u16, Full> {
        if let Some(&index) = self.sequences.get(&(start, width)) {
            return Ok(index);
        }
        let index = u16::try_from(self.set.sequences.len()).map_err(|_| Full::Sequences)?;
        self.sequences.insert((start, width), index);
        self.set.sequences.push(Sequence { start: start.saturating_add(self.seq_skip), width });
        Ok(index)
    }

    fn expectation(&mut self, expect: Expect) -> Result<u16, Full> {
        let known = self.set.expectations.iter().rposition(|known| *known == expect);
        let index = known.unwrap_or_else(|| {
            self.set.expectations.push(expect);
            self.set.expectations.len() - 1
        });
        u16::try_from(index).map_err(|_| Full::Sequences)
    }
}
