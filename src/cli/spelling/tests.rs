//! The spelling table.

use super::*;
use crate::cli::args::{LoadArgs, ServeArgs};
use argh::ArgsInfo;

fn spelled(args: &[&str]) -> Result<Spelled, Failure> {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    spell(&args, &LoadArgs::get_args_info(), WRK)
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
        (&["--keepalive"], "unknown option --keepalive; did you mean --no-keepalive?"),
        (&["--Body"], "unknown option --Body; did you mean --body?"),
        (&["--hepl"], "unknown option --hepl; did you mean --help?"),
        (&["--completely-different"], "unknown option --completely-different; --help lists them all"),
        (&["--rat", "5"], "unknown option --rat; did you mean --rate?"),
        (&["--x y"], "unknown option \"--x y\"; --help lists them all"),
        (&["-C", "5"], "unknown option -C; did you mean -c (--connections)?"),
        (&["-Lx"], "unknown option -x in -Lx; --help lists them all"),
        (&["-z"], "unknown option -z; --help lists them all"),
        (&["-latency"], "unknown option -l in -latency; did you mean --latency?"),
        (&["-\n"], "unknown option \"-\\n\"; --help lists them all"),
        (&["--latency=yes"], "--latency: takes no value, got yes"),
        (&["--help=me"], "--help: takes no value, got me"),
        (&["-c"], "--connections: needs a value, got none"),
        (&["--connections"], "--connections: needs a value, got none"),
        (&["-Lc"], "--connections: needs a value, got none"),
        (&["-c5", "--connections=6"], "--connections: may be given once, got 5 and 6"),
        (&["http://a", "http://b"], "unexpected argument http://b; there is one URL only"),
        (&["-s", "x.lua"], "-s/--script: Lua scripts are not run; set a fixed request with -m, -H and -b"),
        (&["-sx.lua"], "-s/--script: Lua scripts are not run; set a fixed request with -m, -H and -b"),
        (&["--script=x"], "-s/--script: Lua scripts are not run; set a fixed request with -m, -H and -b"),
        (
            &["-U"],
            "-U/--u_latency: leave it out; with -R the report has the service time, uncorrected, beside the response time",
        ),
        (&["-LB"], "-B/--batch_latency: leave it out; every pipelined response has a latency of its own"),
    ] {
        assert_eq!(spelled(args), Err(Failure::usage(message)), "{args:?}");
    }
}

#[test]
fn a_command_without_positionals() {
    let serve = |arg: &str| spell(&[arg.to_owned()], &ServeArgs::get_args_info(), &[]);
    assert_eq!(serve("8080"), Err(Failure::usage("unexpected argument 8080; there are only options here")));
    assert_eq!(serve("-s"), Err(Failure::usage("unknown option -s; --help lists them all")));
}
