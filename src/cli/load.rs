//! Putting load on a server: from what was typed to the report.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;

use super::failure::{DONE, Failure, NO_RUN};
use super::signals::Signal;
use super::typed::{Json, Output, Typed};
use crate::plan::cpus::Topology;
use crate::plan::{Plan, Url};
use crate::report::text::Style;
use crate::report::{json, progress, text};
use crate::result::RunResult;
use crate::run;
use crate::target::Server;

/// Puts load on the URL that was typed or, without one, on the built-in server.
pub(super) fn load(typed: &Typed, args: &[String]) -> Result<i32, Failure> {
    let topology = Topology::read()?;
    match typed.url() {
        Some(url) => run_plan(&typed.plan(url, &topology)?, &typed.output, args),
        None => {
            let cpus = typed.server_cpus(&topology)?;
            let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
            let server = Server::start(anywhere, &cpus).map_err(|error| Failure::no_run(error.to_string()))?;
            let url = Url::from(server.address()).to_string();
            run_plan(&typed.plan(&url, &topology)?, &typed.output, args)
        }
    }
}

/// Runs `plan` and reports as `output` says.
fn run_plan(plan: &Plan, output: &Output, args: &[String]) -> Result<i32, Failure> {
    let signal = Signal::listen().map_err(|error| Failure::no_run(format!("signals: {error}")))?;
    // Opened before the run: a path that cannot be written is known before anything is measured.
    let json_file = match &output.json {
        Some(Json::File(path)) => Some((path, create(path)?)),
        _ => None,
    };
    let command = std::iter::once("saturing").chain(args.iter().map(String::as_str)).map(str::to_owned).collect();
    let mut bar = Bar::new();
    let result = run::run(plan, command, signal.flag(), &mut |moment| bar.show(moment));
    bar.clear();
    let result = result.map_err(|error| Failure::no_run(error.to_string()))?;
    // Each output by itself: one that cannot be written takes no other with it.
    let mut all_written = true;
    let mut note = |written: io::Result<()>, what: &str| {
        if let Err(error) = written {
            complain(&format!("{what}: {error}"));
            all_written = false;
        }
    };
    let json_text = output.json.as_ref().map(|_| json::render(&result)).transpose();
    let json_text = json_text.map_err(|error| Failure::no_run(format!("--json: {error}")))?.unwrap_or_default();
    match output.json {
        Some(Json::Stdout) => note(print(&json_text), "standard output"),
        _ => note(print(&text::render(&result, style(output))), "standard output"),
    }
    if let Some((path, mut file)) = json_file {
        note(file.write_all(json_text.as_bytes()), &format!("--json {}", path.display()));
    }
    let code = exit_code(&result, &signal);
    Ok(if code == DONE && !all_written { NO_RUN } else { code })
}

fn create(path: &std::path::Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| Failure::no_run(format!("--json {}: {error}", path.display())))
}

fn exit_code(result: &RunResult, signal: &Signal) -> i32 {
    match signal.exit_code() {
        Some(code) if result.interrupted => code,
        _ if result.requests.completed == 0 => {
            complain(&format!("not one response came from {}", result.target.address));
            NO_RUN
        }
        _ => DONE,
    }
}

fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "saturing: {line}");
}

/// That whoever read standard output has gone, as `head` does, is no failure.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn style(output: &Output) -> Style {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Style { colour: wanted && io::stdout().is_terminal(), latency: output.latency }
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
