//! One load of one client on a server that runs.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal;
use nix::sys::time::TimeValLike;

use super::clients::{Client, Wanted};
use super::jobs::Task;
use super::process::{Program, Start, last_words, told};
use super::stage::Stage;
use super::watch::Watch;
use crate::measure::clock::{Clock, Monotonic};
use crate::result::SCHEMA;
use crate::result::suite::{CaseRun, Watched};

/// What a client says, in its folder.
const STDOUT: &str = "stdout";
const LOG: &str = "client.log";
const POLL: Duration = Duration::from_millis(5);
/// Between two looks at what server and backends use.
const LOOK: Duration = Duration::from_millis(250);
/// How long a counted load may take, and how much longer than its duration another.
const LONGEST: Duration = Duration::from_secs(600);
const SLACK: Duration = Duration::from_secs(60);
/// How long a client that was told to end may take over its report.
const FAREWELL: Duration = Duration::from_secs(15);

/// What a client needs to know of this machine.
pub(super) struct Kit<'a> {
    /// This program.
    pub(super) saturing: &'a Path,
    /// Where locust is.
    pub(super) python: &'a Path,
    /// For files of clients.
    pub(super) scratch: &'a Path,
    /// Not 0 once a signal came.
    pub(super) halt: &'a AtomicUsize,
}

/// A run, and where its HDR log is.
pub(super) struct Made {
    pub(super) run: CaseRun,
    pub(super) hdr_log: PathBuf,
}

/// Runs the client, watches server and backends meanwhile. What goes wrong is in the run, beside what was measured until then.
pub(super) fn make(
    task: &Task,
    round: u32,
    stage: &mut Stage<'_>,
    cpus: &[usize],
    kit: &Kit<'_>,
    started_unix_s: f64,
) -> Made {
    let out = kit.scratch.join("client");
    let mut run = CaseRun {
        schema: SCHEMA,
        row: task.row.clone(),
        round,
        started_unix_s,
        commands: stage.commands(),
        ..CaseRun::default()
    };
    if let Err(fault) = load(task, stage, cpus, kit, &out, &mut run) {
        run.fault.get_or_insert(fault);
    }
    Made { run, hdr_log: out.join("latency.hlog") }
}

fn load(
    task: &Task,
    stage: &mut Stage<'_>,
    cpus: &[usize],
    kit: &Kit<'_>,
    out: &Path,
    run: &mut CaseRun,
) -> Result<(), String> {
    let wanted = wanted(task, stage, cpus, kit, out)?;
    if !task.load.warmup.is_zero() {
        // The same for every client, before anything is watched.
        let duration_s = Some(task.load.warmup.as_secs_f64());
        let warmup = Wanted { duration_s, requests: None, rate_per_s: None, arrivals: None, ..wanted.clone() };
        let mut alone = Watch::new(&[]);
        let warmed = drive(Client::Saturing, &warmup, stage, &mut alone, kit.halt)?;
        if let Some(fault) = warmed.fault {
            return Err(format!("warm-up: {fault}"));
        }
    }
    let (names, groups): (Vec<String>, Vec<i32>) = stage.groups().into_iter().unzip();
    let mut watch = Watch::new(&groups);
    let before = children_cpu_s();
    let driven = drive(task.client, &wanted, stage, &mut watch, kit.halt)?;
    run.watched = names.into_iter().zip(watch.end()).collect();
    run.watched.insert("client".to_owned(), Watched { cpu_s: children_cpu_s() - before, ..Watched::default() });
    run.client_command = driven.command;
    let stdout = out.join(STDOUT);
    let text = fs::read_to_string(&stdout).map_err(|error| format!("{}: {error}", stdout.display()))?;
    match (driven.fault, task.client.read(&wanted, &text)) {
        (fault, Ok(result)) => {
            run.result = Some(result);
            fault.map_or(Ok(()), Err)
        }
        (Some(fault), Err(_)) => Err(fault),
        (None, Err(why)) => {
            let log = last_words(&out.join(LOG));
            Err(format!("{} ended with {}: {why}{log}", task.client.name(), driven.end))
        }
    }
}

/// What became of a client.
struct Driven {
    command: String,
    /// Why it was ended early.
    fault: Option<String>,
    /// How it ended.
    end: String,
}

/// Runs a client to its end, in the folder that it is to write to.
fn drive(
    client: Client,
    wanted: &Wanted,
    stage: &mut Stage<'_>,
    watch: &mut Watch,
    halt: &AtomicUsize,
) -> Result<Driven, String> {
    let out = &wanted.out;
    let io = |error: io::Error| format!("{}: {error}", out.display());
    match fs::remove_dir_all(out) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => fs::create_dir_all(out).map_err(io)?,
    }
    // Pinned by its own command.
    let namespace = stage.hosts.as_ref().map(|hosts| hosts.client().to_owned());
    let start =
        Start { words: client.command(wanted)?, env: BTreeMap::new(), dir: out.clone(), cpus: Vec::new(), namespace };
    let mut program = Program::start(&start, &out.join(LOG), Some(&out.join(STDOUT)))?;
    let longest = wanted.duration_s.map_or(LONGEST, |s| Duration::from_secs_f64(s) + SLACK);
    let fault = attend(&mut program, longest, stage, watch, halt);
    let end = program.ended().map_or_else(|| "no end".to_owned(), told);
    Ok(Driven { command: start.shown(), fault, end })
}

fn wanted(task: &Task, stage: &Stage<'_>, cpus: &[usize], kit: &Kit<'_>, out: &Path) -> Result<Wanted, String> {
    let (load, point) = (&task.load, &task.point);
    let request = stage.request(task.request);
    Ok(Wanted {
        // Users have paths of their own.
        url: if task.client == Client::Locust { stage.base_url() } else { stage.url(request) },
        method: request.method.clone(),
        headers: request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect(),
        body: stage.body(request)?,
        connections: point.connections,
        threads: load.threads,
        requests: point.until.requests,
        duration_s: point.until.duration.map(|duration| duration.as_secs_f64()),
        rate_per_s: point.rate_per_s,
        arrivals: load.arrivals.clone(),
        warmup_s: 0.0,
        pipeline: load.pipeline,
        keepalive: load.keepalive,
        timeout_s: load.timeout.as_secs_f64(),
        cpus: cpus.to_vec(),
        locustfile: load.locustfile.clone(),
        python: Some(kit.python.to_owned()),
        saturing: kit.saturing.to_owned(),
        out: out.to_owned(),
        expect_status: request.status,
    })
}

/// Waits for the client's end; ends it early when a signal comes, the server is lost or time is up. Tells why.
fn attend(
    client: &mut Program,
    longest: Duration,
    stage: &mut Stage<'_>,
    watch: &mut Watch,
    halt: &AtomicUsize,
) -> Option<String> {
    let began = Monotonic.now();
    let (mut looked, mut told_at, mut fault) = (began, None, None);
    while client.ended().is_none() {
        thread::sleep(POLL);
        let now = Monotonic.now();
        if now - looked >= LOOK.as_nanos() as u64 {
            looked = now;
            watch.look();
        }
        match told_at {
            None => {
                let late = now - began > longest.as_nanos() as u64;
                fault = match halt.load(Relaxed) {
                    0 => stage.lost().or_else(|| late.then(|| format!("took longer than {} s", longest.as_secs()))),
                    _ => Some("interrupted by a signal".to_owned()),
                };
                if fault.is_some() {
                    client.signal(Signal::SIGINT);
                    told_at = Some(now);
                }
            }
            Some(at) if now - at > FAREWELL.as_nanos() as u64 => {
                client.stop();
            }
            Some(_) => {}
        }
    }
    fault.or_else(|| stage.lost())
}

/// CPU time of all children that have ended and been waited for, with theirs.
fn children_cpu_s() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN);
    usage.map_or(0.0, |usage| {
        (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
    })
}
