//! The workers' threads: built and pinned first, started together, joined at the end.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use super::Error;
use crate::engine::{Engine, EngineChoice, EngineConfig, Name, SetupError};
use crate::measure::clock::Monotonic;
use crate::plan::Plan;
use crate::result::CutShort;
use crate::ring::cpu;
use crate::worker::{self, Control, Done, Job, Progress};
use crate::workload::Layout;

/// What a worker's thread ends with.
pub(super) struct WorkerOutput {
    pub(super) done: Done,
    pub(super) cpu: Option<usize>,
    pub(super) connections: usize,
    pub(super) engine: Name,
    pub(super) level: &'static str,
    pub(super) why: String,
}

impl WorkerOutput {
    /// The run ended early for this reason, unless there is one already.
    pub(super) fn cut_short(&mut self, why: &str) {
        self.done.cut_short.get_or_insert_with(|| CutShort::Failed(why.to_owned()));
    }
}

/// A worker that waits for the start.
struct Waiting {
    start: mpsc::Sender<u64>,
    thread: JoinHandle<Option<WorkerOutput>>,
}

/// All workers of a pass, ready.
pub(super) struct WorkerPool {
    waiting: Vec<Waiting>,
    board: Arc<[Progress]>,
    all_gone: mpsc::Receiver<Infallible>,
}

/// All a worker's thread needs.
struct WorkerThread {
    engine: EngineChoice,
    config: EngineConfig,
    job: Job,
    cpu: usize,
    control: Arc<Control>,
    board: Arc<[Progress]>,
    index: usize,
    begin: mpsc::Receiver<u64>,
}

impl WorkerThread {
    /// The thread's life: `None` if there was no start, as this or another worker failed.
    fn run(self, ready: mpsc::Sender<Result<(), SetupError>>) -> Option<WorkerOutput> {
        // Pinned first: what is touched from now on lies in that CPU's memory. Nothing large was before: the order and the job
        // are small, buffers and queues are made by `build`, tables of connections and histograms by `work`.
        let cpu = cpu::pin(self.cpu).then_some(self.cpu);
        let (mut engine, outcome) = match self.engine.build(self.config) {
            Ok(engine) => (Some(engine), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let _ = ready.send(outcome);
        drop(ready);
        let engine = engine.as_mut()?;
        let starts_at = self.begin.recv().ok()?;
        let (job, progress, control) = (&self.job, &self.board[self.index], &*self.control);
        let mut done = match engine {
            Engine::Uring(ring) => worker::work(job, starts_at, &mut **ring, &Monotonic, progress, control),
            Engine::Epoll(ring, _) => worker::work(job, starts_at, &mut **ring, &Monotonic, progress, control),
            Engine::TokioUring(ring, _) => worker::work(job, starts_at, &mut **ring, &Monotonic, progress, control),
        };
        // The kernel's submission thread worked for this one.
        done.used.system_s += done.ring.sqpoll_ns as f64 / 1e9;
        let connections = self.job.connections;
        Some(WorkerOutput { done, cpu, connections, engine: engine.name(), level: engine.level(), why: engine.why() })
    }
}

impl WorkerPool {
    /// All threads have their engines before any begins.
    ///
    /// # Errors
    /// No ring or no thread can be had.
    pub(super) fn prepare(
        plan: &Plan,
        layout: &Layout,
        jobs: Vec<Job>,
        control: &Arc<Control>,
    ) -> Result<WorkerPool, Error> {
        let board: Arc<[Progress]> = jobs.iter().map(|_| Progress::default()).collect();
        let (alive, all_gone) = mpsc::channel::<Infallible>();
        let endpoints = plan.endpoints();
        let engine = plan.engine.choose().map_err(Error::new)?;
        let (ready, is_ready) = mpsc::channel();
        let mut waiting = Vec::with_capacity(jobs.len());
        for (index, job) in jobs.into_iter().enumerate() {
            let (start, begin) = mpsc::channel();
            let cpu = plan.placement.cpus[index];
            let config = EngineConfig {
                slots: job.connections,
                first: job.first_connection,
                payload: Arc::clone(layout.memory()),
                blocks: job.blocks(),
                endpoints: endpoints.clone(),
            };
            let (control, board) = (Arc::clone(control), Arc::clone(&board));
            let worker = WorkerThread { engine: engine.clone(), config, job, cpu, control, board, index, begin };
            let (ready, alive) = (ready.clone(), alive.clone());
            let body = move || {
                let output = worker.run(ready);
                // Nothing is ever said on it: that it ends is what is heard.
                drop(alive);
                output
            };
            let thread = thread::Builder::new().name(format!("worker-{index}")).spawn(body);
            let thread = thread.map_err(|error| Error::new(format_args!("cannot start a thread: {error}")))?;
            waiting.push(Waiting { start, thread });
        }
        drop(ready);
        for outcome in is_ready {
            outcome.map_err(Error::new)?;
        }
        Ok(WorkerPool { waiting, board, all_gone })
    }

    /// Starts all with load from `starts_at` on, lets `watch` look at them until they have ended, and gives what they ended with.
    pub(super) fn work(
        self,
        starts_at: u64,
        watch: impl FnOnce(&[Progress], &mpsc::Receiver<Infallible>),
    ) -> Vec<WorkerOutput> {
        let started = self.waiting.into_iter().map(|Waiting { start, thread }| {
            // Never fails: the thread waits for it.
            let _ = start.send(starts_at);
            thread
        });
        let threads: Vec<JoinHandle<Option<WorkerOutput>>> = started.collect();
        watch(&self.board, &self.all_gone);
        threads.into_iter().map(|thread| thread.join().expect("a worker panicked").expect("started")).collect()
    }
}
