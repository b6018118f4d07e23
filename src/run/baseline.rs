//! Runs for calibration alone: the loop without some of what it does, and the engine with the kernel as witness.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use super::ask::ask;
use super::{Error, Pass, jobs, limits};
use crate::engine::{Engine, EngineConfig};
use crate::measure::clock::{Clock, Monotonic, WallClock};
use crate::measure::histogram::{Histogram, Summary};
use crate::plan::Plan;
use crate::ring::Counters;
use crate::ring::cpu::{self, CpuTime};
pub use crate::worker::baseline::Ablation;
use crate::worker::baseline::Baseline;
use crate::worker::timestamp_probe::{RecordingClock, TimestampProbe};
use crate::worker::{self, Control, Job, Progress};

/// What the workers of such a run did, all together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Floor {
    /// Requests answered.
    pub requests: u64,
    /// The longest window of a worker, seconds.
    pub elapsed_s: f64,
    /// CPU time in user mode, seconds.
    pub user_s: f64,
    /// CPU time in the kernel, seconds.
    pub sys_s: f64,
    /// Calls of enter.
    pub enters: u64,
    /// Time between enters, seconds.
    pub outside_s: f64,
}

/// How late the engine knows of answers.
#[derive(Debug, Clone)]
pub struct Lateness {
    /// `done_at` less the kernel's receive stamp, of the sampled answers; `None` where there were none, or the wall clock was set meanwhile.
    pub late_ns: Option<Summary>,
    /// How wrong each may be by itself, as the two go by different clocks, ns.
    pub within_ns: u64,
}

/// How long the first answer is awaited.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

/// Puts a closed loop on the plan's target without what `ablation` says.
///
/// # Errors
/// No ring or thread can be had, or the server does not answer as the built-in one does.
pub fn baseline(plan: &Plan, ablation: Ablation, control: &Arc<Control>) -> Result<Floor, Error> {
    let first = ask(&plan.target, FIRST_ANSWER).map_err(|why| Error::new(format_args!("the first answer: {why}")))?;
    let bytes = first.length as u64;
    let all = each(plan, |job, engine| match engine {
        Engine::Uring(ring) => worker::baseline::baseline(job, ablation, bytes, &mut **ring, control),
        Engine::Epoll(ring, _) => worker::baseline::baseline(job, ablation, bytes, &mut **ring, control),
        Engine::TokioUring(ring, _) => worker::baseline::baseline(job, ablation, bytes, &mut **ring, control),
    })?;
    let (mut sum, mut elapsed_ns) = (Baseline::default(), 0);
    for one in all {
        let Baseline { requests, elapsed_ns: ns, used, ring, outside_ns } = one.map_err(Error::new)?;
        sum.requests += requests;
        sum.used += used;
        sum.ring += ring;
        sum.outside_ns += outside_ns;
        elapsed_ns = ns.max(elapsed_ns);
    }
    let (CpuTime { user_s, system_s: sys_s }, Counters { enters, .. }) = (sum.used, sum.ring);
    Ok(Floor {
        requests: sum.requests,
        elapsed_s: elapsed_ns as f64 / 1e9,
        user_s,
        sys_s,
        enters,
        outside_s: sum.outside_ns as f64 / 1e9,
    })
}

/// Runs the engine on the plan, one connection in `every` (of each worker) being received from with the kernel's stamps. `None` where
/// the engine has no stamps to offer.
///
/// # Errors
/// As [`super::run`].
pub fn lateness(plan: &Plan, every: u32, control: &Arc<Control>) -> Result<Option<Lateness>, Error> {
    let all = each(plan, |job, engine| {
        let clock = RecordingClock::new(Monotonic);
        let starts_at = Monotonic.now();
        match engine {
            Engine::Uring(ring) => {
                let mut witness = TimestampProbe::new(ring, &clock, every, starts_at + job.warmup_ns);
                worker::work(job, starts_at, &mut witness, &clock, &Progress::default(), control);
                Some((witness.wall(), std::mem::take(&mut witness.late)))
            }
            // These receive without the kernel's stamps.
            Engine::Epoll(..) | Engine::TokioUring(..) => None,
        }
    })?;
    let after = WallClock::read();
    let (mut late, mut within_ns, mut was_set, mut stamped) = (Histogram::new(), 0, false, false);
    for (before, part) in all.into_iter().flatten() {
        let within = before.within_ns + after.within_ns;
        was_set |= before.ahead_ns.abs_diff(after.ahead_ns) > within.max(1000);
        within_ns = before.within_ns.max(within_ns);
        late.merge(&part);
        stamped = true;
    }
    Ok(stamped.then(|| Lateness { late_ns: late.summary(None).filter(|_| !was_set), within_ns }))
}

/// Does `work` on a pinned thread for each worker of the plan, all starting together.
fn each<T: Send>(plan: &Plan, work: impl Fn(&Job, &mut Engine) -> T + Sync) -> Result<Vec<T>, Error> {
    limits::allow_open_files(plan)?;
    let whole = Pass { name: None, connections: plan.load.connections, until: plan.load.until, index: 0, of: 1 };
    let layout = super::layout(plan);
    let jobs = jobs::jobs(plan, &layout, &whole, 0);
    let engine = plan.engine.choose().map_err(Error::new)?;
    let (ready, failed) = (Barrier::new(jobs.len()), AtomicBool::new(false));
    let worker = |job: Job, cpu: usize| {
        // What refuses to be pinned is told by the engine's own runs.
        cpu::pin(cpu);
        let endpoints = plan.endpoints();
        let config = EngineConfig {
            slots: job.connections,
            first: job.first_connection,
            payload: Arc::clone(layout.memory()),
            blocks: job.blocks(),
            endpoints,
        };
        let built = engine.build(config);
        failed.fetch_or(built.is_err(), Relaxed);
        ready.wait();
        let mut engine = built.map_err(Error::new)?;
        Ok((!failed.load(Relaxed)).then(|| work(&job, &mut engine)))
    };
    let worker = &worker;
    let all: Result<Vec<Option<T>>, Error> = thread::scope(|scope| {
        let threads = jobs.into_iter().zip(&plan.placement.cpus);
        let threads: Vec<_> = threads.map(|(job, &cpu)| scope.spawn(move || worker(job, cpu))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a worker panicked")).collect()
    });
    Ok(all?.into_iter().flatten().collect())
}
