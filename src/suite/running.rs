//! A suite while it runs: job after job, and what comes of them kept.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::case::{Case, Suite};
use super::jobs::{Job, Task};
use super::machine::Machine;
use super::process::is_there;
use super::rows::conclude;
use super::stage::{Fault, Places, Stage};
use super::store::{self, Store};
use super::task::{self, Kit};
use super::{Ended, Moment, unix_s};
use crate::measure::clock::{Clock, Monotonic};
use crate::result::suite::{CaseRun, NotRun, SuiteResult};

/// A suite that runs.
pub(super) struct Running<'a, 'b> {
    suite: &'a Suite,
    places: Places<'a>,
    kit: Kit<'a>,
    store: Store,
    result: SuiteResult,
    runs: Vec<CaseRun>,
    done: usize,
    of: usize,
    began: u64,
    tell: &'b mut dyn FnMut(&Moment<'_>),
}

impl<'a, 'b> Running<'a, 'b> {
    pub(super) fn new(
        suite: &'a Suite,
        machine: &'a Machine,
        store: Store,
        result: SuiteResult,
        halt: &'a AtomicUsize,
        tell: &'b mut dyn FnMut(&Moment<'_>),
    ) -> Running<'a, 'b> {
        Running {
            suite,
            places: Places { suite, logs: store.logs(), words: &machine.words, halt },
            kit: Kit { saturing: &machine.saturing, python: &machine.python, scratch: machine.work(), halt },
            store,
            result,
            runs: Vec::new(),
            done: 0,
            of: 0,
            began: Monotonic.now(),
            tell,
        }
    }

    /// Runs all jobs, as far as no signal comes and results can be written.
    pub(super) fn all(mut self, jobs: &[Job]) -> Ended {
        self.of = jobs.iter().map(|job| job.tasks.len()).sum();
        let halt = self.kit.halt;
        let halted = || halt.load(Relaxed) != 0;
        let mut fault = self.keep().err();
        for job in jobs {
            if halted() || fault.is_some() {
                break;
            }
            fault = self.job(job).err();
            // Of the others nothing is new.
            conclude(&mut self.result, &self.runs, |row| job.tasks.iter().any(|task| task.row == row.id));
            fault = fault.or_else(|| self.keep().err());
        }
        self.result.interrupted = halted();
        // A disk that was full may have room again; and what is known is in the result all the same.
        let last = self.keep().err();
        Ended { store: self.store, result: self.result, fault: fault.or(last) }
    }

    /// Sets the server of a job up, puts its loads on it one after the other, and ends it.
    fn job(&mut self, job: &Job) -> Result<(), String> {
        let first = &job.tasks[0];
        let case = &self.suite.cases[first.case];
        (self.tell)(&Moment::Begins { row: &first.row, round: job.round, done: self.done, of: self.of });
        let tag = store::file_name(&first.row, job.round);
        let done = self.attend(job, case, &tag);
        self.store.keep_logs(&tag);
        done
    }

    fn attend(&mut self, job: &Job, case: &Case, tag: &str) -> Result<(), String> {
        let mut stage = match Stage::set(case, &self.places, tag) {
            Ok(stage) => stage,
            Err(Fault::Halted) => return Ok(()),
            Err(Fault::NotSet { why, impossible }) => {
                self.not_run(job, &job.tasks, &why, impossible);
                return Ok(());
            }
        };
        for (index, task) in job.tasks.iter().enumerate() {
            if self.kit.halt.load(Relaxed) != 0 {
                break;
            }
            if let Some(program) = task.client.program().filter(|program| !is_there(Path::new(program))) {
                self.not_run(job, &job.tasks[index..=index], &format!("{program} is not installed"), true);
                continue;
            }
            if let Err(why) = stage.check(&case.requests[task.request]) {
                // What one request broke may be another's cause: no guesses.
                self.not_run(job, &job.tasks[index..], &why, false);
                break;
            }
            self.task(task, job.round, &mut stage, &case.cpus.client)?;
            if let Some(why) = stage.lost() {
                self.not_run(job, &job.tasks[index + 1..], &why, false);
                break;
            }
        }
        for why in stage.end() {
            self.note(NotRun { case: case.name.clone(), round: Some(job.round), why, impossible: false });
        }
        Ok(())
    }

    fn task(&mut self, task: &Task, round: u32, stage: &mut Stage<'_>, cpus: &[usize]) -> Result<(), String> {
        (self.tell)(&Moment::Begins { row: &task.row, round, done: self.done, of: self.of });
        let made = task::make(task, round, stage, cpus, &self.kit, unix_s());
        self.done += 1;
        self.store.keep_run(&made.run, Some(&made.hdr_log))?;
        (self.tell)(&Moment::Ended(&made.run));
        if let Some(why) = &made.run.fault {
            self.note(NotRun { case: task.row.clone(), round: Some(round), why: why.clone(), impossible: false });
        }
        self.runs.push(made.run);
        Ok(())
    }

    fn not_run(&mut self, job: &Job, tasks: &[Task], why: &str, impossible: bool) {
        self.done += tasks.len();
        for task in tasks {
            self.note(NotRun { case: task.row.clone(), round: Some(job.round), why: why.to_owned(), impossible });
        }
    }

    fn note(&mut self, not_run: NotRun) {
        (self.tell)(&Moment::NotRun(&not_run));
        self.result.not_run.push(not_run);
    }

    /// What is known so far goes to the disk.
    fn keep(&mut self) -> Result<(), String> {
        self.result.elapsed_s = (Monotonic.now() - self.began) as f64 / 1e9;
        self.store.keep(&self.result)
    }
}
