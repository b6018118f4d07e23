//! The whole command at every level of io_uring, and with the ring's own options.

use crate::support::answers::{HELLO, once};
use crate::support::saturing::{Running, Serve, load, measure};
use crate::support::scripted::serve;
use saturing::result::RunResult;
use saturing::ring::{Level, level_here};

/// Options for each way a ring can be set up here, and the level its result must show.
fn ways() -> Vec<(String, &'static str)> {
    let here = level_here().expect("io_uring");
    let levels = Level::ALL.into_iter().filter(|level| *level >= here).map(Level::as_str);
    let of_level = levels.map(|level| (format!("--uring-level {level}"), level));
    let polled = ["C", here.as_str()].map(|level| (format!("--sqpoll --uring-level {level}"), level));
    let more = [("--sqpoll=0", here.as_str()), ("--napi 20", here.as_str())].map(|(way, level)| (way.into(), level));
    of_level.chain(polled).chain(more).collect()
}

/// Load in every way; what `holds` of each result.
fn in_every_way(mut run: impl FnMut(&str) -> RunResult, mut holds: impl FnMut(&RunResult)) {
    for (way, level) in ways() {
        let result = run(&way);
        assert_eq!((result.engine.name.as_str(), result.engine.level.as_str()), ("uring", level), "{way}");
        if way.contains("--uring-level") {
            assert!(result.engine.why.starts_with("as asked (--uring-level)"), "{way}: {}", result.engine.why);
        }
        assert_eq!(result.client.as_ref().expect("figures").sqpoll_s.is_some(), way.contains("sqpoll"), "{way}");
        holds(&result);
    }
}

#[test]
fn counts_are_exact_in_a_closed_loop() {
    for (options, asked) in [
        ("-n 2000 -c 1", 2_000),
        ("-n 8000 -c 64", 8_000),
        ("-n 16000 -c 16 -p 16", 16_000),
        ("-n 1000 -c 16 --no-keepalive", 1_000),
        ("-n 3000 -c 16 -p 4 --requests-per-connection 10", 3_000),
    ] {
        let run = |way: &str| {
            let server = Serve::start(&[]);
            let result = load(server.address, &format!("{options} {way}"));
            let (served, _) = server.stop();
            assert_eq!(served, asked, "{options} {way}");
            result
        };
        in_every_way(run, |result| {
            assert_eq!((result.requests.completed, result.requests.failed), (asked, 0), "{options}");
        });
    }
}

#[test]
fn counts_are_exact_in_an_open_loop() {
    let run = |way: &str| {
        let server = Serve::start(&[]);
        let result = load(server.address, &format!("-n 2000 -R 4k -c 16 {way}"));
        assert_eq!(server.stop().0, 2_000, "{way}");
        result
    };
    in_every_way(run, |result| assert_eq!(result.requests.completed, 2_000));
}

#[test]
fn large_bodies_go_out_whole() {
    let body = format!("-b {}", "x".repeat(100_000));
    let run = |way: &str| {
        let server = Serve::start(&[]);
        load(server.address, &format!("-n 300 -c 4 -p 3 -m POST {body} {way}"))
    };
    in_every_way(run, |result| assert_eq!((result.requests.completed, result.requests.failed), (300, 0)));
}

#[test]
fn large_answers_come_in_whole() {
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n".to_vec();
    answer.resize(answer.len() + 300_000, b'x');
    let server = serve(crate::support::answers::always(answer));
    let run = |way: &str| load(server.address, &format!("-n 200 -c 8 {way}"));
    in_every_way(run, |result| {
        assert_eq!((result.requests.completed, result.bytes.body), (200, 200 * 300_000));
    });
}

#[test]
fn a_server_that_closes_is_connected_to_again() {
    let server = serve(once(HELLO));
    in_every_way(
        |way| load(server.address, &format!("-n 200 -c 4 {way}")),
        |result| {
            assert_eq!((result.requests.completed, result.requests.failed), (200, 0), "{:?}", result.errors);
            assert!(result.connections.reconnects >= 190, "{:?}", result.connections);
        },
    );
}

#[test]
fn a_window_of_time_ends_in_every_way() {
    let server = Serve::start(&[]);
    let run = |way: &str| measure(server.address, &format!("-d 200ms -c 32 -p 2 {way}"));
    in_every_way(run, |result| assert_eq!(result.requests.failed, 0, "{:?}", result.errors));
}

#[test]
fn the_submission_thread_s_time_is_the_client_s() {
    let server = Serve::start(&[]);
    let result = load(server.address, "-n 5000 -c 16 --sqpoll");
    let client = result.client.expect("figures");
    let polled = client.sqpoll_s.expect("a submission thread");
    assert!(polled > 0.0 && client.sys_s >= polled, "{client:?}");
    let workers: f64 = result.workers.iter().map(|worker| worker.sys_s).sum();
    assert!((workers - client.sys_s).abs() < 1e-6, "{client:?}");
}

#[test]
fn a_submission_thread_that_cannot_be_had_ends_the_run_before_it_starts() {
    let server = Serve::start(&[]);
    let ended = Running::load(server.address, "-n 10 --sqpoll=4000").wait();
    assert_ne!(ended.code, 0);
    assert!(ended.stderr.contains("--sqpoll=4000") && ended.stderr.lines().count() == 1, "{ended:?}");
}
