//! The engine against the kernel itself.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use super::*;
use crate::ring::{Acceptor, BlockSizes, Endpoints};

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port")
}

fn engine(listener: &TcpListener, payload: &[u8]) -> Epoll {
    let remotes = vec![listener.local_addr().expect("bound").into()];
    let dialler = Dialler::new(Endpoints { remotes, sources: vec![], resets: false }, 0);
    Epoll::new(2, dialler, Arc::from(payload), BlockSizes::default()).expect("an engine")
}

/// Enters until a completion is the one wanted; what came before it.
fn until(engine: &mut Epoll, wanted: fn(&Completion<'_>) -> bool) -> Vec<String> {
    let mut before = Vec::new();
    for _ in 0..500 {
        while let Some(completion) = engine.next() {
            if wanted(&completion) {
                return before;
            }
            before.push(format!("{completion:?}"));
        }
        engine.enter(1, Wait::lasting(Monotonic.now(), Duration::from_millis(10))).expect("the engine works");
    }
    panic!("waited in vain; there was {before:?}");
}

/// An engine whose slot 0 is connected, and the other end.
fn connected(payload: &[u8]) -> (Epoll, TcpStream) {
    let listener = listener();
    let mut engine = engine(&listener, payload);
    engine.connect(0, 0).expect("a socket");
    until(&mut engine, |one| matches!(one, Completion::Connected { slot: 0 }));
    let (peer, _) = listener.accept().expect("a connection");
    (engine, peer)
}

#[test]
fn what_is_queued_leaves_with_the_enter_and_the_answer_comes_with_one() {
    let (mut engine, mut peer) = connected(b"ping");
    engine.send(0, Tx::Fixed(0..4), false);
    peer.set_nonblocking(true).expect("a flag");
    let mut bytes = [0; 8];
    assert!(peer.read(&mut bytes).is_err(), "nothing leaves before the enter");
    peer.set_nonblocking(false).expect("a flag");
    engine.enter(1, Wait::NONE).expect("works");
    peer.read_exact(&mut bytes[..4]).expect("a request");
    assert_eq!(&bytes[..4], b"ping");
    peer.write_all(b"pong").expect("an answer");
    until(&mut engine, |one| matches!(one, Completion::Received { slot: 0, bytes } if *bytes == b"pong"));
    assert!(engine.next().is_none(), "success is silent");
}

#[test]
fn a_send_that_finds_no_room_goes_on_when_there_is_and_keeps_the_order() {
    let payload: Vec<u8> = (0..8_000_000u32).map(|at| (at / 7) as u8).collect();
    let (mut engine, mut peer) = connected(&payload);
    engine.send(0, Tx::Fixed(0..7_999_000), true);
    engine.send(0, Tx::Fixed(7_999_000..8_000_000), true);
    engine.enter(0, Wait::NONE).expect("works");
    assert!(engine.next().is_none(), "no socket takes so much at once");
    let reader = std::thread::spawn(move || {
        let mut all = vec![0; 8_000_000];
        peer.read_exact(&mut all).expect("everything");
        (all, peer)
    });
    until(&mut engine, |one| matches!(one, Completion::Sent { result: Ok(7_999_000), .. }));
    until(&mut engine, |one| matches!(one, Completion::Sent { result: Ok(1_000), .. }));
    let (all, _peer) = reader.join().expect("no panic");
    assert!(all == payload, "in order and whole");
}

#[test]
fn a_long_answer_comes_whole_and_then_its_end() {
    let (mut engine, mut peer) = connected(b"");
    let writer = std::thread::spawn(move || peer.write_all(&vec![7; 3_000_000]).expect("somebody reads"));
    let mut received = 0;
    let ended = loop {
        engine.enter(1, Wait::lasting(Monotonic.now(), Duration::from_secs(10))).expect("works");
        let mut ended = false;
        while let Some(completion) = engine.next() {
            match completion {
                Completion::Received { bytes, .. } => {
                    assert!(bytes.iter().all(|byte| *byte == 7));
                    received += bytes.len();
                }
                Completion::Ended { error: None, .. } => ended = true,
                other => panic!("{other:?}"),
            }
        }
        if ended {
            break received;
        }
    };
    assert_eq!(ended, 3_000_000);
    writer.join().expect("no panic");
    let counters = engine.counters();
    assert!(counters.rearms > 0, "{counters:?}");
}

#[test]
fn a_reset_ends_the_connection_with_its_reason_behind_what_was_sent_before() {
    let (mut engine, mut peer) = connected(b"ping");
    peer.write_all(b"half").expect("some bytes");
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).expect("an option");
    drop(peer);
    let before = until(
        &mut engine,
        |one| matches!(one, Completion::Ended { error: Some(error), .. } if error.raw_os_error() == Some(libc::ECONNRESET)),
    );
    assert!(before.len() <= 1, "{before:?}");
    // And a send afterwards fails, confirmed or not.
    engine.send(0, Tx::Fixed(0..4), true);
    until(&mut engine, |one| matches!(one, Completion::Sent { result: Err(_), .. }));
    engine.send(0, Tx::Fixed(0..4), false);
    until(&mut engine, |one| matches!(one, Completion::SendFailed { slot: 0, .. }));
}

#[test]
fn nobody_there_is_a_failed_connect() {
    let gone = listener();
    let mut engine = engine(&gone, b"");
    drop(gone);
    engine.connect(1, 0).expect("a socket");
    until(
        &mut engine,
        |one| matches!(one, Completion::ConnectFailed { slot: 1, error } if error.raw_os_error() == Some(libc::ECONNREFUSED)),
    );
    engine.enter(1, Wait::NONE).expect("works");
    assert!(engine.next().is_none(), "nothing follows");
}

#[test]
fn nothing_is_read_before_the_caller_knows_of_the_connection() {
    let listener = listener();
    let mut engine = engine(&listener, b"ping");
    engine.connect(0, 0).expect("a socket");
    engine.enter(0, Wait::NONE).expect("works");
    let (mut peer, _) = listener.accept().expect("a connection");
    peer.write_all(b"early").expect("bytes");
    // Long enough for both to be there.
    std::thread::sleep(Duration::from_millis(20));
    engine.enter(1, Wait::NONE).expect("works");
    assert!(matches!(engine.next(), Some(Completion::Connected { slot: 0 })));
    assert!(engine.next().is_none());
    engine.send(0, Tx::Fixed(0..4), false);
    let before = until(&mut engine, |one| matches!(one, Completion::Received { bytes, .. } if *bytes == b"early"));
    assert!(before.is_empty(), "{before:?}");
}

#[test]
fn nothing_of_a_closed_connection_is_told() {
    let listener = listener();
    let mut engine = engine(&listener, b"ping");
    engine.connect(0, 0).expect("a socket");
    until(&mut engine, |one| matches!(one, Completion::Connected { .. }));
    let (mut peer, _) = listener.accept().expect("a connection");
    peer.write_all(b"old").expect("bytes");
    engine.enter(1, Wait::lasting(Monotonic.now(), Duration::from_secs(10))).expect("works");
    engine.send(0, Tx::Fixed(0..4), true);
    // What was read, what is queued and what comes yet: none of it is the next connection's.
    engine.close(0);
    engine.connect(0, 0).expect("a socket");
    let before = until(&mut engine, |one| matches!(one, Completion::Connected { .. }));
    assert!(before.is_empty(), "{before:?}");
    let (mut other, _) = listener.accept().expect("a connection");
    assert_eq!(peer.read(&mut [0; 8]).unwrap_or(0), 0, "the queued send never left");
    other.write_all(b"new").expect("bytes");
    let before = until(&mut engine, |one| matches!(one, Completion::Received { bytes, .. } if *bytes == b"new"));
    assert!(before.is_empty(), "{before:?}");
}

#[test]
fn waits_end_when_they_should_with_and_without_epoll_pwait2() {
    for precise in [true, false] {
        let (mut engine, _peer) = connected(b"");
        engine.epoll.precise = precise;
        // Not before; and later only by what the machine makes of it, which the best of many is free of.
        let late = (0..40).map(|_| {
            let wait = Wait::lasting(Monotonic.now(), Duration::from_micros(300));
            engine.enter(1, wait).expect("works");
            assert!(engine.next().is_none());
            let now = Monotonic.now();
            assert!(now >= wait.until, "{precise}: {} ns early", wait.until - now);
            now - wait.until
        });
        let best = late.min().expect("forty");
        assert!(best < 300_000, "{precise}: {best} ns late at best");
    }
}

#[test]
fn connections_are_accepted_answered_and_their_slots_used_again() {
    let listener = listener();
    let address = listener.local_addr().expect("bound");
    let mut engine =
        Epoll::new(0, Dialler::new(Endpoints::default(), 0), Arc::from([]), BlockSizes::default()).expect("an engine");
    engine.listen(listener.into()).expect("a listener");
    let answer: Arc<[u8]> = Arc::from(*b"pong");
    for _ in 0..3 {
        let mut client = TcpStream::connect(address).expect("somebody listens");
        until(&mut engine, |one| matches!(one, Completion::Accepted { slot: 0 }));
        assert_eq!(engine.peer(0), client.local_addr().ok());
        client.write_all(b"ping").expect("bytes");
        until(&mut engine, |one| matches!(one, Completion::Received { slot: 0, bytes } if *bytes == b"ping"));
        engine.send_shared(0, &answer, 1..4);
        until(&mut engine, |one| matches!(one, Completion::Sent { slot: 0, result: Ok(3) }));
        engine.hang_up(0);
        let mut all = Vec::new();
        client.read_to_end(&mut all).expect("an orderly end");
        assert_eq!(all, b"ong");
    }
    assert_eq!(Arc::strong_count(&answer), 1, "what was lent is given back");
    engine.stop_listening();
    assert!(TcpStream::connect(address).is_err(), "nobody listens");
}
