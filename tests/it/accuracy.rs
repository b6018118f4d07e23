//! What saturing reports of a server whose behaviour is known: the quick forms of bench/accuracy.py. Bounds hold at any speed of the
//! machine: times are only ever longer than the server makes them, and latencies fit into the run.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::process::{Folder, Process, long_enough};
use crate::support::saturing::{Running, Serve, command, load, measure, run};
use nix::sys::signal::Signal;
use saturing::measure::histogram::{Percentiles, Summary};
use saturing::result::RunResult;

const MS: u64 = 1_000_000;

fn latency(result: &RunResult) -> &Summary {
    result.latency_ns.as_ref().expect("responses")
}

fn percentile(result: &RunResult, pick: fn(&Percentiles) -> Option<u64>) -> u64 {
    pick(&latency(result).percentiles).expect("samples enough")
}

/// Requests in flight by all latencies of a closed loop: each lies within the run, and no connection has more at once than it may.
fn in_flight(result: &RunResult) -> f64 {
    let Summary { count, mean, .. } = *latency(result);
    let in_flight = mean * count as f64 / (result.elapsed_s * 1e9);
    let places = (result.plan.connections * u64::from(result.plan.pipeline)) as f64;
    assert!(in_flight <= places * 1.001, "{in_flight} in flight at {places} places");
    in_flight
}

/// A line of the server's log.
#[derive(Debug)]
struct Line {
    connection: u64,
    peer_port: u16,
    sequence: u64,
    id: String,
    received: u64,
    sent: Option<u64>,
}

fn log(path: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(path).expect("the log");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("connection,peer_port,sequence,id,received_ns,sent_ns"));
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("a number, not {text:?}"));
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let [connection, port, sequence, id, received, sent] = fields[..] else { panic!("six fields: {line}") };
        Line {
            connection: number(connection),
            peer_port: number(port) as u16,
            sequence: number(sequence),
            id: id.to_owned(),
            received: number(received),
            sent: (!sent.is_empty()).then(|| number(sent)),
        }
    };
    lines.map(line).collect()
}

/// Each connection's lines are numbered without gaps, in the order in which they were received and answered.
fn in_order(lines: &[Line]) {
    let mut connections: BTreeMap<u64, Vec<&Line>> = BTreeMap::new();
    lines.iter().for_each(|line| connections.entry(line.connection).or_default().push(line));
    for (connection, lines) in connections {
        let numbers: Vec<u64> = lines.iter().map(|line| line.sequence).collect();
        assert_eq!(numbers, (0..lines.len() as u64).collect::<Vec<_>>(), "connection {connection}");
        assert!(lines.is_sorted_by_key(|line| (line.received, line.sent)), "connection {connection}");
        assert!(lines.iter().all(|line| line.peer_port == lines[0].peer_port), "connection {connection}");
    }
}

#[test]
fn no_answer_comes_before_its_delay() {
    let server = Serve::start(&["--delay", "20ms"]);
    for options in ["-n 400 -c 20", "-n 400 -c 20 -p 4", "-n 60 -c 20 --no-keepalive", "-R 500 -n 300 -c 40"] {
        let result = load(server.address, options);
        assert!(latency(&result).min >= 20 * MS, "{options}: {} ns", latency(&result).min);
        if !options.contains("-R") {
            in_flight(&result);
        }
    }
    assert_eq!(server.stop().0, 400 + 400 + 60 + 300);
}

#[test]
fn one_queue_serves_one_request_after_the_other() {
    // Seven wait for each that is served, unless the client is kept from sending; nothing makes the server faster.
    let server = Serve::start(&["--cpus", "0", "--service", "const:2ms"]);
    let result = load(server.address, "-n 200 -c 8");
    assert!(result.elapsed_s >= 0.4 - 0.001, "{} s", result.elapsed_s);
    assert!(latency(&result).min >= 2 * MS && in_flight(&result) > 2.0, "{:?}", latency(&result));
}

#[test]
fn the_open_loop_sees_the_pause_that_the_closed_loop_does_not() {
    let server = Serve::start(&["--pause", "200ms/500ms"]);
    let open = Running::load(server.address, "-R 400 -c 128 -d 2s --drain 50s");
    // One request in each pause; a client that is kept from its CPU at every pause's begin must look for longer.
    let closed = long_enough("a request that meets a pause", Duration::from_secs(1), |span| {
        let closed = measure(server.address, &format!("-c 1 -d {}ms --drain 50s", span.as_millis()));
        Some(closed).filter(|closed| latency(closed).max >= 150 * MS)
    });
    let open = open.wait().result();
    // Two in five arrivals meet a pause: evenly up to 200 ms.
    let (p99, p75) = (percentile(&open, |p| p.p99), percentile(&open, |p| p.p75));
    let unseen = percentile(&closed, |p| p.p50);
    assert!(p99 >= 150 * MS && p75 >= 40 * MS && unseen < 40 * MS, "{p99}, {p75} and {unseen} ns");
}

#[test]
fn the_log_has_a_line_for_each_request() {
    let folder = Folder::new();
    let path = folder.path("log.csv");
    let name = path.display().to_string();
    for (behaviour, options) in [
        ("", "-n 4k -c 16"),
        ("", "-n 8k -c 16 -p 16"),
        ("--service exp:20us --seed 5", "-n 2k -c 16 -p 4"),
        ("--delay 1ms", "-n 1k -c 16 -H X-Request-Id:abc"),
        ("--delay 1ms --pause 10ms/50ms", "-n 300 -c 8 --no-keepalive"),
    ] {
        // A log of an earlier turn is replaced.
        let mut args = vec!["--log", &name];
        args.extend(behaviour.split_whitespace());
        let server = Serve::start(&args);
        let result = load(server.address, options);
        let (requests, connections) = server.stop();
        let lines = log(&path);
        assert_eq!((lines.len() as u64, requests), (result.requests.sent, result.requests.sent), "{args:?} {options}");
        in_order(&lines);
        let last = lines.iter().map(|line| line.connection).max();
        assert_eq!(last, Some(connections - 1), "{args:?} {options}");
        assert!(lines.iter().all(|line| line.sent >= Some(line.received)), "{args:?} {options}");
        let id = if options.contains("abc") { "abc" } else { "" };
        assert!(lines.iter().all(|line| line.id == id), "{args:?} {options}");
    }
}

#[test]
fn departures_are_those_of_the_timetable() {
    let folder = Folder::new();
    let path = folder.path("log.csv");
    let name = path.display().to_string();
    let server = Serve::start(&["--cpus", "0", "--service", "const:300us", "--delay", "2ms", "--log", &name]);
    load(server.address, "-R 2k --arrivals poisson -n 1k -c 64");
    server.stop();
    let mut done = 0;
    for line in log(&path) {
        done = line.received.max(done) + 300_000;
        assert!(line.sent >= Some(done + 2 * MS), "{line:?} left before {}", done + 2 * MS);
    }
}

#[test]
fn requests_never_answered_are_in_the_log_too() {
    let folder = Folder::new();
    let path = folder.path("log.csv");
    let name = path.display().to_string();
    // The server must come to read them before the client gives up.
    long_enough("all requests are read in time", Duration::from_millis(100), |timeout| {
        let server = Serve::start(&["--delay", "300s", "--log", &name]);
        let ended = Running::load(server.address, &format!("-c 4 -n 4 -T {}ms", timeout.as_millis())).wait();
        assert_eq!(ended.code, 1, "not one response: {ended:?}");
        let requests = server.stop().0;
        let lines = log(&path);
        assert_eq!(lines.len() as u64, requests);
        assert!(lines.iter().all(|line| line.sent.is_none()), "{lines:?}");
        (requests >= 4).then_some(())
    });
}

#[test]
fn a_log_that_cannot_be_written_is_told() {
    let folder = Folder::new();
    let nowhere = folder.path("no/such/folder/log.csv").display().to_string();
    let ended = run(&["serve", "--log", &nowhere]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{ended:?}");
    assert!(ended.stderr.contains("no/such/folder") && ended.stderr.lines().count() == 1, "{ended:?}");

    // A full disk: the server goes on, says so once, and its exit code tells.
    let mut serve = command();
    serve.args(["serve", "--log", "/dev/full"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::start(&mut serve, "saturing serve");
    let errors = process.child().stderr.take().expect("a pipe");
    let address = crate::support::saturing::address_in_first_line(&mut process);
    let result = load(address, "-n 100 -c 2");
    assert_eq!(result.requests.completed, 100);
    process.signal(Signal::SIGTERM);
    assert_eq!(process.wait("the server's end").code(), Some(1));
    let errors = std::io::read_to_string(errors).expect("UTF-8");
    assert!(errors.contains("/dev/full") && errors.lines().count() == 1, "{errors}");
}

#[test]
fn behaviour_that_makes_no_sense_is_one_line() {
    for (option, given, named) in [
        ("--pause", "1s/100ms", "0 < PAUSE < PERIOD"),
        ("--pause", "100ms", "PAUSE/PERIOD"),
        ("--service", "200us", "const:TIME"),
        ("--service", "exp:0s", "above 0"),
        ("--delay", "soon", "duration"),
        ("--seed", "1", "--service exp"),
        ("--log", "", "file"),
    ] {
        let ended = run(&["serve", option, given]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{option} {given}: {ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{option} {given}: {ended:?}");
        assert!(ended.stderr.contains(option) && ended.stderr.contains(named), "{option} {given}: {ended:?}");
    }
}
