//! The server behind the fake ring: what it does with a connect and with a request.

use std::ops::Range;

use super::random::Random;
use super::requests::Asked;

/// What becomes of a connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::worker) enum ConnectOutcome {
    Opens,
    /// Opens, and is ended before any request was read.
    OpensAndEnds,
    Refused,
    TimedOut,
    NoLocalPort,
    Unreachable,
    /// The socket cannot be made.
    NoSocket,
    /// The same, for want of a port.
    NoPortForSocket,
    /// Nothing is ever heard of it.
    Silent,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::worker) enum Action {
    Answer,
    /// An answer that announces the connection's end; then that end, or not.
    Announce,
    /// An answer, then an end that was not announced.
    AnswerAndEnd,
    AnswerAndReset,
    /// An answer and bytes nobody asked for.
    AnswerAndMore,
    /// An answer and line ends behind it.
    AnswerAndLineEnds,
    /// An answer that ends with the connection.
    UntilEnd,
    /// Nothing more is heard.
    Stall,
    /// An answer that begins and never ends.
    Endless,
    /// Ends or resets without a byte.
    Vanish,
    /// A part of an answer, then a reset.
    PartAndReset,
    /// A part of an answer, then the end.
    PartAndEnd,
    /// An answer whose length is no number.
    Nonsense,
    /// No answer at all.
    Garbage,
}

/// How the server behaves.
#[derive(Debug, Clone)]
pub(in crate::worker) struct Behaviour {
    /// Each with its weight.
    pub(in crate::worker) outcomes: Vec<(ConnectOutcome, u64)>,
    /// Each with its weight.
    pub(in crate::worker) actions: Vec<(Action, u64)>,
    /// Between one move and the next.
    pub(in crate::worker) delay_ns: Range<u64>,
    /// How many of a hundred answers come in pieces.
    pub(in crate::worker) split: u64,
    /// It closes connections on which nothing was asked for so long.
    pub(in crate::worker) idle_ns: Option<u64>,
}

impl Behaviour {
    /// Does all that is asked.
    pub(in crate::worker) fn good() -> Behaviour {
        Behaviour {
            outcomes: vec![(ConnectOutcome::Opens, 1)],
            actions: vec![(Action::Answer, 1)],
            delay_ns: 1_000..400_000,
            split: 30,
            idle_ns: None,
        }
    }

    /// Answers mostly, and sometimes does as `actions` say.
    pub(in crate::worker) fn with(actions: &[Action]) -> Behaviour {
        let mut good = Behaviour::good();
        good.actions = actions.iter().map(|&action| (action, 1)).collect();
        good.actions.push((Action::Answer, 20 * actions.len() as u64));
        good
    }

    /// Does what servers and networks do. Which of it, and how often, the seed says: where every fault is possible all the time,
    /// those that need a calm stretch, or many of their own kind in a row, are never met.
    pub(in crate::worker) fn hostile(seed: u64) -> Behaviour {
        use Action::*;
        use ConnectOutcome::*;
        // Not the numbers by which the server then draws.
        let mut random = Random::new(!seed / 2);
        let bad = [
            Announce,
            AnswerAndEnd,
            AnswerAndReset,
            AnswerAndMore,
            AnswerAndLineEnds,
            UntilEnd,
            Stall,
            Endless,
            Vanish,
            PartAndReset,
            PartAndEnd,
            Nonsense,
            Garbage,
        ];
        let actions = drawn(&bad, Answer, &mut random);
        let bad = [OpensAndEnds, Refused, TimedOut, NoLocalPort, Unreachable, NoSocket, NoPortForSocket, Silent];
        let outcomes = drawn(&bad, Opens, &mut random);
        Behaviour { outcomes, actions, split: random.below(101), ..Behaviour::good() }
    }
}

/// Some of `bad`, at least one, each with a weight of its own, and `good` as often as all of them or up to a hundred times as often.
fn drawn<T: Copy>(bad: &[T], good: T, random: &mut Random) -> Vec<(T, u64)> {
    let share = 10 + random.below(91);
    let always = random.below(bad.len() as u64) as usize;
    let mut all = Vec::new();
    for (at, &one) in bad.iter().enumerate() {
        if at == always || random.percent(share) {
            all.push((one, 1 + random.below(10)));
        }
    }
    let weights: u64 = all.iter().map(|(_, weight)| weight).sum();
    all.push((good, weights * random.pick(&[(1, 1), (3, 1), (10, 1), (100, 1)])));
    all
}

/// Bytes on their way to the client.
#[derive(Debug, Clone, Default)]
pub(in crate::worker) struct Data {
    pub(in crate::worker) bytes: Vec<u8>,
    /// Of each answer that it holds a part of: does it begin here, does it end here?
    pub(in crate::worker) parts: Vec<(bool, bool)>,
    /// It ends an answer that announces the connection's end.
    pub(in crate::worker) announces: bool,
    /// It ends with bytes nobody asked for.
    pub(in crate::worker) excess: bool,
}

/// One thing the client will notice.
#[derive(Debug, Clone)]
pub(in crate::worker) enum Move {
    Data(Data),
    /// A later send fails for this reason.
    SendFails(i32),
    /// The end, in order or for this reason; `completes`: and of an answer as well.
    Ends {
        error: Option<i32>,
        completes: bool,
    },
}

/// What the server does with one request, in order, and whether it will read another.
pub(super) fn serve(action: Action, asked: Asked, split: u64, random: &mut Random) -> (Vec<Move>, bool) {
    let action = match action {
        // Answers to HEAD end with their heads, and have no bodies that could be so.
        Action::UntilEnd | Action::Endless if asked.head_only => Action::Stall,
        Action::Nonsense if asked.head_only => Action::Garbage,
        Action::Answer if asked.closes => random.pick(&[(Action::Announce, 3), (Action::AnswerAndEnd, 1)]),
        action => action,
    };
    let end = |error| Move::Ends { error, completes: false };
    let whole = answer(action == Action::Announce, asked.head_only, random);
    let mut moves = match action {
        Action::Vanish | Action::Stall => Vec::new(),
        Action::Nonsense => pieces(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n".to_vec(), split, random),
        Action::Garbage => pieces(b"220 ready\r\n".to_vec(), 0, random),
        Action::UntilEnd => pieces(b"HTTP/1.1 200 OK\r\n\r\nas long as it lasts".to_vec(), split, random),
        Action::Endless => {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            pieces(format!("{head}5\r\nhello\r\n").into_bytes(), split, random)
        }
        Action::PartAndReset | Action::PartAndEnd => {
            let cut = 1 + random.below(whole.len() as u64 - 1) as usize;
            pieces(whole[..cut].to_vec(), split, random)
        }
        _ => pieces(whole, split, random),
    };
    if let Some(Move::Data(last)) = moves.last_mut() {
        let unfinished = [
            Action::Endless,
            Action::Nonsense,
            Action::Garbage,
            Action::UntilEnd,
            Action::PartAndReset,
            Action::PartAndEnd,
        ];
        last.parts[0].1 = !unfinished.contains(&action);
        last.announces = action == Action::Announce;
    }
    match action {
        Action::Announce => match random.below(4) {
            0 => {}
            1 => moves.push(end(Some(libc::ECONNRESET))),
            _ => moves.push(end(None)),
        },
        Action::AnswerAndEnd | Action::PartAndEnd => moves.push(end(None)),
        Action::AnswerAndReset | Action::PartAndReset => moves.append(&mut reset(random)),
        Action::AnswerAndMore => {
            let excess = Data { bytes: b"and more".to_vec(), excess: true, ..Data::default() };
            moves.push(Move::Data(excess));
        }
        Action::AnswerAndLineEnds => {
            let ends = random.pick(&[("\r\n", 2), ("\n", 1), ("\r\n\r\n", 1)]);
            let parts = pieces(ends.into(), 50, random).into_iter().map(|step| match step {
                Move::Data(data) => Move::Data(Data { parts: Vec::new(), ..data }),
                other => other,
            });
            moves.extend(parts);
        }
        Action::UntilEnd => moves.push(Move::Ends { error: None, completes: true }),
        Action::Vanish if random.percent(50) => moves.push(end(None)),
        Action::Vanish => moves.append(&mut reset(random)),
        _ => {}
    }
    (moves, matches!(action, Action::Answer | Action::AnswerAndLineEnds))
}

/// A reset, as the client sees it: by its receive, or by a send of its own that takes the error away from the receive.
fn reset(random: &mut Random) -> Vec<Move> {
    let end = |error| Move::Ends { error, completes: false };
    match random.below(3) {
        0 => vec![end(Some(libc::ECONNRESET))],
        1 => vec![Move::SendFails(libc::EPIPE), end(Some(libc::ECONNRESET))],
        _ => vec![Move::SendFails(libc::ECONNRESET), end(None)],
    }
}

fn answer(announces: bool, head_only: bool, random: &mut Random) -> Vec<u8> {
    let close = if announces { "Connection: close\r\n" } else { "" };
    let mut framed = match random.below(4) {
        0 => format!("{close}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        1 => format!("{close}Content-Length: 0\r\n\r\n"),
        _ => format!("{close}Content-Length: 13\r\n\r\nHello, World!"),
    };
    if head_only {
        framed.truncate(framed.find("\r\n\r\n").map_or(0, |end| end + 4));
    }
    let interim = if random.percent(10) { "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" } else { "" };
    let status = random.pick(&[("200 OK", 8), ("404 Not Found", 1), ("503 Busy", 1)]);
    format!("{interim}HTTP/1.1 {status}\r\n{framed}").into_bytes()
}

/// The bytes in one piece, or cut at random places.
fn pieces(mut bytes: Vec<u8>, split: u64, random: &mut Random) -> Vec<Move> {
    let mut moves = Vec::new();
    if random.percent(split) {
        for _ in 0..random.below(4) {
            if bytes.len() > 1 {
                let rest = bytes.split_off(1 + random.below(bytes.len() as u64 - 1) as usize);
                moves.push(std::mem::replace(&mut bytes, rest));
            }
        }
    }
    moves.push(bytes);
    let data = |(index, bytes)| Move::Data(Data { bytes, parts: vec![(index == 0, false)], ..Data::default() });
    moves.into_iter().enumerate().map(data).collect()
}
