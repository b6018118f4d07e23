//! Suites: real servers started, checked, loaded and ended, one after the other, and what they did kept at once.
//!
//! A suite is a TOML file ([`file`] has its keys). Each load of a case is a row; each row is run once in every round. Client, server
//! and backends are programs of their own: whatever becomes of one, the figures of the others stay.

mod case;
mod clients;
mod file;
mod hosts;
mod jobs;
mod process;
mod read;
mod rows;
mod several;
mod stage;
mod statements;
mod store;
mod task;
mod versions;
mod watch;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

pub use case::{Case, Suite};
pub use clients::Client;
pub use read::place;
pub use rows::conclude;
pub use store::Store;

use crate::measure::clock::{Clock, Monotonic};
use crate::result::SCHEMA;
use crate::result::suite::{CaseRun, NotRun, SuiteResult};
use jobs::{Job, Task, jobs};
use stage::{Fault, Places, Stage};
use task::Kit;
use words::Words;

/// What is asked of a suite.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// Names of cases; empty: all.
    pub cases: Vec<String>,
    /// A look: little load, one round.
    pub quick: bool,
    /// Rounds, in place of the suite's.
    pub repeat: Option<u32>,
    /// In place of the suite's.
    pub clients: Vec<Client>,
    /// Where results go.
    pub out: PathBuf,
}

/// A moment of a suite.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment<'a> {
    /// This row is next.
    Begins {
        /// Its id.
        row: &'a str,
        /// The round, counted from 1.
        round: u32,
        /// Loads done so far, and in all.
        done: usize,
        /// See `done`.
        of: usize,
    },
    /// It was run.
    Ended(&'a CaseRun),
    /// It was not.
    NotRun(&'a NotRun),
}

/// A suite that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Where results are.
    pub store: Store,
    /// All that was measured.
    pub result: SuiteResult,
    /// What ended it early beside a signal: results that cannot be written.
    pub fault: Option<String>,
}

/// Runs a suite; a value other than 0 in `halt` ends it early. Results are kept as they come; what fails is in them, and the
/// others go on.
///
/// # Errors
/// What keeps it from starting at all: no such case, a missing program, a folder that cannot be written.
pub fn run(
    suite: &Suite,
    asked: &Asked,
    command: Vec<String>,
    halt: &AtomicUsize,
    tell: &mut dyn FnMut(&Moment<'_>),
) -> Result<Ended, String> {
    let tasks = chosen(suite, asked)?;
    let installed = suite.root.join(".venv");
    let (python, pypy) = (installed.join("cpython/bin/python"), installed.join("pypy/bin/python"));
    let saturing = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let cache = suite.root.join(".cache");
    let mut words = Words::default();
    for (word, path) in [
        ("python", &python),
        ("pypy", &pypy),
        ("venv", &installed.join("cpython")),
        ("saturing", &saturing),
        ("cache", &cache),
    ] {
        words.set(word, path.display());
    }
    present(suite, &tasks, &words)?;
    let work = Work::create()?;
    words.set("work", work.0.display());
    let named = |path: &Path, name| (path.display().to_string(), name);
    let store = Store::create(
        &asked.out,
        vec![named(&saturing, "saturing"), named(&work.0, "WORK"), named(&suite.root, "bench")],
    )?;
    store.write("suite.toml", suite.text.as_bytes())?;
    fs::create_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))?;
    process::become_reaper();
    let ids: Vec<&str> = tasks.iter().map(|task| task.row.as_str()).collect();
    let mut rows = suite.rows(asked.quick, &asked.clients);
    rows.retain(|row| ids.contains(&row.id.as_str()));
    let here = |statement: &&crate::result::suite::Outcome| statement.rows.iter().all(|id| ids.contains(&id.as_str()));
    let result = SuiteResult {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command,
        name: suite.name.clone(),
        title: suite.title.clone(),
        about: suite.about.clone(),
        quick: asked.quick,
        started_unix_s: unix_s(),
        versions: versions::versions(&[&python, &pypy]),
        statements: suite.statements.iter().filter(here).cloned().collect(),
        rows,
        ..SuiteResult::default()
    };
    let jobs = jobs(suite, &tasks, asked.quick, asked.repeat);
    let result = SuiteResult { repeat: jobs.iter().map(|job| job.round).max().unwrap_or(0), ..result };
    let kit = Kit { saturing: &saturing, python: &python, scratch: &work.0, halt };
    let logs = store.logs();
    let places = Places { suite, logs: &logs, words: &words, halt };
    let mut running = Running {
        suite,
        places,
        kit,
        store,
        result,
        runs: Vec::new(),
        done: 0,
        of: jobs.iter().map(|job| job.tasks.len()).sum(),
        began: Monotonic.now(),
        tell,
    };
    let mut fault = running.keep().err();
    for job in &jobs {
        if halt.load(Relaxed) != 0 {
            running.result.interrupted = true;
        }
        if running.result.interrupted || fault.is_some() {
            break;
        }
        fault = running.job(job).and_then(|()| running.keep()).err();
    }
    running.result.interrupted |= halt.load(Relaxed) != 0;
    // A disk that was full may have room again; and what is known is in the result all the same.
    let last = running.keep().err();
    Ok(Ended { store: running.store, result: running.result, fault: fault.or(last) })
}

/// The tasks of the cases that are wanted.
fn chosen(suite: &Suite, asked: &Asked) -> Result<Vec<Task>, String> {
    if let Some(unknown) = asked.cases.iter().find(|name| !suite.cases.iter().any(|case| case.name == **name)) {
        let near = suite
            .cases
            .iter()
            .map(|case| case.name.as_str())
            .max_by(|a, b| strsim::jaro_winkler(a, unknown).total_cmp(&strsim::jaro_winkler(b, unknown)));
        let near = near.map_or_else(String::new, |name| format!("; did you mean {name}?"));
        return Err(format!(
            "{}: there is no case {unknown:?}{near} (saturing suite list has them all)",
            suite.path.display()
        ));
    }
    let mut tasks = suite.tasks(asked.quick, &asked.clients);
    tasks.retain(|task| asked.cases.is_empty() || asked.cases.contains(&suite.cases[task.case].name));
    Ok(tasks)
}

/// That programs are there is known before anything is run.
fn present(suite: &Suite, tasks: &[Task], words: &Words) -> Result<(), String> {
    let cases = || {
        suite
            .cases
            .iter()
            .enumerate()
            .filter(|(index, _)| tasks.iter().any(|task| task.case == *index))
            .map(|(_, case)| case)
    };
    let servers = cases().map(|case| (case.line, format!("case {}", case.name), &case.server[0]));
    let backends = suite.backends.iter().filter(|(name, _)| cases().any(|case| case.backends.contains(name)));
    let backends = backends.map(|(name, backend)| (backend.line, format!("backend {name}"), &backend.command[0]));
    for (line, what, program) in servers.chain(backends) {
        let at = |why: String| format!("{}:{line}: {what}: {why}", suite.path.display());
        let program = words.fill(program).map_err(at)?;
        let there = suite.root.join(&program);
        let path = if there.is_file() { &there } else { Path::new(&program) };
        if !task::is_there(path) {
            return Err(at(format!("{program} is not there; bench/setup.sh installs what the suites need")));
        }
    }
    Ok(())
}

/// A folder for programs to work in, gone with this.
struct Work(PathBuf);

impl Work {
    fn create() -> Result<Work, String> {
        let path = std::env::temp_dir().join(format!("saturing-suite-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Work(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// A suite that runs.
struct Running<'a, 'b> {
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

impl Running<'_, '_> {
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
            Err(Fault::Impossible(why)) => {
                self.not_run(job, &job.tasks, &why, true);
                return Ok(());
            }
            Err(Fault::Failed(why)) => {
                self.not_run(job, &job.tasks, &why, false);
                return Ok(());
            }
        };
        for (index, task) in job.tasks.iter().enumerate() {
            if self.kit.halt.load(Relaxed) != 0 {
                break;
            }
            if let Some(program) = task.client.program().filter(|program| !task::is_there(Path::new(program))) {
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
        conclude(&mut self.result, &self.runs);
        self.result.elapsed_s = (Monotonic.now() - self.began) as f64 / 1e9;
        self.store.keep(&self.result)
    }
}
