//! The spelling table.

use super::*;
use crate::cli::args::{LoadArgs, ServeArgs};
use argh::ArgsInfo;

fn spelled(args: &[&str]) -> Result<Spelled, Failure> {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    spell(&args, &LoadArgs::get_args_info())
}

/// `line` and what it spells, both with single spaces between arguments.
#[test]
fn lines() {
    for (line, expected) in [
        ("", ""),
        ("http://h/", "-- http://h/"),
        // wrk
        (
            "-t12 -c400 -d30s http://127.0.0.1:8080/index.html",
            "--threads 12 --connections 400 --duration 30s -- http://127.0.0.1:8080/index.html",
        ),
        (
            "-t 4 -c 100 -d 10 -T 5s -H Host:x --latency http://h",
            "--threads 4 --connections 100 --duration 10 --timeout 5s --header Host:x --latency -- http://h",
        ),
        // wrk2
        (
            "-t2 -c100 -d30s -R2000 --latency http://h",
            "--threads 2 --connections 100 --duration 30s --rate 2000 --latency -- http://h",
        ),
        ("-t2 -R 2k -L http://h", "--threads 2 --rate 2k --latency -- http://h"),
        // apart, attached, with an equals sign
        ("--connections 64", "--connections 64"),
        ("--connections=64", "--connections 64"),
        ("-c 64", "--connections 64"),
        ("-c64", "--connections 64"),
        ("-c=64", "--connections =64"),
        ("--json=", "--json "),
        ("--body=a=b", "--body a=b"),
        // clusters
        ("-Lc64", "--latency --connections 64"),
        ("-Lvc 64", "--latency --version --connections 64"),
        ("-LL", "--latency --latency"),
        ("-Lbc64", "--latency --body c64"),
        ("-v", "--version"),
        // options behind and between positionals
        ("http://h -c64", "--connections 64 -- http://h"),
        // values that look like options
        ("--json -", "--json -"),
        ("--json - -c 5", "--json - --connections 5"),
        ("-b -foo", "--body -foo"),
        ("-b @-", "--body @-"),
        ("-b --help", "--body --help"),
        ("-b --", "--body --"),
        ("-b-h", "--body -h"),
        ("-c -5", "--connections -5"),
        // the end of options
        ("-c 5 -- -t", "--connections 5 -- -t"),
        ("-- --", "-- --"),
        ("-c 5 --", "--connections 5"),
        ("-", "-- -"),
        // repeatable ones
        ("-H A:1 -HB:2 --header=C:3", "--header A:1 --header B:2 --header C:3"),
        ("--source-address 127.0.0.2,127.0.0.3", "--source-address 127.0.0.2,127.0.0.3"),
    ] {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let Ok(Spelled::Args(args)) = spelled(&words) else { panic!("{line} is refused") };
        assert_eq!(args.join(" "), expected, "{line}");
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        argh::FromArgs::from_args(&["saturing"], &words).map(|_: LoadArgs| ()).expect(line);
    }
}

#[test]
fn spaces_and_emptiness_survive() {
    for (args, expected) in [
        (&["--header=X: y"][..], &["--header", "X: y"][..]),
        (&["-HX: y"], &["--header", "X: y"]),
        (&["-b", ""], &["--body", ""]),
        (&["--body="], &["--body", ""]),
        (&["-bü"], &["--body", "ü"]),
        (&[""], &["--", ""]),
    ] {
        let expected = expected.iter().map(|arg| (*arg).to_owned()).collect();
        assert_eq!(spelled(args), Ok(Spelled::Args(expected)), "{args:?}");
    }
}

#[test]
fn help_wins_over_what_follows() {
    for args in [&["-h"][..], &["--help"], &["-c", "5", "-h", "--bogus"], &["-Lh"], &["http://h", "--help"]] {
        assert_eq!(spelled(args), Ok(Spelled::Help), "{args:?}");
    }
}

#[test]
fn what_is_refused() {
    for (args, message) in [
        (&["--conections", "5"][..], "unknown option --conections; did you mean --connections?"),
        (&["--conections=5"], "unknown option --conections; did you mean --connections?"),
        (&["--thread", "5"], "unknown option --thread; did you mean --threads?"),
        (&["--lat"], "unknown option --lat; did you mean --latency?"),
        (&["--nokeepalive"], "unknown option --nokeepalive; did you mean --no-keepalive?"),
        (&["--Body"], "unknown option --Body; did you mean --body?"),
        (&["--hepl"], "unknown option --hepl; did you mean --help?"),
        (&["--completely-different"], "unknown option --completely-different; --help lists them all"),
        (&["--rat", "5"], "unknown option --rat; did you mean --rate?"),
        (&["--x y"], "unknown option \"--x y\"; --help lists them all"),
        (&["-l"], "unknown option -l; did you mean -L (--latency)?"),
        (&["-LY"], "unknown option -Y in -LY; --help lists them all"),
        (&["-Y"], "unknown option -Y; --help lists them all"),
        (&["-latency"], "unknown option -latency; long names take two dashes, --latency"),
        (&["-rate=50", "h"], "unknown option -rate; long names take two dashes, --rate"),
        (&["-duration", "5s"], "unknown option -duration; long names take two dashes, --duration"),
        (&["-body", "x"], "unknown option -body; long names take two dashes, --body"),
        (&["-\n"], "unknown option \"-\\n\"; --help lists them all"),
        (&["--latency=yes"], "--latency: takes no value, got yes"),
        (&["--help=me"], "--help: takes no value, got me"),
        (&["-c"], "--connections: needs a value, got none"),
        (&["--connections"], "--connections: needs a value, got none"),
        (&["-Lc"], "--connections: needs a value, got none"),
        (&["-c5", "--connections=6"], "--connections: may be given once, got 5 and 6"),
    ] {
        assert_eq!(spelled(args), Err(Failure::usage(message)), "{args:?}");
    }
}

#[test]
fn a_command_without_positionals() {
    let serve = |arg: &str| spell(&[arg.to_owned()], &ServeArgs::get_args_info());
    assert_eq!(serve("8080"), Err(Failure::usage("unexpected argument 8080; there are only options here")));
    assert_eq!(serve("-s"), Err(Failure::usage("unknown option -s; --help lists them all")));
    let of_a_run =
        |name| format!("unknown option {name}: it is for a run, saturing [OPTIONS] URL, and not for this command");
    assert_eq!(serve("-c8"), Err(Failure::usage(of_a_run("-c in -c8 (--connections)"))));
    assert_eq!(serve("--stages=1s@5"), Err(Failure::usage(of_a_run("--stages"))));
}

/// Lines that people type for other tools, and what each is answered with.
#[test]
fn habits_of_other_tools() {
    for (line, message) in [
        // ab
        (
            "-n 100 -A me:secret http://h/",
            "-A: headers are -H here: -H 'Accept: ...' (hey's and oha's -A), -H 'Authorization: Basic ...' (ab's), -H 'User-Agent: ...' (curl's and siege's)",
        ),
        ("-g out.tsv http://h/", "-g: percentiles to plot are --hgrm FILE here (ab's -g)"),
        // hey, oha
        ("-z 10s -c 50 http://h", "-z: the time to run is -d here, as in -d 10s"),
        ("-z10s http://h", "-z in -z10s: the time to run is -d here, as in -d 10s"),
        (
            "-q 100 http://h",
            "-q: a rate is -R here, for all connections together (hey's and oha's -q); there is nothing to silence, as progress is shown on terminals only",
        ),
        (
            "-m POST -D body.json http://h",
            "-D: the time to run is -d here (h2load's -D); a body from a file is -b @FILE (hey's and oha's -D)",
        ),
        (
            "-a me:secret http://h",
            "-a: a number of requests is -n here (autocannon's -a), a new connection for each request --no-keepalive (bombardier's), a user and password -H 'Authorization: Basic ...' (hey's and oha's)",
        ),
        (
            "-h2 http://h",
            "-h2: HTTP/2 is not supported yet: this version speaks HTTP/1.1; so many requests in flight on each connection are -p N",
        ),
        ("-disable-keepalive http://h", "-disable-keepalive: a new connection for each request is --no-keepalive here"),
        ("--no-tui http://h", "--no-tui: leave it out: progress is one line, and shown on terminals only"),
        (
            "--disable-keepalive http://h",
            "--disable-keepalive: a new connection for each request is --no-keepalive here",
        ),
        (
            "--latency-correction http://h",
            "--latency-correction: leave it out: with -R times count from when a request was due, and nothing is corrected afterwards",
        ),
        ("--root-certs f https://h", "--root-certs: certificates to trust are --cacert FILE here"),
        (
            "--http2 http://h",
            "--http2: HTTP/2 is not supported yet: this version speaks HTTP/1.1; so many requests in flight on each connection are -p N",
        ),
        ("-V", "-V: the version is -v or --version here"),
        // bombardier
        (
            "--disableKeepAlives http://h",
            "--disableKeepAlives: a new connection for each request is --no-keepalive here",
        ),
        (
            "-o json http://h",
            "-o: a result is written with --json FILE here; a run has --csv, --hgrm, --hdr-log and --timeseries too",
        ),
        (
            "-r 100 http://h",
            "-r: a rate is -R here; a run goes on after errors without it (ab's -r), and redirects are not followed (oha's)",
        ),
        // wrk, wrk2
        (
            "-s x.lua http://h",
            "-s: Lua scripts are not run; set a fixed request with -m, -H and -b (a timeout, ab's -s, is -T)",
        ),
        (
            "-sx.lua http://h",
            "-s in -sx.lua: Lua scripts are not run; set a fixed request with -m, -H and -b (a timeout, ab's -s, is -T)",
        ),
        (
            "--script=x http://h",
            "--script: Lua scripts are not run; set a fixed request with -m, -H and -b (a timeout, ab's -s, is -T)",
        ),
        (
            "-U http://h",
            "-U: leave it out; with -R the report has the service time, uncorrected, beside the response time (a user agent, hey's -U, is -H 'User-Agent: ...')",
        ),
        (
            "-LB http://h",
            "-B in -LB: leave it out; every pipelined response has a latency of its own (the address to connect from, ab's -B, is --source-address)",
        ),
        // curl
        ("-X PUT http://h", "-X: the method is -m here, as in -m PUT (curl's -X); proxies are not supported (ab's)"),
        (
            "--request PUT http://h",
            "--request: the method is -m here, as in -m PUT (curl's --request); the number of requests is -n",
        ),
        ("-I http://h", "-I: HEAD is -m HEAD here"),
        ("-x proxy:3128 http://h", "-x: proxies are not supported: requests go to the host of the URL itself"),
        ("--data-binary @f http://h", "--data-binary: a body is -b here, as in -b TEXT or -b @FILE"),
        ("-S /run/x.sock http://h", "-S: a unix socket is --unix-socket PATH here, and the URL says what is asked for"),
        // h2load, autocannon, siege, vegeta, k6, locust
        ("--rps 100 http://h", "--rps: a rate is -R here, for all connections together"),
        ("--warm-up-time=1s http://h", "--warm-up-time: a warm-up is --warmup TIME here"),
        ("--overallrate 5 http://h", "--overallrate: a rate is -R here, for all connections together"),
        ("--time 30S http://h", "--time: the time to run is -d here, as in -d 10s"),
        (
            "-targets t.txt",
            "-targets: a list of requests is --input FILE here: a URL or path per line, or vegeta's blocks; a body from a file is -b @FILE",
        ),
        ("-workers 8", "-workers: worker threads are -t here"),
        ("--vus 10 http://h", "--vus: connections are -c here"),
        ("--stage 30s:10 http://h", "--stage: stages are one list of TIME@RATE here, as in --stages 30s@1k,1m@5k:20k"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(spelled(&words), Err(Failure::usage(message)), "{line}");
    }
}

/// No row is dead, none is doubled, and each names options that there are.
#[test]
fn the_table_of_habits_holds() {
    let load = LoadArgs::get_args_info();
    let long = |name: &str| load.flags.iter().any(|flag| flag.long == name);
    let short = |name: &str| load.flags.iter().any(|flag| flag.short == name.chars().nth(1));
    let mut seen = Vec::new();
    for habit in habits::HABITS {
        assert!(!habit.ours.is_empty() && habit.ours.iter().all(|ours| long(ours)), "{habit:?}");
        for name in habit.names {
            let is_ours = if name.starts_with("--") { long(name) } else { short(name) || *name == "-h" };
            assert!(!is_ours, "{name} is an option: its row answers nobody");
            assert!(!seen.contains(name), "{name} has two rows");
            seen.push(name);
        }
        let told = habit.instead.split([' ', ',', ';', '(', ')', ':']);
        // Not those that are named as another tool's: `ab's -k`.
        let mut before = "";
        for word in told.filter(|word| !word.is_empty()) {
            if word.starts_with('-') && !before.ends_with("'s") {
                let known = if word.starts_with("--") { long(word) } else { short(word) };
                assert!(known, "{:?} speaks of {word}", habit.names);
            }
            before = word;
        }
    }
}

#[test]
fn habits_are_told_by_commands_that_have_the_options() {
    let search = crate::cli::shared::info::<crate::cli::args::SearchArgs>(&[]);
    let of = |name: &str| spell(&[name.to_owned()], &search).expect_err(name).message;
    assert_eq!(of("-z"), "-z: the time to run is -d here, as in -d 10s");
    assert_eq!(of("--ktls"), "--ktls: leave it out: records are sealed here, in the ring's own memory");
    // It has neither --csv nor --requests.
    assert_eq!(of("-e"), "unknown option -e; --help lists them all");
    assert_eq!(of("--csv"), "unknown option --csv: it is for a run, saturing [OPTIONS] URL, and not for this command");
}
