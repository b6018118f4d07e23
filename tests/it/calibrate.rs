//! `saturing calibrate` as a command: what it measures, what it keeps, and what later runs make of that.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::process::Folder;
use crate::support::saturing::{Ended, Running, Serve, command};
use nix::sys::signal::Signal;
use saturing::result::RunResult;
use saturing::result::calibration::{Calibration, Part};

/// The command with a cache of its own.
fn with_cache(cache: &Path, line: &str) -> Command {
    let mut command = command();
    command.env("XDG_CACHE_HOME", cache).args(line.split_whitespace());
    command
}

fn calibrated(ended: &Ended) -> Calibration {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("no calibration ({error}): {ended:?}"))
}

/// What is in the cache.
fn kept(cache: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(cache.join("saturing")).into_iter().flatten();
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// A run's result, with this cache.
fn run(cache: &Path, server: &Serve, options: &str) -> RunResult {
    let line = format!("--json - -n 200 -T 50s {options} http://{}/", server.address);
    let ended = Running::spawn(&mut with_cache(cache, &line)).wait();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    ended.result()
}

#[test]
fn everything_is_measured_kept_and_told_by_later_runs() {
    let folder = Folder::new();
    let cache = folder.path("cache");
    let ended = Running::spawn(&mut with_cache(&cache, "calibrate -t1 -d 20ms --json -")).wait();
    assert_eq!(ended.code, 0, "{ended:?}");
    let found = calibrated(&ended);
    assert!(!found.interrupted && found.cpus.len() == 1 && !found.server_cpus.is_empty());
    let places: Vec<(u64, u32)> = found.points.iter().map(|one| (one.connections_per_worker, one.pipeline)).collect();
    assert_eq!(places, [(1, 1), (16, 1), (64, 1), (256, 1), (1, 16), (16, 16), (64, 16), (256, 16)]);
    for point in &found.points {
        for figures in [point.floor.expect("a floor"), point.engine.expect("an engine")] {
            assert!(figures.rounds >= 1 && figures.rate_per_s > 0.0 && figures.cpu_ns > 1.0, "{point:?}");
            assert!((0.0..=1.0).contains(&figures.busy_share) && figures.requests_per_enter > 0.0, "{point:?}");
        }
        assert!(point.cpu_ratio.is_some_and(|ratio| ratio > 0.0), "{point:?}");
    }
    let costs: Vec<(Part, u32)> = found.costs.iter().map(|cost| (cost.part, cost.pipeline)).collect();
    let parts = [Part::Parse, Part::Stamps, Part::Histogram];
    let each: Vec<(Part, u32)> = [1, 16].into_iter().flat_map(|pipeline| parts.map(|part| (part, pipeline))).collect();
    assert_eq!(costs, each);
    for late in &found.lateness {
        assert!(late.samples > 0 && late.p50_ns > 0 && late.p50_ns <= late.p99_ns, "{late:?}");
        // The two clocks are bracketed far better than any error that matters.
        assert!(late.p99_ns < 5_000_000_000 && late.within_ns < 1_000_000, "{late:?}");
    }
    let connections: Vec<u64> = found.lateness.iter().map(|late| late.connections).collect();
    assert_eq!(connections, [1, 64]);
    assert_eq!(found.send_lag.iter().map(|lag| lag.rate_per_s).collect::<Vec<_>>(), [10e3, 50e3, 100e3]);
    let (ceiling, advice) = (found.ceiling.expect("a ceiling"), found.advice.expect("advice"));
    let best = found.points.iter().filter_map(|point| point.engine).map(|one| one.rate_per_s).fold(0.0, f64::max);
    assert_eq!((ceiling.one_worker_pipelined_per_s, ceiling.all_workers_per_s), (best, None));
    assert_eq!(advice.threads, 1);
    // On a machine with one CPU the client has none of its own, and that is not kept.
    let [file] = &kept(&cache)[..] else { panic!("one file: {:?} {:?}", kept(&cache), found.notes) };
    let same: Calibration = serde_json::from_str(&fs::read_to_string(file).expect("a file")).expect("a calibration");
    assert_eq!(same, found);

    let server = Serve::start(&[]);
    let told = run(&cache, &server, "-t1 -c 64").ceiling.expect("a ceiling");
    let point = found.points[2].engine.expect("an engine");
    assert_eq!((told.rate_per_s, told.cpu_ns_per_request), (point.rate_per_s, point.cpu_ns));
    assert_eq!((told.connections_per_worker, told.pipeline), (64, 1));
    assert_eq!(told.calibrated_unix_s, found.calibrated_unix_s);
    assert_eq!(run(&cache, &server, "-t1 -c 8 --no-keepalive").ceiling, None, "no such run was calibrated");
    assert_eq!(run(&folder.path("elsewhere"), &server, "-t1 -c 64").ceiling, None);
    for spoilt in ["", "{", "[]", "{\"schema\":1}", "\u{0}"] {
        fs::write(file, spoilt).expect("written");
        assert_eq!(run(&cache, &server, "-t1 -c 64").ceiling, None, "{spoilt:?} is ignored");
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_one_line_and_the_figures_are_printed() {
    let folder = Folder::new();
    let file = folder.write("file", "in the way");
    let ended = Running::spawn(&mut with_cache(&file, "calibrate -t1 -d 10ms")).wait();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.starts_with("saturing: the calibration cannot be kept: "), "{}", ended.stderr);
    assert!(ended.stderr.contains(&file.join("saturing").display().to_string()), "{}", ended.stderr);
    for part in
        ["floor: nothing read", "parse", "Error in time", "Send lag", "Ceiling   one worker", "Advice    -t1 -c"]
    {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("Kept in"), "{}", ended.stdout);
}

#[test]
fn interrupted_it_gives_the_figures_so_far_and_keeps_nothing() {
    let folder = Folder::new();
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let cache = folder.path("cache");
        let mut running = Running::on_terminal(&mut with_cache(&cache, "calibrate -t1 -d 20ms --json -"));
        running.until_it_shows("run 4 of ");
        running.signal(signal);
        let ended = running.wait();
        assert_eq!(ended.code, code, "{ended:?}");
        let found = calibrated(&ended);
        assert!(found.interrupted && !found.points.is_empty() && found.costs.len() < 6, "{found:?}");
        assert_eq!(kept(&cache), [""; 0].map(PathBuf::from));
    }
}

#[test]
fn what_cannot_be_written_is_known_before_anything_is_measured() {
    let folder = Folder::new();
    let line = format!("calibrate --json {}", folder.path("no/such/folder.json").display());
    let ended = Running::spawn(&mut with_cache(&folder.path("cache"), &line)).wait();
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.starts_with("saturing: --json "), "{}", ended.stderr);
    assert_eq!((ended.stdout.as_str(), ended.stderr.lines().count()), ("", 1));
}
