//! Faults of the client's own: it is stopped, or has no descriptors left; and attempts of which nothing is ever heard. Under every
//! engine, as each meets the kernel in its own way.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use socket2::{Domain, Socket, Type};

use crate::support::answers::{HELLO, always};
use crate::support::process::until;
use crate::support::saturing::{Running, command, engine};
use crate::support::scripted::serve;

/// Runs `test` for each engine, all at the same time.
fn for_engines(test: impl Fn(&str) + Sync) {
    let all = match engine() {
        Some(one) => vec![one],
        None => vec!["uring", "epoll", "tokio-uring"],
    };
    thread::scope(|scope| {
        let test = &test;
        let running: Vec<_> = all.iter().map(|name| scope.spawn(move || test(name))).collect();
        running.into_iter().for_each(|one| one.join().expect("no panic"));
    });
}

fn load_by(engine: &str, address: SocketAddr, options: &str) -> Running {
    let url = format!("http://{address}/");
    Running::spawn(command().args(["--engine", engine, "--json", "-"]).args(options.split_whitespace()).arg(url))
}

/// More answers than a kernel hands out at a time come while the client is stopped, and for longer than its patience.
#[test]
fn what_came_while_the_client_was_stopped_has_not_timed_out() {
    for_engines(|engine| {
        let answers = Arc::new(AtomicBool::new(false));
        let may_answer = Arc::clone(&answers);
        let server = serve(move |peer| {
            while peer.request()? {
                until("the client is stopped", || may_answer.load(SeqCst).then_some(()));
                peer.answer(HELLO)?;
            }
            Ok(())
        });
        let mut running = load_by(engine, server.address, "-t 1 -c 64 -n 64 -T 1500ms");
        until("all requests", || (server.counts().requests == 64).then_some(()));
        running.signal(Signal::SIGSTOP);
        let stat = format!("/proc/{}/stat", running.id());
        let is_stopped = || std::fs::read_to_string(&stat).expect("a process").contains(") T ");
        until("it is stopped", || is_stopped().then_some(()));
        answers.store(true, SeqCst);
        until("all answers", || (server.counts().answers == 64).then_some(()));
        thread::sleep(Duration::from_millis(1800));
        running.signal(Signal::SIGCONT);
        let ended = running.wait();
        let result = ended.result();
        assert_eq!((ended.code, result.requests.completed), (0, 64), "{engine}: {:?}", result.errors);
        assert_eq!(result.connections.reconnects, 0, "{engine}");
        let stopped_ns = result.workers[0].evidence.as_ref().and_then(|evidence| evidence.stopped_longest_ns);
        assert!(stopped_ns.is_some_and(|ns| ns >= 1_700_000_000), "{engine}: {stopped_ns:?}");
    });
}

/// A listener of which nobody takes connections, and that has as many as it holds: what else is sent there is dropped.
fn full() -> (TcpListener, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    listener.listen(0).expect("a listener");
    let address = listener.local_addr().expect("bound");
    let waiting = (0..4).map(|_| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        // Some are taken into the queue, some are on their way for ever.
        let _ = socket.connect(&address);
        socket
    });
    let waiting = waiting.collect();
    (listener.into(), waiting)
}

#[test]
fn connects_that_are_never_heard_of_are_counted_when_their_time_is_over() {
    for_engines(|engine| {
        let (listener, _waiting) = full();
        let address = listener.local_addr().expect("bound");
        let ended = load_by(engine, address, "-t 1 -c 8 -d 60s -T 500ms").wait();
        let result = ended.result();
        assert_eq!((ended.code, result.requests.sent), (1, 0), "{engine}");
        assert!(result.connections.failed.timeout >= 8, "{engine}: {:?}", result.connections);
        let why = result.ended_early.map(|early| early.why).unwrap_or_default();
        assert!(why.contains("no connection could be opened"), "{engine}: {why}");
    });
}

/// Its limit is lowered while it runs, to less than is open: no socket can be made any more.
#[test]
fn descriptors_used_up_in_mid_run_are_told_and_end_a_run_by_count() {
    for_engines(|engine| {
        let server = serve(always(HELLO));
        let options = "-t 1 -c 4 -n 1G --no-keepalive -T 50s --patience 500ms";
        let mut running = load_by(engine, server.address, options);
        until("some requests", || (server.counts().requests >= 50).then_some(()));
        let id = running.id().to_string();
        let set = Command::new("prlimit").args(["--pid", &id, "--nofile=3:3"]).status().expect("prlimit of util-linux");
        assert!(set.success());
        let ended = running.wait();
        let result = ended.result();
        assert!(result.connections.failed.no_descriptor > 0, "{engine}: {:?}", result.connections);
        let why = result.ended_early.map(|early| early.why).unwrap_or_default();
        assert!(
            why.starts_with("no progress for 500 ms: ") && why.contains("without a file descriptor"),
            "{engine}: {why}"
        );
        assert_eq!(ended.code, 1, "{engine}: {ended:?}");
    });
}
