//! What options mean, and what is refused.

use super::*;
use crate::cli::failure::{BAD_ARGUMENTS, NO_RUN};
use crate::cli::outputs::{Sink, To};
use crate::cli::spelling::{Spelled, spell};
use crate::plan::{Arrivals, DEFAULT_INTERVAL, DEFAULT_TIMEOUT, Open, RateStage, Source, Until};
use crate::target::{Behaviour, Pause, Service};
use argh::{ArgsInfo, FromArgs};
use std::path::Path;
use std::time::Duration;

fn args_of<T: FromArgs + ArgsInfo>(words: &[&str]) -> T {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let Ok(Spelled::Args(spelled)) = spell(&words, &T::get_args_info()) else { panic!("{words:?} is refused") };
    let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
    T::from_args(&["saturing"], &spelled).expect("spelled out")
}

fn read(words: &[&str]) -> Result<Typed, Failure> {
    Typed::read(&args_of(words), &mut &b"from stdin"[..])
}

fn typed(words: &[&str]) -> Typed {
    read(words).expect("taken")
}

fn four_cores() -> Topology {
    Topology::group(&[0, 1, 2, 3], Path::new("/nonexistent")).expect("CPUs")
}

fn plan(words: &[&str]) -> Plan {
    let typed = typed(words);
    let url = typed.url().unwrap_or("http://127.0.0.1:4000/").to_owned();
    typed.plan(&url, &four_cores()).expect("a plan")
}

const URL: &str = "http://127.0.0.1:8080/x";

#[test]
fn the_end_of_a_run() {
    let s = |seconds| Some(Duration::from_secs(seconds));
    for (words, duration, requests) in [
        (&[URL][..], s(10), None),
        (&[], s(5), None),
        (&[URL, "-d", "30"], s(30), None),
        (&["-d", "1m"], s(60), None),
        (&[URL, "-n", "1.5k"], None, Some(1500)),
        (&["-n", "10"], None, Some(10)),
        (&[URL, "-n", "10", "-d2s"], s(2), Some(10)),
    ] {
        assert_eq!(typed(words).load.until, Until { duration, requests }, "{words:?}");
    }
}

#[test]
fn a_plan_of_defaults() {
    let plan = plan(&[URL]);
    assert_eq!(plan.target.url, URL);
    assert_eq!(plan.target.method, "GET");
    assert!(plan.target.local && plan.target.sources.is_empty());
    assert_eq!(plan.load.connections, 128, "64 for each of two workers: half of four cores");
    assert_eq!(plan.load.pipeline, 1);
    assert_eq!(plan.load.requests_per_connection, None);
    assert_eq!((plan.load.timeout, plan.load.drain), (DEFAULT_TIMEOUT, None));
    assert_eq!(plan.placement.cpus, [0, 1]);
    assert!(plan.placement.server_cpus.is_empty());
    assert!(plan.notes.is_empty(), "{:?}", plan.notes);
}

#[test]
fn a_plan_of_everything() {
    let plan = plan(&[
        "-t3",
        "-c1k",
        "-n",
        "2M",
        "-d",
        "1h",
        "-p16",
        "-mPUT",
        "-HX-A: b ",
        "-bhello",
        "-T",
        "500ms",
        "--drain=0",
        "--patience=9s",
        "--requests-per-connection",
        "100",
        "--cpus",
        "1-3",
        "--source-address",
        "127.0.0.2,[::1]",
        "--source-address=127.0.0.3,127.0.0.2",
        URL,
    ]);
    assert_eq!(
        plan.load,
        Load {
            connections: 1000,
            pipeline: 16,
            until: Until { duration: Some(Duration::from_secs(3600)), requests: Some(2_000_000) },
            requests_per_connection: Some(100),
            resets: false,
            timeout: Duration::from_millis(500),
            drain: Some(Duration::ZERO),
            patience: Some(Duration::from_secs(9)),
            open: None,
            warmup: Duration::ZERO,
            repeat: 1,
            steps: Vec::new(),
            interval: DEFAULT_INTERVAL,
        }
    );
    assert_eq!(plan.placement.cpus, [1, 2, 3]);
    let sources: Vec<String> = plan.target.sources.iter().map(IpAddr::to_string).collect();
    assert_eq!(sources, ["127.0.0.2", "127.0.0.3"]);
    assert_eq!(plan.notes, ["source address ::1 is not used: no target address is IPv6"]);
    let set = &plan.target.requests;
    let request = String::from_utf8_lossy(set.bytes_of(&set.entries[0], false)).into_owned();
    assert!(request.starts_with("PUT /x HTTP/1.1\r\n"), "{request}");
    assert!(request.to_ascii_lowercase().contains("\r\nx-a: b\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\nhello"), "{request}");
}

#[test]
fn the_built_in_server_has_its_cpus_before_it_has_a_url() {
    let typed = typed(&["-t1"]);
    assert_eq!(typed.url(), None);
    let before = typed.server_cpus(&four_cores()).expect("CPUs");
    let plan = typed.plan("http://127.0.0.1:4000/", &four_cores()).expect("a plan");
    assert_eq!(before, [1, 2, 3]);
    assert_eq!(plan.placement.server_cpus, before);
    assert_eq!(plan.placement.cpus, [0]);
}

#[test]
fn methods_and_bodies() {
    let file = std::env::temp_dir().join(format!("saturing-body-{}", std::process::id()));
    std::fs::write(&file, b"from\0file").expect("written");
    let at_file = format!("@{}", file.display());
    for (words, method, body) in [
        (&[][..], "GET", &b""[..]),
        (&["-b", "x"], "POST", b"x"),
        (&["-b", ""], "POST", b""),
        (&["-b", "-foo"], "POST", b"-foo"),
        (&["-b", "@-"], "POST", b"from stdin"),
        (&["-b", &at_file], "POST", b"from\0file"),
        (&["-b", "x", "-m", "PUT"], "PUT", b"x"),
        (&["-m", "HEAD"], "HEAD", b""),
    ] {
        let typed = typed(words);
        assert_eq!(
            (typed.requests.method.as_str(), &typed.requests.source),
            (method, &Source::Urls(body.to_vec())),
            "{words:?}"
        );
    }
    std::fs::remove_file(file).expect("removed");
}

#[test]
fn headers() {
    for (text, name, value) in [
        ("X: y", "X", "y"),
        ("X:y", "X", "y"),
        ("X:  y z\t", "X", "y z"),
        ("Host:", "Host", ""),
        ("X: a:b", "X", "a:b"),
    ] {
        assert_eq!(typed(&["-H", text]).requests.headers, [(name.to_owned(), value.to_owned())], "{text}");
    }
}

#[test]
fn keep_alive() {
    for (words, most) in [
        (&[][..], None),
        (&["--no-keepalive"], Some(1)),
        (&["--requests-per-connection", "5"], Some(5)),
        (&["--requests-per-connection", "1", "--no-keepalive"], Some(1)),
        (&["-H", "connection: TE, Close"], Some(1)),
        (&["-H", "Connection: close", "--requests-per-connection", "1"], Some(1)),
        (&["-H", "Connection: keep-alive"], None),
    ] {
        assert_eq!(typed(words).load.requests_per_connection, most, "{words:?}");
    }
    assert_eq!(
        plan(&[URL, "-R", "0:1k", "-d1s", "--warmup", "1s"]).notes,
        ["the warm-up sends nothing: it has the first rate, which is 0"]
    );
    assert_eq!(
        plan(&[URL, "--requests-per-connection", "5", "-p6"]).notes,
        ["at most 5 in flight on a connection, not 6: it ends then"]
    );
}

#[test]
fn outputs() {
    let sinks = |words: &[&str]| typed(words).output.sinks;
    let to_file = |format, name: &str| Sink { format, to: To::File(name.into()) };
    assert_eq!(sinks(&[]), []);
    assert_eq!(sinks(&["--json", "-"]), [Sink { format: Format::Json, to: To::Stdout }]);
    let words = ["--csv", "d", "--hdr-log", "b", "--json", "out.json", "--timeseries", "c", "--hgrm", "a"];
    assert_eq!(
        sinks(&words),
        [
            to_file(Format::Json, "out.json"),
            to_file(Format::Hgrm, "a"),
            to_file(Format::HdrLog, "b"),
            to_file(Format::Timeseries, "c"),
            to_file(Format::Csv, "d"),
        ]
    );
    assert_eq!(typed(&["--slo", "p99<5ms"]).slo.map(|slo| slo.limits.len()), Some(1));
    assert!(typed(&["-L"]).output.latency && !typed(&[]).output.latency);
    assert!(typed(&["--verbose"]).output.verbose && !typed(&[]).output.verbose);
}

#[test]
fn what_is_refused() {
    let count = "must be a whole number, as in 64, 10k or 1.5M";
    let time = "must be a duration in us, ms, s, m or h, as in 10s, 500ms or 1m30s";
    let source = "must be IP addresses of this host, as in 127.0.0.1,127.0.0.2";
    for (words, message) in [
        (&["-t", "0"][..], "--threads: must be 1 to 1024, got 0"),
        (&["-t", "x"], &format!("--threads: {count}, got x")),
        (&["-c", "0"], "--connections: must be 1 to 1000000, got 0"),
        (&["-c", "2M"], "--connections: must be 1 to 1000000, got 2000000"),
        (&["-c", "1.5"], &format!("--connections: {count}, got 1.5")),
        (&["-c=64"], &format!("--connections: {count}, got =64")),
        (&["-d", "0"], "--duration: must be more than 0, got 0"),
        (&["-d", "10q"], &format!("--duration: {time}, got 10q")),
        // Values that another tool's option of that letter takes.
        (&["-d", "{\"a\":1}"], &format!("--duration: {time}, got {{\"a\":1}}; the body of a request is -b")),
        (&["-t", "30s"], &format!("--threads: {count}, got 30s; the time to run is -d, a timeout -T")),
        (&["-n", "30s"], &format!("--requests: {count}, got 30s; the time to run is -d")),
        (
            &["-T", "text/csv"],
            &format!("--timeout: {time}, got text/csv; the type of a body is -H 'Content-Type: ...'"),
        ),
        (
            &["-p", "h2c"],
            &format!("--pipeline: {count}, got h2c; HTTP/1.1 is what this version speaks, without asking for it"),
        ),
        (&["-p", "post.json"], &format!("--pipeline: {count}, got post.json; a body from a file is -b @FILE")),
        (
            &["-c", "1..64"],
            &format!("--connections: {count}, got 1..64; a range of them is searched by saturing search"),
        ),
        (
            &["-c", "1,8"],
            &format!("--connections: {count}, got 1,8; several numbers, one after the other, are --steps 1,8,64x5s"),
        ),
        (
            &["-R", "50/1s"],
            "--rate: must be a rate of 0.1 to 1G requests per second, as in 2000, 0.5 or 10k, got 50/1s; rates are per second \
             without saying so",
        ),
        (
            &["-m", "100"],
            "--method: must be the name of a method, as in GET or POST, got 100; so many requests in flight on each connection are \
             -p N",
        ),
        (&["-n", "0"], "--requests: must be at least 1, got 0"),
        (&["-n", "-1"], &format!("--requests: {count}, got -1")),
        (&["-p", "2000"], "--pipeline: must be 1 to 1024, got 2000"),
        (&["-p", "a"], &format!("--pipeline: {count}, got a")),
        (&["-T", "0"], "--timeout: must be more than 0 and at most 1h, got 0"),
        (&["-T", ""], &format!("--timeout: {time}, got \"\"")),
        (&["--drain", "2h"], "--drain: must be at most 1h, got 7200s"),
        (&["--drain", "-1"], &format!("--drain: {time}, got -1")),
        (&["--requests-per-connection", "0"], "--requests-per-connection: must be at least 1, got 0"),
        (
            &["--no-keepalive", "--requests-per-connection", "2"],
            "--requests-per-connection: must be 1 with --no-keepalive, got 2",
        ),
        (
            &["-H", "Connection: close", "--requests-per-connection", "2"],
            "--requests-per-connection: must be 1 with -H 'Connection: close', got 2",
        ),
        (&["--cpus", "a-b"], "--cpus: must be a list of CPUs, as in 0,2-5, got a-b"),
        (&["--cpus", "3-1"], "--cpus: 3-1 is reversed, a range goes up as in 1-3, got 3-1"),
        (&["--cpus", "0,5-2"], "--cpus: 5-2 is reversed, a range goes up as in 2-5, got 0,5-2"),
        (&["--cpus", ""], "--cpus: must be a list of CPUs, as in 0,2-5, got \"\""),
        (&["--source-address", "localhost"], &format!("--source-address: {source}, got localhost")),
        (&["--source-address", "127.0.0.1,"], &format!("--source-address: {source}, got \"\"")),
        (&["-H", "Foo"], "--header: must be 'Name: value', got Foo"),
        (&["-H", ": x"], "--header: must be 'Name: value', got \": x\""),
        (&["-H", "A: b\r\nC: d"], "--header: must be one line, got \"A: b\\r\\nC: d\""),
        (&["-b", "@"], "--body: must be TEXT, @FILE or @-, got @"),
        (
            &["-b", "@/nonexistent/body"],
            "--body: cannot be read (No such file or directory (os error 2)), got @/nonexistent/body",
        ),
        (
            &["--slo", "p99<5ms,lag.max<1ms"],
            "--slo: lag needs --rate or --stages, as requests of a closed loop are sent when their turn comes, got lag.max<1ms",
        ),
        (&["--slo", "p99<5"], "--slo: a time needs a unit (us, ms, s, m or h), as in p99<5ms, got p99<5"),
        (
            &["--slo", "p99=5ms"],
            "--slo: must be limits as in p99<5ms,errors<0.1%,rate>9k; any of pN, mean, max, service.pN, lag, lag.max, errors, rate, and p99[NAME] of a kind of request, got p99=5ms",
        ),
        (&["--json", ""], "--json: must be a file, or - for standard output, got \"\""),
        (&["-R", "0"], "--rate: must be a rate of 0.1 to 1G requests per second, as in 2000, 0.5 or 10k, got 0"),
        (&["-R", "1k:2k", "-n", "9"], "--rate: a rate that changes needs a --duration, got 1000:2000"),
        (&["--stages", "1s@1k", "-R", "1"], "--stages: cannot be used with --rate, got 1s@1k"),
        (&["--stages", "1s@1k", "-d", "1"], "--stages: cannot be used with --duration, got 1s@1k"),
        (&["-R", "0:0", "-d", "1"], "--rate: must not be 0 for the whole run, got 0"),
        (&["--stages", "1s@0,1s@0:0"], "--stages: must not be 0 for the whole run, got 0"),
        (
            &["-R", "0:0.05"],
            "--rate: must be 0, or a rate of 0.1 to 1G requests per second, as in 2000, 0.5 or 10k, got 0.05",
        ),
        (&["--stages", "0s@1k"], "--stages: each must have some time, as in 30s@1k, got 0s@1k"),
        (&["--steps", "1x1s", "-c", "5"], "--steps: cannot be used with --connections, got 1x1s"),
        (&["--steps", "1x1s", "-n", "5"], "--steps: cannot be used with --requests, got 1x1s"),
        (&["--steps", "1x0"], "--steps: each must have at least 1 request or some time, got 0"),
        (&["--steps", "0x1s"], "--steps: must be 1 to 1000000, got 0"),
        (&["--steps", "1x1s", "-R", "1:2"], "--rate: must be one and the same for all --steps, got 1:2"),
        (&["--arrivals", "poisson"], "--arrivals: needs --rate or --stages, got neither"),
        (&["--spin"], "--spin: needs --rate or --stages, got neither"),
        (&["--deadline", "1s"], "--deadline: needs --rate or --stages, got neither"),
        (&["-R", "1", "--deadline", "0"], "--deadline: must be more than 0 and at most 1h, got 0"),
        (&["-R", "1", "--arrivals", "odd"], "--arrivals: must be constant or poisson, got odd"),
        (&["--repeat", "0"], "--repeat: must be 1 to 1000, got 0"),
        (&["--interval", "99ms"], "--interval: must be 100ms to 1h, got 99ms"),
        (
            &["-k", "http://h"],
            "--insecure: needs an https:// URL; connections are kept alive without it (ab's -k), got http://h",
        ),
        (&["--sni", "x", "h"], "--sni: needs an https:// URL, got h"),
        (&["--tls-max", "1.1", "https://h"], "--tls-max: must be 1.2 or 1.3, got 1.1"),
        (&["--key", "k", "https://h"], "--key: needs its certificate, --cert FILE, got k"),
        (&["--ciphers", "a,,b", "https://h"], "--ciphers: must be a list of names with commas between, got a,,b"),
        (
            &["-k", "--cacert", "f", "https://h"],
            "--cacert: cannot be used with --insecure, which verifies nothing, got f",
        ),
    ] {
        let failure = read(words).expect_err(message);
        assert_eq!((failure.code, failure.message.as_str()), (BAD_ARGUMENTS, message));
    }
}

#[test]
fn shapes_of_load() {
    let load = |words: &[&str]| typed(words).load;
    let level = |rate| vec![RateStage { duration: None, from_per_s: rate, to_per_s: rate }];
    let open = |stages| Open { stages, arrivals: Arrivals::Constant, seed: 1, deadline: None, spin: false };
    for words in [&["-R2000"][..], &["-R", "2k"], &["--rate=2k"]] {
        assert_eq!(load(words).open, Some(open(level(2_000.0))), "{words:?}");
    }
    let poisson = ["-R", "0.1", "--arrivals", "poisson", "--seed", "7", "--deadline", "1s", "--spin", "-t", "4"];
    let want = Open {
        arrivals: Arrivals::Poisson,
        seed: 7,
        deadline: Some(Duration::from_secs(1)),
        spin: true,
        ..open(level(0.1))
    };
    assert_eq!(load(&poisson).open, Some(want));
    let ramp = load(&["-R", "1k:2k", "-d", "5s"]);
    assert_eq!(ramp.open, Some(open(vec![RateStage { duration: None, from_per_s: 1e3, to_per_s: 2e3 }])));
    let from_nothing = load(&["-R", "0:2k", "-d", "5s"]);
    assert_eq!(from_nothing.open, Some(open(vec![RateStage { duration: None, from_per_s: 0.0, to_per_s: 2e3 }])));
    let stages = load(&["--stages", "2s@1k,3s@1k:2k"]);
    assert_eq!(stages.until, Until { duration: Some(Duration::from_secs(5)), requests: None });
    assert_eq!(stages.open.map(|open| open.stages.len()), Some(2));
    let steps = load(&["--steps", "10..30+10x100", "--warmup", "1s", "--interval", "100ms"]);
    assert_eq!((steps.connections, steps.steps.len()), (30, 3));
    assert_eq!((steps.warmup, steps.interval), (Duration::from_secs(1), Duration::from_millis(100)));
    let plain = load(&["--repeat", "5"]);
    assert_eq!((plain.repeat, plain.interval, plain.warmup), (5, DEFAULT_INTERVAL, Duration::ZERO));
    assert_eq!((plain.open, plain.steps), (None, vec![]));
}

#[test]
fn refused_before_the_body_is_read() {
    struct Unread;
    impl Read for Unread {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("was read"))
        }
    }
    let message = |words: &[&str]| Typed::read(&args_of(words), &mut Unread).expect_err("refused").message;
    assert_eq!(message(&["-b@-", "--json="]), "--json: must be a file, or - for standard output, got \"\"");
    assert_eq!(message(&["-b@-"]), "--body: cannot be read (was read), got @-");
}

#[test]
fn failures_of_a_plan() {
    let failure = |words: &[&str]| {
        let typed = typed(words);
        Failure::from(typed.plan(typed.url().unwrap_or(URL), &four_cores()).expect_err("refused"))
    };
    let unallowed = failure(&["--cpus", "2-4", URL]);
    assert_eq!(unallowed, Failure::usage("--cpus: must be CPUs allowed to this process (0-3), got 4"));
    let unresolved = failure(&["http://a..b/"]);
    assert_eq!(unresolved.code, NO_RUN, "{unresolved}");
}

#[test]
fn serve() {
    let read = |words: &[&str]| TypedServe::read(&args_of::<ServeArgs>(words));
    for (words, listen, cpus) in [
        (&[][..], "127.0.0.1:0", &[0, 1, 2, 3][..]),
        (&["--port", "8080", "--cpus", "1"], "127.0.0.1:8080", &[1]),
        (&["--host", "::1", "--port=65535"], "[::1]:65535", &[0, 1, 2, 3]),
        (&["--host", "[::]"], "[::]:0", &[0, 1, 2, 3]),
    ] {
        let typed = read(words).expect("taken");
        assert_eq!(typed.listen.to_string(), listen, "{words:?}");
        assert_eq!(typed.cpus(&four_cores()).expect("allowed"), cpus, "{words:?}");
    }
    for (words, message) in [
        (&["--port", "65536"][..], "--port: must be 0 to 65535, got 65536"),
        (&["--port", "+80"], "--port: must be 0 to 65535, got +80"),
        (&["--port", ""], "--port: must be 0 to 65535, got \"\""),
        (&["--host", "localhost"], "--host: must be an IP address, as in 127.0.0.1 or ::1, got localhost"),
        (&["--host", "[127.0.0.1]"], "--host: must be an IP address, as in 127.0.0.1 or ::1, got [127.0.0.1]"),
        (&["--cpus", "x"], "--cpus: must be a list of CPUs, as in 0,2-5, got x"),
    ] {
        assert_eq!(read(words), Err(Failure::usage(message)), "{words:?}");
    }
}

#[test]
fn behaviour_of_the_server() {
    let read = |words: &[&str]| TypedServe::read(&args_of::<ServeArgs>(words)).map(|typed| typed.truth);
    let (ms, us) = (Duration::from_millis, Duration::from_micros);
    assert_eq!(read(&["--port", "80"]), Ok(None));
    let none = Behaviour { seed: 1, ..Behaviour::default() };
    for (words, behaviour, log) in [
        (&["--delay", "5ms"][..], Behaviour { delay: ms(5), ..none }, None),
        (
            &["--pause", "100ms/1s"],
            Behaviour { pause: Some(Pause { length: ms(100), period: ms(1000) }), ..none },
            None,
        ),
        (&["--service", "const:200us"], Behaviour { service: Some(Service::Constant(us(200))), ..none }, None),
        (
            &["--service=exp:0.2ms", "--seed", "9", "--log", "a.csv"],
            Behaviour { service: Some(Service::Exponential(us(200))), seed: 9, ..none },
            Some("a.csv".into()),
        ),
        (&["--log", "b"], none, Some("b".into())),
    ] {
        assert_eq!(read(words), Ok(Some(Truth { behaviour, log })), "{words:?}");
    }
    let pause = "--pause: must be PAUSE/PERIOD with 0 < PAUSE < PERIOD, as in 100ms/1s, got";
    let service = "--service: must be const:TIME or exp:TIME with TIME above 0, as in exp:200us, got";
    for (option, given, message) in [
        (
            "--delay",
            "5x",
            "--delay: must be a duration in us, ms, s, m or h, as in 10s, 500ms or 1m30s, got 5x".to_owned(),
        ),
        ("--pause", "100ms", format!("{pause} 100ms")),
        ("--pause", "0/1s", format!("{pause} 0/1s")),
        ("--pause", "1s/1000ms", format!("{pause} 1s/1000ms")),
        ("--pause", "1s/x", format!("{pause} 1s/x")),
        ("--pause", "/", format!("{pause} /")),
        ("--service", "200us", format!("{service} 200us")),
        ("--service", "gamma:2s", format!("{service} gamma:2s")),
        ("--service", "exp:0", format!("{service} exp:0")),
        ("--service", "const:", format!("{service} const:")),
        ("--seed", "3", "--seed: needs --service exp:TIME, got 3".to_owned()),
        ("--log", "", "--log: must be a file, got \"\"".to_owned()),
        ("--log", "-", "--log: must be a file, got -".to_owned()),
    ] {
        assert_eq!(read(&[option, given]), Err(Failure::usage(message)), "{option} {given}");
    }
}
