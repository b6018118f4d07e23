//! Servers that answer every request in whole, in each way HTTP allows: every answer counts, and nothing is a failure.

use std::io;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use crate::support::answers::{HELLO, always, once};
use crate::support::process::long_enough;
use crate::support::saturing::{Running, load, measure};
use crate::support::scripted::{Counts, Peer, Server, agree, listen, serve};
use saturing::result::{Anomalies, RunResult};

/// A run by count in which nothing goes wrong.
fn flawless(
    name: &str,
    requests: u64,
    options: &str,
    script: impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static,
) -> (RunResult, Counts) {
    let server = serve(script);
    let result = load(server.address, &format!("-n {requests} {options}"));
    let counts = server.stop();
    agree(&result, counts);
    assert_eq!(result.requests.completed, requests, "{name}: a count is exact");
    assert_eq!(result.requests.failed, 0, "{name}: {:?} {:?}", result.errors, result.protocol_errors);
    assert_eq!(result.anomalies, Anomalies::default(), "{name}");
    assert_eq!(result.connections.failed.total(), 0, "{name}");
    (result, counts)
}

/// An answer, its status, the bytes of its body, and the options it needs.
type Framed = (&'static str, Vec<u8>, u16, u64, &'static str);

fn framed() -> Vec<Framed> {
    let text = |text: &str| text.replace('\n', "\r\n").into_bytes();
    let chunks = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5;a=b;c=\"d\"\nHello\n8 \n, World!\n0\nTrailer: x\n\n";
    let long_head = format!("HTTP/1.1 200 OK\nX: {}\nContent-Length: 2\n\nok", "x".repeat(60_000));
    let many_headers = format!("HTTP/1.1 200 OK\n{}Content-Length: 2\n\nok", "X: y\n".repeat(255));
    let long_body = format!("HTTP/1.1 200 OK\nContent-Length: 1048576\n\n{}", "x".repeat(1 << 20));
    vec![
        ("a length", HELLO.to_vec(), 200, 13, ""),
        ("an empty body", text("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), 200, 0, ""),
        ("chunks, extensions, a trailer", text(chunks), 200, 13, ""),
        ("no content", text("HTTP/1.1 204 No Content\n\n"), 204, 0, ""),
        ("not modified", text("HTTP/1.1 304 Not Modified\nContent-Length: 999\n\n"), 304, 0, ""),
        ("the answer to HEAD", text("HTTP/1.1 200 OK\nContent-Length: 999\n\n"), 200, 0, "-m HEAD"),
        (
            "interim answers first",
            text(
                "HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: x\n\nHTTP/1.1 200 OK\nContent-Length: 2\n\nok",
            ),
            200,
            2,
            "",
        ),
        ("HTTP/1.0, kept alive", text("HTTP/1.0 200 OK\nConnection: keep-alive\nContent-Length: 2\n\nok"), 200, 2, ""),
        ("an error status", text("HTTP/1.1 503 Busy\nContent-Length: 2\n\nno"), 503, 2, ""),
        ("bare line feeds", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok".to_vec(), 200, 2, ""),
        ("an empty line first", text("\nHTTP/1.1 200 OK\nContent-Length: 2\n\nok"), 200, 2, ""),
        ("a head near the limit", text(&long_head), 200, 2, ""),
        ("as many headers as are taken", text(&many_headers), 200, 2, ""),
        ("a mebibyte", long_body.replacen('\n', "\r\n", 3).into_bytes(), 200, 1 << 20, ""),
    ]
}

#[test]
fn every_framing_of_an_answer_counts_once() {
    for (name, answer, status, body, options) in framed() {
        for pipeline in [1, 7] {
            let options = format!("-c 5 -p {pipeline} {options}");
            let (result, counts) = flawless(name, 211, &options, always(answer.clone()));
            assert_eq!(result.status[&status], 211, "{name}");
            assert_eq!(result.bytes.body, 211 * body, "{name}");
            assert_eq!(result.bytes.received, 211 * answer.len() as u64, "{name}");
            assert_eq!(result.requests.discarded, 0, "{name}");
            assert_eq!((result.connections.reconnects, counts.connections), (0, 5), "{name}");
            let c = result.connections;
            assert_eq!((c.requested, c.established, c.answered), (5, 5, 5), "{name}");
        }
    }
}

#[test]
fn a_close_that_was_announced_discards_what_was_pipelined_behind_it() {
    let table = [
        ("a length", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"),
        ("until the end", "HTTP/1.1 200 OK\r\n\r\nok"),
        ("HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        ("HTTP/1.0 until the end", "HTTP/1.0 200 OK\r\n\r\nok"),
        ("no content", "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
    ];
    for (name, answer) in table {
        let (result, counts) = flawless(name, 101, "-c 4 -p 1", once(answer));
        assert_eq!(result.requests.discarded, 0, "{name}");
        one_each(&counts, 101);
        assert!(result.connections.reconnects >= 97, "{name}: {:?}", result.connections);

        let (result, counts) = flawless(name, 101, "-c 4 -p 8", once(answer));
        assert!(result.requests.discarded > 0, "{name}: {:?}", result.requests);
        one_each(&counts, 101);
    }
}

/// As many connections as it takes; the last few to be opened again may find that nothing is left to send.
fn one_each(counts: &Counts, needed: u64) {
    assert!((needed..needed + 4).contains(&counts.connections), "{needed} needed, {counts:?}");
}

#[test]
fn connections_end_when_asked_to() {
    let polite = |limit: u64| {
        move |peer: &mut Peer| {
            for _ in 0..limit {
                if !peer.request()? {
                    return Ok(());
                }
                peer.answer(HELLO)?;
            }
            assert!(peer.asked_to_close, "by the last request");
            peer.close()
        }
    };
    for (options, limit) in
        [("--no-keepalive", 1), ("--requests-per-connection 5", 5), ("--requests-per-connection 5 -p 3", 5)]
    {
        let (result, counts) = flawless(options, 100, &format!("-c 4 {options}"), polite(limit));
        assert_eq!(result.requests.discarded, 0, "{options}");
        assert_eq!(result.connections.established, 4, "{options}");
        one_each(&counts, 100 / limit);
    }
}

#[test]
fn an_answer_may_come_in_any_pieces() {
    // Byte by byte; the pause keeps the kernel from putting them together.
    flawless("byte by byte", 12, "-c 3 -p 2", |peer| {
        while peer.request()? {
            for byte in &HELLO[..HELLO.len() - 1] {
                peer.write(&[*byte])?;
                thread::sleep(Duration::from_micros(200));
            }
            peer.answer(&HELLO[HELLO.len() - 1..])?;
        }
        Ok(())
    });
    // A client that is kept from its CPU sees all of an answer at once: then it must take longer.
    long_enough("the first byte came long before the last", Duration::from_micros(300), |pause| {
        let (result, _) = flawless("a body in many reads", 6, "-c 2", move |peer| {
            while peer.request()? {
                peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")?;
                for _ in 0..99 {
                    peer.write(&[b'x'; 10_000])?;
                    thread::sleep(pause);
                }
                peer.answer(&[b'x'; 10_000])?;
            }
            Ok(())
        });
        let first = result.first_byte_ns.expect("first bytes").mean;
        (first + 20e6 < result.latency_ns.expect("latencies").mean).then_some(())
    });
}

#[test]
fn statuses_are_counted_one_by_one() {
    let (result, _) = flawless("mixed", 400, "-c 1", |peer| {
        while peer.request()? {
            let status = [200, 201, 404, 999][(peer.requests_so_far() % 4) as usize];
            peer.answer(format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n").as_bytes())?;
        }
        Ok(())
    });
    assert_eq!(result.status.into_iter().collect::<Vec<_>>(), [(200, 100), (201, 100), (404, 100), (999, 100)]);
}

#[test]
fn bodies_of_requests_arrive_whole() {
    let folder = crate::support::process::Folder::new();
    let file = folder.write("body", "x".repeat(300_000));
    let body = format!("-c 3 -p 2 -b @{}", file.display());
    let (result, _) = flawless("a large body", 50, &body, always(HELLO));
    assert!(result.bytes.sent > 50 * 300_000);
    assert_eq!(result.target.method, "POST");
}

#[test]
fn a_slow_accept_only_takes_time() {
    let server = Server::start(listen(), Duration::from_millis(50), always(HELLO));
    let result = load(server.address, "-c 8 -n 800 -p 2");
    agree(&result, server.stop());
    assert_eq!((result.requests.completed, result.requests.failed), (800, 0));
}

#[test]
fn a_server_that_comes_up_late_is_waited_for() {
    long_enough("it comes after the first attempts", Duration::from_millis(200), |late| {
        let address = listen().local_addr().expect("bound");
        let running = Running::load(address, "-c 4 -n 100 -T 100s");
        thread::sleep(late);
        let server = Server::start(TcpListener::bind(address).expect("still free"), Duration::ZERO, always(HELLO));
        let ended = running.wait();
        let result = ended.result();
        agree(&result, server.stop());
        assert_eq!((ended.code, result.requests.completed, result.requests.failed), (0, 100, 0));
        (result.connections.failed.refused >= 4).then_some(())
    });
}

#[test]
fn workers_share_connections_and_requests() {
    let (result, counts) = flawless("two workers", 1001, "-t 2 -c 5 -p 3", always(HELLO));
    assert_eq!(counts.connections, 5);
    assert_eq!(result.workers.iter().map(|one| one.connections).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(result.workers.iter().map(|one| one.requests.completed).collect::<Vec<_>>(), [501, 500]);

    let (result, counts) = flawless("fewer connections than workers", 50, "-t 4 -c 1", always(HELLO));
    assert_eq!((result.plan.threads, counts.connections), (1, 1));
    assert!(!result.notes.is_empty(), "it says so");
}

#[test]
fn what_is_in_flight_when_time_is_up_is_taken_off_the_wire() {
    // The drain ends as soon as nothing is in flight: its length only matters on a machine that hangs.
    for (options, pause) in [("-c 8", 0), ("-c 8 -p 16", 0), ("-c 8 -p 2", 30), ("-c 8 --no-keepalive", 0)] {
        let server = serve(move |peer| {
            while peer.request()? {
                thread::sleep(Duration::from_millis(pause));
                peer.answer(HELLO)?;
            }
            Ok(())
        });
        let result = measure(server.address, &format!("{options} -d 400ms --drain 20s"));
        let counts = server.stop();
        let requests = result.requests;
        assert_eq!((requests.failed, requests.discarded), (0, 0), "{options}: {:?}", result.errors);
        assert_eq!(requests.sent, counts.requests, "{options}");
        assert_eq!(requests.completed + requests.in_flight_at_end, counts.answers, "{options}");
        assert!((0.4..0.41).contains(&result.elapsed_s), "{options}: {}", result.elapsed_s);
    }
}
