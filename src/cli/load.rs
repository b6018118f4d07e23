//! Putting load on a server: from what was typed to the report.

use std::net::SocketAddr;

use super::bar::Bar;
use super::cache;
use super::failure::{BREACH, DONE, Failure, NO_RUN};
use super::outputs::{Opened, complain};
use super::signals::Signal;
use super::typed::Typed;
use crate::engine::Name;
use crate::plan::Plan;
use crate::plan::cpus::Topology;
use crate::report::text;
use crate::result::{Outcome, RunResult, Snapshot};
use crate::run::{self, Ended, Observer};
use crate::target::{Listen, Server, ServerIdentity, ServerOptions};

/// Puts load on the URL that was typed or, without one, on the built-in server.
pub(super) fn load(typed: &Typed, args: &[String]) -> Result<i32, Failure> {
    on_target(typed, |plan| run_plan(plan, typed, args))
}

/// Does what `act` says with a plan against the URL that was typed or, without one, against the built-in server.
pub(super) fn on_target<T>(typed: &Typed, act: impl FnOnce(&Plan) -> Result<T, Failure>) -> Result<T, Failure> {
    let topology = Topology::read()?;
    match typed.url() {
        Some(url) => act(&typed.plan(url, &topology)?),
        None => on_built_in(typed, false, act),
    }
}

/// The same against the built-in server, over TLS or not.
pub(super) fn on_built_in<T>(
    typed: &Typed,
    tls: bool,
    act: impl FnOnce(&Plan) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let topology = Topology::read()?;
    let cpus = typed.server_cpus(&topology)?;
    let anywhere = Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
    let tls = tls.then(|| ServerIdentity::self_signed(None)).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let server = Server::start_as(&anywhere, &cpus, Name::Auto, ServerOptions { tls, ..ServerOptions::default() });
    let server = server.map_err(|error| Failure::no_run(error.to_string()))?;
    act(&typed.plan(&format!("{scheme}://{}/", server.address()), &topology)?)
}

/// The command line as results keep it.
pub(super) fn command(args: &[String]) -> Vec<String> {
    std::iter::once("saturing").chain(args.iter().map(String::as_str)).map(str::to_owned).collect()
}

/// Runs `plan`, judges it and reports as `typed` says.
fn run_plan(plan: &Plan, typed: &Typed, args: &[String]) -> Result<i32, Failure> {
    let mut live = Live { url: &plan.target.url, outputs: Opened::open(&typed.output)?, bar: Bar::new() };
    let signal = Signal::listen().map_err(|error| Failure::no_run(format!("signals: {error}")))?;
    let result = run::run_observed(plan, command(args), signal.control(), &mut live);
    let Live { outputs, mut bar, .. } = live;
    bar.clear();
    let mut result = result.map_err(|error| Failure::no_run(error.to_string()))?;
    result.ceiling = cache::ceiling(&result);
    if result.ceiling.is_some() {
        result.judge();
    }
    // Half a run is no ground to judge the whole.
    result.slo = typed.slo.as_ref().filter(|_| !result.interrupted).map(|slo| slo.clauses(&result));
    let report = text::render(&result, typed.output.style());
    let all_written = outputs.write(&report, &|format| format.render(&result));
    let code = exit_code(&result, &signal);
    Ok(if code == DONE && !all_written { NO_RUN } else { code })
}

/// What is shown and written while a run lasts.
struct Live<'a> {
    url: &'a str,
    outputs: Opened<'a>,
    bar: Bar,
}

impl Observer for Live<'_> {
    fn moment(&mut self, moment: &Snapshot) {
        self.bar.show(moment);
    }

    fn interval(&mut self, ended: &Ended<'_>) {
        if self.outputs.grows_on_stdout() {
            // Both may be on one terminal.
            self.bar.clear();
        }
        self.outputs.interval(self.url, ended);
    }
}

fn exit_code(result: &RunResult, signal: &Signal) -> i32 {
    match signal.exit_code() {
        Some(code) if result.interrupted => code,
        _ if result.outcome == Outcome::NoAnswers => {
            complain(&format!("not one response came from {}", result.target.address));
            NO_RUN
        }
        _ if result.slo.iter().flatten().any(|clause| !clause.held) => BREACH,
        _ if result.outcome == Outcome::Incomplete => {
            let first = result.headlines().first().map(|headline| headline.warning.to_string());
            complain(first.as_deref().unwrap_or("the run is incomplete"));
            NO_RUN
        }
        _ => DONE,
    }
}
