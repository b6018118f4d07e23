//! Suites: real servers started, checked, loaded and ended, one after the other, and what they did kept at once.
//!
//! A suite is a TOML file (its keys: `file.rs`). Each load of a case is a row; each row is run once in every round. Client, server
//! and backends are programs of their own: whatever becomes of one, the figures of the others stay.

mod case;
mod clients;
mod file;
mod hosts;
mod jobs;
mod machine;
mod process;
mod read;
mod rows;
mod running;
mod several;
mod stage;
mod statements;
mod store;
mod task;
mod versions;
mod watch;
mod words;

use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::time::{SystemTime, UNIX_EPOCH};

pub use case::{Case, Suite};
pub use clients::Client;
pub use read::place;
pub use rows::conclude;
pub use store::Store;

use crate::plan::nearest;
use crate::result::SCHEMA;
use crate::result::suite::{CaseRun, NotRun, Outcome, SuiteResult};
use jobs::{Job, Task, jobs};
use machine::Machine;
use running::Running;

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
    let machine = Machine::of(suite)?;
    machine.has_what_is_needed(suite, &tasks)?;
    let store = Store::create(&asked.out, machine.names(suite))?;
    store.write("suite.toml", suite.text.as_bytes())?;
    process::become_reaper();
    let jobs = jobs(suite, &tasks, asked.quick, asked.repeat);
    let result = begun(suite, asked, command, &tasks, &jobs, &machine);
    Ok(Running::new(suite, &machine, store, result, halt, tell).all(&jobs))
}

/// The result before the first load.
fn begun(
    suite: &Suite,
    asked: &Asked,
    command: Vec<String>,
    tasks: &[Task],
    jobs: &[Job],
    machine: &Machine,
) -> SuiteResult {
    let is_task = |id: &String| tasks.iter().any(|task| task.row == *id);
    let decidable = |statement: &&Outcome| statement.rows.iter().all(is_task);
    SuiteResult {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command,
        name: suite.name.clone(),
        title: suite.title.clone(),
        about: suite.about.clone(),
        quick: asked.quick,
        repeat: jobs.iter().map(|job| job.round).max().unwrap_or(0),
        started_unix_s: unix_s(),
        versions: versions::versions(&[&machine.python, &machine.pypy]),
        rows: tasks.iter().map(|task| suite.row(task)).collect(),
        statements: suite.statements.iter().filter(decidable).cloned().collect(),
        ..SuiteResult::default()
    }
}

/// The tasks of the cases that are wanted.
fn chosen(suite: &Suite, asked: &Asked) -> Result<Vec<Task>, String> {
    if let Some(unknown) = asked.cases.iter().find(|name| !suite.cases.iter().any(|case| case.name == **name)) {
        let near = nearest(unknown, suite.cases.iter().map(|case| case.name.as_str()));
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

fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
