//! Each way in which TLS fails has a cause of its own, in the result and in one line of the report.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::identities::{Identity, Kind};
use super::peers::{nginx, openssl, python};
use super::{ask, tls, usual};
use crate::support::process::{Folder, until};
use crate::support::saturing::{Running, Serve, run};
use crate::support::scripted::listen;
use saturing::result::Outcome;

/// A run that TLS makes fail: not one answer, the cause alone in the result, and `words` in the report.
fn fails(url: &str, options: &[&str], cause: &str, words: &str) {
    let ended = ask(url, &[&["-n", "8"], options].concat());
    let result = ended.result();
    assert_eq!(
        (ended.code, result.outcome, result.requests.completed),
        (1, Outcome::NoAnswers, 0),
        "{cause}: {ended:?}"
    );
    let failed = &tls(&result).handshakes.failed;
    assert!(failed.len() == 1 && failed.get(cause).is_some_and(|count| *count > 0), "{cause}: {failed:?}");
    let report = run(&[&["-n", "8"], options, &usual(options), &[url]].concat()).stdout;
    let folded: Vec<&str> = report.split_whitespace().collect();
    assert!(folded.join(" ").contains(words), "{words}: {report}");
}

#[test]
fn certificates_that_nobody_should_trust() {
    for (kind, cause, words) in [
        (
            Kind::Expired,
            "expired",
            "the server's certificate has expired on 2002-03-04; renew it, or take it all the same with -k",
        ),
        (Kind::NotYetValid, "not_yet_valid", "the server's certificate is not valid yet, from 2901-05-06"),
        (Kind::OtherName, "wrong_name", "is for another name (other.example, www.other.example, not 127.0.0.1)"),
    ] {
        let identity = Identity::new(kind);
        let server = nginx(&identity, "");
        fails(&server.url, &["-T", "300ms", "--cacert", &identity.trusted()], cause, words);
        assert_eq!(ask(&server.url, &["-n", "8", "-k"]).code, 0, "-k takes it");
    }
    let (one, other) = (Identity::new(Kind::P256), Identity::new(Kind::P256));
    let server = nginx(&one, "");
    let words = "nobody who is trusted vouches for the server's certificate; trust its issuer with --cacert FILE";
    fails(&server.url, &["-T", "300ms", "--cacert", &other.trusted()], "unknown_issuer", words);
    let own = Identity::new(Kind::SelfSigned);
    let server = nginx(&own, "");
    fails(&server.url, &["-T", "300ms", "--cacert", &other.trusted()], "unknown_issuer", words);
    // A name that the certificate has, in place of the URL's.
    let identity = Identity::new(Kind::OtherName);
    let server = nginx(&identity, "");
    assert_eq!(ask(&server.url, &["-n", "8", "--cacert", &identity.trusted(), "--sni", "other.example"]).code, 0);
}

#[test]
fn nothing_in_common() {
    let identity = Identity::new(Kind::P256);
    let words = "client and server have no version or cipher in common";
    let server = nginx(&identity, "ssl_protocols TLSv1.3;");
    fails(&server.url, &["-T", "300ms", "-k", "--tls-max", "1.2"], "nothing_in_common", words);
    let server = nginx(&identity, "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;");
    fails(&server.url, &["-T", "300ms", "-k", "--tls-min", "1.3"], "nothing_in_common", words);
    fails(
        &server.url,
        &["-T", "300ms", "-k", "--ciphers", "ECDHE-ECDSA-CHACHA20-POLY1305"],
        "nothing_in_common",
        words,
    );
    fails(
        &server.url,
        &["-T", "300ms", "-k", "--alpn", "nothing/1.0"],
        "no_protocol",
        "none of the protocols offered by ALPN",
    );
}

#[test]
fn certificates_of_the_clients_own() {
    let (identity, client) = (Identity::new(Kind::P256), Identity::new(Kind::SelfSigned));
    let words = "the server wants a certificate of the client's that it trusts";
    for version in ["1.2", "1.3"] {
        let server = openssl(&identity, &["-Verify", "1"]);
        fails(&server.url, &["-T", "300ms", "-k", "--tls-max", version], "client_certificate", words);
        let (certificate, key) = (client.certificate(), client.key());
        let shown = ask(
            &server.url,
            &["-n", "4", "-c", "1", "-k", "--tls-max", version, "--cert", &certificate, "--key", &key],
        );
        assert_eq!(shown.code, 0, "{version}: {shown:?}");
    }
    // nginx answers.
    let trusted = client.certificate();
    let server = nginx(&identity, &format!("ssl_verify_client on; ssl_client_certificate {trusted};"));
    let ended = ask(&server.url, &["-n", "8", "-k"]);
    let result = ended.result();
    assert_eq!(result.status.get(&400), Some(&8));
    let told =
        result.warnings.iter().any(|warning| warning.contains("asked for a certificate of the client's and got none"));
    assert!(told, "{:?}", result.warnings);
    let both = client.read("server.crt") + &client.read("server.key");
    let both = client.write("both.pem", &both).display().to_string();
    let ended = ask(&server.url, &["-n", "8", "-k", "--cert", &both]);
    assert_eq!(ended.result().status.get(&200), Some(&8), "{ended:?}");
}

#[test]
fn peers_that_speak_no_tls_or_nothing() {
    let plain = Serve::start(&[]);
    let url = format!("https://{}/", plain.address);
    fails(
        &url,
        &["-T", "300ms", "-k"],
        "not_tls",
        "the server speaks no TLS (it answered \"HTTP/1.1 400 Bad Request\"): use http://",
    );
    let silent = listen();
    let url = format!("https://{}/", silent.local_addr().expect("bound"));
    fails(&url, &["-T", "300ms", "-k"], "timeout", "the handshake took longer than the timeout (-T)");
    // It reads the hello, so that its end is an orderly one.
    let closes = listen();
    let url = format!("https://{}/", closes.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for mut peer in closes.incoming().flatten() {
            let _ = peer.read(&mut [0; 4096]);
        }
    });
    fails(&url, &["-T", "300ms", "-k"], "closed", "the server closed within the handshake");
    // And the other way round: a plain URL for a port of TLS.
    let server = Serve::start(&["--tls"]);
    let ended = run(&["-n", "8", "-c", "2", "-T", "300ms", &server.address.to_string()]);
    assert_eq!(ended.code, 1, "{ended:?}");
}

/// A server whose answers end with their connections.
fn until_closed(goodbye: &str) -> String {
    format!(
        r#"
def serve(peer):
    try:
        tls = context.wrap_socket(peer, server_side=True)
        tls.recv(65536)
        tls.sendall(b"HTTP/1.1 200 OK\r\n\r\nas long as it lasts")
        {goodbye}
    except OSError:
        pass
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"#
    )
}

#[test]
fn an_answer_up_to_the_end_needs_a_notice_of_it() {
    let identity = Identity::new(Kind::P256);
    // `unwrap` says goodbye and waits for the client's; a bare end says nothing.
    let said = python(&identity, &until_closed("tls.settimeout(60); tls.unwrap()"));
    let ended = ask(&said.url, &["-n", "8", "-k"]);
    let result = ended.result();
    assert_eq!((ended.code, result.requests.completed, result.bytes.body), (0, 8, 8 * 19), "{ended:?}");
    let unsaid = python(&identity, &until_closed("socket.socket.shutdown(tls, socket.SHUT_WR); tls.detach()"));
    let ended = ask(&unsaid.url, &["-n", "8", "-k"]);
    let result = ended.result();
    assert_eq!((ended.code, result.requests.completed, result.errors.tls), (1, 0, 8), "{ended:?}");
    assert_eq!(tls(&result).handshakes.failed.get("truncated"), Some(&8));
    assert!(tls(&result).ended_unsaid >= 8);
}

#[test]
fn a_key_that_is_renewed_in_mid_run_fails_nothing() {
    let identity = Identity::new(Kind::P256);
    let address = listen().local_addr().expect("bound");
    // By hand: what comes on its standard input goes to the client, and `K` alone renews the key and asks for the client's.
    let mut command = Command::new("openssl");
    command.args(["s_server", "-accept", &address.to_string()]);
    command.args(["-cert", &identity.certificate(), "-key", &identity.key()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Killed(command.spawn().expect("openssl, which ./check.sh installs"));
    let (mut input, output) = (server.0.stdin.take().expect("a pipe"), server.0.stdout.take().expect("a pipe"));
    let said = Arc::new(Mutex::new(Vec::new()));
    let here = Arc::clone(&said);
    std::thread::spawn(move || {
        let (mut output, mut bytes) = (output, [0; 4096]);
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            here.lock().expect("no panic").extend_from_slice(&bytes[..count]);
        }
    });
    let says = |words: &str, times: usize| {
        until(words, || {
            let so_far = said.lock().expect("no panic");
            (memchr::memmem::find_iter(&so_far, words.as_bytes()).count() >= times).then_some(())
        });
    };
    says("ACCEPT", 1);
    let url = format!("https://{address}/");
    let running = Running::start(&["-k", "-n", "3", "-c", "1", "-T", "200s", "--json", "-", &url]);
    for round in 1..=3 {
        says("GET / HTTP/1.1", round);
        input.write_all(b"K\n").expect("a command");
        says("SSL_do_handshake -> 1", round);
        input.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").expect("an answer");
    }
    let ended = running.wait();
    let result = ended.result();
    assert_eq!((ended.code, result.requests.completed, result.connections.reconnects), (0, 3, 0), "{ended:?}");
    assert!(tls(&result).handshakes.failed.is_empty());
}

/// A child that is gone at the end.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_is_typed_wrong_is_told_in_one_line() {
    let folder = Folder::new();
    let text = folder.write("text", "no PEM").display().to_string();
    let (one, other) = (Identity::new(Kind::P256), Identity::new(Kind::P256));
    let (certificate, key, foreign) = (one.certificate(), one.key(), other.key());
    for (options, message) in [
        (vec!["--cacert", "/no/such"], "--cacert: must be a file that can be read (No such file or directory"),
        (vec!["--cacert", &text], "--cacert: must hold a certificate in PEM"),
        (vec!["-k", "--cert", &text], "--cert: must hold a certificate in PEM"),
        (vec!["-k", "--cert", &certificate], "--key: must hold a private key in PEM: PKCS#8, PKCS#1 or SEC1"),
        (vec!["-k", "--cert", &certificate, "--key", &foreign], "--key: must be the key of --cert's certificate"),
        (vec!["-k", "--key", &key], "--key: needs its certificate, --cert FILE"),
        (vec!["-k", "--ciphers", "RC4"], "--ciphers: must be of TLS_AES_256_GCM_SHA384,"),
        (
            vec!["-k", "--ciphers", "TLS_AES_128_GCM_SHA256", "--tls-max", "1.2"],
            "--ciphers: must have a cipher of the versions",
        ),
        (vec!["-k", "--tls-min", "1.3", "--tls-max", "1.2"], "--tls-min: must not be above --tls-max"),
    ] {
        let ended = run(&[&["-n", "1"], &options[..], &["https://127.0.0.1:9/"]].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{options:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(message), "{options:?}: {}", ended.stderr);
        assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.stderr);
    }
}
