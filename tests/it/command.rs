//! The command as a user meets it: exit codes, what goes to which stream, and that nothing but text reaches a pipe.

use crate::support::answers::{HELLO, always};
use crate::support::process::Folder;
use crate::support::saturing::{Running, Serve, command, run};
use crate::support::scripted::{listen, serve};
use nix::sys::signal::Signal;

#[test]
fn bad_arguments_are_one_line_and_exit_code_2() {
    let table: &[(&[&str], &[&str])] = &[
        (&["--conections", "5", "localhost"], &["--conections", "--connections"]),
        (&["-s", "post.lua", "localhost"], &["-s", "-b"]),
        (&["-c", "many", "localhost"], &["--connections", "many"]),
        (&["-c", "0", "localhost"], &["--connections", "1 to", "0"]),
        (&["-p", "2000", "localhost"], &["--pipeline", "1024", "2000"]),
        (&["-d", "10parsecs", "localhost"], &["--duration", "10parsecs"]),
        (&["-c"], &["-c"]),
        (&["ftp://localhost/"], &["https"]),
        (&["localhost", "elsewhere"], &["elsewhere"]),
        (&["--cpus", "9999", "localhost"], &["--cpus", "9999"]),
        (&["-H", "no colon", "localhost"], &["--header", "no colon"]),
        (&["-H", "Content-Length: 3", "-b", "hello", "localhost"], &["Content-Length", "here 5", "\"3\""]),
        (&["http://localhost/user/{id}"], &["{ and }", "http://localhost/user/%7Bid%7D"]),
        (&["serve", "--port", "70000"], &["--port", "65535", "70000"]),
        (&["serve", "--prot", "80"], &["--prot", "--port"]),
        (&["serach", "--slo", "p99<5ms", "localhost"], &["serach", "saturing search"]),
        (&["compare", "http://localhost:1/", "http://localhost:2/"], &["--run"]),
        (&["-z", "10s", "localhost"], &["-z", "-d"]),
        (&["--cpus", "3-1", "localhost"], &["3-1", "1-3"]),
        (&["http:/localhost"], &["://"]),
        (&["--slo", "p99<5", "localhost"], &["unit", "p99<5ms"]),
        (&["--slo", "lag<1ms", "localhost"], &["lag", "--rate"]),
        (&["-R", "0:0", "-d", "1s", "localhost"], &["--rate", "0"]),
    ];
    for (args, named) in table {
        let ended = run(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args:?}: {ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("saturing: "), "{args:?}: {}", ended.stderr);
        for word in *named {
            assert!(ended.stderr.contains(word), "{args:?} should name {word}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_run_that_cannot_start_is_exit_code_1() {
    let nobody = listen().local_addr().expect("bound").to_string();
    let folder = Folder::new();
    let nowhere = folder.path("no/such/folder/result.json").display().to_string();
    let taken = listen();
    let port = taken.local_addr().expect("bound").port().to_string();
    let table: &[(&[&str], &str)] = &[
        (&["http://no-such-host.invalid/"], "no-such-host.invalid"),
        (&["-d", "100ms", "--json", &nowhere, &nobody], "no/such/folder"),
        (&["-d", "200ms", &nobody], "not one response"),
        (&["-n", "10", "-T", "200ms", &nobody], "not one response"),
        (&["serve", "--port", &port], "another process has that port: choose another one with --port"),
        (&["serve", "--host", "192.0.2.1"], "with --host"),
    ];
    for (args, named) in table {
        let ended = run(args);
        assert_eq!(ended.code, 1, "{args:?}: {ended:?}");
        assert!(ended.stderr.starts_with("saturing: ") && ended.stderr.contains(named), "{args:?}: {}", ended.stderr);
    }
}

/// Its threads share a port with each other, and with no other server, which would get a part of the load unseen.
#[test]
fn a_second_server_gets_no_port_of_the_first() {
    let first = Serve::start(&[]);
    let second = run(&["serve", "--port", &first.address.port().to_string()]);
    assert_eq!((second.code, second.stdout.as_str()), (1, ""), "{}", second.stderr);
    assert!(second.stderr.contains("another process has that port"), "{}", second.stderr);
}

#[test]
fn an_output_that_cannot_be_written_takes_no_other_with_it() {
    let server = serve(always(HELLO));
    let ended = run(&["-n", "20", "-c", "2", "--json", "/dev/full", &server.address.to_string()]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("20 requests in"), "{ended:?}");
    assert!(ended.stderr.contains("/dev/full"), "{ended:?}");
}

#[test]
fn help_and_version_go_to_standard_output() {
    let table: &[(&[&str], &str)] = &[
        (&["--help"], "--requests-per-connection"),
        (&["-h"], "saturing serve"),
        (&["help"], "Exit codes:"),
        (&["serve", "--help"], "--port"),
        (&["help", "serve"], "--port"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ];
    for (args, expected) in table {
        let ended = run(args);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{args:?}");
        assert!(ended.stdout.contains(expected) && !ended.stdout.contains('\x1b'), "{args:?}: {}", ended.stdout);
    }
}

#[test]
fn a_report_in_a_pipe_is_plain_text_with_wrks_lines() {
    let server = serve(always(HELLO));
    let url = format!("http://{}/", server.address);
    let ended = run(&["-t1", "-c4", "-d", "1s", "--latency", &url]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "no progress but on a terminal");
    assert!(!ended.stdout.contains('\x1b') && !ended.stdout.contains('\r'), "{}", ended.stdout);
    for line in
        ["Running ", "  1 threads and 4 connections", "  Latency Distribution", "Requests/sec:", "Transfer/sec:"]
    {
        assert!(ended.stdout.lines().any(|other| other.starts_with(line)), "{line:?} in {}", ended.stdout);
    }
}

#[test]
fn json_goes_where_it_is_sent() {
    let server = serve(always(HELLO));
    let url = format!("http://{}/", server.address);
    let folder = Folder::new();
    let path = folder.path("result.json").display().to_string();

    // To standard output, and nothing else there.
    let ended = run(&["-n", "100", "-c", "2", "--json", "-", &url]);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one JSON value");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!((value["schema"].as_u64(), value["requests"]["completed"].as_u64()), (Some(1), Some(100)));
    assert_eq!(value["interrupted"], false);
    assert_eq!(value["command"][0], "saturing");
    assert_eq!(value["command"][1], "-n");
    assert!(value.get("verdict").is_none() || value["verdict"].is_object(), "absent, never null");

    // To a file, beside the report.
    let ended = run(&["-n", "100", "-c", "2", "--json", &path, &url]);
    assert!(ended.code == 0 && ended.stdout.contains("Requests/sec:"), "{ended:?}");
    let value: serde_json::Value = serde_json::from_str(&folder.read("result.json")).expect("one JSON value");
    assert_eq!(value["requests"]["completed"], 100);
}

/// Every key that the schema promises, with nothing null.
#[test]
fn the_json_has_every_key_and_no_nulls() {
    let server = serve(always(HELLO));
    let result = Running::load(server.address, "-c 2 -d 1s").wait();
    let value: serde_json::Value = serde_json::from_str(&result.stdout).expect("JSON");
    let table = [
        ("target", "url address method"),
        ("plan", "threads connections pipeline duration_s timeout_ms cpus"),
        ("host", "kernel cpu cpus_online hostname"),
        ("engine", "name level why"),
        ("requests", "sent completed failed discarded in_flight_at_end"),
        ("rate", "achieved_per_s"),
        ("bytes", "sent received body"),
        ("errors", "reset eof_mid_response timeout protocol other"),
        ("anomalies", "excess_bytes reset_after_response close_unannounced"),
        ("connections", "requested established answered reconnects failed"),
        ("latency_ns", "kind count min mean stdev max percentiles histogram"),
        ("connect_ns", "count min mean stdev max percentiles"),
        ("first_byte_ns", "count min mean stdev max percentiles"),
        ("client", "user_s sys_s cpu_ns_per_request busy_share max_rss_bytes"),
        ("ring", "enters sqes cqes requests_per_enter cq_overflows recv_starved rearms"),
    ];
    for (part, keys) in table {
        for key in keys.split(' ') {
            assert!(value[part].get(key).is_some_and(|value| !value.is_null()), "{part}.{key}: {}", value[part]);
        }
    }
    let count = value["latency_ns"]["count"].as_u64().expect("a count");
    let needed = [2, 4, 10, 20, 100, 1_000, 10_000, 100_000];
    for (key, needed) in ["50", "75", "90", "95", "99", "99.9", "99.99", "99.999"].into_iter().zip(needed) {
        let told = value["latency_ns"]["percentiles"].get(key).is_some();
        assert_eq!(told, count >= needed, "{key}: {}", value["latency_ns"]);
    }
    assert_eq!(value["latency_ns"]["kind"], "service");
    assert!(!result.stdout.contains("null"), "{}", result.stdout);
}

#[test]
fn wrks_spellings_are_taken() {
    let server = serve(always(HELLO));
    let url = format!("http://{}/", server.address);
    for args in [
        &["-t1", "-c3", "-n1k"][..],
        &["--threads=1", "--connections=3", "--requests=1k"],
        &["-t", "1", "-c", "3", "-n", "1000"],
    ] {
        let ended = run(&[args, &["--timeout=50s", "--json", "-", &url]].concat());
        let result = ended.result();
        assert_eq!((result.plan.threads, result.plan.connections, result.requests.completed), (1, 3, 1000), "{args:?}");
    }
}

#[test]
fn the_request_is_what_was_asked_for() {
    let server = serve(always(HELLO));
    let url = format!("http://{}/a/b?c=d", server.address);
    let ended = run(&[
        "--json",
        "-",
        "-n",
        "1",
        "-c",
        "1",
        "-H",
        "Host: example.com",
        "-H",
        "X: y",
        "-m",
        "PUT",
        "-b",
        "text",
        &url,
    ]);
    let result = ended.result();
    let expected = format!(
        "PUT /a/b?c=d HTTP/1.1\r\nHost: example.com\r\nUser-Agent: saturing/{}\r\nX: y\r\nContent-Length: 4\r\n\r\ntext",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(server.last_request(), expected);
    assert_eq!(result.bytes.sent, expected.len() as u64);
}

#[test]
fn without_arguments_the_built_in_server_is_loaded_and_reported() {
    // All five seconds of it are for `./check.sh` to see, in the commands of README.md.
    let mut running = Running::on_terminal(command().env("NO_COLOR", "1"));
    running.until_it_shows("/s");
    running.signal(Signal::SIGINT);
    let ended = running.wait();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(ended.stdout.contains("Requests/sec:") && !ended.stdout.contains('\x1b'), "{}", ended.stdout);
    assert!(ended.stdout.starts_with("Running 5s test @ http://127.0.0.1:"), "{}", ended.stdout);
}

/// Text goes to the terminal's width, and no line breaks inside a word; `script` gives the command a terminal.
#[test]
fn on_a_terminal_no_line_breaks_inside_a_word() {
    let program = env!("CARGO_BIN_EXE_saturing");
    let of = |args: &str| {
        let line = format!("stty rows 24 cols 40 && {program} {args} 2>&1");
        Running::spawn(std::process::Command::new("script").args(["-qec", &line, "/dev/null"])).wait()
    };
    let refused = of("--conections 5");
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stdout.contains("--conections;\r\n  did you mean --connections?"), "{refused:?}");
    let help = of("--help");
    assert!(help.stdout.contains("\r\n        worker threads, each pinned to a\r\n"), "{}", help.stdout);
    let long = help.stdout.lines().filter(|line| line.trim_end().chars().count() > 40);
    let broken: Vec<&str> = long.filter(|line| line.split_whitespace().count() > 1).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    // `script` gives the command a terminal.
    let server = Serve::start(&[]);
    let line = format!("{} -c2 -d 500ms http://{}/", env!("CARGO_BIN_EXE_saturing"), server.address);
    let on_terminal = |no_colour: &str| {
        let mut script = std::process::Command::new("script");
        script
            .args(["-qec", &line, "/dev/null"])
            .env("TERM", "xterm")
            .env("NO_COLOR", no_colour)
            .env("XDG_CACHE_HOME", "/no-cache");
        Running::spawn(&mut script).wait()
    };
    let coloured = on_terminal("");
    assert!(coloured.code == 0 && coloured.stdout.contains("\x1b["), "{coloured:?}");
    let plain = on_terminal("1");
    // The progress line erases itself; that is no colour.
    assert!(plain.code == 0 && !plain.stdout.replace("\x1b[K", "").contains('\x1b'), "{plain:?}");
}
