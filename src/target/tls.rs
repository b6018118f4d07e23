//! TLS around the built-in server: an engine that hands over what is inside the records, and seals what is sent.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use socket2::Socket;

use crate::plan::{Error, pem};
use crate::protocol::tls::server::{Read, ServerTls};
use crate::protocol::{Growing, Out};
use crate::ring::{Acceptor, Block, BlockSizes, Completion, Counters, Ring, Tx, Wait};

/// What a server over TLS has: its certificate and key.
#[derive(Clone)]
pub struct ServerIdentity {
    config: Arc<ServerConfig>,
    fingerprint: String,
}

impl std::fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerIdentity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl PartialEq for ServerIdentity {
    fn eq(&self, other: &ServerIdentity) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for ServerIdentity {}

impl ServerIdentity {
    /// A new certificate for localhost and `ip` that vouches for itself.
    ///
    /// # Errors
    /// No key could be made.
    pub fn self_signed(ip: Option<IpAddr>) -> Result<ServerIdentity, Error> {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let own = ip.map(|ip| ip.to_string()).filter(|ip| !names.contains(ip));
        let names: Vec<String> = names.into_iter().chain(own).collect();
        let failed = |cause: rcgen::Error| Error::Start(format!("cannot make a certificate: {cause}"));
        let mut wanted = rcgen::CertificateParams::new(names).map_err(failed)?;
        wanted.distinguished_name = rcgen::DistinguishedName::new();
        wanted.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
        let key = rcgen::KeyPair::generate().map_err(failed)?;
        let certificate = wanted.self_signed(&key).map_err(failed)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        ServerIdentity::new(vec![certificate.der().clone()], key.into())
    }

    /// The certificate and key of files in PEM.
    ///
    /// # Errors
    /// A file cannot be read or holds something else, or the key is not the certificate's.
    pub fn read(certificate: &Path, key: &Path) -> Result<ServerIdentity, Error> {
        ServerIdentity::new(pem::certificates("--cert", certificate)?, pem::private_key("--key", key)?)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<ServerIdentity, Error> {
        let fingerprint = chain.first().map(|one| fingerprint(one)).unwrap_or_default();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let bad = |cause: rustls::Error| Error::argument("--key", "must be the key of --cert's certificate", cause);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(bad)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.enable_secret_extraction = true;
        if let Ok(ticketer) = rustls::crypto::ring::Ticketer::new() {
            config.ticketer = ticketer;
        }
        Ok(ServerIdentity { config: Arc::new(config), fingerprint })
    }

    /// SHA-256 of the certificate, as in `3A:0F:...`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

fn fingerprint(der: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let bytes: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

/// What sends of records are written to: one for each connection that sends, and no more at a time.
pub(super) const BLOCKS: BlockSizes = BlockSizes { count: 4096, bytes: 17 * 1024 };

/// An engine whose connections speak TLS.
pub(super) struct TlsAcceptor<R> {
    ring: R,
    config: Arc<ServerConfig>,
    peers: Vec<Peer>,
    /// Content of the records that came last.
    plain: Vec<u8>,
    /// Memory for records in parts.
    spare: Vec<Vec<u8>>,
    /// Slots that wait for a block.
    waiting: VecDeque<u32>,
    /// What is told before more is taken off the ring.
    told: VecDeque<Told>,
}

#[derive(Default)]
struct Peer {
    tls: Option<ServerTls>,
    /// What is to be said by TLS itself.
    said: Growing,
    /// What is still to be sealed of the send asked for.
    rest: Option<(Arc<[u8]>, Range<usize>)>,
    /// A block is on its way whose end is reported here.
    sending: bool,
}

enum Told {
    Accepted(u32),
    Plain(u32),
    Sent(u32, io::Result<usize>),
    Ended(u32, Option<io::Error>),
}

impl<R: Acceptor> TlsAcceptor<R> {
    pub(super) fn new(ring: R, identity: &ServerIdentity) -> TlsAcceptor<R> {
        TlsAcceptor {
            ring,
            config: Arc::clone(&identity.config),
            peers: Vec::new(),
            plain: Vec::new(),
            spare: Vec::new(),
            waiting: VecDeque::new(),
            told: VecDeque::new(),
        }
    }

    /// Sends what waits on a connection, one block at a time.
    fn go_on(&mut self, slot: u32) {
        let Some(peer) = self.peers.get_mut(slot as usize) else { return };
        let Some(tls) = &mut peer.tls else { return };
        if peer.sending || (peer.said.is_empty() && peer.rest.is_none()) {
            return;
        }
        if self.ring.room() == 0 {
            return self.waiting.push_back(slot);
        }
        let Some(mut block) = self.ring.block() else { return self.waiting.push_back(slot) };
        let said = peer.said.bytes();
        let part = said.len().min(block.room());
        block.push(&said[..part]);
        said.drain(..part);
        if let Some((bytes, range)) = &mut peer.rest
            && peer.said.is_empty()
        {
            let mut out = InBlock { block: &mut block, lent: 0 };
            range.start += tls.send(&bytes[range.clone()], &mut out);
        }
        if block.bytes().is_empty() {
            self.ring.give_back(block);
            return;
        }
        peer.sending = true;
        self.ring.send(slot, Tx::Block(block), true);
    }

    /// A block has left.
    fn sent(&mut self, slot: u32, result: io::Result<usize>) -> Option<Told> {
        let peer = self.peers.get_mut(slot as usize)?;
        peer.sending = false;
        let done = peer.rest.as_ref().is_some_and(|(_, range)| range.is_empty());
        match result {
            Ok(count) if done => {
                peer.rest = None;
                self.go_on(slot);
                Some(Told::Sent(slot, Ok(count)))
            }
            Ok(_) => {
                self.go_on(slot);
                None
            }
            Err(error) if peer.rest.take().is_some() => Some(Told::Sent(slot, Err(error))),
            Err(error) => Some(Told::Ended(slot, Some(error))),
        }
    }

    /// Says goodbye, in front of an end.
    fn say_goodbye_to(&mut self, slot: u32) {
        let Some(peer) = self.peers.get_mut(slot as usize) else { return };
        let (Some(mut tls), false) = (peer.tls.take(), peer.sending) else { return };
        tls.goodbye(&mut peer.said);
        self.ring.say_goodbye(slot, peer.said.bytes());
    }
}

impl<R: Acceptor> Ring for TlsAcceptor<R> {
    fn room(&self) -> usize {
        self.ring.room()
    }

    fn connect(&mut self, slot: u32, remote: usize) -> io::Result<()> {
        self.ring.connect(slot, remote)
    }

    fn send(&mut self, slot: u32, bytes: Tx, confirm: bool) {
        self.ring.send(slot, bytes, confirm);
    }

    fn block(&mut self) -> Option<Block> {
        self.ring.block()
    }

    fn give_back(&mut self, block: Block) {
        self.ring.give_back(block);
    }

    fn say_goodbye(&mut self, slot: u32, bytes: &[u8]) {
        self.ring.say_goodbye(slot, bytes);
    }

    fn close(&mut self, slot: u32) {
        self.say_goodbye_to(slot);
        self.ring.close(slot);
    }

    fn enter(&mut self, want: usize, wait: Wait) -> io::Result<()> {
        for _ in 0..self.waiting.len() {
            if let Some(slot) = self.waiting.pop_front() {
                self.go_on(slot);
            }
        }
        self.ring.enter(want, wait)
    }

    fn next(&mut self) -> Option<Completion<'_>> {
        let told = loop {
            if let Some(told) = self.told.pop_front() {
                break told;
            }
            // What came is dealt with before the ring is used again: its bytes are borrowed from it.
            let (slot, read) = match self.ring.next()? {
                Completion::Received { slot, bytes } => {
                    let Some(Peer { tls: Some(tls), said, .. }) = self.peers.get_mut(slot as usize) else { continue };
                    self.plain.clear();
                    (slot, tls.receive(bytes, &mut self.plain, &mut self.spare, said))
                }
                Completion::Accepted { slot } => {
                    if self.peers.len() <= slot as usize {
                        self.peers.resize_with(slot as usize + 1, Peer::default);
                    }
                    self.peers[slot as usize] = Peer { tls: ServerTls::new(&self.config), ..Peer::default() };
                    break Told::Accepted(slot);
                }
                Completion::Sent { slot, result } => match self.sent(slot, result) {
                    Some(told) => break told,
                    None => continue,
                },
                Completion::Ended { slot, error } => break Told::Ended(slot, error),
                Completion::SendFailed { .. } | Completion::Connected { .. } | Completion::ConnectFailed { .. } => {
                    continue;
                }
            };
            self.go_on(slot);
            match read {
                Read::More => {}
                Read::Closed => self.told.push_back(Told::Ended(slot, None)),
                Read::Failed => self.told.push_back(Told::Ended(slot, Some(io::ErrorKind::InvalidData.into()))),
            }
            if !self.plain.is_empty() {
                break Told::Plain(slot);
            }
        };
        Some(match told {
            Told::Accepted(slot) => Completion::Accepted { slot },
            Told::Plain(slot) => Completion::Received { slot, bytes: &mut self.plain },
            Told::Sent(slot, result) => Completion::Sent { slot, result },
            Told::Ended(slot, error) => Completion::Ended { slot, error },
        })
    }

    fn is_drained(&self) -> bool {
        self.told.is_empty() && self.ring.is_drained()
    }

    fn counters(&self) -> Counters {
        self.ring.counters()
    }
}

impl<R: Acceptor> Acceptor for TlsAcceptor<R> {
    fn listen(&mut self, listener: Socket) -> io::Result<()> {
        self.ring.listen(listener)
    }

    fn stop_listening(&mut self) {
        self.ring.stop_listening();
    }

    fn send_shared(&mut self, slot: u32, bytes: &Arc<[u8]>, range: Range<usize>) {
        if let Some(peer) = self.peers.get_mut(slot as usize) {
            peer.rest = Some((Arc::clone(bytes), range));
            self.go_on(slot);
        }
    }

    fn peer(&self, slot: u32) -> Option<SocketAddr> {
        self.ring.peer(slot)
    }

    fn hang_up(&mut self, slot: u32) {
        self.say_goodbye_to(slot);
        self.ring.hang_up(slot);
    }
}

/// Puts into a block.
struct InBlock<'a> {
    block: &'a mut Block,
    lent: usize,
}

impl Out for InBlock<'_> {
    /// A server has no fixed memory.
    fn fixed(&mut self, _range: Range<usize>) -> bool {
        false
    }

    fn write(&mut self, most: usize) -> Option<&mut [u8]> {
        self.commit(0);
        if most > self.block.room() {
            return None;
        }
        self.lent = most;
        Some(self.block.space(most))
    }

    fn commit(&mut self, count: usize) {
        self.block.shorten(std::mem::take(&mut self.lent) - count);
    }

    fn room(&mut self) -> usize {
        self.block.room() + self.lent
    }

    fn made(&mut self) -> &mut [u8] {
        self.commit(0);
        self.block.bytes_mut()
    }

    fn cut(&mut self, count: usize) {
        self.commit(0);
        self.block.shorten(count);
    }
}
