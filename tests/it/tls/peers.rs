//! nginx, OpenSSL, Python and the built-in server, each with settings of all sorts: what is agreed on, and that the answers are whole.

use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use super::identities::{Identity, Kind};
use super::{asked, tls};
use crate::support::process::{Process, until};
use crate::support::saturing::Serve;
use crate::support::scripted::listen;

/// A server in a process of its own.
pub(super) struct Server {
    _process: Process,
    pub(super) url: String,
}

const NGINX: &str = r#"
daemon off;
master_process off;
worker_processes 1;
pid PLACE/pid;
error_log PLACE/error.log;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path PLACE/t1;
    proxy_temp_path PLACE/t2;
    fastcgi_temp_path PLACE/t3;
    uwsgi_temp_path PLACE/t4;
    scgi_temp_path PLACE/t5;
    client_max_body_size 64m;
    server {
        listen ADDRESS ssl;
        ssl_certificate PLACE/server.crt;
        ssl_certificate_key PLACE/server.key;
        SETTINGS
        keepalive_requests 1000;
        location / { return 200 "Hello, World!"; }
        location /large { alias PLACE/large; }
    }
}
"#;

pub(super) fn nginx(identity: &Identity, settings: &str) -> Server {
    let address = listen().local_addr().expect("bound");
    let place = identity.place().display().to_string();
    identity.write("large", &"x".repeat(1 << 20));
    let config = NGINX.replace("PLACE/", &place).replace("PLACE", &place).replace("ADDRESS", &address.to_string());
    let config = identity.write("nginx.conf", &config.replace("SETTINGS", settings));
    let places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"];
    let path = places.into_iter().find(|place| std::path::Path::new(place).exists()).unwrap_or("nginx");
    let mut command = Command::new(path);
    command.arg("-p").arg(identity.place()).arg("-c").arg(config).arg("-e").arg(identity.place().join("error.log"));
    started(command, "nginx", address)
}

/// `openssl s_server`, which answers each connection with a page and ends it.
pub(super) fn openssl(identity: &Identity, options: &[&str]) -> Server {
    let address = listen().local_addr().expect("bound");
    let mut command = Command::new("openssl");
    command.args(["s_server", "-www", "-quiet", "-accept", &address.to_string()]);
    command.args(["-cert", &identity.certificate(), "-key", &identity.key()]).args(options);
    started(command, "openssl", address)
}

/// A script with `ssl`, `context` and `listener` at hand, which serves.
pub(super) fn python(identity: &Identity, script: &str) -> Server {
    let address = listen().local_addr().expect("bound");
    let head = format!(
        "import socket, ssl, threading\n\
         context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n\
         context.load_cert_chain({:?}, {:?})\n\
         listener = socket.create_server(({:?}, {}), backlog=128)\n",
        identity.certificate(),
        identity.key(),
        address.ip().to_string(),
        address.port()
    );
    let mut command = Command::new("python3");
    command.args(["-c", &(head + script)]);
    started(command, "python3", address)
}

fn started(mut command: Command, name: &str, address: SocketAddr) -> Server {
    let mut process = Process::start(command.stdout(Stdio::null()).stderr(Stdio::null()), name);
    until("the server listens", || {
        assert!(!process.has_ended(), "{name} ended: {command:?}");
        TcpStream::connect(address).ok()
    });
    Server { _process: process, url: format!("https://{address}/") }
}

#[test]
fn every_kind_of_key_in_both_versions() {
    for kind in [Kind::P256, Kind::P384, Kind::Ed25519, Kind::Rsa, Kind::SelfSigned] {
        let identity = Identity::new(kind);
        for (version, name) in [("1.2", "TLS 1.2"), ("1.3", "TLS 1.3")] {
            let server = nginx(&identity, &format!("ssl_protocols TLSv{version};"));
            let trusted = identity.trusted();
            let result = asked(&server.url, &["-n", "100", "--cacert", &trusted]);
            let seen = tls(&result);
            assert_eq!((result.requests.completed, seen.version.as_deref()), (100, Some(name)), "{kind:?}");
            assert_eq!((seen.verified, seen.alpn.as_deref()), (true, Some("http/1.1")), "{kind:?}");
            let certificate = seen.certificate.as_ref().expect("a certificate");
            assert_eq!((certificate.subject.as_str(), certificate.not_after.as_str()), ("CN=the server", "2901-01-01"));
            assert_eq!((seen.handshakes.full, seen.handshakes.resumed, seen.handshakes.failed.len()), (4, 0, 0));
            assert_eq!(seen.handshake_ns.as_ref().map(|times| times.count), Some(4));
            assert!(result.bytes.received > seen.content_bytes.received, "{seen:?}");
            // By name, and unverified.
            let by_name = server.url.replace("127.0.0.1", "localhost");
            assert_eq!(asked(&by_name, &["-n", "20", "--cacert", &trusted]).requests.completed, 20);
            assert!(!tls(&asked(&server.url, &["-n", "20", "-k"])).verified);
        }
    }
}

#[test]
fn every_cipher_of_both_versions() {
    let (ecdsa, rsa) = (Identity::new(Kind::P256), Identity::new(Kind::Rsa));
    for (identity, cipher) in [
        (&ecdsa, "TLS_AES_128_GCM_SHA256"),
        (&ecdsa, "TLS_AES_256_GCM_SHA384"),
        (&ecdsa, "TLS_CHACHA20_POLY1305_SHA256"),
        (&ecdsa, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        (&ecdsa, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        (&ecdsa, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        (&rsa, "ECDHE-RSA-AES128-GCM-SHA256"),
        (&rsa, "ECDHE-RSA-AES256-GCM-SHA384"),
        (&rsa, "ECDHE-RSA-CHACHA20-POLY1305"),
    ] {
        let server = nginx(identity, "ssl_protocols TLSv1.2 TLSv1.3;");
        let result = asked(&server.url, &["-n", "200", "-k", "-p", "4", "--ciphers", cipher]);
        assert_eq!(result.requests.completed, 200, "{cipher}");
        let agreed = tls(&result).cipher.clone().expect("a cipher");
        assert!(agreed == cipher || cipher.starts_with("ECDHE-RSA") && agreed.starts_with("TLS_ECDHE_RSA"), "{agreed}");
    }
}

#[test]
fn sessions_are_resumed_only_where_that_is_asked_for() {
    let identity = Identity::new(Kind::P256);
    for (settings, resumes) in [
        ("ssl_protocols TLSv1.3; ssl_session_tickets on;", true),
        ("ssl_protocols TLSv1.2; ssl_session_tickets on;", true),
        ("ssl_protocols TLSv1.2; ssl_session_tickets off; ssl_session_cache shared:a:1m;", true),
        ("ssl_protocols TLSv1.3; ssl_session_tickets off; ssl_session_cache off;", false),
        ("ssl_protocols TLSv1.2; ssl_session_tickets off; ssl_session_cache off;", false),
    ] {
        let server = nginx(&identity, settings);
        let full = asked(&server.url, &["-n", "40", "-k", "--no-keepalive"]);
        assert_eq!((full.requests.completed, tls(&full).handshakes.resumed), (40, 0), "{settings}");
        let resumed = asked(&server.url, &["-n", "40", "-k", "--no-keepalive", "--resume"]);
        let handshakes = &tls(&resumed).handshakes;
        assert_eq!(resumed.requests.completed, 40, "{settings}");
        assert_eq!(handshakes.resumed > 0, resumes, "{settings}: {handshakes:?}");
        assert!(handshakes.full >= 1 && handshakes.full + handshakes.resumed >= 40, "{settings}: {handshakes:?}");
    }
}

#[test]
fn openssl_with_a_second_hello_and_one_connection_for_each_answer() {
    let identity = Identity::new(Kind::P256);
    let server = openssl(&identity, &["-groups", "P-384"]);
    let result = asked(&server.url, &["-n", "10", "-k", "-c", "1"]);
    let handshakes = &tls(&result).handshakes;
    assert_eq!((result.requests.completed, handshakes.retried), (10, handshakes.full), "{handshakes:?}");
}

#[test]
fn python_answers_on_connections_that_stay() {
    let identity = Identity::new(Kind::P256);
    let script = r#"
def serve(peer):
    try:
        with context.wrap_socket(peer, server_side=True) as tls:
            waiting = b""
            while data := tls.recv(65536):
                waiting += data
                while b"\r\n\r\n" in waiting:
                    _, waiting = waiting.split(b"\r\n\r\n", 1)
                    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + b"x" * 40000)
    except OSError:
        pass
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"#;
    let server = python(&identity, script);
    for options in [&["-n", "100", "-k"][..], &["-n", "100", "-k", "-p", "8"], &["-n", "100", "-k", "--tls-max", "1.2"]]
    {
        let result = asked(&server.url, options);
        assert_eq!((result.requests.completed, result.bytes.body), (100, 100 * 40_000), "{options:?}");
        assert_eq!(result.connections.reconnects, 0, "{options:?}");
    }
}

#[test]
fn node_answers_in_both_versions() {
    if Command::new("node").arg("--version").output().is_err() {
        println!("NOT TESTED: TLS against Node.js, which is not on this machine");
        return;
    }
    let identity = Identity::new(Kind::P256);
    let address = listen().local_addr().expect("bound");
    let script = format!(
        "const fs = require('fs');\n\
         const options = {{ cert: fs.readFileSync({:?}), key: fs.readFileSync({:?}) }};\n\
         const answer = (request, response) => response.end('x'.repeat(3000));\n\
         require('https').createServer(options, answer).listen({}, {:?});\n",
        identity.certificate(),
        identity.key(),
        address.port(),
        address.ip().to_string()
    );
    let mut command = Command::new("node");
    command.args(["-e", &script]);
    let server = started(command, "node", address);
    for options in [&["--tls-max", "1.2"][..], &["--tls-min", "1.3"], &["-p", "4"], &["--no-keepalive", "--resume"]] {
        let result = asked(&server.url, &[&["-n", "100", "--cacert", &identity.trusted()], options].concat());
        assert_eq!((result.requests.completed, result.bytes.body), (100, 300_000), "{options:?}");
    }
}

#[test]
fn both_sides_say_goodbye_before_they_end() {
    // The client, when the run is over; what ends without it is an error to Python.
    let identity = Identity::new(Kind::P256);
    let ends = identity.write("ends", "").display().to_string();
    let script = r#"
def serve(peer):
    with context.wrap_socket(peer, server_side=True, suppress_ragged_eofs=False) as tls:
        try:
            while tls.recv(65536):
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            end = "in order"
        except ssl.SSLEOFError:
            end = "cut"
        open(ENDS, "a").write(end + "\n")
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"#;
    let server = python(&identity, &script.replace("ENDS", &format!("{ends:?}")));
    for (round, engine) in ["uring", "epoll", "tokio-uring"].iter().enumerate() {
        for (half, version) in ["1.2", "1.3"].iter().enumerate() {
            let ended = super::ask(&server.url, &["-n", "40", "-k", "--engine", engine, "--tls-max", version]);
            assert_eq!(ended.code, 0, "{ended:?}");
            let all = "in order\n".repeat(4 * (2 * round + half + 1));
            until("the ends of all connections", || (identity.read("ends").len() >= all.len()).then_some(()));
            assert_eq!(identity.read("ends"), all, "{engine} {version}");
        }
    }
    // The built-in server, where it ends a connection.
    let server = Serve::start(&["--tls"]);
    let url = format!("https://{}/", server.address);
    let result = asked(&url, &["-n", "100", "-k", "--no-keepalive"]);
    assert_eq!((result.requests.completed, tls(&result).ended_unsaid), (100, 0));
}

#[test]
fn the_built_in_server_counts_the_same_under_every_engine() {
    let identity = Identity::new(Kind::P256);
    let (certificate, key, trusted) = (identity.certificate(), identity.key(), identity.trusted());
    for engine in ["uring", "epoll", "tokio-uring"] {
        for options in [&[][..], &["-p", "16"], &["--no-keepalive"], &["--requests-per-connection", "7"], &["-t", "2"]]
        {
            let server = Serve::start(&["--tls", "--cert", &certificate, "--key", &key]);
            let url = format!("https://{}/", server.address);
            let fixed = ["-n", "500", "--engine", engine, "--cacert", &trusted];
            let ended = super::ask(&url, &[&fixed[..], options].concat());
            assert_eq!(ended.code, 0, "{engine} {options:?}: {ended:?}");
            let result = ended.result_of_any_engine();
            let (requests, connections) = server.stop();
            assert_eq!(result.requests.completed, 500, "{engine} {options:?}");
            assert_eq!(result.requests.sent - result.requests.discarded, requests, "{engine} {options:?}");
            let opened = result.connections.established + result.connections.reconnects;
            assert!(connections >= opened && tls(&result).handshakes.full == opened, "{engine} {options:?}");
        }
    }
}
