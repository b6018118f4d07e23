//! Which engine runs, and what is said of it: also where io_uring is forbidden, as in many containers.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;

use crate::support::answers::{HELLO, always};
use crate::support::process::Process;
use crate::support::saturing::{Ended, Running, command, load};
use crate::support::scripted::serve;
use saturing::result::RunResult;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// Does something on a thread, and in the processes it starts, to which these system calls fail with `errno`: a filter is its
/// thread's own and inherited by children.
fn forbidden<T: Send + 'static>(calls: &[i64], errno: i32, act: impl FnOnce() -> T + Send + 'static) -> T {
    let rules: BTreeMap<i64, Vec<_>> = calls.iter().map(|call| (*call, Vec::new())).collect();
    let here = std::env::consts::ARCH.try_into().expect("an architecture with filters");
    let refuse = SeccompAction::Errno(errno as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, here).expect("a filter");
    let program: BpfProgram = filter.try_into().expect("a filter");
    let body = move || {
        seccompiler::apply_filter(&program).expect("every process may forbid itself something");
        act()
    };
    thread::spawn(body).join().expect("no panic")
}

const SETUP: &[i64] = &[libc::SYS_io_uring_setup];

/// The command with `args`, without the right to io_uring.
fn run_without(errno: i32, args: &str) -> Ended {
    let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
    forbidden(SETUP, errno, move || Running::spawn(command().args(&args)).wait())
}

fn result(ended: &Ended) -> RunResult {
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    ended.result()
}

/// Causes, and what is said of each.
const CAUSES: [(i32, &[&str]); 2] = [
    (libc::EPERM, &["Operation not permitted", "seccomp filter", "seccomp=unconfined"]),
    (libc::ENOSYS, &["not implemented", "no io_uring", "5.19"]),
];

#[test]
fn auto_is_io_uring_and_any_engine_can_be_asked_for() {
    let server = serve(always(HELLO));
    for (options, name) in [
        ("", "uring"),
        ("--engine auto", "uring"),
        ("--engine uring", "uring"),
        ("--engine epoll", "epoll"),
        ("--engine tokio-uring", "tokio-uring"),
    ] {
        let engine = load(server.address, &format!("-n 100 -c 2 {options}")).engine;
        assert_eq!(engine.name, name, "{options}");
        assert_eq!(engine.level.is_empty(), name != "uring", "{engine:?}");
        assert!(!engine.why.is_empty(), "{engine:?}");
    }
}

#[test]
fn where_io_uring_is_forbidden_epoll_runs_and_says_why() {
    let server = serve(always(HELLO));
    for (errno, words) in CAUSES {
        let url = format!("http://{}/", server.address);
        let result = result(&run_without(errno, &format!("-n 500 -c 4 -T 50s --json - {url}")));
        assert_eq!((result.requests.completed, result.engine.name.as_str()), (500, "epoll"), "{:?}", result.engine);
        let why = &result.engine.why;
        assert!(words.iter().all(|word| why.contains(word)) && why.lines().count() == 1, "{why}");
        // In the report, too.
        let report = run_without(errno, &format!("-n 500 -c 4 -T 50s {url}"));
        let line = report.stdout.lines().find(|line| line.contains("Engine")).unwrap_or_default();
        assert!(line.contains("epoll: ") && line.contains(words[0]), "{errno}: {}", report.stdout);
    }
}

#[test]
fn what_insists_on_io_uring_fails_with_cause_and_cure_where_it_is_forbidden() {
    for (errno, words) in CAUSES {
        for options in ["--engine uring", "--engine tokio-uring", "--uring-level A"] {
            let ended = run_without(errno, &format!("-n 5 -c 1 {options} http://127.0.0.1:9/"));
            assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{options}: {ended:?}");
            assert_eq!(ended.stderr.lines().count(), 1, "{options}: {ended:?}");
            assert!(words.iter().all(|word| ended.stderr.contains(word)), "{options}: {ended:?}");
        }
        let ended = run_without(errno, "serve --engine uring");
        assert_eq!((ended.code, ended.stderr.lines().count()), (1, 1), "{ended:?}");
    }
}

/// The first minute in a container: the command alone, with its own server, and that server by itself.
#[test]
fn the_built_in_server_works_where_io_uring_is_forbidden() {
    for (errno, _) in CAUSES {
        let result = result(&run_without(errno, "-n 500 -T 50s --json -"));
        assert!(result.requests.completed > 0 && result.requests.failed == 0, "{:?}", result.requests);
        assert_eq!(result.engine.name, "epoll");
        for behaviour in ["", "--delay 2ms"] {
            let args: Vec<&str> = behaviour.split_whitespace().collect();
            let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
            let (mut process, mut reader) = forbidden(SETUP, errno, move || {
                let mut serve: Command = command();
                let mut process =
                    Process::start(serve.arg("serve").args(args).stdout(Stdio::piped()), "saturing serve");
                let reader = BufReader::new(process.child().stdout.take().expect("a pipe"));
                (process, reader)
            });
            let mut line = String::new();
            reader.read_line(&mut line).expect("its address");
            let address = line.trim_end().parse().expect("its address");
            let result = load(address, "-n 500 -c 4 -p 2");
            assert_eq!((result.requests.completed, result.requests.sent), (500, 500), "{behaviour}");
            let least = if behaviour.is_empty() { 0 } else { 2_000_000 };
            assert!(result.latency_ns.is_some_and(|times| times.min >= least), "{behaviour}");
            process.signal(nix::sys::signal::Signal::SIGTERM);
            assert_eq!(process.wait("the server's end").code(), Some(0));
            let mut rest = String::new();
            reader.read_to_string(&mut rest).expect("UTF-8");
            assert!(rest.starts_with("served 500 requests"), "{rest}");
        }
    }
}

#[test]
fn epoll_keeps_its_rate_where_waits_cannot_be_asked_for_in_nanoseconds() {
    let server = serve(always(HELLO));
    let options = "--engine epoll -R 1000 --arrivals poisson -d 500ms -c 8 -T 50s --json -";
    let args: Vec<String> = format!("{options} http://{}/", server.address).split(' ').map(str::to_owned).collect();
    let run = move || Running::spawn(command().args(&args)).wait();
    let lag = |result: &RunResult| result.send_lag_ns.as_ref().expect("an open loop").percentiles.p50.expect("sends");
    let mut seen = Vec::new();
    for _ in 0..20 {
        let with = result(&run());
        let without = result(&forbidden(&[libc::SYS_epoll_pwait2], libc::ENOSYS, run.clone()));
        assert_eq!(with.requests.sent, without.requests.sent, "as many by the same seed");
        // With whole milliseconds the median would be half of one more, in every pair of runs: the machine's own pauses come into both.
        if lag(&without) < lag(&with) + 300_000 {
            return;
        }
        seen.push((lag(&with), lag(&without)));
    }
    panic!("lags with and without waits in nanoseconds: {seen:?}");
}

/// Sockets that poll are for root; whoever may not is told how.
#[test]
fn busy_polling_is_done_under_every_engine_or_refused_with_the_cure() {
    let server = serve(always(HELLO));
    for engine in ["uring", "epoll", "tokio-uring"] {
        let ended = Running::load(server.address, &format!("-n 100 -c 2 --busy-poll=20 --engine {engine}")).wait();
        match ended.code {
            0 => assert_eq!(ended.result().requests.completed, 100, "{engine}"),
            _ => assert!(ended.code == 1 && ended.stderr.contains("CAP_NET_ADMIN"), "{ended:?}"),
        }
    }
}
