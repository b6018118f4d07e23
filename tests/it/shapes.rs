//! Load shapes against real servers: rates that are kept, stages, steps, warm-up and repeats, counted on the server's side too.

use std::thread;
use std::time::Duration;

use crate::support::answers::{HELLO, always};
use crate::support::process::{long_enough, until};
use crate::support::saturing::{Running, Serve, load, run};
use crate::support::scripted::{listen, serve};
use nix::sys::signal::Signal;
use saturing::result::Outcome;

/// The built-in server's count of requests is the client's, as nothing is left on the wire at the end.
fn served_all(server: Serve, sent: u64) {
    assert_eq!(server.stop().0, sent);
}

#[test]
fn exactly_as_many_requests_as_the_rate_says() {
    // Rates below the number of workers too, and where an interval is no whole number of nanoseconds.
    let cases = [
        ("-R 1000 -d 1s -c 8", 1_000),
        ("-R 3 -d 2s -c 4 -t 2", 6),
        ("-R 0.5 -d 2s -c 1", 1),
        // Less than one request for each worker, for longer than the timeout.
        ("-R 0.1 -d 2s -c 4 -t 2 -T 1s", 1),
        ("-R 700 -n 350 -c 3", 350),
        ("-R 2000 -d 500ms -c 2 -p 4", 1_000),
        ("-R 500:1500 -d 1s -c 8", 1_000),
        ("-R 100:0.1 -d 2s -c 8", 100),
        ("--stages 500ms@400,500ms@400:1200 -c 8 -t 2", 600),
        ("-R 0:1000 -d 500ms -c 8 -t 2", 250),
    ];
    // Most of their time they wait: all at once.
    thread::scope(|scope| {
        for (options, intended) in cases {
            scope.spawn(move || is_exact(options, intended));
        }
    });
}

fn is_exact(options: &str, intended: u64) {
    {
        let server = Serve::start(&[]);
        let result = load(server.address, options);
        let open = result.requests.open.unwrap_or_else(|| panic!("{options}: an open loop"));
        assert!(open.intended.abs_diff(intended) <= 1, "{options}: {open:?}");
        assert_eq!(open.intended, result.requests.sent, "{options}: {:?}", result.requests);
        assert_eq!(result.requests.completed, open.intended, "{options}");
        assert_eq!(result.connections.established, result.connections.requested, "{options}");
        assert_eq!((result.ended_early, result.outcome), (None, Outcome::Ok), "{options}: {:?}", result.at_end);
        for (name, times) in [("service", &result.service_ns), ("lag", &result.send_lag_ns)] {
            assert_eq!(times.as_ref().map(|times| times.count), Some(open.intended), "{options}: {name}");
        }
        served_all(server, open.intended);
    }
}

#[test]
fn a_counted_open_loop_takes_as_long_as_its_rate_says() {
    let server = Serve::start(&[]);
    let result = load(server.address, "-R 500 -n 500 -c 8");
    // 500 requests at 500/s are 1 s less an interval; what comes on top is the last answer's.
    let longest = result.latency_ns.as_ref().expect("answers").max as f64 / 1e9;
    assert!((0.998..0.999 + longest).contains(&result.elapsed_s), "{} and {longest}", result.elapsed_s);
    served_all(server, 500);
}

#[test]
fn poisson_arrivals_repeat_with_their_seed_and_differ_with_another() {
    let server = Serve::start(&[]);
    let intended = |seed: u32| {
        let result = load(server.address, &format!("-R 2000 -d 250ms -c 16 --arrivals poisson --seed {seed}"));
        assert_eq!(result.plan.seed, Some(u64::from(seed)));
        result.requests.open.map(|open| open.intended)
    };
    let runs = [1, 1, 2, 3, 4].map(intended);
    assert_eq!(runs[0], runs[1]);
    assert!(runs[2..].iter().any(|other| *other != runs[0]), "{runs:?}");
}

#[test]
fn stages_and_steps_have_rows_that_add_up() {
    let server = Serve::start(&[]);
    let result = load(server.address, "--stages 300ms@1000,300ms@0,300ms@2000,400ms@1000:0 -c 8");
    let intended: Vec<u64> =
        result.stages.iter().map(|stage| stage.requests.open.map_or(0, |open| open.intended)).collect();
    let names: Vec<&str> = result.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(names, ["1000/s", "0/s", "2000/s", "1000:0/s"]);
    for (intended, want) in intended.iter().zip([300u64, 0, 600, 200]) {
        assert!(intended.abs_diff(want) <= 1, "{intended} and {want}");
    }
    assert_eq!(intended.iter().sum::<u64>(), result.requests.sent);
    // A pause offers nothing, and says so; no answer has times there.
    let pause = &result.stages[1];
    assert_eq!((pause.rate.offered_per_s, pause.latency_ns.is_none()), (Some(0.0), true), "{pause:?}");
    served_all(server, result.requests.sent);

    let server = Serve::start(&[]);
    let result = load(server.address, "--steps 2..6+2x300");
    let steps: Vec<(u64, u64)> =
        result.stages.iter().map(|stage| (stage.connections, stage.requests.completed)).collect();
    assert_eq!(steps, [(2, 300), (4, 300), (6, 300)]);
    assert_eq!((result.requests.completed, result.connections.established), (900, 12));
    served_all(server, 900);
}

#[test]
fn what_is_sent_in_the_warm_up_is_not_counted() {
    // What is due in the warm-up and was kept from leaving until its end is not sent at all.
    long_enough("a warm-up with some load", Duration::from_millis(300), |span| {
        let server = Serve::start(&[]);
        let (ms, due) = (span.as_millis(), span.as_millis() as u64);
        let result = load(server.address, &format!("-R 1000 -d {ms}ms --warmup {ms}ms -c 8"));
        let open = result.requests.open.expect("an open loop");
        assert!(open.intended.abs_diff(due) <= 1, "{open:?}");
        assert_eq!((result.elapsed_s, result.plan.warmup_s), (span.as_secs_f64(), Some(span.as_secs_f64())));
        let (served, _) = server.stop();
        assert!((result.requests.sent..=2 * due + 1).contains(&served), "{served}");
        (served > result.requests.sent + due / 4).then_some(())
    });
}

#[test]
fn windows_repeat_and_agree() {
    let server = Serve::start(&[]);
    let result = load(server.address, "-R 1000 -d 200ms --repeat 6 -c 4");
    let repeated = result.repeated.expect("windows");
    assert_eq!((repeated.windows, result.stages.len()), (6, 6));
    let connections = result.connections;
    assert_eq!((connections.requested, connections.established, connections.answered), (4, 4, 4), "as asked");
    let mut rates: Vec<f64> = result.stages.iter().map(|stage| stage.rate.achieved_per_s).collect();
    rates.sort_by(f64::total_cmp);
    let median = (rates[2] + rates[3]) / 2.0;
    assert!((repeated.rate_per_s.median - median).abs() < 1e-6 && median < 1_010.0, "{repeated:?} {rates:?}");
    assert!(repeated.rate_per_s.confidence >= 0.95 && repeated.p99_ns.is_some(), "{repeated:?}");
    assert!(result.requests.sent.abs_diff(1_200) <= 6, "{:?}", result.requests);
    served_all(server, result.requests.sent);
}

#[test]
fn what_waits_too_long_is_shed_and_what_cannot_be_sent_is_told() {
    // One connection to a server that takes 20 ms for each: 50/s of the 500/s offered.
    let server = Serve::start(&["--service", "const:20ms"]);
    let shed = load(server.address, "-R 500 -d 1s -c 1 --deadline 100ms");
    let open = shed.requests.open.expect("an open loop");
    assert!(open.shed > 300 && open.unsent == 0, "{open:?}");
    assert_eq!(open.intended, shed.requests.sent + open.shed, "{open:?}");
    assert!(shed.warnings.iter().any(|warning| warning.contains("lower bound")), "{:?}", shed.warnings);
    assert!(shed.warnings.iter().any(|warning| warning.starts_with("achieved ")), "{:?}", shed.warnings);
    let kept = load(server.address, "-R 500 -d 1s -c 1 --drain 200ms");
    let open = kept.requests.open.expect("an open loop");
    assert!(open.shed == 0 && open.unsent > 300, "{open:?}");
    assert_eq!(open.intended, kept.requests.sent + open.unsent, "{open:?}");
    // Whoever waited is in the response time, and not in the service time.
    let median = |times: &Option<saturing::result::Summary>| times.as_ref().and_then(|times| times.percentiles.p50);
    let (response, service) = (median(&kept.latency_ns).expect("times"), median(&kept.service_ns).expect("times"));
    assert!(response > service + 100_000_000, "{kept:?}");
}

#[test]
fn an_interrupted_open_loop_reports_what_was_measured() {
    let server = serve(always(HELLO));
    let running = Running::load(server.address, "-R 1000 -d 600s -c 4 -t 1");
    until("requests", || (server.counts().requests > 200).then_some(()));
    running.signal(Signal::SIGINT);
    let ended = running.wait();
    assert_eq!(ended.code, 130, "{ended:?}");
    let result = ended.result();
    assert!(result.interrupted && result.requests.completed > 100, "{:?}", result.requests);
    let open = result.requests.open.expect("an open loop");
    assert_eq!(open.intended, result.requests.sent + open.unsent, "{:?}", result.requests);
    // Offered up to the interruption, as the one worker saw it.
    let offered = result.rate.offered_per_s.expect("an open loop") * result.elapsed_s;
    assert!((offered - 1_000.0 * result.elapsed_s).abs() <= 22.0, "{offered} in {}", result.elapsed_s);
    assert_eq!(server.stop().requests, result.requests.sent);
}

#[test]
fn a_server_that_is_not_there_leaves_everything_unsent() {
    let nobody = listen().local_addr().expect("bound").to_string();
    let ended = run(&["-R", "100", "-d", "500ms", "-T", "300ms", "--json", "-", &nobody]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let result = ended.result();
    let open = result.requests.open.expect("an open loop");
    assert_eq!((result.requests.sent, open.unsent), (0, open.intended), "{open:?}");
    // Without any connection it ends after the timeout.
    assert!(open.intended >= 25, "{open:?}");
}

#[test]
fn intervals_add_up_to_the_run() {
    let server = serve(always(HELLO));
    let result = load(server.address, "-R 2000 -d 1s -c 8 --interval 200ms");
    // A worker that is kept from its CPU notices the end of an interval later, and takes longer to have all answers in.
    assert!(result.intervals.len() >= 2, "{:?}", result.intervals.len());
    assert!(result.intervals.iter().map(|one| one.length_s).sum::<f64>() >= 1.0, "{:?}", result.intervals);
    assert_eq!(result.intervals.iter().map(|one| one.completed).sum::<u64>(), result.requests.completed);
    assert_eq!(result.intervals.iter().map(|one| one.status.success).sum::<u64>(), result.requests.completed);
    assert!(result.intervals.iter().any(|one| one.connections_open == Some(8)), "{:?}", result.intervals);
    for pair in result.intervals.windows(2) {
        assert!((pair[1].start_s - pair[0].start_s - pair[0].length_s).abs() < 1e-6, "{pair:?}");
    }
}
