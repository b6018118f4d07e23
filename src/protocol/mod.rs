//! How requests and answers stand on a connection: bytes in, events and bytes out. Nothing here knows of sockets, clocks,
//! schedules or statistics.
//!
//! A protocol says what happened; the loop decides what that means: what is counted, given back, or opened anew.

pub mod count;
pub mod h1;
mod out;
pub mod tls;

use std::ops::Range;

pub use h1::H1;
pub use h1::response::{Answer, ProtocolError};
pub use out::{Growing, Out};
use tls::{Handshaken, TlsFacts};
pub use tls::{Tls, TlsFault};

/// The state of one connection. It is made once for a slot and serves the slot's connections one after the other.
pub trait Protocol {
    /// What all connections of a worker share, such as the heads remembered.
    type Shared;

    /// Between a connection and its first request both sides have something to agree on: requests wait for [`Event::Ready`].
    const SHAKES_HANDS: bool = false;

    /// For a slot with at most so many groups of requests in flight: requests next to each other that are alike are one group.
    fn new(groups: u32) -> Self;

    /// The connection is open: what is to be said before the first request goes out.
    fn connected(&mut self, _shared: &mut Self::Shared, _out: &mut impl Out) {}

    /// How many more requests the protocol itself lets out now; the loop has a limit of its own beside it.
    fn free(&self) -> u32 {
        u32::MAX
    }

    /// `count` requests that are alike go out behind those before, as `bytes` puts them. False if there is no room left for
    /// them in this send: then nothing has happened.
    fn request(&mut self, what: Asked, count: u32, bytes: impl Source, out: &mut impl Out) -> bool;

    /// No more is put into this send.
    fn finish(&mut self, _shared: &mut Self::Shared, _out: &mut impl Out) {}

    /// Whether requests found less room in their send than they need: the rest is to follow in others.
    fn has_more(&self) -> bool {
        false
    }

    /// More of that rest; behind it comes [`finish`](Protocol::finish).
    fn more(&mut self, _out: &mut impl Out) {}

    /// Whether the connection can carry no more requests, and is to be replaced when it has answered those it has.
    fn is_worn_out(&self) -> bool {
        false
    }

    /// What is to be said before the connection is closed by us.
    fn goodbye(&mut self, _out: &mut impl Out) {}

    /// Bytes arrived. They may be changed in place. Events are told in the order in which they happened; after
    /// [`Event::Refused`] there are none.
    fn receive(
        &mut self,
        bytes: &mut [u8],
        shared: &mut Self::Shared,
        out: &mut impl Out,
        on: &mut impl FnMut(Event<'_>),
    );

    /// The peer has ended its side in order. Tells what ends with it.
    fn end(&mut self, shared: &mut Self::Shared, on: &mut impl FnMut(Event<'_>));

    /// Whether nothing of a next answer has been seen.
    fn is_idle(&self) -> bool;

    /// Bytes of the body so far, of an answer that has begun and not ended.
    fn begun(&self) -> Option<u64>;

    /// Why what the peer sent is none of this protocol, if it was refused.
    fn refusal(&self) -> Option<ProtocolError>;

    /// What was seen of TLS, if it is spoken.
    fn tls_facts(_shared: &mut Self::Shared) -> Option<&mut TlsFacts> {
        None
    }

    /// Whether a server said that its port is for TLS.
    fn saw_tls_port(_shared: &Self::Shared) -> bool {
        false
    }

    /// The connection is gone; the next begins from nothing.
    fn reset(&mut self, shared: &mut Self::Shared);
}

/// What must be known of a request to read its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Its kind, by which answers are alike.
    pub kind: u16,
    /// Its answer has no body whatever the head says, as to `HEAD`.
    pub head_only: bool,
    /// Its answer's body is told in [`Event::Body`].
    pub wants_body: bool,
}

/// The bytes of requests as they stand in HTTP/1.1.
pub trait Source {
    /// Puts them all, or nothing if there is no room.
    fn put(self, out: &mut impl Out) -> bool;
}

/// Bytes of the run's fixed memory.
impl Source for Range<usize> {
    #[inline]
    fn put(self, out: &mut impl Out) -> bool {
        out.fixed(self)
    }
}

/// What happened on a connection. Answers come in the order of their requests.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Both sides have agreed: requests may go out.
    Ready(Handshaken),
    /// The answer to the oldest request has begun, and will take more than these bytes.
    Begun,
    /// A piece of that answer's body; only where it is wanted.
    Body(&'a [u8]),
    /// It is whole. Where it is the connection's last, nothing behind it will be answered.
    Done(Answer),
    /// Bytes that no request asked for.
    Excess,
    /// What came is none of this protocol.
    Refused {
        /// The rule that it breaks.
        error: ProtocolError,
        /// It stood where an answer might have begun, and did not look like one.
        stray: bool,
    },
    /// The connection cannot go on.
    Broken(Failure),
    /// The peer said that it sends nothing more.
    Closed,
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The connection was reset before the answer was whole.
    Reset,
    /// The peer closed before the answer was whole.
    EofMidResponse,
    /// No whole answer within the timeout.
    Timeout,
    /// The answer broke the protocol.
    Protocol(ProtocolError),
    /// The answer was whole, and not the one expected.
    Check,
    /// TLS failed.
    Tls(TlsFault),
    /// Any other error of the connection.
    Other,
}
