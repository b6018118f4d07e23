//! TLS around the fake: the loop's records are opened and the server's answers sealed, by our own server's side, at any split.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::random::Random;
use super::{Fake, Time};
use crate::protocol::Growing;
use crate::protocol::tls::server::{Read, ServerTls};
use crate::protocol::tls::{Settled, TlsSetup};
use crate::ring::{Block, Completion, Counters, Ring, Tx, Wait};

/// What both sides are set up with.
pub(in crate::worker) fn setups() -> (TlsSetup, Arc<ServerConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let client = client.with_safe_default_protocol_versions().expect("versions");
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let mut server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![made.cert.der().clone()],
            PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into(),
        )
        .expect("a key");
    server.enable_secret_extraction = true;
    let settled = Settled { verified: true, resume: false, own_alpn: false };
    let name = ServerName::try_from("localhost").expect("a name");
    (TlsSetup::new(client, name, Arc::default(), settled), Arc::new(server))
}

/// How a peer's TLS behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::worker) enum Manner {
    /// As it should.
    Good,
    /// It never answers a hello.
    Silent,
    /// It answers with what is no TLS.
    Garbage,
}

struct Peer {
    tls: ServerTls,
    manner: Manner,
    said: Growing,
}

/// A fake whose connections speak TLS.
pub(in crate::worker) struct TlsFake {
    pub(in crate::worker) fake: Fake,
    config: Arc<ServerConfig>,
    peers: Vec<Option<Peer>>,
    /// Manners of new connections, with their weights.
    pub(in crate::worker) manners: Vec<(Manner, u64)>,
    /// On its way to the loop: pieces of what was sealed, and ends in order.
    wire: VecDeque<(u32, Option<Vec<u8>>)>,
    lent: Vec<u8>,
    random: Random,
    /// Connections whose handshake was never to succeed.
    pub(in crate::worker) bad: u64,
}

impl TlsFake {
    pub(in crate::worker) fn new(seed: u64, fake: Fake, config: Arc<ServerConfig>) -> TlsFake {
        let peers = (0..fake.job.connections).map(|_| None).collect();
        let manners = vec![(Manner::Good, 1)];
        let (wire, lent, random) = (VecDeque::new(), Vec::new(), Random::new(seed ^ 0x715));
        TlsFake { fake, config, peers, manners, wire, lent, random, bad: 0 }
    }

    pub(in crate::worker) fn clock(&self) -> Time {
        self.fake.time.clone()
    }

    /// Lets what a peer says come in pieces.
    fn say(&mut self, slot: u32) {
        let Some(peer) = &mut self.peers[slot as usize] else { return };
        let mut bytes = std::mem::take(peer.said.bytes());
        while !bytes.is_empty() {
            let cut = match self.random.below(3) {
                0 => 1 + self.random.below(bytes.len() as u64) as usize,
                _ => bytes.len(),
            };
            let rest = bytes.split_off(cut);
            self.wire.push_back((slot, Some(std::mem::replace(&mut bytes, rest))));
        }
    }
}

impl Ring for TlsFake {
    fn room(&self) -> usize {
        self.fake.room()
    }

    fn connect(&mut self, slot: u32, remote: usize) -> io::Result<()> {
        self.wire.retain(|(of, _)| *of != slot);
        let manner = self.random.pick(&self.manners);
        let tls = ServerTls::new(&self.config).expect("a server");
        self.peers[slot as usize] = Some(Peer { tls, manner, said: Growing::default() });
        self.fake.connect(slot, remote)
    }

    fn send(&mut self, slot: u32, bytes: Tx, confirm: bool) {
        let Tx::Block(mut block) = bytes else { panic!("nothing goes out as it lies in memory") };
        let Some(peer) = &mut self.peers[slot as usize] else { return self.fake.give_back(block) };
        if peer.manner != Manner::Good {
            if peer.manner == Manner::Garbage && peer.said.is_empty() {
                peer.said.bytes().extend_from_slice(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            }
            self.fake.give_back(block);
            return self.say(slot);
        }
        let mut plain = Vec::new();
        let read = peer.tls.receive(block.bytes_mut(), &mut plain, &mut Vec::new(), &mut peer.said);
        assert_ne!(read, Read::Failed, "the loop's records can be opened, in order");
        let whole = block.bytes().len();
        block.shorten(whole);
        block.push(&plain);
        match plain.is_empty() {
            true => self.fake.give_back(block),
            false => self.fake.send(slot, Tx::Block(block), confirm),
        }
        self.say(slot);
    }

    fn block(&mut self) -> Option<Block> {
        self.fake.block()
    }

    fn give_back(&mut self, block: Block) {
        self.fake.give_back(block);
    }

    fn close(&mut self, slot: u32) {
        self.wire.retain(|(of, _)| *of != slot);
        self.peers[slot as usize] = None;
        self.fake.close(slot);
    }

    fn enter(&mut self, want: usize, wait: Wait) -> io::Result<()> {
        // What is on the wire is there at once.
        let wait = if self.wire.is_empty() { wait } else { Wait { until: wait.now, ..wait } };
        self.fake.enter(want, wait)
    }

    fn next(&mut self) -> Option<Completion<'_>> {
        loop {
            match self.wire.pop_front() {
                Some((slot, Some(piece))) => {
                    self.lent = piece;
                    return Some(Completion::Received { slot, bytes: &mut self.lent });
                }
                Some((slot, None)) => return Some(Completion::Ended { slot, error: None }),
                None => {}
            }
            let (slot, content) = match self.fake.next()? {
                Completion::Received { slot, bytes } => (slot, bytes.to_vec()),
                Completion::Connected { slot } => {
                    let bad = self.peers[slot as usize].as_ref().is_some_and(|peer| peer.manner != Manner::Good);
                    self.bad += u64::from(bad);
                    return Some(Completion::Connected { slot });
                }
                Completion::Sent { slot, result } => return Some(Completion::Sent { slot, result }),
                Completion::SendFailed { slot, error } => return Some(Completion::SendFailed { slot, error }),
                // An end in order is said before.
                Completion::Ended { slot, error: None } => {
                    if let Some(peer) = &mut self.peers[slot as usize] {
                        peer.tls.goodbye(&mut peer.said);
                    }
                    self.say(slot);
                    self.wire.push_back((slot, None));
                    continue;
                }
                Completion::Ended { slot, error } => return Some(Completion::Ended { slot, error }),
                Completion::ConnectFailed { slot, error } => return Some(Completion::ConnectFailed { slot, error }),
                Completion::Accepted { .. } => continue,
            };
            if let Some(peer) = &mut self.peers[slot as usize] {
                assert_eq!(peer.tls.send(&content, &mut peer.said), content.len());
                self.say(slot);
            }
        }
    }

    fn is_drained(&self) -> bool {
        self.wire.is_empty() && self.fake.is_drained()
    }

    fn counters(&self) -> Counters {
        self.fake.counters()
    }
}
