//! Whole command lines.

use super::*;
use std::os::unix::ffi::OsStringExt;

fn parsed(line: &str) -> Result<Command, Failure> {
    parse(line.split_whitespace().map(OsString::from), &mut std::io::empty())
}

#[test]
fn texts() {
    let version = concat!("saturing ", env!("CARGO_PKG_VERSION"), "\n");
    for (line, part) in [
        ("-h", "Usage: saturing [OPTIONS] [URL...]\n"),
        ("--help", "  -c, --connections N "),
        ("help", "Usage: saturing [OPTIONS] [URL...]\n"),
        ("-t2 --help", "  130  interrupted"),
        ("serve --help", "Usage: saturing serve [OPTIONS]\n"),
        ("serve -h", "      --port N "),
        ("help serve", "      --port N "),
        ("search --help", "Usage: saturing search [OPTIONS] [URL]\n"),
        ("help search", "      --precision SHARE"),
        ("help search", "  -H, --header 'NAME: VALUE'"),
        ("help compare", "      --rounds N"),
        ("help calibrate", "Usage: saturing calibrate [OPTIONS]\n"),
        ("calibrate -h", "  -d, --duration TIME"),
        ("help doctor", "Usage: saturing doctor [OPTIONS] [URL]\n"),
        ("doctor --help", "      --threads-per-core N"),
        ("compare -h", "  -t, --threads N"),
        ("-v", version),
        ("--version", version),
        ("-vt2 http://h", version),
    ] {
        let text = match parsed(line) {
            Ok(Command::Text(text)) => text,
            Ok(Command::Help(topic)) => help_of(topic, 80),
            other => panic!("{line}: {other:?}"),
        };
        assert!(text.contains(part), "{line}: {text}");
    }
}

#[test]
fn runs() {
    for (line, url) in [
        ("", None),
        ("-c64", None),
        ("-t12 -c400 -d30s http://127.0.0.1:8080/index.html", Some("http://127.0.0.1:8080/index.html")),
        ("-t2 -c100 -d30s --latency localhost", Some("localhost")),
        ("-- localhost", Some("localhost")),
        // Hosts that no command is like.
        ("web", Some("web")),
        ("service -c5", Some("service")),
        ("http://server/", Some("http://server/")),
        ("server:80", Some("server:80")),
        ("search.example", Some("search.example")),
        ("run", Some("run")),
    ] {
        match parsed(line) {
            Ok(Command::Load(typed)) => assert_eq!(typed.url(), url, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    match parsed("serve --port 8080 --cpus 0") {
        Ok(Command::Serve(typed)) => assert_eq!(typed.listen.to_string(), "127.0.0.1:8080"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_refused() {
    for (line, message) in [
        (
            "-t2 -s post.lua h",
            "-s: Lua scripts are not run; set a fixed request with -m, -H and -b (a timeout, ab's -s, is -T)",
        ),
        (
            "serach --slo p99<5ms h",
            "serach: no such command; did you mean saturing search? (a host of that name is http://serach/)",
        ),
        ("Search h", "Search: no such command; did you mean saturing search? (a host of that name is http://Search/)"),
        ("serv", "serv: no such command; did you mean saturing serve? (a host of that name is http://serv/)"),
        ("cal -t1", "cal: no such command; did you mean saturing calibrate? (a host of that name is http://cal/)"),
        (
            "compaer a b",
            "compaer: no such command; did you mean saturing compare? (a host of that name is http://compaer/)",
        ),
        ("doctro", "doctro: no such command; did you mean saturing doctor? (a host of that name is http://doctro/)"),
        ("suit list", "suit: no such command; did you mean saturing suite? (a host of that name is http://suit/)"),
        ("hlep", "hlep: no such command; did you mean saturing help? (a host of that name is http://hlep/)"),
        (
            "version",
            "version: no such command; did you mean saturing --version? (a host of that name is http://version/)",
        ),
        ("run http://h", "run: no such command; a run is saturing [OPTIONS] URL (a host of that name is http://run/)"),
        ("help serach", "help: must be of serve, search, compare, calibrate, doctor, suite, got serach"),
        ("--conections 5", "unknown option --conections; did you mean --connections?"),
        ("serve 8080", "unexpected argument 8080; there are only options here"),
        ("serve --prot 1", "unknown option --prot; did you mean --port?"),
        ("calibrate 8080", "unexpected argument 8080; there are only options here"),
        ("calibrate --engine fast", "--engine: must be auto, uring, epoll or tokio-uring, got fast"),
        ("-t2 calibrate", "calibrate: a subcommand comes first, as in saturing calibrate"),
        ("doctor -x", "unknown option -x; --help lists them all"),
        ("doctor -c 0 h", "--connections: must be 1 to 1000000, got 0"),
        ("suite", "suite: must be followed by list, run, report or compare"),
        ("-t2 serve", "serve: a subcommand comes first, as in saturing serve"),
        ("-t2 suite", "suite: a subcommand comes first, as in saturing suite"),
    ] {
        assert_eq!(parsed(line), Err(Failure::usage(message)), "{line}");
    }
    let bytes = OsString::from_vec(b"http://h/\xff".to_vec());
    assert_eq!(
        parse([bytes], &mut std::io::empty()),
        Err(Failure::usage("arguments must be UTF-8, got \"http://h/\\xFF\""))
    );
}

#[test]
fn exit_codes() {
    for (line, code) in
        [(&["--nonsense"][..], failure::BAD_ARGUMENTS), (&["http://a..b/"], failure::NO_RUN), (&["--version"], DONE)]
    {
        assert_eq!(run(line.iter().map(OsString::from)), code, "{line:?}");
    }
}
