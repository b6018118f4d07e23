//! Whatever a peer puts into records, in whatever pieces they come: content arrives as it was sent up to the first fault, and nothing
//! that the peer controls grows without end.
//!
//! An input is a list of steps: a byte that says what comes, a byte for its length in eights, and so many bytes. Between two steps the first
//! byte of the input says how long the pieces are.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use saturing::protocol::count::{AnswerBytes, CountBytes};
use saturing::protocol::tls::server::ServerTls;
use saturing::protocol::tls::{Settled, TlsSetup, TlsShared};
use saturing::protocol::{Asked, Event, Growing, Out, Protocol, Source, Tls};

/// Answers of one byte each, so that what arrives can be counted.
static SETUPS: LazyLock<[(TlsSetup, Arc<ServerConfig>); 2]> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    [&rustls::version::TLS13, &rustls::version::TLS12].map(|version| {
        let provider = || Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[version]);
        let client = client.expect("a version").with_root_certificates(roots.clone()).with_no_client_auth();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
        let server = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[version]);
        let server = server.expect("a version").with_no_client_auth();
        let mut server = server.with_single_cert(vec![made.cert.der().clone()], key).expect("a key");
        server.enable_secret_extraction = true;
        let settled = Settled { verified: true, resume: false, own_alpn: false };
        let name = ServerName::try_from("localhost").expect("a name");
        (TlsSetup::new(client, name, Arc::default(), settled), Arc::new(server))
    })
});

struct Request;

impl Source for Request {
    fn put(self, out: &mut impl Out) -> bool {
        out.write(1).is_some_and(|space| {
            space[0] = b'r';
            true
        }) && {
            out.commit(1);
            true
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&first, mut rest)) = input.split_first() else { return };
    let (setup, config) = &SETUPS[usize::from(first & 1)];
    let piece = usize::from(first >> 1).max(1);
    let mut shared = TlsShared::new(setup, AnswerBytes(1));
    let mut client: Tls<CountBytes> = Tls::new(1);
    let mut server = ServerTls::new(config).expect("a server");
    let (mut out, mut said, mut ready) = (Growing::default(), Growing::default(), false);
    client.connected(&mut shared, &mut out);
    for _ in 0..4 {
        let mut bytes = std::mem::take(out.bytes());
        if !bytes.is_empty() {
            server.receive(&mut bytes, &mut Vec::new(), &mut Vec::new(), &mut said);
        }
        let mut bytes = std::mem::take(said.bytes());
        client.receive(&mut bytes, &mut shared, &mut out, &mut |event| ready |= matches!(event, Event::Ready(_)));
    }
    assert!(ready && server.is_ready());
    assert!(client.request(Asked::default(), 1_000_000, Request, &mut out));
    client.finish(&mut shared, &mut out);

    let (mut sent, mut got, mut faults) = (0, 0, 0);
    while let [what, length, behind @ ..] = rest {
        let (content, behind) = behind.split_at(behind.len().min(usize::from(*length) * 8));
        rest = behind;
        let wire = &mut said;
        match what % 8 {
            0..=2 => {
                sent += content.len();
                server.say(23, content, wire);
            }
            3 => _ = server.say(22, content, wire),
            4 => _ = server.say(21, content, wire),
            5 => {
                sent += if *length == 23 { content.len() } else { 0 };
                server.say(*length, content, wire);
            }
            6 => {
                server.say(22, &[24, 0, 0, 1, what >> 7], wire);
                server.renew_own();
            }
            _ => wire.bytes().extend_from_slice(content),
        }
        let mut bytes = std::mem::take(said.bytes());
        for part in bytes.chunks_mut(piece) {
            client.receive(part, &mut shared, &mut out, &mut |event| match event {
                Event::Done(_) => got += 1,
                Event::Broken(_) => faults += 1,
                _ => {}
            });
        }
        assert!(got <= sent, "nothing arrives that was not sent");
        assert!(out.bytes().len() < 64 << 10, "a peer gets a bounded number of replies");
    }
    assert!(faults <= 1, "a connection fails once");
});
