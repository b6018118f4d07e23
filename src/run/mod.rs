//! One run: rings built, workers pinned and started together, watched, joined, and their figures merged.

mod assemble;
mod host;
mod limits;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::measure::clock::{Clock, Monotonic};
use crate::plan::Plan;
use crate::result::{Phase, RunResult, Snapshot};
use crate::ring::cpu::{self, CpuTime};
use crate::ring::{Config, Endpoints, Idle, SetupError};
use crate::worker::{self, Done, Halt, Job, Progress};

/// How often the observer is told.
const OBSERVE_EVERY: Duration = Duration::from_millis(100);

/// A run that could not start; one line with the cause and the cure.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    fn new(cause: impl fmt::Display) -> Error {
        Error(cause.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// What a worker's thread brings home.
struct Home {
    done: Done,
    cpu: Option<usize>,
    used: CpuTime,
    connections: usize,
    level: &'static str,
    why: String,
}

/// A worker that waits for the start.
struct Waiting {
    start: mpsc::Sender<u64>,
    thread: JoinHandle<Option<Home>>,
}

/// All a worker's thread needs but its ring.
struct Seat {
    job: Job,
    cpu: usize,
    clock: Monotonic,
    halt: Arc<Halt>,
    board: Arc<[Progress]>,
    index: usize,
    begin: mpsc::Receiver<u64>,
}

impl Seat {
    /// The thread's life: `None` if there was no start, as this or another worker failed.
    fn run(self, idle: Idle, ready: mpsc::Sender<Result<(), SetupError>>) -> Option<Home> {
        let cpu = cpu::pin(self.cpu).then_some(self.cpu);
        let enabled = idle.enable();
        let (mut ring, outcome) = match enabled {
            Ok(ring) => (Some(ring), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let _ = ready.send(outcome);
        drop(ready);
        let ring = ring.as_mut()?;
        let starts_at = self.begin.recv().ok()?;
        let before = cpu::of_this_thread();
        let done = worker::work(&self.job, starts_at, ring, &self.clock, &self.board[self.index], &self.halt);
        let used = cpu::of_this_thread().since(before);
        let connections = self.job.connections;
        Some(Home { done, cpu, used, connections, level: ring.level(), why: ring.why().to_owned() })
    }
}

/// Runs `plan`; `halt` ends it early, with what was measured so far. `observe` is told every 100 ms how it goes.
///
/// # Errors
/// Only what keeps a run from starting: open files, rings, threads. Whatever happens later is part of the result.
///
/// # Panics
/// If the counts of the run contradict each other: then no figure of it may be believed.
pub fn run(
    plan: &Plan,
    command: Vec<String>,
    halt: &Arc<Halt>,
    observe: &mut dyn FnMut(&Snapshot),
) -> Result<RunResult, Error> {
    limits::allow_open_files(plan)?;
    let clock = Monotonic;
    let workers = plan.placement.cpus.len();
    let board: Arc<[Progress]> = (0..workers).map(|_| Progress::default()).collect();
    let (alive, all_gone) = mpsc::channel();
    let waiting = prepare(plan, clock, halt, &board, alive)?;
    let starts_at = clock.now();
    let mut threads = Vec::with_capacity(workers);
    for Waiting { start, thread } in waiting {
        // Never fails: the thread waits for it.
        let _ = start.send(starts_at);
        threads.push(thread);
    }
    watch(plan, &board, &all_gone, observe);
    let homes: Vec<Home> =
        threads.into_iter().map(|thread| thread.join().expect("a worker panicked").expect("started")).collect();
    let result = assemble::assemble(plan, command, halt.load(Relaxed) != 0, homes);
    if let Err(contradiction) = result.check() {
        panic!("the figures contradict each other, this is a bug in saturing: {contradiction}");
    }
    Ok(result)
}

/// All rings are built before any thread is started, and all threads are ready before any begins.
fn prepare(
    plan: &Plan,
    clock: Monotonic,
    halt: &Arc<Halt>,
    board: &Arc<[Progress]>,
    alive: mpsc::Sender<Infallible>,
) -> Result<Vec<Waiting>, Error> {
    let jobs = jobs(plan);
    let payload: Arc<[u8]> = Job::payload(&plan.target.request, plan.load.pipeline as u32).into();
    let endpoints = Endpoints { remotes: plan.target.addresses.clone(), sources: plan.target.sources.clone() };
    let mut rings = Vec::with_capacity(jobs.len());
    for job in &jobs {
        let config = Config::for_slots(job.connections);
        let first = job.first_connection;
        rings.push(Idle::build(config, first, Arc::clone(&payload), endpoints.clone()).map_err(Error::new)?);
    }
    let (ready, is_ready) = mpsc::channel();
    let mut waiting = Vec::with_capacity(jobs.len());
    for (index, (job, idle)) in jobs.into_iter().zip(rings).enumerate() {
        let (start, begin) = mpsc::channel();
        let cpu = plan.placement.cpus[index];
        let seat = Seat { job, cpu, clock, halt: Arc::clone(halt), board: Arc::clone(board), index, begin };
        let (ready, alive) = (ready.clone(), alive.clone());
        let body = move || {
            let home = seat.run(idle, ready);
            // Nothing is ever said on it: that it ends is what is heard.
            drop(alive);
            home
        };
        let thread = thread::Builder::new().name(format!("worker-{index}")).spawn(body);
        let thread = thread.map_err(|error| Error::new(format_args!("cannot start a thread: {error}")))?;
        waiting.push(Waiting { start, thread });
    }
    drop(ready);
    for outcome in is_ready {
        outcome.map_err(Error::new)?;
    }
    Ok(waiting)
}

/// Connections and requests spread evenly, none dropped.
fn jobs(plan: &Plan) -> Vec<Job> {
    let (load, request) = (&plan.load, &plan.target.request);
    let workers = plan.placement.cpus.len();
    let share = |total: u64, index: usize| total / workers as u64 + u64::from((index as u64) < total % workers as u64);
    let mut first_connection = 0;
    (0..workers)
        .map(|index| {
            let connections = share(load.connections as u64, index) as usize;
            let job = Job {
                connections,
                first_connection,
                remotes: plan.target.addresses.len(),
                pipeline: load.pipeline as u32,
                requests_per_connection: load.requests_per_connection,
                timeout_ns: nanoseconds(load.timeout),
                drain_ns: nanoseconds(load.drain()),
                duration_ns: load.until.duration.map(nanoseconds),
                requests: load.until.requests.map(|total| share(total, index)),
                request_bytes: (request.keep_alive().len(), request.closing().len()),
                head_request: request.head_only(),
            };
            first_connection += connections;
            job
        })
        .collect()
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX / 4)
}

/// Tells the observer how it goes, until all workers are home.
fn watch(plan: &Plan, board: &[Progress], all_gone: &mpsc::Receiver<Infallible>, observe: &mut dyn FnMut(&Snapshot)) {
    let start = Instant::now();
    let (mut told_at, mut told) = (start, 0);
    while all_gone.recv_timeout(OBSERVE_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
        let now = Instant::now();
        let sum = |read: fn(&Progress) -> u64| -> u64 { board.iter().map(read).sum() };
        let completed = sum(|one| one.completed.load(Relaxed));
        let elapsed = now - start;
        let by_time = plan.load.until.duration.map(|whole| elapsed.as_secs_f64() / whole.as_secs_f64());
        let by_count = plan.load.until.requests.map(|whole| completed as f64 / whole as f64);
        let share = by_time.into_iter().chain(by_count).reduce(f64::max);
        let p99_ns = board.iter().map(|one| one.p99_ns.load(Relaxed)).max().filter(|&ns| ns > 0);
        observe(&Snapshot {
            phase: Phase::Measure,
            elapsed,
            share: share.map(|share| share.min(1.0)),
            completed,
            rate_per_s: (completed - told) as f64 / (now - told_at).as_secs_f64(),
            p99_ns,
            failed: sum(|one| one.failed.load(Relaxed)),
            open_connections: sum(|one| one.open.load(Relaxed)),
        });
        (told_at, told) = (now, completed);
    }
}
