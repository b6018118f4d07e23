//! Suites whose servers fail in every way: the others go on, nothing measured is lost, nothing is left running.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::process::{Folder, long_enough, until};
use crate::support::saturing::{Ended, Running, command};
use nix::sys::signal::Signal;
use nix::unistd::Uid;

use saturing::result::suite::{CaseRun, Row, SuiteResult};

const HEAD: &str = r#"
name = "t"
title = "A test"
about = "What fails, and what goes on."
[defaults]
repeat = 2
[load.little]
connections = 4
requests = 400
warmup_s = 0.05
[load.long]
connections = 4
duration_s = 30
"#;

const GOOD: &str = r#"
[[case]]
name = "good"
group = "g"
about = "answers"
server = ["{saturing}", "serve", "--host", "{host}", "--port", "{port}"]
env = { MARK = "@MARK@" }
loads = ["little"]
request = [{ answer = "Hello, World!" }]
"#;

/// A server in Python: what it does comes first among its arguments.
const SERVER: &str = r#"
import itertools, os, signal, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

what, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
count = itertools.count(1)

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if what == "crashes" and next(count) > 300:
            os.write(2, b"the last straw\n")
            os._exit(3)
        body = b"Hello"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass

if what == "never":
    time.sleep(1000)
if what == "ends":
    sys.exit("no such module")
if what == "forks" and os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(1000)
if what == "stays":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
ThreadingHTTPServer((host, port), Handler).serve_forever()
"#;

fn case(name: &str, what: &str, more: &str) -> String {
    format!(
        r#"
[[case]]
name = "{name}"
group = "g"
about = "{what}"
server = ["python3", "server.py", "{what}", "{{host}}", "{{port}}"]
env = {{ MARK = "@MARK@" }}
{more}
"#
    )
}

/// A suite of a test's own, as a checkout has them.
struct Suite {
    folder: Folder,
    mark: String,
}

impl Suite {
    fn new(text: &str) -> Suite {
        let folder = Folder::new();
        let mark = format!("saturing-test-{}", folder.path("x").display());
        fs::create_dir_all(folder.path("bench/suites")).expect("a folder");
        folder.write("bench/server.py", SERVER);
        folder.write("bench/suites/t.toml", text.replace("@MARK@", &mark));
        Suite { folder, mark }
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = command();
        command.current_dir(self.folder.path("")).args(["suite"]).args(arguments.split_whitespace());
        command
    }

    fn run(&self, arguments: &str) -> Ended {
        Running::spawn(&mut self.command(&format!("run --suite t {arguments}"))).wait()
    }

    fn result(&self, out: &str) -> SuiteResult {
        serde_json::from_str(&self.folder.read(&format!("{out}/suite.json"))).expect("a suite's result")
    }

    fn case_run(&self, name: &str) -> CaseRun {
        serde_json::from_str(&self.folder.read(&format!("out/runs/{name}.json"))).expect("a run")
    }

    /// Processes that the suite has started and that are still there.
    fn left(&self) -> Vec<String> {
        let marked = |path: &Path| {
            let environment = fs::read(path.join("environ")).unwrap_or_default();
            String::from_utf8_lossy(&environment).contains(&self.mark)
        };
        let processes = fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
        let alive = processes.filter(|path| marked(path));
        alive.map(|path| fs::read_to_string(path.join("cmdline")).unwrap_or_default()).collect()
    }
}

fn row<'a>(result: &'a SuiteResult, id: &str) -> &'a Row {
    result.rows.iter().find(|row| row.id == id).expect(id)
}

fn why<'a>(result: &'a SuiteResult, case: &str) -> &'a str {
    &result.not_run.iter().find(|one| one.case == case).expect(case).why
}

#[test]
fn a_case_that_fails_takes_no_other_with_it() {
    let hello = "loads = [\"little\"]\nrequest = [{ answer = \"Hello\" }]";
    let text = [
        HEAD.to_owned(),
        case("crashes", "crashes", "loads = [\"long\"]\nrequest = [{ answer = \"Hello\" }]"),
        case("never", "never", &format!("ready_s = 0.5\n{hello}")),
        case("ends", "ends", hello),
        case("wrong", "well", "loads = [\"little\"]\nrequest = [{ answer = \"Hallo\" }]"),
        case(
            "status",
            "well",
            "ready_path = \"/\"\nloads = [\"little\"]\nrequest = [{ answer = \"Hello\", status = 201 }]",
        ),
        case("forks", "forks", &format!("repeat = 1\n{hello}")),
        GOOD.to_owned(),
    ];
    let suite = Suite::new(&text.concat());
    let ended = suite.run("--out out");
    assert_eq!(suite.left(), [""; 0], "nothing is left running");
    assert_eq!(ended.code, 1, "{ended:?}");
    let result = suite.result("out");
    assert_eq!(row(&result, "good").runs, 2);
    assert!(row(&result, "good").rate.is_some_and(|rate| rate.mean > 0.0 && rate.low.is_some()));
    for (case, told) in [
        ("crashes", "server ended while it was under load: exit code 3; its last line: the last straw"),
        ("never", "server was not ready within 500ms: nobody listens on"),
        ("ends", "server ended before it was ready: exit code 1; its last line: no such module"),
        (
            "wrong",
            "GET /: wrong body: must be 5 bytes, got 5; they differ from byte 1 on: must be \"Hallo\", got \"Hello\"",
        ),
        ("status", "GET /: must be answered with status 201, got 200"),
        ("forks", "server did not end within 5 s of SIGTERM and was killed"),
    ] {
        let why = why(&result, case);
        assert!(why.starts_with(told), "{case}: {why}");
        assert!(ended.stdout.contains(told) && ended.stderr.contains(told), "{case}: said at once, and at the end");
    }
    // What was measured until the crash is kept, and no figure of the row.
    let crashed = suite.case_run("crashes-1");
    let requests = crashed.result.expect("figures so far").requests;
    assert!(requests.completed > 200 && crashed.fault.is_some(), "{requests:?}");
    assert_eq!((row(&result, "crashes").runs, row(&result, "crashes").rate), (0, None));
    // The one whose child would not end was measured all the same.
    assert_eq!(row(&result, "forks").runs, 1);
    for name in ["Benchmarks.md", "index.html", "suite.toml", "hdr/good-1.hlog", "runs/good-2.json"] {
        assert!(!suite.folder.read(&format!("out/{name}")).is_empty(), "{name}");
    }
    assert!(!suite.folder.read("out/suite.json").contains(env!("CARGO_MANIFEST_DIR")), "no path of this machine");
}

#[test]
fn what_was_measured_before_a_signal_is_reported() {
    let long = case("long", "well", "loads = [\"long\"]\nrequest = [{ answer = \"Hello\" }]");
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        // The load must have begun.
        long_enough("answers before the signal", Duration::from_millis(500), |span| {
            signalled(&long, span, signal, code)
        });
    }
}

fn signalled(long: &str, span: Duration, signal: Signal, code: i32) -> Option<()> {
    let suite = Suite::new(&[HEAD, GOOD, long].concat());
    let running = Running::spawn(&mut suite.command("run --suite t --out out"));
    let under_load = |cmdline: &String| cmdline.contains("latency.hlog") || cmdline.contains("server.py");
    until("the second case", || suite.left().iter().any(under_load).then_some(()));
    std::thread::sleep(span);
    running.signal(signal);
    let ended = running.wait();
    assert_eq!(suite.left(), [""; 0], "nothing is left running");
    assert_eq!(ended.code, code, "{ended:?}");
    let result = suite.result("out");
    assert!(result.interrupted && row(&result, "good").runs == 1, "{result:?}");
    assert!(ended.stdout.contains("good"), "{}", ended.stdout);
    if !suite.folder.path("out/runs/long-1.json").exists() {
        return None;
    }
    let partial = suite.case_run("long-1");
    assert_eq!(partial.fault.as_deref(), Some("interrupted by a signal"));
    let partial = partial.result?;
    assert!(partial.interrupted, "{partial:?}");
    (partial.requests.completed > 0).then_some(())
}

#[test]
fn a_full_disk_takes_no_figure_with_it() {
    let suite = Suite::new(&[HEAD, GOOD].concat());
    let saturing = env!("CARGO_BIN_EXE_saturing");
    fs::create_dir(suite.folder.path("small")).expect("a folder");
    // Reports and the first rounds fit, not all of them.
    let script = format!(
        "mount -t tmpfs -o size=100k none small && {saturing} suite run --suite t --repeat 50 --out small/out; code=$?; \
         ls small/out small/out/runs; exit $code"
    );
    let mut unshare = Command::new("unshare");
    if !Uid::effective().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare.args(["--mount", "sh", "-c", &script]).current_dir(suite.folder.path(""));
    let ended = Running::spawn(&mut unshare).wait();
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("No space left on device"), "{}", ended.stderr);
    assert!(ended.stdout.contains("good-1.json") && !ended.stdout.contains("good-50.json"), "{}", ended.stdout);
    assert!(!ended.stdout.contains(".part"), "no half a file: {}", ended.stdout);
    assert!(
        ended.stdout.lines().any(|line| line.trim_start().starts_with("good") && line.contains(" to ")),
        "figures: {}",
        ended.stdout
    );
    assert_eq!(suite.left(), [""; 0]);
}

#[test]
fn hosts_of_their_own_are_made_and_removed() {
    let apart = case("apart", "well", "topology = \"s1s2\"\nloads = [\"little\"]\nrequest = [{ answer = \"Hello\" }]");
    let backend = "[backend.other]\ncommand = [\"python3\", \"server.py\", \"well\", \"{host}\", \"{port}\"]\nready_path = \"/\"\n";
    let text = [
        HEAD,
        backend,
        &apart.replace(
            "loads",
            "backends = [\"other\"]\nsysctl = { \"net.ipv4.ip_local_port_range\" = \"20000 21999\" }\nloads",
        ),
    ]
    .concat();
    let suite = Suite::new(&text);
    let ended = suite.run("--quick --out out");
    assert_eq!(ended.code, 0, "{ended:?}");
    let result = suite.result("out");
    if Uid::effective().is_root() {
        assert_eq!((row(&result, "apart").runs, result.not_run.len()), (1, 0), "{result:?}");
        let run = suite.case_run("apart-1");
        assert!(run.client_command.starts_with("ip netns exec saturing-"), "{}", run.client_command);
        assert!(run.watched.contains_key("other") && run.watched["server"].rss_bytes > 0, "{:?}", run.watched);
    } else {
        assert!(result.not_run[0].impossible && result.not_run[0].why.contains("take root"), "{:?}", result.not_run);
    }
    let hosts = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    let names: Vec<String> = hosts.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let gone =
        |name: &String| !fs::exists(format!("/proc/{}", name.split('-').nth(1).unwrap_or_default())).expect("/proc");
    assert!(!names.iter().any(|name| name.starts_with("saturing-") && gone(name)), "{names:?}");
}

#[test]
fn reports_and_comparisons_of_what_is_kept() {
    let suite = Suite::new(&[HEAD, GOOD].concat());
    for out in ["a", "b"] {
        assert_eq!(suite.run(&format!("--repeat 5 --out {out}")).code, 0);
    }
    let before = suite.folder.read("a/Benchmarks.md");
    fs::remove_file(suite.folder.path("a/Benchmarks.md")).expect("it was there");
    let report = Running::spawn(&mut suite.command("report a")).wait();
    assert_eq!((report.code, suite.folder.read("a/Benchmarks.md")), (0, before), "{report:?}");
    let compared = Running::spawn(&mut suite.command("compare a b")).wait();
    assert_eq!(compared.code, 0, "{compared:?}");
    assert!(compared.stdout.contains("good") && !compared.stdout.contains("too few"), "{}", compared.stdout);
    let again = suite.run("--out a");
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("has results already"), "{}", again.stderr);
}

#[test]
fn what_a_suite_must_not_say() {
    let request = "loads = [\"little\"]\nrequest = [{ answer = \"x\" }]";
    let line = HEAD.lines().count() + 2;
    for (text, told) in [
        (
            case("a", "b", &format!("colour = \"red\"\n{request}")),
            format!("t.toml:{}: unknown field `colour`", line + 6),
        ),
        (
            case("a", "b", "loads = [\"much\"]\nrequest = [{ answer = \"x\" }]"),
            format!("t.toml:{line}: case a: request GET: there is no load \"much\""),
        ),
        (
            case("a", "b", "loads = [\"little\"]\nrequest = [{ path = \"/\" }]"),
            "one of answer and answer_file".to_owned(),
        ),
        (
            case("a", "b", request).replace("python3", "no-such-program"),
            "no-such-program is not there; bench/setup.sh".to_owned(),
        ),
        (case("a", "b", request).replace("{host}", "{hots}"), "{hots} stands for nothing".to_owned()),
        (case("a", "b", request) + &case("a", "b", request), "case a: there is another of that name".to_owned()),
        (
            case("a", "b", request)
                + "[[statement]]\nid=\"s\"\nsays=\"x\"\nfigure=\"rate\"\na=\"a/GET\"\nthan=1\nis=\"more\"\n",
            "there is no row \"a/GET\"; there are a".to_owned(),
        ),
    ] {
        let suite = Suite::new(&[HEAD, &text].concat());
        let ended = suite.run("--quick --out out");
        assert_eq!(ended.code, 1, "{told}");
        assert!(ended.stderr.contains(&told), "{told}: {}", ended.stderr);
    }
    let suite = Suite::new(&[HEAD, GOOD].concat());
    let ended = suite.run("god --quick --out out");
    assert!(ended.code == 1 && ended.stderr.contains("there is no case \"god\"; did you mean good?"), "{ended:?}");
}

/// Statements name rows, cases name loads and backends, commands have placeholders: all of it is looked up.
#[test]
fn the_suites_of_this_checkout_can_be_read() {
    let suites: Vec<_> = fs::read_dir("bench/suites").expect("suites").flatten().map(|entry| entry.path()).collect();
    assert!(suites.len() >= 3, "{suites:?}");
    for suite in suites {
        let ended = Running::spawn(command().args(["suite", "list", "--suite"]).arg(&suite)).wait();
        assert_eq!(ended.code, 0, "{}: {}", suite.display(), ended.stderr);
    }
}
