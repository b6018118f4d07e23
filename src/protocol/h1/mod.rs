//! HTTP/1.1: requests are encoded once before the run, responses are framed as they arrive.

pub mod request;
pub mod response;
#[cfg(test)]
mod tests;
mod token;

use std::collections::VecDeque;

use super::{Asked, Event, Out, Protocol, Source};
use response::{Heads, Parser, ProtocolError, Step};

/// One connection of HTTP/1.1: its answers come in the order of its requests.
#[derive(Debug)]
pub struct H1 {
    parser: Parser,
    /// What the answers to come are to: next to each other, those that are alike count as one. The oldest; of none if 0.
    oldest: (Asked, u32),
    later: VecDeque<(Asked, u32)>,
    /// That the answer under way has begun was told.
    told: bool,
    /// This connection has carried a request.
    was_asked: bool,
}

impl H1 {
    fn answered(&mut self) {
        self.told = false;
        self.oldest.1 -= 1;
        if self.oldest.1 == 0
            && let Some(next) = self.later.pop_front()
        {
            self.oldest = next;
        }
    }

    /// Nothing more will be answered.
    fn forget(&mut self) {
        self.oldest.1 = 0;
        self.later.clear();
        self.told = false;
    }

    /// Bytes while no answer is awaited. Line ends may follow any answer, and mean nothing (RFC 9112, 9.2).
    #[cold]
    fn unasked(&mut self, bytes: &[u8], heads: &mut Heads, on: &mut impl FnMut(Event<'_>)) {
        let rest = &bytes[self.parser.skip_line_ends(bytes)..];
        // A server of another protocol may speak first: the first request then fails under that protocol's name.
        if !rest.is_empty() && (self.was_asked || !self.parser.meets_other_protocol(rest, heads)) {
            on(Event::Excess);
        }
    }

    fn done(&mut self, answer: response::Answer, on: &mut impl FnMut(Event<'_>)) {
        self.answered();
        if !answer.keep_alive {
            self.forget();
        }
        on(Event::Done(answer));
    }

    fn refused(&self, error: ProtocolError, on: &mut impl FnMut(Event<'_>)) {
        on(Event::Refused { error, stray: self.parser.refused_stray_bytes() });
    }
}

impl Protocol for H1 {
    type Shared = Heads;

    fn new(groups: u32) -> H1 {
        H1 {
            parser: Parser::default(),
            oldest: (Asked::default(), 0),
            later: VecDeque::with_capacity(groups.saturating_sub(1) as usize),
            told: false,
            was_asked: false,
        }
    }

    #[inline]
    fn request(&mut self, what: Asked, count: u32, bytes: impl Source, out: &mut impl Out) -> bool {
        if !bytes.put(out) {
            return false;
        }
        self.was_asked = true;
        let youngest = self.later.back_mut().unwrap_or(&mut self.oldest);
        if youngest.1 == 0 {
            *youngest = (what, count);
        } else if youngest.0 == what {
            youngest.1 += count;
        } else {
            self.later.push_back((what, count));
        }
        true
    }

    #[inline]
    fn receive(&mut self, bytes: &mut [u8], heads: &mut Heads, _: &mut impl Out, on: &mut impl FnMut(Event<'_>)) {
        let mut rest = &*bytes;
        while !rest.is_empty() {
            let (asked, awaited) = self.oldest;
            if awaited == 0 {
                return self.unasked(rest, heads, on);
            }
            heads.expect(asked);
            let (taken, step) = match asked.wants_body {
                false => self.parser.feed(rest, heads),
                true => self.parser.feed_telling(rest, heads, &mut |piece| on(Event::Body(piece))),
            };
            rest = &rest[taken..];
            match step {
                Step::Partial => {
                    if !self.told && !self.parser.is_idle() {
                        self.told = true;
                        on(Event::Begun);
                    }
                    return;
                }
                Step::Whole(answer) => self.done(answer, on),
                Step::Refused(error) => return self.refused(error, on),
            }
        }
    }

    fn end(&mut self, heads: &mut Heads, on: &mut impl FnMut(Event<'_>)) {
        if self.oldest.1 == 0 {
            return;
        }
        match self.parser.end(heads) {
            Step::Whole(answer) => {
                self.answered();
                self.forget();
                on(Event::Done(response::Answer { keep_alive: false, ..answer }));
            }
            Step::Refused(error) => self.refused(error, on),
            Step::Partial => {}
        }
    }

    fn is_idle(&self) -> bool {
        self.parser.is_idle()
    }

    fn begun(&self) -> Option<u64> {
        self.parser.begun()
    }

    fn refusal(&self) -> Option<ProtocolError> {
        self.parser.refusal()
    }

    fn saw_tls_port(heads: &Heads) -> bool {
        heads.saw_tls_port()
    }

    fn reset(&mut self, heads: &mut Heads) {
        self.parser.reset(heads);
        self.forget();
        self.was_asked = false;
    }
}
