//! Counts bytes: answers are told apart by their length alone, as of a server that always answers the same. What a run by this protocol
//! costs is what everything but parsing costs.

use super::{Answer, Asked, Event, Out, Protocol, ProtocolError, Source};

/// One connection.
#[derive(Debug, Default)]
pub struct CountBytes {
    /// Answers to come, the one under way among them.
    awaited: u32,
    /// Bytes of that one that are still to come; 0 before its first.
    left: u64,
}

/// Bytes of each answer, head and body; more than 0.
#[derive(Debug, Clone, Copy)]
pub struct AnswerBytes(pub u64);

/// What is told of every answer.
const COUNTED: Answer = Answer { status: 200, body_bytes: 0, keep_alive: true };

impl Protocol for CountBytes {
    type Shared = AnswerBytes;

    fn new(_groups: u32) -> CountBytes {
        CountBytes::default()
    }

    #[inline]
    fn request(&mut self, _: Asked, count: u32, bytes: impl Source, out: &mut impl Out) -> bool {
        let put = bytes.put(out);
        self.awaited += if put { count } else { 0 };
        put
    }

    #[inline]
    fn receive(&mut self, bytes: &mut [u8], each: &mut AnswerBytes, _: &mut impl Out, on: &mut impl FnMut(Event<'_>)) {
        let mut here = bytes.len() as u64;
        while here > 0 {
            if self.awaited == 0 {
                return on(Event::Excess);
            }
            let begins = self.left == 0;
            if begins {
                self.left = each.0;
            }
            let taken = here.min(self.left);
            (self.left, here) = (self.left - taken, here - taken);
            match (self.left, begins) {
                (0, _) => {
                    self.awaited -= 1;
                    on(Event::Done(COUNTED));
                }
                (_, true) => on(Event::Begun),
                _ => {}
            }
        }
    }

    fn end(&mut self, _: &mut AnswerBytes, _: &mut impl FnMut(Event<'_>)) {}

    fn is_idle(&self) -> bool {
        self.left == 0
    }

    fn begun(&self) -> Option<u64> {
        None
    }

    fn refusal(&self) -> Option<ProtocolError> {
        None
    }

    fn reset(&mut self, _: &mut AnswerBytes) {
        *self = CountBytes::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Growing;

    struct Anything;

    impl Source for Anything {
        fn put(self, _: &mut impl Out) -> bool {
            true
        }
    }

    #[test]
    fn answers_are_counted_at_every_split() {
        for split in 0..=21 {
            let (mut protocol, mut each, mut events) = (CountBytes::new(1), AnswerBytes(10), Vec::new());
            assert!(protocol.request(Asked::default(), 2, Anything, &mut Growing::default()));
            for length in [split, 21 - split] {
                let mut on = |event: Event<'_>| {
                    events.push(match event {
                        Event::Done(_) => 'd',
                        Event::Begun => 'b',
                        _ => 'x',
                    });
                };
                protocol.receive(&mut vec![0; length], &mut each, &mut Growing::default(), &mut on);
            }
            events.retain(|event| *event != 'b');
            assert_eq!(events, ['d', 'd', 'x'], "{split}");
            assert!(protocol.is_idle());
        }
    }
}
