//! One run: rings built, workers pinned and started together, watched, joined, and their figures merged.
//!
//! A run has one pass, or several with fresh connections: one for each step of the connections, or for each repeated window.

pub mod ask;
mod assemble;
pub mod baseline;
mod evidence;
mod findings;
mod host;
mod jobs;
mod limits;
mod mix;
mod outcome;
mod owner;
mod pool;
pub mod speed;
mod stages;
mod tls;
mod told;
mod watch;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::measure::clock::{Clock, Monotonic};
use crate::measure::series::Histograms;
use crate::plan::{Load, Plan, Until};
use crate::result::{Interval, RunResult, Snapshot};
pub use crate::worker::Control;
use crate::workload::Layout;
use evidence::{HostUsage, Watcher};
pub use limits::open_files_needed;
use owner::Owner;
use pool::{WorkerOutput, WorkerPool};
use told::Told;

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

/// One time through the load, with connections of its own.
#[derive(Debug, Clone)]
struct Pass {
    /// What it is called among several.
    name: Option<String>,
    connections: usize,
    until: Until,
    /// Its number, from 0, and how many there are.
    index: usize,
    of: usize,
}

/// What a pass brought.
struct Passed {
    pass: Pass,
    /// When its window began, on the run's clock.
    begins_at: u64,
    /// How long its window was to last, where that is known, ns.
    planned_ns: Option<u64>,
    outputs: Vec<WorkerOutput>,
    /// Which of the run's intervals are its own.
    intervals: Range<usize>,
    /// On the host, while the window lasted.
    host_usage: Option<HostUsage>,
}

/// An interval of the time series that has just ended, with all its samples: nobody keeps them.
#[derive(Debug)]
pub struct Ended<'a> {
    /// When the first window began, seconds since 1970-01-01 UTC.
    pub started_unix_s: f64,
    /// Its figures.
    pub interval: &'a Interval,
    /// Its samples.
    pub histograms: &'a Histograms,
}

/// Who is told how a run goes, while it does.
pub trait Observer {
    /// Every 100 ms: how it goes.
    fn moment(&mut self, moment: &Snapshot);

    /// An interval of the time series has ended. What takes long here makes the intervals that follow longer, and loses nothing.
    fn interval(&mut self, _ended: &Ended<'_>) {}
}

/// An observer of moments alone.
struct Moments<'a>(&'a mut dyn FnMut(&Snapshot));

impl Observer for Moments<'_> {
    fn moment(&mut self, moment: &Snapshot) {
        (self.0)(moment);
    }
}

/// Runs `plan`; `control` ends it early, or changes its load, with what was measured so far. `observe` is told every 100 ms how it goes.
///
/// # Errors
/// Only what keeps a run from starting: open files, rings, threads. Whatever happens later is part of the result.
///
/// # Panics
/// If the counts of the run contradict each other: then no figure of it may be believed.
pub fn run(
    plan: &Plan,
    command: Vec<String>,
    control: &Arc<Control>,
    observe: &mut dyn FnMut(&Snapshot),
) -> Result<RunResult, Error> {
    run_observed(plan, command, control, &mut Moments(observe))
}

/// The same for an observer who is told of the time series too.
///
/// # Errors
/// As [`run`].
///
/// # Panics
/// As [`run`].
pub fn run_observed(
    plan: &Plan,
    command: Vec<String>,
    control: &Arc<Control>,
    observer: &mut dyn Observer,
) -> Result<RunResult, Error> {
    limits::allow_open_files(plan)?;
    let mut passed: Vec<Passed> = Vec::new();
    let owner = plan.target.local.then(|| Owner::find(&plan.target)).flatten();
    let mut told = Told::new(observer);
    // One for all passes: sequences go on from one to the next.
    let layout = layout(plan);
    for pass in passes(&plan.load) {
        match once(plan, &layout, pass, control, &mut told, owner.as_ref()) {
            Ok(done) => passed.push(done),
            // What was measured before is not lost.
            Err(error) if !passed.is_empty() => {
                passed
                    .iter_mut()
                    .for_each(|done| done.outputs.iter_mut().for_each(|output| output.cut_short(&error.0)));
                break;
            }
            Err(error) => return Err(error),
        }
        if control.is_stopped() {
            break;
        }
    }
    let (started, intervals) = (told.started(), told.intervals);
    let mut result = assemble::assemble(plan, control.is_stopped(), started, passed, intervals, owner, &layout);
    result.command = command;
    if let Err(contradiction) = result.check() {
        panic!("the figures contradict each other, this is a bug in saturing: {contradiction}");
    }
    Ok(result)
}

fn passes(load: &Load) -> Vec<Pass> {
    let whole = Pass { name: None, connections: load.connections, until: load.until, index: 0, of: 1 };
    if !load.steps.is_empty() {
        let step = |(index, step): (usize, &crate::plan::Step)| Pass {
            name: Some(format!("{} connections", step.connections)),
            connections: step.connections,
            until: step.until,
            index,
            of: load.steps.len(),
        };
        return load.steps.iter().enumerate().map(step).collect();
    }
    if load.repeat <= 1 {
        return vec![whole];
    }
    let of = load.repeat as usize;
    (0..of).map(|index| Pass { name: Some(format!("window {}", index + 1)), index, of, ..whole.clone() }).collect()
}

/// What the plan's requests look like in memory.
fn layout(plan: &Plan) -> Layout {
    Layout::new(Arc::clone(&plan.target.requests), plan.load.pipeline as u32)
}

fn once(
    plan: &Plan,
    layout: &Layout,
    pass: Pass,
    control: &Arc<Control>,
    told: &mut Told<'_>,
    owner: Option<&Owner>,
) -> Result<Passed, Error> {
    let jobs = jobs::jobs(plan, layout, &pass, told.unix_ns());
    let ends = jobs.first().and_then(|job| job.duration_ns);
    let pool = WorkerPool::prepare(plan, layout, jobs, control)?;
    let starts_at = Monotonic.now() + jobs::lead_ns(plan, &pass);
    let begins_at = starts_at + jobs::nanoseconds(plan.load.warmup);
    told.begins(begins_at);
    let intervals_before = told.intervals.len();
    let outlook =
        watch::Outlook { begins_at, ends_at: ends.map(|span| begins_at + span), requests: pass.until.requests };
    let mut watcher = Watcher::new(owner);
    let watch = |board: &_, all_gone: &_| watch::watch(&outlook, &pass, board, all_gone, told, &mut watcher);
    let outputs = pool.work(starts_at, watch);
    let intervals = intervals_before..told.intervals.len();
    Ok(Passed { pass, begins_at, planned_ns: ends, outputs, intervals, host_usage: watcher.host_usage() })
}
