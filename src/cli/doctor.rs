//! `saturing doctor`: what this machine allows, for a run that is asked about.

use argh::CommandInfoWithArgs;

use super::args::DoctorArgs;
use super::failure::{DONE, Failure};
use super::load::command;
use super::outputs::Opened;
use super::shared;
use super::typed::Typed;
use crate::doctor::Case;
use crate::plan::cpus::Topology;
use crate::plan::shown;
use crate::report::{doctor as report, json};
use crate::result::diagnosis::Diagnosis;

/// The options of a run that make a difference to what is found.
const ASKED: &[&str] = &[
    "--threads",
    "--connections",
    "--requests-per-connection",
    "--no-keepalive",
    "--cpus",
    "--threads-per-core",
    "--source-address",
    "--engine",
    "--uring-level",
    "--sqpoll",
    "--napi",
    "--busy-poll",
];

/// Where the built-in server would be, as far as the findings go.
const BUILT_IN: &str = "http://127.0.0.1:80/";

/// Something keeps saturing from full speed, or an output could not be written.
const NOT_FULL_SPEED: i32 = 1;

/// The run that is asked about.
#[derive(Debug, PartialEq)]
pub struct TypedDoctor {
    typed: Typed,
}

/// The command with the options of a run that it takes.
pub(super) fn info() -> CommandInfoWithArgs {
    shared::info_where::<DoctorArgs>(|option| ASKED.contains(&option))
}

impl TypedDoctor {
    /// Reads what was typed; `None`: a call for help.
    ///
    /// # Errors
    /// A value breaks its rule, or two options contradict each other.
    pub fn read(args: &[String]) -> Result<Option<TypedDoctor>, Failure> {
        let Some((own, mut load)) = shared::read::<DoctorArgs>("saturing doctor", args, &info())? else {
            return Ok(None);
        };
        if let Some(extra) = load.url.get(1) {
            return Err(Failure::usage(format!("unexpected argument {}; there is one URL only", shown(extra))));
        }
        load.json = own.json;
        Ok(Some(TypedDoctor { typed: Typed::read(&load, &mut std::io::empty())? }))
    }
}

/// Looks, and tells; the exit code says whether anything keeps saturing from full speed.
pub(super) fn doctor(wanted: &TypedDoctor, args: &[String]) -> Result<i32, Failure> {
    let typed = &wanted.typed;
    let topology = Topology::read()?;
    let plan = typed.plan(typed.url().unwrap_or(BUILT_IN), &topology)?;
    let outputs = Opened::open(&typed.output)?;
    let found = Diagnosis { command: command(args), ..Case::here(&plan, &topology).examine() };
    let text = report::render(&found, typed.output.style().colour);
    let all_written = outputs.write(&text, &|_| Ok(json::render(&found)?));
    Ok(if found.full_speed && all_written { DONE } else { NOT_FULL_SPEED })
}
