//! Putting load on a server: from what was typed to the report.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;

use super::failure::{BREACH, DONE, Failure, NO_RUN};
use super::outputs::{Opened, complain};
use super::signals::Signal;
use super::typed::Typed;
use crate::plan::cpus::Topology;
use crate::plan::{Plan, Url};
use crate::report::progress;
use crate::result::RunResult;
use crate::run;
use crate::target::Server;

/// Puts load on the URL that was typed or, without one, on the built-in server.
pub(super) fn load(typed: &Typed, args: &[String]) -> Result<i32, Failure> {
    let topology = Topology::read()?;
    match typed.url() {
        Some(url) => run_plan(&typed.plan(url, &topology)?, typed, args),
        None => {
            let cpus = typed.server_cpus(&topology)?;
            let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
            let server = Server::start(anywhere, &cpus).map_err(|error| Failure::no_run(error.to_string()))?;
            let url = Url::from(server.address()).to_string();
            run_plan(&typed.plan(&url, &topology)?, typed, args)
        }
    }
}

/// Runs `plan`, judges it and reports as `typed` says.
fn run_plan(plan: &Plan, typed: &Typed, args: &[String]) -> Result<i32, Failure> {
    let signal = Signal::listen().map_err(|error| Failure::no_run(format!("signals: {error}")))?;
    let outputs = Opened::open(&typed.output)?;
    let command = std::iter::once("saturing").chain(args.iter().map(String::as_str)).map(str::to_owned).collect();
    let mut bar = Bar::new();
    let result = run::run(plan, command, signal.flag(), &mut |moment| bar.show(moment));
    bar.clear();
    let mut result = result.map_err(|error| Failure::no_run(error.to_string()))?;
    // Half a run is no ground to judge the whole.
    result.slo = typed.slo.as_ref().filter(|_| !result.interrupted).map(|slo| slo.judge(&result));
    let all_written = outputs.write(&result);
    let code = exit_code(&result, &signal);
    Ok(if code == DONE && !all_written { NO_RUN } else { code })
}

fn exit_code(result: &RunResult, signal: &Signal) -> i32 {
    match signal.exit_code() {
        Some(code) if result.interrupted => code,
        _ if result.requests.completed == 0 => {
            complain(&format!("not one response came from {}", result.target.address));
            NO_RUN
        }
        _ if result.slo.iter().flatten().any(|clause| !clause.held) => BREACH,
        _ => DONE,
    }
}

/// The progress line, on a terminal only.
struct Bar {
    terminal: bool,
    shown: bool,
}

impl Bar {
    fn new() -> Bar {
        Bar { terminal: io::stderr().is_terminal(), shown: false }
    }

    fn show(&mut self, moment: &crate::result::Snapshot) {
        if self.terminal {
            let width = terminal_width().saturating_sub(1);
            let _ = write!(io::stderr(), "\r{}\x1b[K", progress::line(moment, width));
            self.shown = true;
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// Columns of the terminal on standard error; 80 where it does not tell.
fn terminal_width() -> usize {
    terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0))
}
