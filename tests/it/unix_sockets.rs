//! A unix socket in place of TCP, on both sides.

use std::fs;
use std::os::unix::net::UnixListener;

use saturing::result::RunResult;

use crate::support::process::{Folder, Process, until};
use crate::support::saturing::{command, run};
use nix::sys::signal::Signal;

/// The built-in server on a unix socket.
fn serve(folder: &Folder, engine: &str) -> (Process, String) {
    let path = folder.path("server.sock").display().to_string();
    let mut serve = command();
    serve.args(["serve", "--unix-socket", &path, "--engine", engine]);
    let process = Process::start(&mut serve, "saturing serve");
    until("the socket", || fs::exists(&path).expect("a folder").then_some(()));
    (process, path)
}

#[test]
fn every_engine_loads_a_server_on_a_unix_socket() {
    for (server, clients) in [("auto", &["uring", "epoll", "tokio-uring"][..]), ("epoll", &["uring"])] {
        let folder = Folder::new();
        let (mut process, path) = serve(&folder, server);
        for client in clients {
            for options in ["-n 2000 -c 8", "-n 2000 -c 4 -p 16", "-n 200 -c 4 --no-keepalive"] {
                let mut args = vec!["--engine", client, "--unix-socket", &path, "-T", "50s", "--json", "-"];
                args.extend(options.split(' '));
                let ended = run(&[&args[..], &["http://name.test/path"]].concat());
                assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{server} {client} {options}");
                let result: RunResult = ended.result_of_any_engine();
                let wanted = if options.contains("2000") { 2000 } else { 200 };
                assert_eq!((result.requests.completed, result.errors.total()), (wanted, 0));
                assert_eq!(result.target.unix_socket.as_ref(), Some(&path));
                assert_eq!(result.target.address, format!("unix:{path}"));
                assert_eq!(result.target.process.map(|process| process.name), Some("saturing".into()));
            }
        }
        process.signal(Signal::SIGTERM);
        assert_eq!(process.wait("the server's end").code(), Some(0));
        assert!(!fs::exists(&path).expect("a folder"), "the server removes its socket");
    }
}

#[test]
fn the_host_comes_from_the_url_and_is_not_resolved() {
    let folder = Folder::new();
    let path = folder.path("own.sock").display().to_string();
    let listener = UnixListener::bind(&path).expect("a socket");
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut peer, _) = listener.accept().expect("a connection");
        let (mut read, mut bytes) = (Vec::new(), [0; 1024]);
        while !read.ends_with(b"\r\n\r\n") {
            let got = peer.read(&mut bytes).expect("a request");
            read.extend_from_slice(&bytes[..got]);
        }
        peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("an answer");
        String::from_utf8(read).expect("text")
    });
    let ended = run(&["-n1", "-c1", "--unix-socket", &path, "http://no-such-host.invalid:81/x"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains(&format!("  Unix socket   {path}")), "{}", ended.stdout);
    let request = server.join().expect("no panic");
    assert!(request.starts_with("GET /x HTTP/1.1\r\nHost: no-such-host.invalid:81\r\n"), "{request}");
}

#[test]
fn what_cannot_be_connected_to_is_told_in_one_line() {
    let folder = Folder::new();
    let file = folder.write("file", "x").display().to_string();
    let missing = folder.path("missing").display().to_string();
    let long = folder.path(&"x".repeat(120)).display().to_string();
    for (args, message) in [
        (
            vec!["--unix-socket", &missing],
            "--unix-socket: must be a unix socket that a server listens on (No such file or directory",
        ),
        (vec!["--unix-socket", &file], "--unix-socket: must be a unix socket, and is another kind of file, got "),
        (vec!["--unix-socket", &long], "--unix-socket: must be a path of at most 107 bytes, has "),
        (vec!["--unix-socket", ""], "--unix-socket: must be a path, got \"\""),
        (
            vec!["--unix-socket", &file, "--source-address", "127.0.0.1"],
            "--source-address: is for TCP and cannot be used with --unix-socket",
        ),
        (vec!["unix:/run/x.sock"], "URL: a unix socket is --unix-socket PATH"),
        (vec!["serve", "--unix-socket", &missing, "--port", "80"], "--port: cannot be used with --unix-socket, got 80"),
    ] {
        let ended = run(&args);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(message), "{args:?}: {}", ended.stderr);
        assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.stderr);
    }
    // Left over from a server that died: nobody listens.
    let stale = folder.path("stale").display().to_string();
    drop(UnixListener::bind(&stale).expect("a socket"));
    let ended = run(&["-n1", "-c1", "-T300ms", "--unix-socket", &stale]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stdout.contains("no connection was established (") && ended.stdout.contains("refused"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_server_takes_over_a_socket_left_behind_and_nothing_else() {
    let folder = Folder::new();
    let path = folder.path("server.sock");
    drop(UnixListener::bind(&path).expect("a socket"));
    let (mut process, path) = serve(&folder, "auto");
    let other = |path: &str| {
        let ended = run(&["serve", "--unix-socket", path]);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{}", ended.stderr);
        ended.stderr
    };
    // It may still be on its way to listening.
    until("the server", || (run(&["-n1", "-c1", "--unix-socket", &path]).code == 0).then_some(()));
    assert!(other(&path).contains("another process listens there: choose another path"), "in use");
    let file = folder.write("file", "x").display().to_string();
    assert!(other(&file).contains("it is no socket; choose another path"), "a file");
    assert_eq!(folder.read("file"), "x");
    process.signal(Signal::SIGTERM);
    assert_eq!(process.wait("the server's end").code(), Some(0));
}
