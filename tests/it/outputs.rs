//! What is written beside the report: every format by a real run, read back by others, and none lost to another's failure.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::answers::{HELLO, always};
use crate::support::process::{Folder, until};
use crate::support::saturing::{Running, Serve, command, run};
use crate::support::scripted::serve;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::Value;

/// Python with the packages that ./check.sh installs.
fn python() -> PathBuf {
    let python = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/.venv/bin/python");
    assert!(python.exists(), "{} is missing: ./check.sh installs it", python.display());
    python
}

#[test]
fn another_implementation_reads_the_same_figures() {
    let folder = Folder::new();
    let path = |name: &str| folder.path(name).display().to_string();
    let (result, log, spectrum) = (path("r.json"), path("r.hlog"), path("r.hgrm"));
    let server = Serve::start(&[]);
    let url = server.address.to_string();
    let outputs = ["--json", &result, "--hdr-log", &log, "--hgrm", &spectrum, "--interval", "200ms"];
    let load = ["-R", "2000", "-d", "1s", "-c", "8", "-t", "1", "-T", "20s", &url];
    let ended = run(&[&outputs[..], &load[..]].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    server.stop();

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/read_hdr.py");
    let read = Command::new(python()).args([script, &result, &log, &spectrum]).output().expect("python");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let read: Value = serde_json::from_slice(&read.stdout).expect("JSON");
    let ours: Value = serde_json::from_slice(&fs::read(&result).expect("a result")).expect("JSON");
    for (name, tag) in [("latency_ns", "response"), ("service_ns", "service"), ("send_lag_ns", "lag")] {
        let theirs = &read["result"][name];
        assert_eq!(theirs["count"], ours[name]["count"], "{name}");
        for (percentile, key) in [("50", "p50"), ("99", "p99")] {
            let (ours, theirs) = (number(&ours[name]["percentiles"][percentile]), number(&theirs[key]));
            assert!((ours - theirs).abs() <= ours / 500.0, "{name} {key}: {ours} and {theirs}");
        }
        let logged = &read["log"][tag];
        assert_eq!(logged["count"], ours[name]["count"], "{tag} of all intervals");
        assert_eq!(logged["p99"], theirs["p99"], "{tag} of all intervals");
        // Fewer than five where the machine kept the program from looking.
        assert!(number(&logged["intervals"]) >= 2.0, "{logged}");
    }
    let spectrum = &read["spectrum"];
    assert_eq!(spectrum["head"], serde_json::json!(["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]));
    let (last_ms, max_ns) = (number(&spectrum["last"][0]), number(&ours["latency_ns"]["max"]));
    assert!((last_ms - max_ns / 1e6).abs() < 0.001, "{last_ms} {max_ns}");
    assert_eq!(number(&spectrum["last"][2]), number(&ours["latency_ns"]["count"]));
    assert!(spectrum["foot"].to_string().contains("#[Unit    =           ms]"), "{spectrum}");
}

#[test]
fn the_log_grows_while_the_run_lasts() {
    let folder = Folder::new();
    let log = folder.path("r.hlog");
    let server = serve(always(HELLO));
    let running = Running::load(server.address, &format!("-d 10m -c 2 --interval 100ms --hdr-log {}", log.display()));
    let intervals = || fs::read_to_string(&log).unwrap_or_default().matches("Tag=service").count();
    until("two intervals in the log", || (intervals() >= 2).then_some(()));
    running.signal(Signal::SIGINT);
    let ended = running.wait();
    assert_eq!(ended.code, 130, "{ended:?}");
    let result = ended.result();
    let with_samples = result.intervals.iter().filter(|one| one.completed > 0).count();
    assert_eq!(intervals(), with_samples, "{:?}", result.intervals);
    assert!(fs::read_to_string(&log).expect("a log").starts_with("#[saturing "));
}

#[test]
fn no_output_takes_the_file_of_another_or_one_that_is_read() {
    let folder = Folder::new();
    let path = |name: &str| folder.path(name).display().to_string();
    let (kept, body) = (path("kept"), format!("@{}", path("kept")));
    fs::write(&kept, "mine").expect("written");
    let also = format!("{}/./kept", folder.path("").display());
    for args in [
        vec!["--json", &kept, "--csv", &also, "127.0.0.1:9"],
        vec!["--body", &body, "--json", &also, "127.0.0.1:9"],
        vec!["search", "--slo", "p99<1s", "--body", &body, "--json", &kept, "127.0.0.1:9"],
        vec!["compare", "--run", "--body", &body, "--json", &kept, "127.0.0.1:9", "127.0.0.1:9"],
        vec!["compare", &kept, &kept, "--json", &also],
    ] {
        let ended = run(&args);
        assert_eq!(ended.code, 2, "{args:?}: {ended:?}");
        assert!(ended.stderr.contains("must be a file of its own, and not that of "), "{args:?}: {ended:?}");
        assert_eq!(fs::read_to_string(&kept).expect("there"), "mine", "{args:?}");
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number: {value}"))
}

#[test]
fn every_format_can_go_to_standard_output_and_stands_there_alone() {
    let server = serve(always(HELLO));
    let url = server.address.to_string();
    for (option, begins) in [
        ("--json", "{\n  \"schema\": 1,"),
        ("--hgrm", "       Value   Percentile   TotalCount 1/(1-Percentile)\n"),
        ("--hdr-log", "#[saturing "),
        ("--timeseries", "{\"start_s\":0.0,"),
        ("--csv", "part,url,connections,"),
    ] {
        let ended = run(&["-n", "50", "-c", "2", option, "-", &url]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{option}: {ended:?}");
        assert!(ended.stdout.starts_with(begins), "{option}: {}", ended.stdout);
        assert!(!ended.stdout.contains("Requests/sec"), "{option}: {}", ended.stdout);
    }
}

#[test]
fn a_full_disk_takes_no_other_output_with_it() {
    let folder = Folder::new();
    let path = |name: &str| folder.path(name).display().to_string();
    let server = serve(always(HELLO));
    let url = server.address.to_string();
    let options = ["--json", "--hgrm", "--hdr-log", "--timeseries", "--csv"];
    for full in options {
        let files: Vec<String> = options
            .iter()
            .map(|option| if *option == full { "/dev/full".to_owned() } else { path(&option[2..]) })
            .collect();
        let mut args = vec!["-n", "50", "-c", "2"];
        options.iter().zip(&files).for_each(|(option, file)| args.extend([option, file.as_str()]));
        args.push(&url);
        let ended = run(&args);
        assert_eq!(ended.code, 1, "{full}: {ended:?}");
        assert!(ended.stdout.contains("50 requests in"), "{full}: {ended:?}");
        assert_eq!(ended.stderr, format!("saturing: {full} /dev/full: No space left on device (os error 28)\n"));
        for file in files.iter().filter(|file| *file != "/dev/full") {
            assert!(!fs::read(file).expect("written").is_empty(), "{full} took {file}");
            fs::remove_file(file).expect("removed");
        }
    }
}

#[test]
fn a_closed_pipe_is_told_of_and_takes_no_file_with_it() {
    let folder = Folder::new();
    let json = folder.path("r.json");
    let server = serve(always(HELLO));
    let mut child = command()
        .args(["-n", "50", "-c", "2", "--json", &json.display().to_string(), &server.address.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("ended");
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "saturing: standard output: Broken pipe (os error 32)\n");
    let value: Value = serde_json::from_slice(&fs::read(json).expect("written")).expect("whole");
    assert_eq!(value["requests"]["completed"], 50);
}

/// A named pipe, and its path.
fn pipe(folder: &Folder, name: &str) -> String {
    let path = folder.path(name);
    mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe");
    path.display().to_string()
}

#[test]
fn a_pipe_that_nobody_reads_is_refused_and_one_with_a_reader_is_written() {
    let folder = Folder::new();
    let pipe = pipe(&folder, "pipe");
    let server = serve(always(HELLO));
    let url = server.address.to_string();
    let load = ["-n", "50", "-c", "2", "--json", &pipe, &url];
    for args in [
        &load[..],
        &["--hdr-log", &pipe, &url],
        &["search", "--slo", "p99<1s", "--json", &pipe, &url],
        &["calibrate", "--json", &pipe],
        &["compare", "--run", "--json", &pipe, &url, &url],
        &["serve", "--log", &pipe],
    ] {
        let ended = run(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{args:?}: {ended:?}");
        let option = args[args.iter().position(|arg| *arg == pipe).expect("it is there") - 1];
        let line =
            format!("saturing: {option} {pipe}: nobody reads this pipe; start its reader first, or name a file\n");
        assert_eq!(ended.stderr, line, "{args:?}");
    }
    assert_eq!(server.counts().requests, 0);
    let path = folder.path("pipe");
    let reader = thread::spawn(move || fs::read(path).expect("read"));
    // It may take longer to begin than a script's reader has.
    let ended = until("the pipe has its reader", || {
        let ended = run(&load);
        (!ended.stderr.contains("nobody reads")).then_some(ended)
    });
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    let value: Value = serde_json::from_slice(&reader.join().expect("a reader")).expect("whole");
    assert_eq!(value["requests"]["completed"], 50);
}

#[test]
fn a_signal_ends_what_waits_for_its_input() {
    let folder = Folder::new();
    let pipe = pipe(&folder, "pipe");
    let body = format!("@{pipe}");
    for args in [
        &["-b", &body, "127.0.0.1:9"][..],
        &["search", "--slo", "p99<1s", "-b", &body, "127.0.0.1:9"],
        &["compare", "--run", "-b", &body, "127.0.0.1:9", "127.0.0.1:9"],
        &["compare", &pipe, &pipe],
    ] {
        let running = Running::start(args);
        // By then it mostly waits already.
        thread::sleep(Duration::from_millis(50));
        // Not SIGINT: a background job of a shell begins with that ignored, and this one may be such.
        running.signal(Signal::SIGTERM);
        assert_eq!(running.wait().code, 143, "{args:?}");
    }
}
