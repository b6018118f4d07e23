//! `saturing doctor` on this machine: what it says, its exit code, and that it changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::process::Folder;
use crate::support::saturing::{Ended, Running, command, run};
use nix::sys::resource::{Resource, getrlimit};
use saturing::result::diagnosis::{Diagnosis, Status};

/// Looks as `args` say; the exit code must be what the JSON says.
fn doctor(args: &[&str]) -> (Ended, Diagnosis) {
    let ended = run(&[&["doctor", "--json", "-"], args].concat());
    let found = diagnosis(&ended);
    (ended, found)
}

fn diagnosis(ended: &Ended) -> Diagnosis {
    let found: Diagnosis = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let prevented = found.findings.iter().any(|finding| finding.status == Status::Prevents);
    assert_eq!((ended.code, found.full_speed), (i32::from(prevented), !prevented), "{ended:?}");
    assert_eq!(ended.stderr, "", "{ended:?}");
    found
}

fn status(found: &Diagnosis, name: &str) -> (Status, String) {
    let finding = found.findings.iter().find(|finding| finding.name == name);
    let finding = finding.unwrap_or_else(|| panic!("{name}: {found:?}"));
    (finding.status, finding.value.clone())
}

/// Every setting that one of the commands it tells would change.
fn settings() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for folder in [
        "/proc/sys/kernel",
        "/proc/sys/net/core",
        "/proc/sys/net/ipv4",
        "/proc/sys/net/netfilter",
        "/sys/devices/system/cpu",
    ] {
        collect(Path::new(folder), &mut all, 0);
    }
    // What the kernel counts or draws by itself.
    let moves = [
        "random",
        "ns_last_pid",
        "nf_conntrack_count",
        "pty",
        "/time",
        "/usage",
        "/above",
        "/below",
        "/rejected",
        "/s2idle",
        "freq",
    ];
    all.retain(|path, _| !moves.iter().any(|part| path.contains(part)));
    all
}

fn collect(folder: &Path, all: &mut BTreeMap<String, String>, depth: usize) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // Links lead round in circles.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth < 4 {
            collect(&path, all, depth + 1);
        } else if let Ok(text) = fs::read_to_string(&path) {
            all.insert(path.display().to_string(), text);
        }
    }
}

#[test]
fn it_looks_and_changes_nothing() {
    let before = settings();
    assert!(before.len() > 100 && before.contains_key("/proc/sys/net/core/somaxconn"), "{}", before.len());
    let (ended, found) = doctor(&[]);
    let after = settings();
    let changed: Vec<_> = before.iter().filter(|(path, text)| after.get(*path) != Some(text)).collect();
    assert!(changed.is_empty(), "{changed:?}");
    assert_eq!((found.schema, found.url.as_deref()), (1, None), "{found:?}");
    assert_eq!(found.command[..2], ["saturing", "doctor"]);
    assert!(!ended.stdout.contains("null"), "{}", ended.stdout);

    let text = run(&["doctor"]);
    assert_eq!(text.code, ended.code, "{text:?}");
    for finding in &found.findings {
        assert!(text.stdout.contains(&finding.name), "{}: {}", finding.name, text.stdout);
    }
}

#[test]
fn the_engine_it_names_is_the_one_that_runs() {
    let (_, found) = doctor(&["-c", "2"]);
    let ended = run(&["-n", "10", "-c", "2", "-T", "50s", "--json", "-"]);
    let engine = ended.result().engine;
    let (_, value) = status(&found, "engine");
    let name = format!("{} {}", engine.name, engine.level);
    assert!(value.starts_with(name.trim_end()), "{value} and {name}");
}

#[test]
fn what_a_run_would_fail_of_is_said_before() {
    let hard = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit").1;
    if hard < 1_000_000 {
        let (_, found) = doctor(&["-c", "1M", "127.0.0.1:9"]);
        assert_eq!(status(&found, "open files").0, Status::Prevents, "{found:?}");
    }
    let (_, found) = doctor(&["-c", "100k", "127.0.0.1:9"]);
    assert_eq!(status(&found, "local ports").0, Status::Prevents, "{found:?}");
    let sources = "127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5,127.0.0.6,127.0.0.7,127.0.0.8,127.0.0.9";
    let (_, found) = doctor(&["-c", "100k", "--source-address", sources, "127.0.0.1:9"]);
    assert_eq!(status(&found, "local ports").0, Status::Fine, "{found:?}");
    assert_eq!((found.connections, found.url.as_deref()), (100_000, Some("http://127.0.0.1:9/")));
}

#[test]
fn a_tight_limit_of_open_files_is_found() {
    let line = |rest: &str| format!("ulimit -n 60 && exec {} doctor {rest}", env!("CARGO_BIN_EXE_saturing"));
    let limited = |rest: &str| {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &line(rest)]);
        Running::spawn(&mut shell).wait()
    };
    let ended = limited("--json - -c 100 127.0.0.1:9");
    let found = diagnosis(&ended);
    let (status, value) = status(&found, "open files");
    assert_eq!((ended.code, status), (1, Status::Prevents), "{found:?}");
    assert!(value.ends_with("needed for 100 connections, 60 allowed"), "{value}");
    let text = limited("-c 100 127.0.0.1:9");
    assert!(text.code == 1 && text.stdout.contains("Change: ulimit -Hn "), "{text:?}");
    assert!(text.stdout.contains("Kept from full speed by: open files"), "{text:?}");
}

#[test]
fn bad_arguments_and_outputs() {
    for (args, part) in [
        (&["doctor", "-c", "0"][..], "--connections"),
        (&["doctor", "-d", "3s"], "unknown option -d"),
        (&["doctor", "--threads-per-core", "99"], "--threads-per-core: must be 1"),
        (&["doctor", "--cpus", "8000"], "--cpus: must be CPUs allowed"),
        (&["doctor", "a", "b"], "unexpected argument b"),
    ] {
        let ended = run(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(part) && ended.stderr.lines().count() == 1, "{args:?}: {ended:?}");
    }
    let folder = Folder::new();
    let path = folder.path("found.json").display().to_string();
    let ended = Running::spawn(command().args(["doctor", "--json", &path])).wait();
    let found: Diagnosis = serde_json::from_str(&folder.read("found.json")).expect("written beside the text");
    assert!(ended.code == i32::from(!found.full_speed) && ended.stdout.contains("CPUs and clocks"), "{ended:?}");
    let full = run(&["doctor", "--json", "/dev/full"]);
    assert!(full.code == 1 && full.stderr.contains("/dev/full"), "{full:?}");
}
