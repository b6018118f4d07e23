//! The handshake, which rustls makes; what comes of it are keys. The only place that knows how rustls is driven.

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::kernel::KernelConnection;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::ConnectionState;
use rustls::{CommonState, Error, HandshakeKind, ProtocolVersion};

use super::fault::{Detail, Note, TlsFault};
use super::keys::{HEADER, Key, kind};

/// Bytes of a handshake that wait for more, at most: rustls has limits of its own for messages.
const MAX_INCOMING: usize = 128 * 1024;

/// One side of a handshake, as rustls has it.
pub(super) trait Side: Sized {
    /// What is left of it for new keys and tickets.
    type Kernel: Rekey;

    /// Goes on with what has come. Tells how many bytes are done with, and what is next.
    fn step(&mut self, incoming: &mut [u8], said: &mut Said) -> (usize, Result<Step, Error>);

    /// What both sides agree on so far.
    fn common(&self) -> &CommonState;

    /// The keys, and what makes new ones.
    fn into_kernel(self) -> Result<(rustls::ExtractedSecrets, Self::Kernel), Error>;
}

/// What makes new keys on a connection under way.
pub(super) trait Rekey {
    /// The next key to send with.
    fn next_sending(&mut self) -> Result<Key, Error>;

    /// The next key to receive with.
    fn next_receiving(&mut self) -> Result<Key, Error>;

    /// A ticket came that a later connection may resume with.
    fn ticket(&mut self, message: &[u8]) -> Result<(), Error>;
}

/// What is said in a handshake, by this side and by the other.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// What is to be sent.
    pub(super) own: Vec<u8>,
    /// Content that came with the peer's last message.
    pub(super) content: Vec<u8>,
}

/// What a step of a handshake came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Something was done; there may be more.
    Again,
    /// More must come from the peer.
    Waits,
    /// It is finished.
    Finished,
}

macro_rules! side {
    ($connection:ty, $data:ty) => {
        impl Side for $connection {
            type Kernel = KernelConnection<$data>;

            fn step(&mut self, incoming: &mut [u8], said: &mut Said) -> (usize, Result<Step, Error>) {
                let status = self.process_tls_records(incoming);
                let discard = status.discard;
                let step = match status.state {
                    Err(error) => Err(error),
                    Ok(ConnectionState::EncodeTlsData(mut encode)) => {
                        encoded(&mut said.own, |space| encode.encode(space))
                    }
                    Ok(ConnectionState::TransmitTlsData(sent)) => {
                        sent.done();
                        Ok(Step::Again)
                    }
                    Ok(ConnectionState::BlockedHandshake) => Ok(Step::Waits),
                    // Content right behind the peer's last message, in the same read.
                    Ok(ConnectionState::ReadTraffic(mut read)) => {
                        while let Some(Ok(record)) = read.next_record() {
                            said.content.extend_from_slice(record.payload);
                        }
                        Ok(Step::Again)
                    }
                    Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
                        Err(Error::General("closed within the handshake".to_owned()))
                    }
                    Ok(ConnectionState::WriteTraffic(_)) => Ok(Step::Finished),
                    Ok(_) => Err(Error::General("an unknown state of the handshake".to_owned())),
                };
                (discard, step)
            }

            fn common(&self) -> &CommonState {
                self
            }

            fn into_kernel(self) -> Result<(rustls::ExtractedSecrets, Self::Kernel), Error> {
                self.dangerous_into_kernel_connection()
            }
        }
    };
}

side!(UnbufferedClientConnection, ClientConnectionData);
side!(UnbufferedServerConnection, ServerConnectionData);

/// Encodes one piece behind `out`.
fn encoded(
    out: &mut Vec<u8>,
    mut encode: impl FnMut(&mut [u8]) -> Result<usize, rustls::unbuffered::EncodeError>,
) -> Result<Step, Error> {
    use rustls::unbuffered::EncodeError;
    let start = out.len();
    let mut size = 1024;
    loop {
        out.resize(start + size, 0);
        match encode(&mut out[start..]) {
            Ok(written) => {
                out.truncate(start + written);
                return Ok(Step::Again);
            }
            Err(EncodeError::InsufficientSize(needed)) => size = needed.required_size,
            Err(EncodeError::AlreadyEncoded) => {
                out.truncate(start);
                return Ok(Step::Again);
            }
        }
    }
}

macro_rules! rekey {
    ($data:ty, |$this:ident, $message:ident| $ticket:expr) => {
        impl Rekey for KernelConnection<$data> {
            fn next_sending(&mut self) -> Result<Key, Error> {
                let version = self.protocol_version();
                key(self.update_tx_secret()?, version)
            }

            fn next_receiving(&mut self) -> Result<Key, Error> {
                let version = self.protocol_version();
                key(self.update_rx_secret()?, version)
            }

            fn ticket(&mut self, $message: &[u8]) -> Result<(), Error> {
                let $this = self;
                $ticket
            }
        }
    };
}

rekey!(ClientConnectionData, |this, message| this.handle_new_session_ticket(message));
rekey!(ServerConnectionData, |_this, _message| Err(Error::General("a server gets no tickets".to_owned())));

fn key(secrets: (u64, rustls::ConnectionTrafficSecrets), version: ProtocolVersion) -> Result<Key, Error> {
    Key::new(secrets, version).ok_or_else(|| Error::General("a cipher that is not taken".to_owned()))
}

/// What a finished handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// As in `TLS 1.3`.
    pub version: &'static str,
    /// The cipher suite by its registered name.
    pub cipher: String,
    /// The protocol agreed on by ALPN, if any was.
    pub alpn: Option<String>,
    /// The server's certificate, DER; empty if there is none, or the session was resumed without.
    pub certificate: Vec<u8>,
}

/// How a handshake was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handshaken {
    /// From an earlier session, without certificates.
    pub resumed: bool,
    /// The server asked for another hello (HelloRetryRequest).
    pub retried: bool,
}

/// A handshake under way.
pub(super) struct Handshake<S> {
    side: S,
    /// What has come and is not done with.
    incoming: Vec<u8>,
}

/// What is behind a handshake.
pub(super) struct Finished<K> {
    pub(super) sending: Key,
    pub(super) receiving: Key,
    pub(super) kernel: K,
    pub(super) how: Handshaken,
    /// What came behind it.
    pub(super) rest: Vec<u8>,
}

/// How far it is.
pub(super) enum Progress<S: Side> {
    Waits(Box<Handshake<S>>),
    Finished(Box<Finished<S::Kernel>>),
    Failed(Note),
}

impl<S: Side> Handshake<S> {
    pub(super) fn new(side: S) -> Self {
        Handshake { side, incoming: Vec::new() }
    }

    /// What both sides agreed on.
    pub(super) fn session(&self) -> Session {
        let common = self.side.common();
        let suite = common.negotiated_cipher_suite();
        Session {
            version: version_words(common.protocol_version()),
            cipher: suite.map(|suite| suite_words(suite.suite())).unwrap_or_default(),
            alpn: common.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            certificate: common
                .peer_certificates()
                .and_then(|chain| chain.first())
                .map(|one| one.to_vec())
                .unwrap_or_default(),
        }
    }

    /// Goes on with more bytes, if any; what is to be sent has alerts among it. `finished` is called with what was agreed
    /// on just before it is given up for the keys.
    pub(super) fn go_on(
        mut self: Box<Self>,
        bytes: &[u8],
        said: &mut Said,
        finished: impl FnOnce(&Self),
    ) -> Progress<S> {
        if self.incoming.len() + bytes.len() > MAX_INCOMING {
            return Progress::Failed(Note {
                fault: TlsFault::Misbehaved,
                detail: Detail::of("a handshake without end"),
            });
        }
        self.incoming.extend_from_slice(bytes);
        if let Some(note) = self.speaks_no_tls() {
            return Progress::Failed(note);
        }
        loop {
            let (discard, step) = self.side.step(&mut self.incoming, said);
            self.incoming.drain(..discard.min(self.incoming.len()));
            match step {
                Ok(Step::Again) => {}
                Ok(Step::Waits) => return Progress::Waits(self),
                // A message of which only the first record came is with rustls, and must go on there.
                Ok(Step::Finished) if holds_record(&self.incoming) => return Progress::Waits(self),
                Ok(Step::Finished) => break,
                Err(error) => {
                    self.say_why(said);
                    return Progress::Failed(Note::of_error(&error));
                }
            }
        }
        finished(&self);
        (*self).finish()
    }

    fn finish(self) -> Progress<S> {
        let common = self.side.common();
        let kind = common.handshake_kind();
        let how = Handshaken {
            resumed: kind == Some(HandshakeKind::Resumed),
            retried: kind == Some(HandshakeKind::FullWithHelloRetryRequest),
        };
        let version = common.protocol_version().unwrap_or(ProtocolVersion::TLSv1_2);
        let keys = self
            .side
            .into_kernel()
            .and_then(|(secrets, kernel)| Ok((key(secrets.tx, version)?, key(secrets.rx, version)?, kernel)));
        match keys {
            Ok((sending, receiving, kernel)) => {
                Progress::Finished(Box::new(Finished { sending, receiving, kernel, how, rest: self.incoming }))
            }
            Err(error) => Progress::Failed(Note::of_error(&error)),
        }
    }

    /// The alert that says why, if there is one.
    fn say_why(&mut self, said: &mut Said) {
        // An alert stands first in what is still to be sent.
        for _ in 0..4 {
            let (_, step) = self.side.step(&mut [], said);
            if step != Ok(Step::Again) {
                return;
            }
        }
    }

    /// A peer without TLS shows by its first byte.
    fn speaks_no_tls(&self) -> Option<Note> {
        let first = *self.incoming.first()?;
        if (kind::CHANGE_CIPHER_SPEC..=kind::DATA).contains(&first) {
            return None;
        }
        let shown: String = self.incoming.iter().take(40).map(|byte| char::from(*byte)).collect();
        let line = shown.lines().next().unwrap_or_default().escape_default().to_string();
        Some(Note { fault: TlsFault::NotTls, detail: Detail::Words(line) })
    }
}

/// Whether the bytes begin with a whole record.
fn holds_record(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER && bytes.len() - HEADER >= usize::from(u16::from_be_bytes([bytes[3], bytes[4]]))
}

fn version_words(version: Option<ProtocolVersion>) -> &'static str {
    match version {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "unknown",
    }
}

/// A cipher suite by its registered name: rustls marks those of TLS 1.3 by `TLS13_`.
pub fn suite_words(suite: rustls::CipherSuite) -> String {
    suite.as_str().map_or_else(|| format!("{suite:?}"), |name| name.replacen("TLS13_", "TLS_", 1))
}
