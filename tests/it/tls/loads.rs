//! Every workload over TLS is what it is without.

use std::os::unix::net::UnixStream;
use std::process::Stdio;

use super::identities::{Identity, Kind};
use super::peers::{nginx, python};
use super::{ask, asked, tls};
use crate::support::process::{Folder, Process, until};
use crate::support::saturing::{Serve, command};

#[test]
fn lists_mixes_and_placeholders_go_over_tls() {
    let folder = Folder::new();
    let routes = "[[route]]\npath = \"/a\"\nbody = \"aaa\"\n[[route]]\npath = \"/b\"\nstatus = 204\n[[route]]\nmethod = \"POST\"\npath = \"/c/*\"\nbody = \"c\"";
    let routes = folder.write("routes.toml", routes).display().to_string();
    let list = "/a\n\nHEAD /a\n\n/b\n\nPOST /c/{SEQ:0001}\n  {\"n\": {RAND:1:9}}\n";
    let list = folder.write("list", list).display().to_string();
    let server = Serve::start(&["--tls", "--routes", &routes]);
    let url = format!("https://{}/", server.address);
    for pipeline in ["1", "8"] {
        let result = asked(&url, &["-n", "800", "-k", "-p", pipeline, "--by-path", "-t", "1", "-i", &list]);
        let rows: Vec<(&str, u64)> =
            result.mix.iter().map(|kind| (kind.name.as_str(), kind.requests.completed)).collect();
        assert_eq!(rows, [("GET /a", 200), ("HEAD /a", 200), ("GET /b", 200), ("POST /c/{SEQ:0001}", 200)]);
        assert_eq!((result.errors.total(), result.bytes.body), (0, 200 * 3 + 200));
    }
    let words = server.last_words();
    for line in [
        "any /a                800",
        "any /b                400",
        "POST /c/*             400",
        "no route                0",
    ] {
        let bare = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.lines().any(|found| bare(found) == bare(line)), "{line}: {words}");
    }
}

#[test]
fn large_bodies_go_both_ways_whole() {
    let identity = Identity::new(Kind::P256);
    let server = nginx(&identity, "");
    let large = format!("{}large", server.url);
    for engine in ["uring", "epoll", "tokio-uring"] {
        let ended = ask(&large, &["-n", "40", "-k", "--engine", engine]);
        let result = ended.result_of_any_engine();
        assert_eq!(
            (ended.code, result.requests.completed, result.bytes.body),
            (0, 40, 40 << 20),
            "{engine}: {ended:?}"
        );
    }
    // What comes is counted by whoever gets it.
    let script = r#"
def serve(peer):
    try:
        with context.wrap_socket(peer, server_side=True) as tls:
            waiting = b""
            while data := tls.recv(65536):
                waiting += data
                while b"\r\n\r\n" in waiting:
                    head, rest = waiting.split(b"\r\n\r\n", 1)
                    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                    if len(rest) < length:
                        break
                    body, waiting = rest[:length], rest[length:]
                    right = body == bytes(range(97, 122)) * (length // 25)
                    tls.sendall(b"HTTP/1.1 %d OK\r\nContent-Length: 0\r\n\r\n" % (200 if right else 500))
    except OSError:
        pass
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"#;
    let server = python(&identity, script);
    let body = identity.write("body", &"abcdefghijklmnopqrstuvwxy".repeat(120_000)).display().to_string();
    for engine in ["uring", "epoll", "tokio-uring"] {
        for version in ["1.2", "1.3"] {
            let ended = ask(
                &server.url,
                &["-n", "8", "-k", "--tls-max", version, "--engine", engine, "-b", &format!("@{body}")],
            );
            let result = ended.result_of_any_engine();
            assert_eq!(result.status.get(&200), Some(&8), "{engine} {version}: {ended:?}");
            assert!(tls(&result).content_bytes.sent > 8 * 3_000_000);
        }
    }
}

#[test]
fn unix_sockets_carry_tls_too() {
    let folder = Folder::new();
    let path = folder.path("socket").display().to_string();
    let mut serve = command();
    serve.args(["serve", "--tls", "--unix-socket", &path]);
    let _process = Process::start(serve.stdout(Stdio::null()), "saturing serve");
    until("the socket", || UnixStream::connect(&path).ok());
    let result = asked("https://localhost/", &["-n", "100", "-k", "--unix-socket", &path]);
    assert_eq!((result.requests.completed, tls(&result).version.as_deref()), (100, Some("TLS 1.3")));
}

#[test]
fn an_open_loop_is_on_time_over_tls() {
    let server = Serve::start(&["--tls"]);
    let url = format!("https://{}/", server.address);
    let result = asked(&url, &["-k", "-R", "500", "-n", "500", "--warmup", "100ms"]);
    assert_eq!((result.requests.completed, result.requests.failed), (500, 0));
    assert!(tls(&result).content_bytes.sent > 0);
}

#[test]
fn the_report_names_what_was_agreed_on() {
    let server = Serve::start(&["--tls"]);
    let url = format!("https://{}/", server.address);
    let report = crate::support::saturing::run(&["-k", "-n", "20", "-c", "1", "-T", "50s", &url]).stdout;
    for words in [
        "  TLS           TLS 1.3, TLS_AES_256_GCM_SHA384, http/1.1, not verified",
        "  Certificate   CN=localhost, issued by CN=localhost, until ",
        "  Handshakes    1 full, 0 resumed",
        "handshake",
    ] {
        assert!(report.contains(words), "{words}: {report}");
    }
}
