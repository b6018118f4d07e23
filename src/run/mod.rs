//! One run: rings built, workers pinned and started together, watched, joined, and their figures merged.
//!
//! A run has one pass, or several with fresh connections: one for each step of the connections, or for each repeated window.

pub mod ask;
mod assemble;
pub mod bare;
mod crew;
mod evidence;
mod findings;
mod host;
mod jobs;
mod limits;
mod outcome;
mod owner;
mod stages;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use crate::measure::clock::{Clock, Monotonic};
use crate::plan::{Load, Plan, Until};
use crate::result::{RunResult, Snapshot};
pub use crate::worker::Halt;
use crew::{Crew, Home};
use evidence::{Happened, Watcher};
pub use limits::open_files_needed;
use owner::Owner;

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
    homes: Vec<Home>,
    /// On the host, while the window lasted.
    happened: Option<Happened>,
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
    let mut passed: Vec<Passed> = Vec::new();
    let owner = plan.target.local.then(|| Owner::find(&plan.target.addresses)).flatten();
    let (unix, clock) = (SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(), Monotonic.now());
    for pass in passes(&plan.load) {
        match once(plan, pass, halt, observe, owner.as_ref()) {
            Ok(done) => passed.push(done),
            // What was measured before is not lost.
            Err(error) if !passed.is_empty() => {
                passed.iter_mut().for_each(|done| done.homes.iter_mut().for_each(|home| home.cut_short(&error.0)));
                break;
            }
            Err(error) => return Err(error),
        }
        if halt.load(Relaxed) != 0 {
            break;
        }
    }
    let began = passed.first().map_or(clock, |first| first.begins_at);
    let started = unix + Duration::from_nanos(began.saturating_sub(clock));
    let result = assemble::assemble(plan, command, halt.load(Relaxed) != 0, started, passed, owner);
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

fn once(
    plan: &Plan,
    pass: Pass,
    halt: &Arc<Halt>,
    observe: &mut dyn FnMut(&Snapshot),
    owner: Option<&Owner>,
) -> Result<Passed, Error> {
    let jobs = jobs::jobs(plan, &pass);
    let ends = jobs.first().and_then(|job| job.duration_ns);
    let crew = Crew::prepare(plan, jobs, halt)?;
    let starts_at = Monotonic.now() + jobs::lead_ns(plan, &pass);
    let begins_at = starts_at + jobs::nanoseconds(plan.load.warmup);
    let outlook =
        watch::Outlook { begins_at, ends_at: ends.map(|span| begins_at + span), requests: pass.until.requests };
    let mut watcher = Watcher::new(owner);
    let watch = |board: &_, all_gone: &_| watch::watch(&outlook, &pass, board, all_gone, observe, &mut watcher);
    let homes = crew.work(starts_at, watch);
    Ok(Passed { pass, begins_at, homes, happened: watcher.happened() })
}
