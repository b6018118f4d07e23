//! Servers that misbehave: every request has one outcome, the right one, and both sides' counts agree.

use std::io;
use std::thread;
use std::time::Duration;

use crate::support::answers::{HELLO, always, broken, once, silent};
use crate::support::process::long_enough;
use crate::support::saturing::{Ended, Running, load};
use crate::support::scripted::{Counts, Peer, agree, serve};
use saturing::result::{Anomalies, Errors, Outcome, RunResult};

/// A run by count, and what the server counted.
fn run_by_count(
    requests: u64,
    options: &str,
    script: impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static,
) -> (Ended, RunResult, Counts) {
    let server = serve(script);
    let ended = Running::load(server.address, &format!("-n {requests} {options}")).wait();
    let result = ended.result();
    (ended, result, server.stop())
}

/// A run in which every request fails, and the errors it must count.
fn fails(
    name: &str,
    requests: u64,
    options: &str,
    expected: Errors,
    script: impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static,
) -> (RunResult, Counts) {
    let (ended, result, counts) = run_by_count(requests, options, script);
    assert_eq!(result.errors, expected, "{name}: {:?}", result.protocol_errors);
    assert_eq!((result.requests.completed, result.requests.discarded), (0, 0), "{name}");
    assert_eq!(result.requests.sent, requests, "{name}: a count is exact");
    assert_eq!(result.anomalies, Anomalies::default(), "{name}");
    assert_eq!(result.connections.answered, 0, "{name}");
    assert_eq!(ended.code, 1, "{name}: not one response came");
    assert!(ended.stderr.contains("not one response"), "{name}: {}", ended.stderr);
    (result, counts)
}

#[test]
fn bytes_that_are_no_answer_are_protocol_errors_with_their_reason() {
    let many = format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(257));
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(70_000));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let table = [
        ("tls_alert", "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{46}".to_owned()),
        ("tls_record", "\u{16}\u{3}\u{1}\0\u{2}ab".to_owned()),
        ("http2", "\0\0\u{6}\u{4}\0\0\0\0\0\0\u{3}\0\0\0\u{64}".to_owned()),
        ("not_http", "ICY 200 OK\r\n\r\n".to_owned()),
        ("unsupported_version", "HTTP/2.0 200 OK\r\n\r\n".to_owned()),
        ("malformed_head", "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n".to_owned()),
        ("head_too_large", long),
        ("too_many_headers", many + "\r\n"),
        ("invalid_length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_owned()),
        ("conflicting_length", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok".to_owned()),
        (
            "unexpected_upgrade",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_owned(),
        ),
        ("invalid_chunk", format!("{chunked}xyz\r\n")),
        ("chunk_line_too_long", format!("{chunked}5;{}", "x".repeat(5_000))),
        ("invalid_trailer", format!("{chunked}0\r\nno colon\r\n\r\n")),
        ("trailers_too_large", format!("{chunked}0\r\nX: {}", "x".repeat(70_000))),
    ];
    for (reason, bytes) in table {
        let expected = Errors { protocol: 12, ..Errors::default() };
        let (result, counts) = fails(reason, 12, "-c 6", expected, broken(bytes));
        assert_eq!(result.protocol_errors.into_iter().collect::<Vec<_>>(), [(reason.to_owned(), 12)]);
        assert_eq!((counts.requests, counts.connections), (12, 12), "{reason}: a connection is never used again");
    }
}

#[test]
fn an_answer_cut_short_is_an_end_in_mid_response() {
    let table = [
        ("nothing at all", ""),
        ("a part of a head", "HTTP/1.1 200 OK\r\nContent-Le"),
        ("a part of a body", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello"),
        ("a part of a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nHello"),
        ("no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"),
        ("an interim answer alone", "HTTP/1.1 100 Continue\r\n\r\n"),
    ];
    for (name, bytes) in table {
        let expected = Errors { eof_mid_response: 8, ..Errors::default() };
        let (_, counts) = fails(name, 8, "-c 4", expected, broken(bytes));
        assert_eq!(counts.requests, 8, "{name}");
    }
}

#[test]
fn a_reset_before_the_answer_is_whole_is_a_reset() {
    for bytes in ["", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello", "HTTP/1.1 200 OK\r\n\r\nno length"] {
        let expected = Errors { reset: 8, ..Errors::default() };
        let (_, counts) = fails(bytes, 8, "-c 4", expected, move |peer| {
            if peer.request()? {
                peer.write(bytes.as_bytes())?;
                peer.will_reset()?;
            }
            Ok(())
        });
        assert_eq!(counts.requests, 8, "{bytes:?}");
    }
}

#[test]
fn an_end_takes_all_that_is_in_flight_with_it() {
    // Each connection breaks its answer when it has read four requests.
    let expected = Errors { eof_mid_response: 32, ..Errors::default() };
    let (_, counts) = fails("pipelined", 32, "-c 4 -p 4", expected, |peer| {
        for _ in 0..4 {
            if !peer.request()? {
                return Ok(());
            }
        }
        peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello")?;
        peer.close()
    });
    assert_eq!((counts.requests, counts.connections), (32, 8));
}

#[test]
fn a_request_without_an_answer_times_out_once() {
    for (options, requests) in [("-c 8", 16), ("-c 4 -p 3", 24)] {
        let (result, counts) = times_out(options, requests, options, silent);
        let connections = result.plan.connections;
        assert_eq!(counts.connections, 2 * connections, "{options}: each is replaced, once");
        assert!(result.elapsed_s >= 2e-3 * result.plan.timeout_ms, "{options}: {}", result.elapsed_s);
    }
    // A stall in the middle, and an answer that comes too late.
    times_out("in a body", 8, "-c 8", || {
        |peer: &mut Peer| {
            if peer.request()? {
                peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello")?;
                peer.await_end()?;
            }
            Ok(())
        }
    });
    times_out("too late", 8, "-c 4", || {
        |peer: &mut Peer| {
            if peer.request()? {
                peer.await_end()?;
                peer.answer(HELLO)?;
            }
            Ok(())
        }
    });
}

/// A run in which every request times out: with a timeout in which the server comes to read them, and each connection is opened in time.
fn times_out<S: Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static>(
    name: &str,
    requests: u64,
    options: &str,
    script: impl Fn() -> S,
) -> (RunResult, Counts) {
    long_enough("all requests are read in time", Duration::from_millis(200), |timeout| {
        let with = format!("{options} -T {}ms", timeout.as_millis());
        let (ended, result, counts) = run_by_count(requests, &with, script());
        let timeouts = result.errors.timeout;
        assert_eq!(result.errors, Errors { timeout: timeouts, ..Errors::default() }, "{name}");
        assert_eq!((ended.code, result.requests.completed), (1, 0), "{name}: {ended:?}");
        assert!(timeouts <= requests && counts.requests <= requests, "{name}: {counts:?}");
        assert!(counts.connections <= requests, "{name}: {counts:?}");
        (timeouts == requests && counts.requests == requests && result.connections.failed.total() == 0)
            .then_some((result, counts))
    })
}

#[test]
fn a_timeout_counts_when_it_expires_and_not_at_the_end() {
    // Time in which the client got no CPU is no patience of its: where it gets little, it takes a longer window.
    const TIMEOUT_MS: u128 = 150;
    long_enough("timeouts before the end", Duration::from_millis(400), |window| {
        let server = serve(silent());
        let window = window.as_millis();
        let ended = Running::load(server.address, &format!("-c 4 -T {TIMEOUT_MS}ms -d {window}ms --drain 0")).wait();
        let (result, counts) = (ended.result(), server.stop());
        // Four after one timeout, four after two and so on, if the machine lets them be sent; what was sent last has not expired.
        let (requests, timeouts) = (result.requests, result.errors.timeout);
        assert!(u128::from(timeouts) <= 4 * (window / TIMEOUT_MS) && requests.in_flight_at_end <= 4, "{requests:?}");
        assert_eq!(requests.sent, timeouts + requests.in_flight_at_end);
        assert!(counts.requests <= requests.sent, "{counts:?} {requests:?}");
        (timeouts >= 4 && counts.requests == requests.sent).then_some(())
    });
}

#[test]
fn a_stall_does_not_hold_up_the_other_connections() {
    // Whatever the timeout: if all had to wait for one, they would all wait that long.
    long_enough("all others are answered in time", Duration::from_millis(500), |timeout| {
        let (ended, result, counts) = run_by_count(500, &format!("-c 4 -T {}ms", timeout.as_millis()), |peer| {
            while peer.request()? {
                if peer.requests_so_far() == 10 {
                    return peer.await_end();
                }
                peer.answer(HELLO)?;
            }
            Ok(())
        });
        assert_eq!((ended.code, result.requests.sent), (0, 500));
        if result.errors != (Errors { timeout: 1, ..Errors::default() }) {
            return None;
        }
        assert_eq!(result.requests.completed, 499);
        assert_eq!((counts.requests, counts.answers), (500, 499));
        Some(())
    });
}

/// What ends a connection after a whole answer, without having announced it.
type After = fn(&mut Peer) -> io::Result<()>;

#[test]
fn an_end_after_a_whole_answer_is_no_failure() {
    let table: [(&str, After); 3] = [
        ("a reset", |peer| peer.will_reset()),
        ("a half-close", |peer| peer.close()),
        ("an unannounced close", |_| Ok(())),
    ];
    for (name, after) in table {
        for options in ["-c 4", "-c 4 -p 4"] {
            // A close with unread requests is a reset for the kernel, and takes with it what has not gone out.
            let resets = name != "a half-close";
            let script = move |peer: &mut Peer| {
                if peer.request()? {
                    // A reset cannot go out with the answer: it would take that with it.
                    if !resets {
                        peer.will_end()?;
                    }
                    peer.answer(HELLO)?;
                    after(peer)?;
                }
                Ok(())
            };
            // A server that is kept from its CPU between answer and reset ends the next request's connection.
            let (ended, result, counts) = long_enough("each end follows its answer", Duration::from_millis(1), |_| {
                let ran = run_by_count(60, options, script);
                (!resets || ran.1.requests.failed == 0).then_some(ran)
            });
            agree(&result, counts);
            let name = format!("{name}, {options}");
            assert_eq!(
                (ended.code, result.requests.completed, result.requests.failed),
                (0, 60, 0),
                "{name}: {result:?}"
            );
            let Anomalies { excess_bytes, reset_after_response, close_unannounced } = result.anomalies;
            // The last answers of a run end it, so that nobody sees what comes behind them.
            let seen = reset_after_response + close_unannounced;
            assert!((40..=60).contains(&seen), "{name}: {:?}", result.anomalies);
            assert_eq!(excess_bytes, 0, "{name}");
            if name.starts_with("a reset") {
                assert!(reset_after_response > 0, "{name}: {:?}", result.anomalies);
            }
        }
    }
}

/// Servers as people write them in a minute: they answer whoever connects and never read.
#[test]
fn a_server_that_never_reads_is_measured_all_the_same() {
    let table = [
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nPong!",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nPong!",
        // The length is wrong by the line end.
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nPong!\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nPong!\r\n",
    ];
    for answer in table {
        let (ended, result, counts) = run_by_count(100, "-c 4", move |peer| peer.answer(answer.as_bytes()));
        assert_eq!((ended.code, result.requests.completed), (0, 100), "{answer:?}: {result:?}");
        assert_eq!(result.requests.failed, 0, "{answer:?}: {:?}", result.errors);
        assert!(counts.answers >= 100, "{answer:?}: {counts:?}");
        // The last connections to be opened may find that nothing is left to send: then their answers are excess.
        assert!(result.anomalies.excess_bytes <= 4, "{answer:?}: {:?}", result.anomalies);
    }
}

#[test]
fn a_line_end_behind_an_answer_costs_no_connection() {
    for options in ["-c 4", "-c 4 -p 4"] {
        let (ended, result, counts) = run_by_count(100, options, |peer| {
            while peer.request()? {
                // With the answer, or by itself.
                match peer.requests_so_far() % 2 {
                    0 => peer.answer(&[HELLO, b"\r\n"].concat())?,
                    _ => {
                        peer.answer(HELLO)?;
                        peer.write(b"\r\n")?;
                    }
                }
            }
            Ok(())
        });
        agree(&result, counts);
        assert_eq!((ended.code, result.requests.completed, counts.connections), (0, 100, 4), "{options}");
        assert_eq!((result.connections.reconnects, result.anomalies), (0, Anomalies::default()), "{options}");
    }
}

#[test]
fn asked_to_close_is_done_with_a_server_that_does_not_close() {
    // One request to a connection, none behind it, though the pipeline has room and the server reads on.
    let (ended, result, counts) = run_by_count(8, "-c 2 -p 4 -H Connection:TE,Close", |peer| {
        while peer.request()? {
            peer.answer(HELLO)?;
        }
        Ok(())
    });
    agree(&result, counts);
    assert_eq!((ended.code, result.requests.completed, result.requests.discarded), (0, 8, 0));
    assert_eq!((counts.requests, result.plan.requests_per_connection), (8, Some(1)));
    assert_eq!(counts.connections, 8);
    assert!(result.notes.iter().any(|note| note.contains("Connection: close")), "{:?}", result.notes);
}

#[test]
fn servers_of_other_protocols_are_named_in_the_first_warnings() {
    // As nginx answers HTTP on a port for TLS.
    let refusal = "<center>The plain HTTP request was sent to HTTPS port</center>";
    let head = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 62\r\n\r\n";
    let (_, result, _) = run_by_count(8, "-c 2", once(format!("{head}{refusal}")));
    let named = |result: &RunResult, words: &str| result.warnings.iter().take(2).any(|told| told.contains(words));
    assert!(result.target.wants_tls && named(&result, "the server speaks TLS"), "{:?}", result.warnings);

    // A server of HTTP/2 alone speaks first, and gives a client of HTTP/1 up.
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";
    let expected = Errors { protocol: 8, ..Errors::default() };
    let (result, _) = fails("h2c", 8, "-c 2", expected, |peer| {
        peer.write(settings)?;
        peer.request()?;
        peer.close()
    });
    assert_eq!(result.protocol_errors.into_iter().collect::<Vec<_>>(), [("http2".to_owned(), 8)]);
    assert!(result.warnings.iter().take(2).any(|told| told.contains("HTTP/2 only")), "{:?}", result.warnings);
}

#[test]
fn bytes_behind_an_answer_are_an_anomaly_and_end_the_connection() {
    let mut table = vec![("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello, World!".as_bytes().to_vec(), "-c 4")];
    table.push((table[0].0.clone(), "-c 4 -p 4"));
    table.push(([HELLO, HELLO].concat(), "-c 4"));
    table.push((b"HTTP/1.1 204 No Content\r\n\r\nbody?".to_vec(), "-c 4"));
    for (answer, options) in table {
        let (ended, result, counts) = run_by_count(60, options, always(answer.clone()));
        let name = String::from_utf8_lossy(&answer).into_owned() + options;
        assert_eq!((ended.code, result.requests.completed, result.requests.failed), (0, 60, 0), "{name}");
        assert!((40..=60).contains(&result.anomalies.excess_bytes), "{name}: {:?}", result.anomalies);
        let c = result.connections;
        assert!(c.established + c.reconnects >= 60, "{name}: {c:?}");
        // The server reads on behind its fault, so it may have read what was discarded.
        let read = result.requests.sent - result.requests.discarded..=result.requests.sent;
        assert!(read.contains(&counts.requests), "{name}: {counts:?} {:?}", result.requests);
    }
}

#[test]
fn what_comes_long_after_an_answer_is_the_next_requests_failure() {
    let table = [
        ("", Errors { eof_mid_response: 4, ..Errors::default() }),
        ("garbage\r\n\r\n", Errors { protocol: 4, ..Errors::default() }),
    ];
    let fails = |bytes: &'static str, errors| {
        let (_, result, counts) = run_by_count(8, "-c 4", move |peer| {
            if peer.request()? {
                peer.answer(HELLO)?;
            }
            // So long that it cannot have been on its way when the request was sent.
            if peer.request()? {
                thread::sleep(Duration::from_millis(1500));
                peer.write(bytes.as_bytes())?;
                peer.close()?;
            }
            Ok(())
        });
        assert_eq!((result.requests.completed, counts.answers), (4, 4), "{bytes:?}");
        assert_eq!((result.requests.sent, counts.requests), (8, 8), "{bytes:?}");
        assert_eq!(result.errors, errors, "{bytes:?}");
        assert_eq!(result.anomalies, Anomalies::default(), "{bytes:?}");
    };
    thread::scope(|scope| table.map(|(bytes, errors)| scope.spawn(move || fails(bytes, errors))).map(drop));
}

#[test]
fn faults_among_good_answers_are_counted_one_by_one() {
    // Of ten requests, one is answered by a reset, one by half an answer.
    let (ended, result, counts) = run_by_count(500, "-c 1", |peer| {
        while peer.request()? {
            match peer.requests_so_far() % 10 {
                3 => {
                    peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHel")?;
                    return peer.will_reset();
                }
                7 => {
                    peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHel")?;
                    return peer.close();
                }
                _ => peer.answer(HELLO)?,
            }
        }
        Ok(())
    });
    assert_eq!(ended.code, 0);
    agree(&result, counts);
    assert_eq!(result.errors, Errors { reset: 50, eof_mid_response: 50, ..Errors::default() });
    assert_eq!((result.requests.completed, result.requests.sent), (400, 500));
    assert_eq!(result.connections.reconnects, 100);
}

#[test]
fn a_good_server_shows_none_of_all_this() {
    let server = serve(always(HELLO));
    let result = load(server.address, "-n 1000 -c 4");
    agree(&result, server.stop());
    assert_eq!((result.errors, result.anomalies), (Errors::default(), Anomalies::default()));
}

#[test]
fn a_stream_that_never_ends_shows_its_first_bytes_and_what_came() {
    let server = serve(|peer| {
        if peer.request()? {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            peer.write(format!("{head}5\r\nhello\r\n").as_bytes())?;
            peer.await_end()?;
        }
        Ok(())
    });
    let ended = Running::load(server.address, "-c 4 -d 1s").wait();
    let result = ended.result();
    assert_eq!((ended.code, result.outcome), (1, Outcome::NoAnswers), "{}", ended.stderr);
    assert_eq!((result.requests.in_flight_at_end, result.requests.begun), (4, 4), "{:?}", result.requests);
    assert_eq!((result.first_byte_ns.map(|first| first.count), result.bytes.body), (Some(4), 20));
    assert!(result.warnings[0].contains("4 answers began, none ended"), "{:?}", result.warnings);
}
