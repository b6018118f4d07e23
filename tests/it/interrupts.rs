//! Runs that are cut short, by a signal or by the death of the server: what was measured is reported, and both sides agree.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::answers::{HELLO, always, silent};
use crate::support::process::{Folder, Process, long_enough, until};
use crate::support::saturing::{Running, Serve, address_in_first_line};
use crate::support::scripted::{Server, listen, serve};
use nix::sys::signal::Signal;
use saturing::result::{InterruptedIn, Outcome};

/// Waits until the run is well under way.
fn under_way(server: &Server) {
    until("the first thousand requests", || (server.counts().requests >= 1000).then_some(()));
}

#[test]
fn a_signal_ends_the_run_and_the_counts_agree() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        for options in ["-d 500s", "-n 1G", "-d 500s -p 16", "-d 500s --no-keepalive"] {
            let server = serve(always(HELLO));
            let running = Running::load(server.address, &format!("-c 8 --drain 200s {options}"));
            under_way(&server);
            running.signal(signal);
            let ended = running.wait();
            let (result, counts) = (ended.result(), server.stop());
            let requests = result.requests;
            assert_eq!((ended.code, result.interrupted), (code, true), "{options}");
            assert_eq!((requests.failed, requests.discarded), (0, 0), "{options}: {:?}", result.errors);
            let met = result.interruption.expect("interrupted");
            assert_eq!((met.phase, met.part, met.of), (InterruptedIn::Window, 1, 1), "{options}");
            assert!(result.warnings[0].starts_with("a signal ended the run after"), "{:?}", result.warnings);
            assert!(!ended.stdout.contains("  Outage"), "{options}: {}", ended.stdout);
            assert_eq!(requests.sent, counts.requests, "{options}");
            assert_eq!(requests.completed + requests.in_flight_at_end, counts.answers, "{options}");
            assert!(ended.took < Duration::from_secs(100), "{options}: it ends at once");
        }
    }
}

#[test]
fn a_signal_before_the_first_answer_is_an_interruption_too() {
    let server = serve(silent());
    let running = Running::load(server.address, "-c 4 -d 50s");
    until("requests", || (server.counts().requests == 4).then_some(()));
    running.signal(Signal::SIGINT);
    let ended = running.wait();
    let result = ended.result();
    assert_eq!((ended.code, result.interrupted), (130, true));
    assert_eq!((result.requests.sent, result.requests.in_flight_at_end), (4, 4));
    assert_eq!(server.stop().requests, 4);
}

#[test]
fn a_signal_while_nobody_answers_ends_the_run() {
    long_enough("each connection was tried", Duration::from_millis(200), |span| {
        let address = listen().local_addr().expect("bound");
        let running = Running::load(address, "-c 4 -d 500s");
        thread::sleep(span);
        running.signal(Signal::SIGTERM);
        let ended = running.wait();
        let result = ended.result();
        assert_eq!((ended.code, result.interrupted, result.requests.sent), (143, true, 0));
        (result.connections.failed.refused >= 4).then_some(())
    });
}

#[test]
fn a_second_signal_ends_it_without_a_report() {
    let server = serve(silent());
    let running = Running::load(server.address, "-c 4 -d 500s --drain 200s");
    until("requests", || (server.counts().requests == 4).then_some(()));
    running.signal(Signal::SIGINT);
    // It waits for what is in flight now. Even if it did not yet, the second signal would be the second.
    thread::sleep(Duration::from_millis(50));
    running.signal(Signal::SIGTERM);
    let ended = running.wait();
    assert_eq!((ended.code, ended.stdout.as_str()), (143, ""));
    assert!(ended.took < Duration::from_secs(100));
}

#[test]
fn a_server_that_is_reset_in_mid_run_and_comes_back_is_used_again() {
    long_enough("nobody listens when it tries again", Duration::from_millis(100), reset_and_back);
}

/// `None`: the client noticed nothing of the time in between.
fn reset_and_back(away: Duration) -> Option<()> {
    // In this process, so that its counts are exact: at 1000 requests all connections are reset and nobody listens.
    let listener = listen();
    let address = listener.local_addr().expect("bound");
    let first = Server::start(listener, Duration::ZERO, |peer| {
        while peer.request()? {
            if peer.requests_so_far() >= 1000 {
                return peer.will_reset();
            }
            peer.answer(HELLO)?;
        }
        Ok(())
    });
    let running = Running::load(address, "-c 8 -n 3000");
    until("the end of the first server", || (first.counts().requests >= 1000).then_some(()));
    let first = first.stop();
    thread::sleep(away);
    let again = std::net::TcpListener::bind(address).expect("still free");
    let second = Server::start(again, Duration::ZERO, always(HELLO));
    let ended = running.wait();
    let (result, second) = (ended.result(), second.stop());
    let requests = result.requests;
    assert_eq!(ended.code, 0);
    // What met the end of the first server was read by it, or waited to be accepted.
    let met = requests.failed + requests.discarded;
    let read = requests.sent - met..=requests.sent;
    assert!(read.contains(&(first.requests + second.requests)), "{requests:?} {first:?} {second:?}");
    assert!(met >= 8, "{requests:?}");
    assert_eq!(requests.completed, first.answers + second.answers, "{requests:?}");
    assert_eq!(requests.completed + requests.failed, 3000);
    assert!(second.requests > 1500, "{second:?}");
    (result.connections.failed.refused > 0).then_some(())
}

/// A server in a process of its own that adds a byte to a file for each request it has read, and to another for each answer
/// it has written: what it did is known however it dies.
const COUNTING_SERVER: &str = r#"
import os, socket, sys, threading
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64)
requests, answers = (os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for path in sys.argv[2:4])
print(listener.getsockname()[1], flush=True)
def serve(peer):
    read = b""
    while True:
        more = peer.recv(65536)
        if not more:
            return
        read += more
        while b"\r\n\r\n" in read:
            read = read.split(b"\r\n\r\n", 1)[1]
            os.write(requests, b".")
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            os.write(answers, b".")
while True:
    peer, _ = listener.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=serve, args=(peer,), daemon=True).start()
"#;

fn counting_server(folder: &Folder, port: u16) -> (Process, SocketAddr) {
    let mut command = Command::new("python3");
    command.args(["-c", COUNTING_SERVER, &port.to_string()]).args([folder.path("requests"), folder.path("answers")]);
    let mut process = Process::start(command.stdout(Stdio::piped()).stderr(Stdio::null()), "python3");
    let address = address_in_first_line(&mut process);
    (process, address)
}

#[test]
fn a_server_that_is_killed_and_restarted_is_used_again() {
    long_enough("nobody listens when it tries again", Duration::from_millis(100), killed_and_back);
}

/// `None`: the client noticed nothing of the time in between.
fn killed_and_back(away: Duration) -> Option<()> {
    let folder = Folder::new();
    let count = |name: &str| folder.read(name).len() as u64;
    let (mut server, address) = counting_server(&folder, 0);
    let running = Running::load(address, "-c 4 -n 3000");
    until("requests", || (count("requests") > 500).then_some(()));
    server.kill();
    let before = count("requests");
    thread::sleep(away);
    let (mut server, _) = counting_server(&folder, address.port());
    let ended = running.wait();
    let result = ended.result();
    server.kill();
    let (requests, connections) = (result.requests, result.connections);
    assert_eq!((ended.code, result.interrupted), (0, false));
    assert!(count("requests") > before, "load came back");
    assert!(connections.reconnects >= 4, "{connections:?}");
    // Between reading and counting, or writing and counting, each of four threads can have died. And what met the end of the
    // server, on a connection or waiting to be accepted, may never have been read.
    let met = requests.failed + requests.discarded;
    let read = requests.sent - met - 4..=requests.sent;
    assert!(read.contains(&count("requests")), "{requests:?}, the server read {}", count("requests"));
    let answered = requests.completed + requests.in_flight_at_end;
    assert!(answered.abs_diff(count("answers")) <= 4, "{requests:?}, the server wrote {}", count("answers"));
    // None at all where the client saw the last answers and the ends of their connections at once.
    assert!(met <= 8, "{requests:?}");
    (connections.failed.refused > 0).then_some(())
}

/// The server answers a few requests, then resets all connections, and nobody listens any more.
#[test]
fn a_server_that_dies_in_mid_run_breaches_the_slo_and_is_told_first() {
    let server = serve(|peer| {
        while peer.request()? {
            if peer.requests_so_far() >= 50 {
                return peer.will_reset();
            }
            peer.answer(HELLO)?;
        }
        Ok(())
    });
    let running = Running::load(server.address, "-d 2s -c 8 --slo errors<0.1%,p99<60s");
    until("the end of the server", || (server.counts().requests >= 50).then_some(()));
    server.stop();
    let ended = running.wait();
    let result = ended.result();
    assert_eq!((ended.code, result.outcome, result.interrupted), (3, Outcome::Incomplete, false), "{:?}", result.slo);
    let down_ns = result.connections.down_ns;
    assert!(down_ns > 200_000_000, "{:?}", result.connections);
    assert_eq!(result.intervals.iter().map(|interval| interval.down_ns).sum::<u64>(), down_ns);
    let last_s = result.last_answer_s.expect("answers");
    assert!(last_s + down_ns as f64 / 1e9 <= result.elapsed_s, "{last_s} {down_ns}");
    assert!(result.at_end.is_some_and(|end| end.away && end.losses > 8), "{:?}", result.at_end);
    assert!(result.warnings[0].contains("the target was away from"), "{:?}", result.warnings);
}

#[test]
fn the_built_in_server_killed_ends_a_counted_run_with_what_it_has() {
    long_enough("answers before the end", Duration::from_millis(200), |span| {
        let server = Serve::start(&[]);
        let running = Running::load(server.address, "-c 4 -n 1G");
        thread::sleep(span);
        // Dropping kills it, and waits until it is gone.
        drop(server);
        thread::sleep(span / 2);
        running.signal(Signal::SIGINT);
        let ended = running.wait();
        let result = ended.result();
        assert_eq!((ended.code, result.interrupted), (130, true));
        // A connection that ends first may be opened again while the dying server still listens, and then meet its end once more.
        assert!(result.requests.failed + result.requests.discarded <= 8, "{:?}", result.requests);
        // It has had the time to see the end.
        (result.requests.completed > 0 && result.requests.in_flight_at_end == 0).then_some(())
    });
}
