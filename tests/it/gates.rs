//! Limits, searches and comparisons, as commands.

use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

use crate::support::answers::{HELLO, always, silent};
use crate::support::process::{Folder, Process, long_enough, until};
use crate::support::saturing::{Ended, Running, Serve, command, run};
use crate::support::scripted::{listen, serve};
use nix::sys::signal::Signal;
use saturing::result::comparison::Comparison;
use saturing::result::search::{Goal, Search};

fn words(line: &str, more: &[&str]) -> Ended {
    let args: Vec<&str> = line.split_whitespace().chain(more.iter().copied()).collect();
    run(&args)
}

#[test]
fn a_breached_limit_is_exit_code_3_and_printed_with_its_figure() {
    let server = Serve::start(&["--delay", "20ms"]);
    let url = server.address.to_string();
    for (slo, code, lines) in [
        ("p99<60s,errors<=0%,rate>1", 0, ["held      p99<60s", "held      errors<=0%", "held      rate>1 "]),
        ("p50<20ms,errors<1%,rate>1", 3, ["BREACHED  p50<20ms", "held      errors<1%", "held      rate>1 "]),
        ("mean<1ms,max>20ms,rate>1G", 3, ["BREACHED  mean<1ms", "held      max>20ms", "BREACHED  rate>1G"]),
        (
            "service.p50<1ms,p99.9<60s,rate>=1",
            3,
            ["BREACHED  service.p50<1ms", "held      p99.9<60s", "held      rate>=1"],
        ),
    ] {
        let ended = words("-n 100 -c 4 --slo", &[slo, &url]);
        assert_eq!(ended.code, code, "{slo}: {ended:?}");
        for line in lines {
            assert!(ended.stdout.contains(line), "{slo} {line}: {}", ended.stdout);
        }
    }
    let open = words("-R 100 -d 300ms -c 8 --slo lag<10s", &[&url]);
    assert_eq!(open.code, 0, "{open:?}");
}

#[test]
fn an_interrupted_run_is_not_judged() {
    let server = serve(always(HELLO));
    let running =
        Running::start(&["-d", "600s", "-c", "4", "--slo", "p50<1us", "--json", "-", &server.address.to_string()]);
    until("answers", || (server.counts().answers > 100).then_some(()));
    running.signal(Signal::SIGTERM);
    let ended = running.wait();
    assert_eq!(ended.code, 143, "{ended:?}");
    assert_eq!(ended.result().slo, None);
}

/// The search that a command wrote as JSON. There is an answer, or this machine was in the way: then that is said, and the exit code
/// is not 0.
fn search_of(ended: &Ended, json: &str) -> Search {
    let search: Search = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert_eq!(ended.code == 0, search.settled, "{ended:?}");
    assert_eq!(search.settled, search.answer.is_some(), "{search:?}");
    assert!(search.settled || search.range.is_some() || search.ended_early.is_some(), "{search:?}");
    search
}

#[test]
fn the_capacity_of_a_server_is_found() {
    // One request at a time, 2 ms each: 500/s, and no latency limit of 200 ms holds for long above that.
    let server = Serve::start(&["--service", "const:2ms", "--cpus", "0"]);
    let folder = Folder::new();
    let json = folder.path("search.json").display().to_string();
    let line = "search --slo p90<200ms,errors<1% -R 300 -d 1s -c 32 -T 20s --drain 20ms --precision 25% --json";
    let ended = words(line, &[&json, &server.address.to_string()]);
    let search = search_of(&ended, &folder.read("search.json"));
    assert_eq!(search.goal, Goal::Rate);
    // p90 passes 200 ms where 90 % of a second's excess do: at 500/s and a fourth more. Below, a busy machine may make it slower.
    for probe in search.probes.iter().filter(|probe| probe.held) {
        assert!(probe.load <= 660.0, "{probe:?}");
    }
    if let Some(answer) = &search.answer {
        assert!(answer.beyond.is_some_and(|beyond| beyond > answer.load), "{answer:?}");
        let runs = |load: f64| search.probes.iter().filter(move |probe| probe.load == load);
        assert!(runs(answer.load).filter(|probe| probe.held && probe.disturbed.is_none()).count() >= 3, "{search:?}");
        for word in ["Highest rate", "Knee", "Limit"] {
            assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
        }
    }
    let rows = ["holds", "fails:", "disturbed:"];
    let rows = ended.stdout.lines().filter(|line| rows.iter().any(|word| line.contains(word))).count();
    assert!(rows >= search.probes.len(), "a row for each probe: {}", ended.stdout);
}

#[test]
fn the_connections_that_are_enough_are_found() {
    // Answers are delayed and not queued, so that the rate grows with connections.
    let server = Serve::start(&["--delay", "20ms"]);
    let ended = words("search --connections 1..4 -d 300ms --warmup 50ms --json -", &[&server.address.to_string()]);
    let search = search_of(&ended, &ended.stdout);
    assert_eq!(search.goal, Goal::Connections);
    if let Some(answer) = &search.answer {
        assert_eq!(answer.load, 4.0);
    }
    let tried: Vec<f64> = search.probes.iter().map(|probe| probe.load).collect();
    assert!([1.0, 2.0, 4.0].iter().all(|load| tried.contains(load)), "{tried:?}");
}

#[test]
fn a_search_in_vain_says_why() {
    let slow = Serve::start(&["--delay", "30ms"]);
    let failing = serve(always("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"));
    let closed = listen().local_addr().expect("bound").to_string();
    let hanging = serve(silent());
    let (slow, failing) = (slow.address.to_string(), failing.address.to_string());
    let hanging = hanging.address.to_string();
    for (line, url, said) in [
        ("--slo p50<1ms -R 100 -d 100ms -c 8", &slow, "No rate holds p50<1ms."),
        ("--slo p50<1m -R 200 -d 400ms -c 4", &failing, "No rate holds p50<1m: 100.0% errors (500: "),
        ("--connections 1..4 -d 400ms", &failing, "No number of connections has a rate of good answers: 100.0% errors"),
        ("--slo p50<1s -R 100 -d 200ms -T 300ms", &hanging, "at the first load, 100/s, nothing was answered ("),
        ("--connections 1..4 -d 200ms -T 300ms", &hanging, "at the first load, 1 connection, nothing was answered ("),
    ] {
        let ended = words(&format!("search --warmup 10ms {line}"), &[url]);
        let disturbed = ended.stdout.contains("the machine disturbed");
        assert!(ended.code == 1 && (disturbed || ended.stdout.contains(said)), "{line}: {ended:?}");
        assert!(!ended.stdout.contains("holds\n"), "{line}: {ended:?}");
    }
    for line in ["--slo p50<1s -T 200ms", "--connections 1..4 -T 200ms"] {
        let ended = words(&format!("search {line}"), &[&closed]);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{line}: {ended:?}");
        assert!(ended.stderr.starts_with(&format!("saturing: nobody is there at {closed}")), "{line}: {ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{line}: {ended:?}");
    }
}

#[test]
fn an_interrupted_search_prints_its_probes() {
    let server = serve(always(HELLO));
    // Until the first probe is printed, which its file shows.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = command();
    let url = server.address.to_string();
    command.args(["search", "--slo", "p50<1m", "-R", "200", "-d", "300ms", "-c", "1", &url]).stdout(writer);
    let mut process = Process::start(&mut command, "saturing");
    drop(command);
    let mut lines = BufReader::new(reader).lines().map_while(Result::ok);
    let first = lines.find(|line| line.contains("holds\n") || line.ends_with("holds") || line.contains("disturbed"));
    assert!(first.is_some(), "a probe");
    process.signal(Signal::SIGINT);
    let rest: Vec<String> = lines.collect();
    assert_eq!(process.wait("the end of the search").code(), Some(130), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("Interrupted before there was an answer.")), "{rest:?}");
}

#[test]
fn two_results_are_compared() {
    let folder = Folder::new();
    let path = |name: &str| folder.path(name).display().to_string();
    let (fast, slow, other) = (path("fast.json"), path("slow.json"), path("open.json"));
    // So far apart that no machine's own pauses come between.
    let sides = [(&fast, "10ms"), (&slow, "400ms")].map(|(file, delay)| {
        let server = Serve::start(&["--delay", delay]);
        let address = server.address.to_string();
        (server, Running::start(&["-n", "120", "-c", "60", "--repeat", "6", "--json", file, &address]))
    });
    for (server, running) in sides {
        let ended = running.wait();
        assert_eq!(ended.code, 0, "{ended:?}");
        drop(server);
    }
    let ended = words("compare", &[&fast, &slow, "--json", "-"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let comparison: Comparison = serde_json::from_str(&ended.stdout).expect("JSON alone");
    for difference in &comparison.differences {
        assert!(difference.seen, "{difference:?}");
        let shift = difference.shift.expect("six windows each");
        assert_eq!(shift.estimate > 0.0, difference.figure != "rate", "{difference:?}");
        assert!(shift.low <= shift.estimate && shift.estimate <= shift.high, "{difference:?}");
    }
    assert_eq!(comparison.differences.len(), 4);
    let same = words("compare", &[&fast, &fast]);
    assert!(same.code == 0 && same.stdout.contains("Verdict: no difference seen."), "{same:?}");

    let server = serve(always(HELLO));
    assert_eq!(words("-R 50 -d 300ms --json", &[&other, &server.address.to_string()]).code, 0);
    let short = words("compare", &[&fast, &other]);
    assert!(short.stdout.contains("Verdict: none, too few windows."), "{short:?}");
    assert!(short.stdout.contains("open loop"), "{short:?}");
    for (files, named) in [([fast.as_str(), "/no/such.json"], "/no/such.json"), (["/dev/null", &fast], "not a result")]
    {
        let ended = words("compare", &files);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{ended:?}");
        assert!(ended.stderr.contains(named) && ended.stderr.lines().count() == 1, "{ended:?}");
    }
}

#[test]
fn two_servers_are_compared_in_turn() {
    let [fast, slow] = [&["--delay", "5ms"], &["--delay", "100ms"]].map(|args| Serve::start(args));
    let urls = [fast.address.to_string(), slow.address.to_string()];
    let line = "compare --run --rounds 8 -d 500ms --warmup 20ms -c 4";
    let ended = words(line, &[&urls[0], &urls[1]]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("Verdict: difference seen (*) in rate"), "{}", ended.stdout);
    // Both were loaded, in each round.
    assert!(fast.stop().0 >= 32 && slow.stop().0 >= 32);
}

#[test]
fn a_side_that_fails_or_is_not_there_never_wins() {
    let good = serve(always(HELLO));
    let failing = serve(always("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"));
    // Answers the first run's requests and no later connection: it went away in the middle.
    let (closed, leaving) = (listen().local_addr().expect("bound").to_string(), leaving());
    let (good, failing) = (good.address.to_string(), failing.address.to_string());
    // A side that had no turn of the CPU in its window is tried again in a longer one.
    let compared = |a: &str, b: &str| {
        long_enough("both sides are heard", Duration::from_millis(300), |window| {
            let line = format!("compare --run --rounds 2 -d {}ms --warmup 0 -c 2 -T 1s", window.as_millis());
            let ended = words(&line, &[a, b]);
            (!ended.stderr.contains("not one response came")).then_some(ended)
        })
    };
    let ended = compared(&good, &failing);
    assert_eq!(ended.code, 1, "{ended:?}");
    for said in ["\n   100.0% errors (500: ", "Verdict: none. B has 100.0% errors (500: "] {
        assert!(ended.stdout.contains(said), "{said}: {ended:?}");
    }
    for (a, b, name) in [(&closed, &good, "A"), (&good, &closed, "B")] {
        let ended = compared(a, b);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{ended:?}");
        let said = format!("saturing: {name} in round 1: nobody is there at {closed} (connects: ");
        assert!(ended.stderr.starts_with(&said) && ended.stderr.lines().count() == 1, "{said}: {ended:?}");
    }
    let ended = words("compare --run --rounds 2 -d 2s --warmup 0 -c 2 -T 1s", &[&good, &leaving]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains(&format!("Verdict: none. B in round 2: nobody is there at {leaving}")), "{ended:?}");
}

/// The address of a server that is gone once it has answered a run: two connections.
fn leaving() -> String {
    let listener = listen();
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        let peers = [(); 2].map(|()| listener.accept().expect("a connection").0);
        drop(listener);
        let answer = |mut peer: std::net::TcpStream| {
            let mut request = [0; 4096];
            // Requests of one connection come one at a time, each whole in a read.
            while peer.read(&mut request).is_ok_and(|got| got > 0) && peer.write_all(HELLO).is_ok() {}
        };
        let answering = peers.map(|peer| std::thread::spawn(move || answer(peer)));
        answering.into_iter().for_each(|thread| thread.join().expect("no panic"));
    });
    address
}
