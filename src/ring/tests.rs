//! The ring against the kernel itself.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::ReceiveTimestampns;

use super::{Completion, Config, Endpoints, Features, Idle, Level, Ring, Sqpoll, Tx, Uring, Wait, level_here};
use crate::measure::clock::{Clock, Monotonic};

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port")
}

fn build(listener: &TcpListener, config: Config, payload: &Arc<[u8]>) -> Uring {
    let remotes = vec![listener.local_addr().expect("bound").into()];
    let idle = Idle::build(config, 0, Arc::clone(payload), Endpoints { remotes, sources: vec![], resets: false })
        .expect("a ring");
    idle.enable().expect("enabled")
}

fn ring(listener: &TcpListener, features: Features) -> Uring {
    build(listener, Config { features, ..Config::for_slots(1) }, &Arc::from(*b"ping"))
}

/// Everything this kernel can be made to be: each level, and a submission thread at the richest and the poorest.
fn kernels(slots: usize) -> Vec<Config> {
    let here = level_here().expect("io_uring");
    let level = |level| Config { level: Some(level), ..Config::for_slots(slots) };
    let polled = |level| Config { level: Some(level), sqpoll: Some(Sqpoll::Anywhere), ..Config::for_slots(slots) };
    let levels = Level::ALL.into_iter().filter(|level| *level >= here);
    levels.map(level).chain([polled(here), polled(Level::C)]).collect()
}

/// A connection of `slot`, both ends.
fn connected(ring: &mut Uring, listener: &TcpListener, slot: u32) -> TcpStream {
    ring.connect(slot, 0).expect("a socket");
    until(ring, |one| matches!(one, Completion::Connected { .. }));
    listener.accept().expect("a connection").0
}

/// Turns until a completion is the one wanted.
fn until(ring: &mut Uring, mut wanted: impl FnMut(&Completion<'_>) -> bool) {
    for _ in 0..1000 {
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
    let listener = listener();
    // One-shot: after each read the receive waits to be armed again.
    let mut ring = ring(&listener, Features { multishot: false, ..Features::ALL });
    ring.connect(0, 0).expect("a socket");
    until(&mut ring, |one| matches!(one, Completion::Connected { .. }));
    ring.send(0, Tx::Fixed(0..4), false);
    ring.enter(0, Wait::NONE).expect("submitted");
    let (mut peer, _) = listener.accept().expect("a connection");
    peer.read_exact(&mut [0; 4]).expect("a request");
    peer.write_all(b"pong").expect("an answer");
    until(&mut ring, |one| matches!(one, Completion::Received { bytes, .. } if *bytes == b"pong"));
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
    let remotes = vec![listener.local_addr().expect("bound").into()];
    let endpoints = Endpoints { remotes, sources: vec![], resets: false };
    let idle = Idle::build(Config::for_slots(2), 0, Arc::from(*b"ping"), endpoints).expect("a ring");
    let mut ring = idle.enable().expect("enabled");
    ring.stamp_receives(2);
    // The kernel begins to stamp a moment after the first socket asked for it, and ends with the last: this one stays.
    let asks = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    setsockopt(&asks, ReceiveTimestampns, &true).expect("every socket may ask for it");
    let mut stamped = 0;
    for _ in 0..100 {
        for slot in [0, 1] {
            ring.connect(slot, 0).expect("a socket");
            until(&mut ring, |one| matches!(one, Completion::Connected { .. }));
            let (mut peer, _) = listener.accept().expect("a connection");
            let before = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_nanos() as u64;
            ring.enter(0, Wait::NONE).expect("armed");
            peer.write_all(b"pong").expect("an answer");
            until(&mut ring, |one| matches!(one, Completion::Received { bytes, .. } if *bytes == b"pong"));
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

#[test]
fn a_level_is_what_was_asked_for() {
    for config in kernels(1) {
        let listener = listener();
        let ring = build(&listener, config, &Arc::from(*b"ping"));
        assert_eq!(Some(ring.level()), config.level.map(Level::as_str));
        assert!(ring.why().starts_with("as asked"), "{}", ring.why());
    }
    let best = ring(&listener(), Features::ALL);
    assert_eq!(best.level(), level_here().expect("io_uring").as_str());
}

#[test]
fn a_connection_lives_at_every_level() {
    for config in kernels(1) {
        let listener = listener();
        let mut ring = build(&listener, config, &Arc::from(*b"ping"));
        let mut peer = connected(&mut ring, &listener, 0);
        for round in 0..100 {
            let confirm = round % 2 == 1;
            ring.send(0, Tx::Fixed(0..4), confirm);
            ring.enter(0, Wait::NONE).expect("submitted");
            let mut request = [0; 4];
            peer.read_exact(&mut request).expect("a request");
            assert_eq!(&request, b"ping", "{config:?}");
            peer.write_all(b"pong").expect("an answer");
            let mut sent = !confirm;
            let mut answer = Vec::new();
            until(&mut ring, |one| {
                match one {
                    Completion::Sent { result: Ok(4), .. } => sent = true,
                    Completion::Received { bytes, .. } => answer.extend_from_slice(bytes),
                    other => panic!("{config:?}: {other:?}"),
                }
                sent && answer == b"pong"
            });
        }
        peer.shutdown(Shutdown::Write).expect("half closed");
        until(&mut ring, |one| matches!(one, Completion::Ended { error: None, .. }));
        ring.close(0);

        let peer = connected(&mut ring, &listener, 0);
        // Closing at once with a reset.
        socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).expect("linger");
        drop(peer);
        until(&mut ring, |one| match one {
            Completion::Ended { error: Some(error), .. } => error.raw_os_error() == Some(libc::ECONNRESET),
            other => panic!("{config:?}: {other:?}"),
        });
        ring.close(0);

        let address = listener.local_addr().expect("bound");
        drop(listener);
        ring.connect(0, 0).expect("a socket");
        until(&mut ring, |one| match one {
            Completion::ConnectFailed { error, .. } => error.raw_os_error() == Some(libc::ECONNREFUSED),
            other => panic!("{address}: {other:?}"),
        });
    }
}

#[test]
fn a_send_larger_than_any_buffer_arrives_whole() {
    let payload: Arc<[u8]> = (0..24_000_000u32).map(|at| (at / 7) as u8).collect();
    for config in kernels(1) {
        let listener = listener();
        let mut ring = build(&listener, config, &payload);
        let mut peer = connected(&mut ring, &listener, 0);
        ring.send(0, Tx::Fixed(0..payload.len()), true);
        let wanted = Arc::clone(&payload);
        let reader = thread::spawn(move || {
            let mut all = vec![0; wanted.len()];
            peer.read_exact(&mut all).is_ok_and(|()| all[..] == wanted[..])
        });
        until(&mut ring, |one| match one {
            Completion::Sent { result: Ok(taken), .. } => *taken == payload.len(),
            other => panic!("{config:?}: {other:?}"),
        });
        assert!(reader.join().expect("read"), "{config:?}");
    }
}

#[test]
fn many_connections_get_what_is_theirs_with_few_buffers() {
    const SLOTS: u32 = 200;
    for config in kernels(SLOTS as usize) {
        let listener = listener();
        let mut ring = build(&listener, Config { buffers: 2, ..config }, &Arc::from(*b"ping"));
        let mut peers: Vec<TcpStream> = (0..SLOTS).map(|slot| connected(&mut ring, &listener, slot)).collect();
        // Twice, the second time on connections that replaced others, of which every receive was on its way.
        for _ in 0..2 {
            for (slot, peer) in peers.iter_mut().enumerate() {
                peer.write_all(&(slot as u32).to_le_bytes()).expect("an answer");
            }
            let mut got = BTreeSet::new();
            until(&mut ring, |one| {
                let Completion::Received { slot, bytes } = one else { panic!("{config:?}: {one:?}") };
                assert_eq!(*bytes, slot.to_le_bytes(), "{config:?}");
                assert!(got.insert(*slot), "{config:?}: {slot} twice");
                got.len() == SLOTS as usize
            });
            peers = (0..SLOTS).map(|slot| connected(&mut ring, &listener, slot)).collect();
        }
    }
}

#[test]
fn nothing_is_left_of_a_ring_dropped_in_the_middle_of_everything() {
    let payload: Arc<[u8]> = vec![7; 24_000_000].into();
    for config in kernels(8) {
        let listener = listener();
        let mut ring = build(&listener, config, &payload);
        // Idle ones with a receive armed, one with bytes not taken, and sends that stall: a reported one and a silent one.
        let mut peers: Vec<TcpStream> = (0..5).map(|slot| connected(&mut ring, &listener, slot)).collect();
        peers[1].write_all(b"pong").expect("an answer");
        ring.send(2, Tx::Fixed(0..payload.len()), true);
        ring.send(3, Tx::Fixed(0..payload.len()), false);
        // A connection closed with both on their way.
        ring.send(4, Tx::Fixed(0..payload.len()), true);
        ring.enter(0, Wait::NONE).expect("submitted");
        ring.close(4);
        // Connects that never end: the backlog is full.
        let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        full.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().expect("an address").into()).expect("bound");
        full.listen(0).expect("listens");
        let full_at = full.local_addr().expect("bound").as_socket().expect("an address");
        let _fills: Vec<_> = (0..2).map(|_| TcpStream::connect_timeout(&full_at, Duration::from_millis(50))).collect();
        let endpoints = Endpoints { remotes: vec![full_at.into()], sources: vec![], resets: false };
        let idle = Idle::build(config, 0, Arc::clone(&payload), endpoints).expect("a ring");
        let mut connecting = idle.enable().expect("enabled");
        for slot in 0..8 {
            connecting.connect(slot, 0).expect("a socket");
        }
        connecting.enter(0, Wait::NONE).expect("submitted");
        connecting.close(0);
        connecting.connect(0, 0).expect("a socket, not submitted");
        assert_eq!(Arc::strong_count(&payload), 3);
        drop(ring);
        drop(connecting);
        assert_eq!(Arc::strong_count(&payload), 1, "leaked, as it was not quiet: {config:?}");
    }
}

#[test]
fn rings_of_a_thread_do_not_use_up_its_places() {
    let listener = listener();
    for _ in 0..40 {
        drop(ring(&listener, Features::ALL));
    }
}

#[test]
fn a_server_accepts_and_answers_at_every_level() {
    let answer: Arc<[u8]> = (0..9_000_000u32).map(|at| (at / 3) as u8).collect();
    for config in kernels(0) {
        let listener = listener();
        let address = listener.local_addr().expect("bound");
        let mut ring = build(&listener, config, &Arc::from([]));
        ring.listen(listener.into());
        let wanted = Arc::clone(&answer);
        let clients = thread::spawn(move || {
            (0..70).all(|_| {
                let mut stream = TcpStream::connect(address).expect("connected");
                stream.write_all(b"ping").expect("asked");
                let mut all = vec![0; 100_000];
                stream.read_exact(&mut all).is_ok_and(|()| all[..] == wanted[..100_000])
            }) && {
                let mut stream = TcpStream::connect(address).expect("connected");
                stream.write_all(b"all!").expect("asked");
                let mut all = vec![0; wanted.len()];
                stream.read_exact(&mut all).is_ok_and(|()| all[..] == wanted[..])
            }
        });
        let (mut asked, mut answered) = (Vec::new(), 0);
        while answered < 71 {
            until(&mut ring, |one| {
                match one {
                    Completion::Received { slot, bytes } => asked.push((*slot, *bytes == b"all!")),
                    Completion::Sent { result, .. } => {
                        assert!(result.is_ok(), "{config:?}: {result:?}");
                        answered += 1;
                    }
                    _ => {}
                }
                !asked.is_empty() || answered == 71
            });
            for (slot, all) in asked.drain(..) {
                let range = if all { 0..answer.len() } else { 0..100_000 };
                ring.send_shared(slot, &answer, range);
            }
        }
        assert!(clients.join().expect("served"), "{config:?}");
        drop(ring);
        assert_eq!(Arc::strong_count(&answer), 1, "{config:?}");
    }
}

#[test]
fn a_submission_thread_is_found_and_its_time_counted() {
    let listener = listener();
    let config = Config { sqpoll: Some(Sqpoll::Anywhere), ..Config::for_slots(1) };
    let mut ring = build(&listener, config, &Arc::from(*b"ping"));
    let _peer = connected(&mut ring, &listener, 0);
    let first = ring.counters().sqpoll_ns;
    assert!(first > 0, "it has connected");
    // It gets its CPU when it gets it: awaited, as long as anybody would.
    let grows = |ring: &mut Uring| {
        ring.enter(0, Wait::NONE).expect("an enter");
        while ring.next().is_some() {}
        thread::sleep(Duration::from_millis(1));
        ring.counters().sqpoll_ns > first
    };
    assert!((0..60_000).any(|_| grows(&mut ring)), "it looks for work for a while");
    drop(ring);
    let plain = build(&listener, Config::for_slots(1), &Arc::from(*b"ping"));
    assert_eq!(plain.counters().sqpoll_ns, 0);
}

#[test]
fn what_was_asked_for_and_cannot_be_had_is_named() {
    let config = Config { sqpoll: Some(Sqpoll::Cpu(9_999)), ..Config::for_slots(1) };
    let refused = Idle::build(config, 0, Arc::from([]), Endpoints::default()).err().expect("no such CPU").to_string();
    assert!(refused.contains("--sqpoll=9999"), "{refused}");
}

#[test]
fn a_ring_that_polls_network_cards_works_without_any() {
    let listener = listener();
    let config = Config { napi_us: Some(20), ..Config::for_slots(1) };
    let mut ring = build(&listener, config, &Arc::from(*b"ping"));
    let mut peer = connected(&mut ring, &listener, 0);
    peer.write_all(b"pong").expect("an answer");
    until(&mut ring, |one| matches!(one, Completion::Received { bytes, .. } if *bytes == b"pong"));
}
