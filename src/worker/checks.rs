//! Holds answers against what their requests expect (`--expect-status`, `--expect-body`).

use crate::protocol::Answer;
use crate::workload::{Expect, RequestSet};

/// Bytes of a differing answer's body that are kept, and how many such answers.
const KEPT_BYTES: usize = 200;
const KEPT_ANSWERS: usize = 3;

/// What is expected of the answers to each request of the list; shared by all workers.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    set: std::sync::Arc<RequestSet>,
    any: bool,
}

/// An answer that was not the one expected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differing {
    /// The row of the report that its request counts in.
    pub kind: u16,
    /// Its status.
    pub status: u16,
    /// Bytes of its body in all.
    pub body_bytes: u64,
    /// The first of them, at most 200.
    pub body: Vec<u8>,
}

/// The first answers of a worker that were not those expected.
#[derive(Debug, Clone, Default)]
pub struct FirstDiffering(Vec<Differing>);

/// The body of the answer under way on a connection, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct BodySoFar {
    /// How many bytes came.
    length: usize,
    differs: bool,
    first: Vec<u8>,
}

impl Checks {
    /// Of a set of requests.
    pub fn of(set: &std::sync::Arc<RequestSet>) -> Checks {
        Checks { any: set.entries.iter().any(|entry| entry.expects.is_some()), set: std::sync::Arc::clone(set) }
    }

    /// Whether there is anything to check.
    #[inline]
    pub fn any(&self) -> bool {
        self.any
    }

    /// What is expected of the answer to an entry of the list.
    #[inline]
    pub fn of_entry(&self, entry: u32) -> Option<&Expect> {
        let expects = self.set.entries.get(entry as usize)?.expects?;
        self.set.expectations.get(usize::from(expects))
    }
}

impl Expect {
    /// Whether this status is right.
    fn allows(&self, status: u16) -> bool {
        self.status.is_empty() || self.status.iter().any(|range| (range.first..=range.last).contains(&status))
    }
}

impl BodySoFar {
    pub(super) fn new() -> BodySoFar {
        BodySoFar { first: Vec::with_capacity(KEPT_BYTES), ..BodySoFar::default() }
    }

    /// More of the body of the answer to a request that expects `expect`.
    pub(super) fn add(&mut self, piece: &[u8], expect: Option<&Expect>) {
        let kept = piece.len().min(KEPT_BYTES - self.first.len());
        self.first.extend_from_slice(&piece[..kept]);
        if let Some(body) = expect.and_then(|expect| expect.body.as_deref()) {
            let expected = body.get(self.length..).and_then(|rest| rest.get(..piece.len()));
            self.differs |= expected != Some(piece);
        }
        self.length += piece.len();
    }

    /// The answer is whole: `None` if it is as expected. What there was of its body is forgotten.
    pub(super) fn finish(&mut self, answer: &Answer, expect: Option<&Expect>, kind: u16) -> Option<Differing> {
        let wrong = expect.is_some_and(|expect| {
            let short = expect.body.as_ref().is_some_and(|body| body.len() != self.length);
            !expect.allows(answer.status) || self.differs || short
        });
        let differing = wrong.then(|| Differing {
            kind,
            status: answer.status,
            body_bytes: answer.body_bytes,
            body: self.first.clone(),
        });
        self.forget();
        differing
    }

    /// The connection is gone.
    pub(super) fn forget(&mut self) {
        self.first.clear();
        (self.length, self.differs) = (0, false);
    }
}

impl FirstDiffering {
    /// Those kept, the first first.
    pub fn all(&self) -> &[Differing] {
        &self.0
    }

    /// Keeps one if there is room for it.
    pub fn add(&mut self, differing: Differing) {
        if self.0.len() < KEPT_ANSWERS {
            self.0.push(differing);
        }
    }

    /// Adds those of another worker behind.
    pub fn merge(&mut self, other: &mut FirstDiffering) {
        std::mem::take(&mut other.0).into_iter().for_each(|one| self.add(one));
    }

    /// The warm-up is over.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::StatusRange;

    fn expect(status: &[(u16, u16)], body: Option<&str>) -> Expect {
        let status = status.iter().map(|&(first, last)| StatusRange { first, last }).collect();
        Expect { status, body: body.map(|text| text.as_bytes().to_vec()) }
    }

    #[test]
    fn an_answer_differs_by_status_or_body_at_every_split() {
        for (expect, status, body, right) in [
            (expect(&[], None), 500, "x", true),
            (expect(&[(200, 200), (204, 204), (300, 399)], None), 200, "x", true),
            (expect(&[(200, 200), (204, 204), (300, 399)], None), 302, "", true),
            (expect(&[(200, 200), (204, 204), (300, 399)], None), 201, "", false),
            (expect(&[], Some("hello")), 404, "hello", true),
            (expect(&[], Some("hello")), 200, "hell", false),
            (expect(&[], Some("hello")), 200, "hello!", false),
            (expect(&[], Some("hello")), 200, "hallo", false),
            (expect(&[], Some("")), 200, "", true),
            (expect(&[], Some("")), 200, "x", false),
            (expect(&[(200, 200)], Some("hello")), 500, "hello", false),
        ] {
            for split in 0..=body.len() {
                let mut so_far = BodySoFar::new();
                for round in 0..2 {
                    let (first, second) = body.as_bytes().split_at(split);
                    [first, second].iter().for_each(|piece| so_far.add(piece, Some(&expect)));
                    let answer = Answer { status, body_bytes: body.len() as u64, keep_alive: true };
                    let differing = so_far.finish(&answer, Some(&expect), 7);
                    assert_eq!(differing.is_none(), right, "{expect:?} {status} {body:?} {split} {round}");
                    if let Some(differing) = differing {
                        let same = Differing { kind: 7, status, body_bytes: body.len() as u64, body: body.into() };
                        assert_eq!(differing, same);
                    }
                }
            }
        }
    }

    #[test]
    fn only_the_beginning_of_the_first_three_is_kept() {
        let (mut one, mut other) = (FirstDiffering::default(), FirstDiffering::default());
        let wrong = expect(&[(204, 204)], None);
        for status in 1..=4 {
            let mut so_far = BodySoFar::new();
            so_far.add(&[b'x'; 150], Some(&wrong));
            so_far.add(&[b'y'; 150], Some(&wrong));
            let answer = Answer { status, body_bytes: 300, keep_alive: true };
            let differing = so_far.finish(&answer, Some(&wrong), 0).expect("differs");
            assert_eq!((differing.body.len(), differing.body_bytes), (KEPT_BYTES, 300));
            if status < 3 { one.add(differing) } else { other.add(differing) }
        }
        one.merge(&mut other);
        assert_eq!(one.all().iter().map(|kept| kept.status).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
