//! Against rustls's own server, at every split; and records that only a strange peer sends.

#![allow(clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use proptest::prelude::*;
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection};

use super::server::{Read, ServerTls};
use super::traffic::KEY_RECORDS;
use super::*;
use crate::protocol::Growing;

/// An inner protocol that keeps what it gets: an answer is a byte.
#[derive(Debug, Default)]
struct Bytes {
    got: Vec<u8>,
}

impl Protocol for Bytes {
    type Shared = ();

    fn new(_groups: u32) -> Bytes {
        Bytes::default()
    }

    fn request(&mut self, _: Asked, _: u32, bytes: impl Source, out: &mut impl Out) -> bool {
        bytes.put(out)
    }

    fn receive(&mut self, bytes: &mut [u8], _: &mut (), _: &mut impl Out, _: &mut impl FnMut(Event<'_>)) {
        self.got.extend_from_slice(bytes);
    }

    fn end(&mut self, _: &mut (), on: &mut impl FnMut(Event<'_>)) {
        if self.got.ends_with(b"until the end") {
            on(Event::Done(crate::protocol::Answer { status: 200, body_bytes: 0, keep_alive: false }));
        }
    }

    fn is_idle(&self) -> bool {
        true
    }

    fn begun(&self) -> Option<u64> {
        None
    }

    fn refusal(&self) -> Option<ProtocolError> {
        None
    }

    fn reset(&mut self, _: &mut ()) {
        self.got.clear();
    }
}

/// Bytes of a request.
struct Request<'a>(&'a [u8]);

impl Source for Request<'_> {
    fn put(self, out: &mut impl Out) -> bool {
        let Some(space) = out.write(self.0.len()) else { return false };
        space.copy_from_slice(self.0);
        out.commit(self.0.len());
        true
    }
}

/// A certificate for localhost, and what trusts it.
fn identity() -> (Vec<rustls::pki_types::CertificateDer<'static>>, Vec<u8>, RootCertStore) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    (vec![made.cert.der().clone()], made.signing_key.serialize_der(), roots)
}

fn version(is_13: bool) -> [&'static rustls::SupportedProtocolVersion; 1] {
    [if is_13 { &rustls::version::TLS13 } else { &rustls::version::TLS12 }]
}

/// What both sides are set up with.
struct Setup {
    client: TlsSetup,
    server: Arc<ServerConfig>,
}

fn setup_with(is_13: bool, resume: bool, cipher: Option<&str>) -> Setup {
    let (chain, key, roots) = identity();
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.retain(|suite| cipher.is_none_or(|name| suite_words(suite.suite()).contains(name)));
    let provider = Arc::new(provider);
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let client = client.with_protocol_versions(&version(is_13)).unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivatePkcs8KeyDer::from(key).into())
        .unwrap();
    server.enable_secret_extraction = true;
    server.ticketer = rustls::crypto::ring::Ticketer::new().unwrap();
    let settled = Settled { verified: true, resume, own_alpn: false };
    let name = ServerName::try_from("localhost").unwrap();
    Setup { client: TlsSetup::new(client, name, Arc::default(), settled), server: Arc::new(server) }
}

fn setup(is_13: bool) -> Setup {
    setup_with(is_13, false, None)
}

/// The client's side with all that it told.
struct Client {
    tls: Tls<Bytes>,
    shared: TlsShared<()>,
    out: Growing,
    told: Vec<String>,
}

impl Client {
    fn new(setup: &TlsSetup) -> Client {
        let mut client =
            Client { tls: Tls::new(1), shared: TlsShared::new(setup, ()), out: Growing::default(), told: Vec::new() };
        client.connect();
        client
    }

    fn connect(&mut self) {
        self.tls.connected(&mut self.shared, &mut self.out);
    }

    fn receive(&mut self, bytes: &[u8]) {
        let Client { tls, shared, out, told } = self;
        tls.receive(&mut bytes.to_vec(), shared, out, &mut |event| told.push(words(&event)));
    }

    /// The same in pieces that end at `cuts`.
    fn receive_cut(&mut self, bytes: &[u8], cuts: &[usize]) {
        let mut at = 0;
        for &cut in cuts.iter().chain([&bytes.len()]) {
            let cut = cut.clamp(at, bytes.len());
            self.receive(&bytes[at..cut]);
            at = cut;
        }
    }

    fn send(&mut self, request: &[u8]) {
        let Client { tls, shared, out, .. } = self;
        assert!(tls.free() > 0, "{:?}", self.told);
        assert!(tls.request(Asked::default(), 1, Request(request), out));
        tls.finish(shared, out);
    }

    fn end(&mut self) {
        let Client { tls, shared, told, .. } = self;
        tls.end(shared, &mut |event| told.push(words(&event)));
    }

    fn said(&mut self) -> Vec<u8> {
        std::mem::take(self.out.bytes())
    }

    fn got(&self) -> &[u8] {
        &self.tls.inner.got
    }
}

fn words(event: &Event<'_>) -> String {
    match event {
        Event::Ready(how) => format!("ready{}", if how.resumed { " resumed" } else { "" }),
        Event::Broken(Failure::Tls(fault)) => format!("broken {}", fault.name()),
        Event::Closed => "closed".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What rustls's server says to these bytes, and what it read.
fn serve(server: &mut ServerConnection, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut rest = bytes;
    let (mut said, mut read) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        server.read_tls(&mut rest).unwrap();
        server.process_new_packets().unwrap();
        let mut part = [0; 4096];
        while let Ok(count @ 1..) = server.reader().read(&mut part) {
            read.extend_from_slice(&part[..count]);
        }
    }
    while server.wants_write() {
        server.write_tls(&mut said).unwrap();
    }
    (said, read)
}

fn say(server: &mut ServerConnection, content: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let taken = server.writer().write(rest).unwrap();
        rest = &rest[taken..];
        while server.wants_write() {
            server.write_tls(&mut said).unwrap();
        }
    }
    said
}

/// Both sides behind their handshake; what comes arrives in pieces of `piece` bytes.
fn connected(setup: &Setup, piece: usize) -> (Client, ServerConnection) {
    let mut client = Client::new(&setup.client);
    let mut server = ServerConnection::new(Arc::clone(&setup.server)).unwrap();
    for _ in 0..4 {
        let (said, _) = serve(&mut server, &client.said());
        said.chunks(piece.max(1)).for_each(|piece| client.receive(piece));
    }
    assert_eq!(client.told, ["ready"]);
    client.told.clear();
    (client, server)
}

#[test]
fn a_handshake_is_made_whatever_the_reads_look_like() {
    for is_13 in [true, false] {
        let setup = setup(is_13);
        for piece in [1, 2, 3, 5, 64, 100, 1_000, 100_000] {
            let (mut client, mut server) = connected(&setup, piece);
            client.send(b"hello");
            client.send(b" world");
            let (_, read) = serve(&mut server, &client.said());
            assert_eq!(read, b"hello world", "{is_13} {piece}");
            let session = client.shared.facts.session.as_ref().unwrap();
            assert_eq!(session.version, if is_13 { "TLS 1.3" } else { "TLS 1.2" });
            assert!(session.cipher.starts_with("TLS_") && !session.certificate.is_empty(), "{session:?}");
        }
    }
}

#[test]
fn every_cipher_is_spoken_in_both_directions() {
    for (is_13, cipher) in [
        (true, "TLS_AES_128_GCM"),
        (true, "TLS_AES_256_GCM"),
        (true, "TLS_CHACHA20"),
        (false, "ECDSA_WITH_AES_128_GCM"),
        (false, "ECDSA_WITH_AES_256_GCM"),
        (false, "ECDSA_WITH_CHACHA20"),
    ] {
        let (mut client, mut server) = connected(&setup_with(is_13, false, Some(cipher)), 1_000);
        assert!(client.shared.facts.session.as_ref().unwrap().cipher.contains(cipher));
        for round in 0..5_u8 {
            client.send(&[round; 700]);
            assert_eq!(serve(&mut server, &client.said()).1, [round; 700], "{cipher}");
            client.receive(&say(&mut server, &[round; 300]));
        }
        assert_eq!(client.got().len(), 1_500, "{cipher}: {:?}", client.told);
        assert_eq!((client.shared.facts.content_sent, client.shared.facts.content_received), (3_500, 1_500));
    }
}

#[test]
fn content_longer_than_a_record_goes_out_in_several() {
    for is_13 in [true, false] {
        for length in [16_383, 16_384, 16_385, 32_768, 100_000] {
            let (mut client, mut server) = connected(&setup(is_13), 100_000);
            let request: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            client.send(&request);
            assert_eq!(serve(&mut server, &client.said()).1, request, "{is_13} {length}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Any split of the wire gives what the other side wrote.
    #[test]
    fn any_split_gives_the_same_content(
        is_13: bool,
        lengths in prop::collection::vec(1_usize..40_000, 1..6),
        cuts in prop::collection::vec(0_usize..150_000, 0..12),
    ) {
        let (mut client, mut server) = connected(&setup(is_13), 4_096);
        let content: Vec<u8> = lengths.iter().enumerate().flat_map(|(at, length)| vec![at as u8; *length]).collect();
        let mut wire = Vec::new();
        for (at, length) in lengths.iter().enumerate() {
            wire.extend(say(&mut server, &vec![at as u8; *length]));
        }
        let mut cuts = cuts;
        cuts.sort_unstable();
        client.receive_cut(&wire, &cuts);
        prop_assert_eq!(client.got(), &content[..]);
        prop_assert_eq!(client.told, Vec::<String>::new());
    }

    /// Whatever was changed on its way is found out, and nothing of it is believed.
    #[test]
    fn a_changed_byte_is_found_out(is_13: bool, at in 0_usize..2_000, by in 1_u8..=255) {
        let (mut client, mut server) = connected(&setup(is_13), 4_096);
        let mut wire = say(&mut server, &[7; 1_000]);
        let at = at % wire.len();
        wire[at] ^= by;
        client.receive(&wire);
        // A longer length waits for more, which does not come.
        let waits = (3..5).contains(&at) && client.told.is_empty();
        prop_assert!(waits || client.told == ["broken bad_record"], "{} {:?}", at, client.told);
        prop_assert!(client.got().is_empty());
    }
}

#[test]
fn a_peer_that_renews_its_key_is_followed() {
    let (mut client, mut server) = connected(&setup(true), 4_096);
    for round in 0..3 {
        server.refresh_traffic_keys().unwrap();
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        wire.extend(say(&mut server, b"more"));
        client.receive_cut(&wire, &[1, 7, 20]);
        assert_eq!((client.told.len(), client.got().len()), (0, 4 * (round + 1)), "{:?}", client.told);
        client.send(b"asked");
        assert_eq!(serve(&mut server, &client.said()).1, b"asked");
    }
}

#[test]
fn keys_are_renewed_before_they_wear_out_and_connections_of_tls_1_2_replaced() {
    let mut setup = setup_with(true, false, Some("AES"));
    setup.client = setup.client.renewing_keys_after(3);
    let (mut client, mut server) = connected(&setup, 4_096);
    for round in 0..20_u8 {
        client.send(&[round; 50]);
        assert_eq!(serve(&mut server, &client.said()).1, [round; 50]);
    }
    let mut setup = setup_with(false, false, Some("AES"));
    setup.client = setup.client.renewing_keys_after(3);
    let (mut client, _) = connected(&setup, 4_096);
    assert!(!client.tls.is_worn_out() && client.tls.free() > 0);
    client.send(b"one");
    client.send(b"two");
    assert!(client.tls.is_worn_out() && client.tls.free() == 0, "the finished message was a record too");
}

#[test]
fn sessions_are_resumed_where_that_is_wanted() {
    for is_13 in [true, false] {
        for resume in [true, false] {
            let setup = setup_with(is_13, resume, None);
            let mut client = Client::new(&setup.client);
            for round in 0..3 {
                let mut server = ServerConnection::new(Arc::clone(&setup.server)).unwrap();
                for _ in 0..4 {
                    let (said, _) = serve(&mut server, &client.said());
                    client.receive(&said);
                }
                // Tickets of TLS 1.3 come behind the handshake, with whatever is said first.
                client.send(b"hello");
                serve(&mut server, &client.said());
                client.receive(&say(&mut server, b"hello"));
                let expected = if resume && round > 0 { "ready resumed" } else { "ready" };
                assert_eq!(client.told, [expected], "{is_13} {resume} {round}");
                client.told.clear();
                client.tls.reset(&mut client.shared);
                client.connect();
            }
        }
    }
}

#[test]
fn an_end_is_told_by_what_was_said_before() {
    for is_13 in [true, false] {
        // With notice.
        let (mut client, mut server) = connected(&setup(is_13), 4_096);
        let mut wire = say(&mut server, b"until the end");
        server.send_close_notify();
        server.write_tls(&mut wire).unwrap();
        client.receive(&wire);
        assert_eq!((client.told.as_slice(), client.tls.free()), (&["closed".to_owned()][..], 0));
        client.told.clear();
        client.end();
        assert!(client.told[0].starts_with("Done"), "{:?}", client.told);
        assert_eq!(client.shared.facts.ended_unsaid, 0);
        // Without.
        let (mut client, mut server) = connected(&setup(is_13), 4_096);
        client.receive(&say(&mut server, b"until the end"));
        client.end();
        assert_eq!(
            (client.told.as_slice(), client.shared.facts.ended_unsaid),
            (&["broken truncated".to_owned()][..], 1)
        );
        // Without, where nothing depends on it.
        let (mut client, _) = connected(&setup(is_13), 4_096);
        client.end();
        assert_eq!((client.told.len(), client.shared.facts.ended_unsaid), (0, 1));
        // Within the handshake.
        let mut client = Client::new(&setup(is_13).client);
        client.end();
        assert_eq!(client.told, ["broken closed"]);
    }
}

#[test]
fn an_address_is_asked_for_without_its_name() {
    for (name, is_sent) in [("localhost", true), ("127.0.0.1", false), ("::1", false)] {
        let (_, _, roots) = identity();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let settled = Settled { verified: true, resume: false, own_alpn: false };
        let server = ServerName::try_from(name.to_owned()).unwrap();
        let hello = Client::new(&TlsSetup::new(config, server, Arc::default(), settled)).said();
        assert_eq!(memchr::memmem::find(&hello, name.as_bytes()).is_some(), is_sent, "{name}");
    }
}

#[test]
fn a_protocol_that_is_not_spoken_is_refused_though_it_was_offered() {
    for (chosen, told) in [("h2", "broken no_protocol"), ("http/1.1", "ready"), ("own/1", "ready")] {
        let (chain, key, roots) = identity();
        let provider = || Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        let mut client = client.with_root_certificates(roots).with_no_client_auth();
        client.alpn_protocols = vec![chosen.as_bytes().to_vec()];
        let server = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        let server = server.with_no_client_auth().with_single_cert(chain, PrivatePkcs8KeyDer::from(key).into());
        let mut server = server.unwrap();
        server.alpn_protocols = vec![chosen.as_bytes().to_vec()];
        let settled = Settled { verified: true, resume: false, own_alpn: true };
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = Client::new(&TlsSetup::new(client, name, Arc::default(), settled));
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        for _ in 0..3 {
            let (said, _) = serve(&mut server, &client.said());
            client.receive(&said);
        }
        assert_eq!(client.told, [told], "{chosen}");
    }
}

#[test]
fn whoever_speaks_no_tls_is_shown_with_what_was_said() {
    let mut client = Client::new(&setup(true).client);
    client.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_eq!(client.told, ["broken not_tls"]);
    assert_eq!(client.shared.facts.notes[0].detail, Detail::of("HTTP/1.1 400 Bad Request"));
}

/// The client and our own server's side, which can say anything.
fn strange(is_13: bool) -> (Client, ServerTls) {
    let setup = setup(is_13);
    let mut client = Client::new(&setup.client);
    let mut server = ServerTls::new(&setup.server).unwrap();
    let mut said = Growing::default();
    for _ in 0..4 {
        let mut plain = Vec::new();
        let bytes = &mut client.said();
        if !bytes.is_empty() {
            assert_eq!(server.receive(bytes, &mut plain, &mut Vec::new(), &mut said), Read::More);
        }
        client.receive(&std::mem::take(said.bytes()));
    }
    assert!(server.is_ready() && client.told == ["ready"], "{:?}", client.told);
    client.told.clear();
    (client, server)
}

fn record(server: &mut ServerTls, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Growing::default();
    server.say(kind, content, &mut out);
    std::mem::take(out.bytes())
}

/// A message of the handshake protocol.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (body.len() as u32).to_be_bytes();
    [&[kind, a, b, c], body].concat()
}

#[test]
fn what_strange_peers_send_is_passed_over_or_refused() {
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    const DATA: u8 = 23;
    let ticket = message(4, &[0; 50]);
    let key_update = message(24, &[0]);
    type Case = (bool, &'static str, u8, Vec<u8>, &'static [&'static str]);
    let cases: Vec<Case> = vec![
        (true, "two tickets in one record", HANDSHAKE, [ticket.clone(), ticket.clone()].concat(), &[]),
        (true, "a ticket that lacks its end", HANDSHAKE, ticket[..20].to_vec(), &[]),
        (true, "a key update that is too long", HANDSHAKE, message(24, &[0, 0]), &["broken misbehaved"]),
        (true, "a key update of no kind", HANDSHAKE, message(24, &[2]), &["broken misbehaved"]),
        (
            true,
            "a message behind a key update",
            HANDSHAKE,
            [key_update, ticket.clone()].concat(),
            &["broken misbehaved"],
        ),
        (true, "a hello", HANDSHAKE, message(1, &[0; 40]), &["broken misbehaved"]),
        (true, "a message without end", HANDSHAKE, vec![4, 0xff, 0xff, 0xff], &["broken misbehaved"]),
        (true, "an empty message", HANDSHAKE, vec![], &["broken misbehaved"]),
        (false, "a hello request", HANDSHAKE, message(0, &[]), &[]),
        (false, "a ticket behind the handshake of TLS 1.2", HANDSHAKE, ticket.clone(), &["broken misbehaved"]),
        (false, "a key update in TLS 1.2", HANDSHAKE, message(24, &[0]), &["broken misbehaved"]),
        (true, "an alert", ALERT, vec![2, 80], &["broken alert"]),
        (true, "that a certificate is wanted", ALERT, vec![2, 116], &["broken client_certificate"]),
        (true, "an alert that is too long", ALERT, vec![2, 80, 0], &["broken misbehaved"]),
        (true, "a warning, which are all fatal now", ALERT, vec![1, 112], &["broken alert"]),
        (false, "a warning of TLS 1.2", ALERT, vec![1, 112], &[]),
        (true, "that the user gave up", ALERT, vec![1, 90], &[]),
        (true, "goodbye", ALERT, vec![1, 0], &["closed"]),
        (true, "nothing", DATA, vec![], &[]),
        (true, "a record of an unknown kind", 99, vec![1], &["broken misbehaved"]),
    ];
    for (is_13, name, kind, content, expected) in cases {
        for pieces in [1, 1_000] {
            let (mut client, mut server) = strange(is_13);
            record(&mut server, kind, &content).chunks(pieces).for_each(|piece| client.receive(piece));
            assert_eq!(client.told, expected, "{name}");
            if expected.is_empty() && name != "a ticket that lacks its end" {
                client.receive(&record(&mut server, DATA, b"and on"));
                assert_eq!((client.got(), client.told.len()), (b"and on".as_slice(), 0), "{name}: {:?}", client.told);
            }
        }
    }
}

#[test]
fn renegotiation_is_declined_in_words() {
    let (mut client, mut server) = strange(false);
    client.receive(&record(&mut server, 22, &message(0, &[])));
    let said = client.said();
    assert_eq!(said[0], 21, "an alert");
    assert_eq!(
        server.receive(&mut said.clone(), &mut Vec::new(), &mut Vec::new(), &mut Growing::default()),
        Read::More
    );
}

#[test]
fn a_message_within_other_records_is_refused() {
    let (mut client, mut server) = strange(true);
    client.receive(&record(&mut server, 22, &message(4, &[0; 50])[..20]));
    client.receive(&record(&mut server, 23, b"content"));
    assert_eq!((client.told.as_slice(), client.got().len()), (&["broken misbehaved".to_owned()][..], 0));
}

#[test]
fn records_without_content_have_an_end() {
    for (kind, content) in [(23, Vec::new()), (22, message(4, &[0; 8])), (22, message(24, &[0])), (21, vec![1, 90])] {
        let (mut client, mut server) = strange(true);
        let is_update = content == message(24, &[0]);
        for round in 0..1_000 {
            client.receive(&record(&mut server, kind, &content));
            if is_update {
                server.renew_own();
            }
            if !client.told.is_empty() {
                assert!(round < 40, "{round}");
                break;
            }
        }
        assert_eq!(client.told, ["broken too_much_control"]);
        // With content between there may be as many as the peer likes.
        let (mut client, mut server) = strange(true);
        for _ in 0..200 {
            client.receive(&record(&mut server, kind, &content));
            if is_update {
                server.renew_own();
            }
            client.receive(&record(&mut server, 23, b"x"));
        }
        assert_eq!((client.told.len(), client.got().len()), (0, 200));
    }
}

#[test]
fn a_key_update_that_asks_for_ours_gets_it() {
    let (mut client, mut server) = strange(true);
    client.receive(&record(&mut server, 22, &message(24, &[1])));
    server.renew_own();
    assert!(client.told.is_empty(), "{:?}", client.told);
    client.send(b"with the new key");
    let mut plain = Vec::new();
    let read = server.receive(&mut client.said(), &mut plain, &mut Vec::new(), &mut Growing::default());
    assert_eq!((read, plain.as_slice()), (Read::More, b"with the new key".as_slice()));
    client.receive(&record(&mut server, 23, b"answer"));
    assert_eq!(client.got(), b"answer");
}

#[test]
fn what_is_no_record_is_refused_and_one_that_is_too_long_too() {
    for bytes in [&b"HTTP/1.1"[..], &[23, 2, 0, 0, 5], &[19, 3, 3, 0, 5], &[23, 3, 3, 0xff, 0xff], &[23, 3, 3, 0, 0]] {
        for pieces in [1, 100] {
            let (mut client, _) = strange(true);
            bytes.chunks(pieces).for_each(|piece| client.receive(piece));
            assert_eq!(client.told, ["broken bad_record"], "{bytes:?}");
        }
    }
}

#[test]
fn a_server_of_our_own_reads_what_rustls_sends() {
    let (chain, key, roots) = identity();
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivatePkcs8KeyDer::from(key).into())
        .unwrap();
    config.enable_secret_extraction = true;
    let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerTls::new(&Arc::new(config)).unwrap();
    let (mut plain, mut said) = (Vec::new(), Growing::default());
    client.writer().write_all(b"hello").unwrap();
    for _ in 0..4 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        for piece in wire.chunks_mut(100) {
            assert_eq!(server.receive(piece, &mut plain, &mut Vec::new(), &mut said), Read::More);
        }
        client.read_tls(&mut std::mem::take(said.bytes()).as_slice()).unwrap();
        client.process_new_packets().unwrap();
    }
    assert_eq!(plain, b"hello");
    assert_eq!(server.send(&[9; 40_000], &mut said), 40_000);
    server.goodbye(&mut said);
    let wire = std::mem::take(said.bytes());
    let mut rest = wire.as_slice();
    let mut got = Vec::new();
    while !rest.is_empty() {
        client.read_tls(&mut rest).unwrap();
        client.process_new_packets().unwrap();
        let mut part = [0; 4_096];
        while let Ok(count @ 1..) = client.reader().read(&mut part) {
            got.extend_from_slice(&part[..count]);
        }
    }
    assert_eq!(got, [9; 40_000]);
}

#[test]
fn room_that_is_reckoned_is_enough() {
    for content in [1, 100, 4_096, 16_383, 16_384, 16_385, 65_536, 1 << 20] {
        let whole = sealed_length(content);
        assert!(whole > content && whole < content + 100 + content / 300, "{content}: {whole}");
    }
    const { assert!(KEY_RECORDS < 1 << 24) };
}
