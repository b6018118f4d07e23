//! The ring against the kernel itself.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use super::{Completion, Config, Endpoints, Features, Idle, Ring, Uring, Wait};
use crate::measure::clock::{Clock, Monotonic};

fn ring(listener: &TcpListener, features: Features) -> Uring {
    let remotes = vec![listener.local_addr().expect("bound")];
    let config = Config { features, ..Config::for_slots(1) };
    let idle = Idle::build(config, 0, Arc::from(*b"ping"), Endpoints { remotes, sources: vec![] }).expect("a ring");
    idle.enable().expect("enabled")
}

/// Turns until a completion is the one wanted.
fn until(ring: &mut Uring, wanted: fn(&Completion<'_>) -> bool) {
    for _ in 0..500 {
        while let Some(completion) = ring.next() {
            if wanted(&completion) {
                return;
            }
        }
        ring.enter(1, Wait::lasting(Monotonic.now(), Duration::from_millis(10))).expect("the ring works");
    }
    panic!("waited in vain");
}

#[test]
fn a_receive_is_never_armed_on_the_connection_that_came_after() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    // One-shot: after each read the receive waits to be armed again.
    let mut ring = ring(&listener, Features { multishot: false, ..Features::ALL });
    ring.connect(0, 0).expect("a socket");
    until(&mut ring, |one| matches!(one, Completion::Connected { .. }));
    ring.send(0, 0..4, false);
    ring.enter(0, Wait::NONE).expect("submitted");
    let (mut peer, _) = listener.accept().expect("a connection");
    peer.read_exact(&mut [0; 4]).expect("a request");
    peer.write_all(b"pong").expect("an answer");
    until(&mut ring, |one| matches!(one, Completion::Received { bytes: b"pong", .. }));
    let before = ring.counters().sqes;
    ring.close(0);
    ring.connect(0, 0).expect("a socket");
    ring.enter(0, Wait::NONE).expect("submitted");
    assert_eq!(ring.counters().sqes - before, 1, "the connect, and no receive before it is open");
    until(&mut ring, |one| matches!(one, Completion::Connected { .. }));
}

#[test]
fn stamps_come_with_the_bytes_of_sampled_slots_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let remotes = vec![listener.local_addr().expect("bound")];
    let endpoints = Endpoints { remotes, sources: vec![] };
    let idle = Idle::build(Config::for_slots(2), 0, Arc::from(*b"ping"), endpoints).expect("a ring");
    let mut ring = idle.enable().expect("enabled");
    ring.stamp_receives(2);
    let mut stamped = 0;
    // The kernel begins to stamp a moment after the first socket asked for it.
    for _ in 0..100 {
        for slot in [0, 1] {
            ring.connect(slot, 0).expect("a socket");
            until(&mut ring, |one| matches!(one, Completion::Connected { .. }));
            let (mut peer, _) = listener.accept().expect("a connection");
            let before = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_nanos() as u64;
            ring.enter(0, Wait::NONE).expect("armed");
            peer.write_all(b"pong").expect("an answer");
            until(&mut ring, |one| matches!(one, Completion::Received { bytes: b"pong", .. }));
            let after = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_nanos() as u64;
            match ring.take_stamp() {
                Some(stamp) => {
                    assert_eq!(slot, 0, "slot 1 is not sampled");
                    // A step of the system's clock apart, which no test can exclude.
                    assert!((before..=after).contains(&stamp), "{before} {stamp} {after}");
                    stamped += 1;
                }
                None => assert!(slot == 1 || stamped == 0, "once begun, each is stamped"),
            }
            assert_eq!(ring.take_stamp(), None, "each is told once");
            drop(peer);
            until(&mut ring, |one| matches!(one, Completion::Ended { error: None, .. }));
        }
        if stamped >= 3 {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("no stamps came");
}
