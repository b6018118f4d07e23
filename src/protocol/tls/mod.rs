//! TLS around another protocol. rustls makes the handshake; behind it records are sealed and opened where they lie, with its keys.

mod fault;
mod handshake;
mod keys;
pub mod server;
mod setup;
#[cfg(test)]
mod tests;
mod tickets;
mod traffic;

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::kernel::KernelConnection;

use super::{Asked, Event, Failure, Out, Protocol, ProtocolError, Source};
pub use fault::{Detail, Note, TlsFault, is_issuer};
use handshake::{Handshake, Progress, Said};
pub use handshake::{Handshaken, Session, suite_words};
pub use setup::{NoIdentity, Settled, TlsSetup};
pub use traffic::{KEY_RECORDS, sealed_length};
use traffic::{Opened, Traffic};

/// Pieces of memory for records in parts that are kept for the next ones.
const SPARE: usize = 1024;

/// One connection of `P` over TLS.
pub struct Tls<P> {
    stage: Stage,
    inner: P,
}

enum Stage {
    Closed,
    Handshake(Box<Handshake<UnbufferedClientConnection>>),
    Traffic(Box<Traffic<KernelConnection<ClientConnectionData>>>),
    /// It failed, or the peer ended it.
    Over,
}

/// What a worker's connections share.
pub struct TlsShared<S> {
    inner: S,
    setup: TlsSetup,
    /// Memory for records in parts.
    spare: Vec<Vec<u8>>,
    /// What the handshake says.
    said: Said,
    facts: TlsFacts,
}

/// What was seen of TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// What the first handshake agreed on.
    pub session: Option<Session>,
    /// Of each fault the first that more is known of.
    pub notes: Vec<Note>,
    /// Bytes of content sent.
    pub content_sent: u64,
    /// Bytes of content received.
    pub content_received: u64,
    /// Connections whose peer ended them without saying so before (`close_notify`).
    pub ended_unsaid: u64,
}

impl TlsFacts {
    /// Keeps the first note of each fault.
    pub fn note(&mut self, note: Note) {
        if !self.notes.iter().any(|known| known.fault == note.fault) {
            self.notes.push(note);
        }
    }

    /// The warm-up is over: what was sent and received counts from now on.
    pub fn begin(&mut self) {
        (self.content_sent, self.content_received, self.ended_unsaid) = (0, 0, 0);
    }

    /// Adds what another worker saw.
    pub fn merge(&mut self, other: &TlsFacts) {
        if self.session.is_none() {
            self.session.clone_from(&other.session);
        }
        other.notes.iter().for_each(|note| self.note(note.clone()));
        self.content_sent += other.content_sent;
        self.content_received += other.content_received;
        self.ended_unsaid += other.ended_unsaid;
    }
}

impl<S> TlsShared<S> {
    /// For a worker whose connections of the inner protocol share `inner`.
    pub fn new(setup: &TlsSetup, inner: S) -> TlsShared<S> {
        let setup = setup.for_worker();
        TlsShared { inner, setup, spare: Vec::new(), said: Said::default(), facts: TlsFacts::default() }
    }

    fn keep(&mut self, mut memory: Vec<u8>) {
        if memory.capacity() > 0 && self.spare.len() < SPARE {
            memory.clear();
            self.spare.push(memory);
        }
    }

    /// Moves what the handshake says behind `out`.
    fn say(&mut self, out: &mut impl Out) {
        if let Some(space) = out.write(self.said.own.len()) {
            space.copy_from_slice(&self.said.own);
            out.commit(self.said.own.len());
        }
        self.said.own.clear();
    }

    /// A connection has failed.
    fn failed(&mut self, note: Note, on: &mut impl FnMut(Event<'_>)) {
        let fault = note.fault;
        self.facts.note(note);
        on(Event::Broken(Failure::Tls(fault)));
    }
}

impl<P: Protocol> Tls<P> {
    /// The handshake goes on with `bytes`; tells what came behind it, when it is finished.
    fn shake_hands(
        &mut self,
        bytes: &[u8],
        shared: &mut TlsShared<P::Shared>,
        out: &mut impl Out,
        on: &mut impl FnMut(Event<'_>),
    ) -> Option<Vec<u8>> {
        let Stage::Handshake(handshake) = std::mem::replace(&mut self.stage, Stage::Over) else { return None };
        let TlsShared { setup, said, facts, .. } = &mut *shared;
        let mut refused = None;
        let progress = handshake.go_on(bytes, said, |handshake| {
            let known = facts.session.get_or_insert_with(|| handshake.session());
            refused = setup.refuses(known.alpn.as_deref());
        });
        shared.say(out);
        match progress {
            Progress::Waits(handshake) => self.stage = Stage::Handshake(handshake),
            Progress::Failed(mut note) => {
                // TLS 1.2 has no alert of its own for it.
                if note.fault == TlsFault::NothingInCommon && shared.setup.lacks_certificate() {
                    note.fault = TlsFault::ClientCertificate;
                }
                shared.failed(note, on);
            }
            Progress::Finished(mut finished) => {
                if let Some(note) = refused {
                    shared.failed(note, on);
                    return None;
                }
                let (how, rest) = (finished.how, std::mem::take(&mut finished.rest));
                let mut traffic = Box::new(Traffic::new(*finished, shared.setup.key_records));
                self.inner.connected(&mut shared.inner, &mut traffic.content(out));
                shared.facts.content_sent += traffic.seal(out) as u64;
                on(Event::Ready(how));
                let mut content = std::mem::take(&mut shared.said.content);
                if !content.is_empty() {
                    shared.facts.content_received += content.len() as u64;
                    self.inner.receive(&mut content, &mut shared.inner, &mut traffic.content(out), on);
                    shared.facts.content_sent += traffic.seal(out) as u64;
                }
                self.stage = Stage::Traffic(traffic);
                return Some(rest);
            }
        }
        None
    }

    /// Records came.
    #[inline]
    fn read(
        &mut self,
        bytes: &mut [u8],
        shared: &mut TlsShared<P::Shared>,
        out: &mut impl Out,
        on: &mut impl FnMut(Event<'_>),
    ) {
        let Stage::Traffic(traffic) = &mut self.stage else { return };
        let (mut at, mut whole) = (0, Vec::new());
        let mut over = None;
        while at < bytes.len() && over.is_none() {
            let record = match traffic.next_record(&mut bytes[at..], &mut whole, &mut shared.spare) {
                Ok((taken, record)) => {
                    at += taken;
                    record
                }
                Err(note) => {
                    over = Some(Some(note));
                    break;
                }
            };
            let Some(record) = record else { break };
            match traffic.open(record, shared.setup.resumes(), out) {
                Opened::Content(content) => {
                    shared.facts.content_received += content.len() as u64;
                    let mut refused = false;
                    let mut told = |event: Event<'_>| {
                        refused |= matches!(event, Event::Refused { .. } | Event::Broken(_));
                        on(event);
                    };
                    self.inner.receive(content, &mut shared.inner, &mut traffic.content(out), &mut told);
                    shared.facts.content_sent += traffic.seal(out) as u64;
                    if refused {
                        return;
                    }
                }
                Opened::Control => {}
                Opened::Closed => over = Some(None),
                Opened::Failed(note) => over = Some(Some(note)),
            }
            if whole.capacity() > 0 {
                shared.keep(std::mem::take(&mut whole));
            }
        }
        match over {
            None => {}
            Some(None) => on(Event::Closed),
            Some(Some(note)) => {
                self.stage = Stage::Over;
                shared.failed(note, on);
            }
        }
    }
}

impl<P: Protocol> Protocol for Tls<P> {
    type Shared = TlsShared<P::Shared>;

    const SHAKES_HANDS: bool = true;

    fn new(groups: u32) -> Self {
        Tls { stage: Stage::Closed, inner: P::new(groups) }
    }

    fn connected(&mut self, shared: &mut Self::Shared, out: &mut impl Out) {
        let Some(side) = shared.setup.client() else { return };
        self.stage = Stage::Handshake(Box::new(Handshake::new(side)));
        // Nothing has come that could fail.
        let _ = self.shake_hands(&[], shared, out, &mut |_| {});
    }

    #[inline]
    fn free(&self) -> u32 {
        match &self.stage {
            Stage::Traffic(traffic) if !traffic.has_pending() && !traffic.closed && !traffic.is_worn_out() => {
                self.inner.free()
            }
            _ => 0,
        }
    }

    #[inline]
    fn request(&mut self, what: Asked, count: u32, bytes: impl Source, out: &mut impl Out) -> bool {
        let Stage::Traffic(traffic) = &mut self.stage else { return false };
        self.inner.request(what, count, bytes, &mut traffic.content(out))
    }

    #[inline]
    fn finish(&mut self, shared: &mut Self::Shared, out: &mut impl Out) {
        if let Stage::Traffic(traffic) = &mut self.stage {
            shared.facts.content_sent += traffic.seal(out) as u64;
        }
    }

    fn has_more(&self) -> bool {
        matches!(&self.stage, Stage::Traffic(traffic) if traffic.has_pending())
    }

    fn more(&mut self, out: &mut impl Out) {
        if let Stage::Traffic(traffic) = &mut self.stage {
            traffic.put_pending(out);
        }
    }

    fn is_worn_out(&self) -> bool {
        matches!(&self.stage, Stage::Traffic(traffic) if traffic.is_worn_out())
    }

    #[inline]
    fn receive(
        &mut self,
        bytes: &mut [u8],
        shared: &mut Self::Shared,
        out: &mut impl Out,
        on: &mut impl FnMut(Event<'_>),
    ) {
        match &self.stage {
            Stage::Traffic(_) => self.read(bytes, shared, out, on),
            Stage::Handshake(_) => {
                if let Some(mut rest) = self.shake_hands(bytes, shared, out, on) {
                    self.read(&mut rest, shared, out, on);
                }
            }
            Stage::Closed | Stage::Over => {}
        }
    }

    fn end(&mut self, shared: &mut Self::Shared, on: &mut impl FnMut(Event<'_>)) {
        match &self.stage {
            Stage::Handshake(_) => {
                self.stage = Stage::Over;
                shared.failed(Note::of(TlsFault::Closed), on);
            }
            Stage::Traffic(traffic) if traffic.closed => self.inner.end(&mut shared.inner, on),
            Stage::Traffic(_) => {
                shared.facts.ended_unsaid += 1;
                let mut by_end = false;
                self.inner.end(&mut shared.inner, &mut |event| match event {
                    // Whoever cut the connection may have cut the answer.
                    Event::Done(_) => by_end = true,
                    event => on(event),
                });
                if by_end {
                    shared.failed(Note::of(TlsFault::Truncated), on);
                }
            }
            Stage::Closed | Stage::Over => {}
        }
    }

    fn is_idle(&self) -> bool {
        self.inner.is_idle()
    }

    fn begun(&self) -> Option<u64> {
        self.inner.begun()
    }

    fn refusal(&self) -> Option<ProtocolError> {
        self.inner.refusal()
    }

    fn goodbye(&mut self, out: &mut impl Out) {
        if let Stage::Traffic(traffic) = &mut self.stage {
            traffic.say_goodbye(out);
        }
    }

    fn tls_facts(shared: &mut Self::Shared) -> Option<&mut TlsFacts> {
        Some(&mut shared.facts)
    }

    fn saw_tls_port(shared: &Self::Shared) -> bool {
        P::saw_tls_port(&shared.inner)
    }

    fn reset(&mut self, shared: &mut Self::Shared) {
        if let Stage::Traffic(traffic) = &mut self.stage {
            shared.keep(traffic.take_part());
        }
        self.stage = Stage::Closed;
        self.inner.reset(&mut shared.inner);
    }
}

/// What is asked of a connection in bytes: not more than a handshake and its keys.
impl<P> std::fmt::Debug for Tls<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.stage {
            Stage::Closed => "Tls(closed)",
            Stage::Handshake(_) => "Tls(handshake)",
            Stage::Traffic(_) => "Tls(traffic)",
            Stage::Over => "Tls(over)",
        })
    }
}
