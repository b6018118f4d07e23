//! Feeds bytes to the parser in pieces and writes down what came of them.

use saturing::protocol::h1::response::{Heads, Parser, Step};

/// What came of a stretch of a connection's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A whole answer.
    Answer { status: u16, body_bytes: u64, keep_alive: bool },
    /// The reason why the bytes are no answer; nothing is read behind it.
    Refused(&'static str),
    /// The connection ended within an answer.
    Cut,
}

/// Everything that comes of `bytes` fed in pieces that begin at `cuts` (in order, none beyond the end), and of the end
/// of the connection behind them.
///
/// # Panics
/// When the parser breaks a promise that holds for all bytes.
pub(crate) fn outcomes(bytes: &[u8], cuts: &[usize], heads: &mut Heads) -> Vec<Outcome> {
    let mut parser = Parser::default();
    let mut outcomes = Vec::new();
    let mut start = 0;
    for &end in cuts.iter().chain([&bytes.len()]) {
        if !feed(&bytes[start..end], &mut parser, heads, &mut outcomes) {
            parser.reset(heads);
            assert!(parser.is_idle());
            return outcomes;
        }
        start = end;
    }
    let idle = parser.is_idle();
    match parser.end(heads) {
        Step::Partial if idle => {}
        Step::Partial => outcomes.push(Outcome::Cut),
        step => outcomes.extend(outcome(step)),
    }
    parser.reset(heads);
    outcomes
}

/// Feeds one piece to its end; false if it was refused.
fn feed(mut piece: &[u8], parser: &mut Parser, heads: &mut Heads, outcomes: &mut Vec<Outcome>) -> bool {
    while !piece.is_empty() {
        let (used, step) = parser.feed(piece, heads);
        assert!(used <= piece.len(), "more used than given");
        outcomes.extend(outcome(step));
        match step {
            Step::Whole(answer) => {
                assert!(parser.is_idle(), "idle behind an answer");
                assert!(used > 0, "an answer of nothing");
                assert!(answer.status >= 200, "an interim answer came through");
            }
            Step::Partial => {
                assert_eq!(used, piece.len(), "partial uses all");
                let line_ends = piece.iter().all(|byte| b"\r\n".contains(byte));
                assert!(line_ends || !parser.is_idle(), "not idle within an answer");
            }
            Step::Refused(_) => {
                assert_eq!(used, piece.len(), "refused uses all");
                return false;
            }
        }
        piece = &piece[used..];
    }
    true
}

fn outcome(step: Step) -> Option<Outcome> {
    match step {
        Step::Partial => None,
        Step::Whole(answer) => Some(Outcome::Answer {
            status: answer.status,
            body_bytes: answer.body_bytes,
            keep_alive: answer.keep_alive,
        }),
        Step::Refused(error) => Some(Outcome::Refused(error.reason())),
    }
}
