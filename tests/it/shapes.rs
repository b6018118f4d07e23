//! Load shapes against real servers: rates that are kept, stages, steps, warm-up and repeats, counted on the server's side too.

use std::time::Duration;

use crate::support::answers::{HELLO, always};
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
    for (options, intended) in [
        ("-R 1000 -d 1s -c 8", 1_000),
        ("-R 3 -d 2s -c 4 -t 2", 6),
        ("-R 0.5 -d 2s -c 1", 1),
        // Less than one request for each worker, for longer than the timeout.
        ("-R 0.1 -d 1500ms -c 4 -t 2 -T 500ms", 1),
        ("-R 700 -n 350 -c 3", 350),
        ("-R 2000 -d 500ms -c 2 -p 4", 1_000),
        ("-R 500:1500 -d 1s -c 8", 1_000),
        ("-R 100:0.1 -d 2s -c 8", 100),
        ("--stages 500ms@400,500ms@400:1200 -c 8 -t 2", 600),
        ("-R 0:1000 -d 500ms -c 8 -t 2", 250),
    ] {
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
    let result = load(server.address, "-R 500 -n 1000 -c 8");
    // 1,000 requests at 500/s are 2 s less an interval; what comes on top is the last answer's.
    assert!((1.99..2.5).contains(&result.elapsed_s), "{}", result.elapsed_s);
    served_all(server, 1_000);
}

#[test]
fn poisson_arrivals_repeat_with_their_seed_and_differ_with_another() {
    let server = Serve::start(&[]);
    let intended = |seed: u32| {
        let result = load(server.address, &format!("-R 2000 -d 500ms -c 16 --arrivals poisson --seed {seed}"));
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
    let server = Serve::start(&[]);
    let result = load(server.address, "-R 1000 -d 500ms --warmup 500ms -c 8");
    let open = result.requests.open.expect("an open loop");
    assert!(open.intended.abs_diff(500) <= 1, "{open:?}");
    assert!((0.4..0.6).contains(&result.elapsed_s) && result.plan.warmup_s == Some(0.5), "{}", result.elapsed_s);
    let (served, _) = server.stop();
    assert!(served.abs_diff(1_000) <= 1, "{served}");
}

#[test]
fn windows_repeat_and_agree() {
    let server = Serve::start(&[]);
    let result = load(server.address, "-R 1000 -d 200ms --repeat 6 -c 4");
    let repeated = result.repeated.expect("windows");
    assert_eq!((repeated.windows, result.stages.len()), (6, 6));
    let connections = result.connections;
    assert_eq!((connections.requested, connections.established, connections.answered), (4, 4, 4), "as asked");
    assert!((900.0..1_010.0).contains(&repeated.rate_per_s.median), "{repeated:?}");
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
    assert!(response > 5 * service, "{kept:?}");
}

#[test]
fn an_interrupted_open_loop_reports_what_was_measured() {
    let server = Serve::start(&[]);
    let running = Running::load(server.address, "-R 1000 -d 60s -c 4");
    std::thread::sleep(Duration::from_millis(1_200));
    running.signal(Signal::SIGINT);
    let ended = running.wait();
    assert_eq!(ended.code, 130, "{ended:?}");
    let result = ended.result();
    assert!(result.interrupted && result.requests.completed > 100, "{:?}", result.requests);
    let open = result.requests.open.expect("an open loop");
    assert_eq!(open.intended, result.requests.sent + open.unsent, "{:?}", result.requests);
    // Offered up to the interruption, which the two workers may have seen at different instants.
    let offered = result.rate.offered_per_s.expect("an open loop") * result.elapsed_s;
    assert!((offered - 1_000.0 * result.elapsed_s).abs() <= 22.0, "{offered} in {}", result.elapsed_s);
    served_all(server, result.requests.sent);
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
    // Fewer where the machine kept the program from looking.
    assert!((2..=6).contains(&result.intervals.len()), "{:?}", result.intervals.len());
    assert_eq!(result.intervals.iter().map(|one| one.completed).sum::<u64>(), result.requests.completed);
    assert_eq!(result.intervals.iter().map(|one| one.status.success).sum::<u64>(), result.requests.completed);
    assert_eq!(result.intervals[0].connections_open, Some(8));
    for pair in result.intervals.windows(2) {
        assert!((pair[1].start_s - pair[0].start_s - pair[0].length_s).abs() < 1e-6, "{pair:?}");
    }
}
