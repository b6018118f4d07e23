//! `saturing calibrate`: what this client can do here.

use std::time::Duration;

use argh::CommandInfoWithArgs;

use super::args::{CalibrateArgs, LoadArgs};
use super::bar::Bar;
use super::failure::{DONE, Failure, NO_RUN};
use super::load::{command, on_built_in};
use super::outputs::{Opened, complain, printed};
use super::signals::Signal;
use super::typed::Typed;
use super::{cache, shared};
use crate::calibrate::{self, Moment, WINDOW, WINDOWS};
use crate::plan::units;
use crate::plan::{Error, Plan, shown};
use crate::report::{calibration as report, json};
use crate::result::calibration::Calibration;

/// The options of a run that it takes.
const ASKED: &[&str] =
    &["--threads", "--cpus", "--threads-per-core", "--engine", "--uring-level", "--sqpoll", "--napi", "--busy-poll"];

/// A calibration as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct TypedCalibrate {
    typed: Typed,
    window: Duration,
    tls: bool,
}

/// The command with the options of a run that it takes.
pub(super) fn info() -> CommandInfoWithArgs {
    shared::info_where::<CalibrateArgs>(|option| ASKED.contains(&option))
}

impl TypedCalibrate {
    /// Reads what was typed; `None`: a call for help.
    ///
    /// # Errors
    /// A value breaks its rule, or there is a URL.
    pub fn read(args: &[String]) -> Result<Option<TypedCalibrate>, Failure> {
        let Some((own, load)) = shared::read::<CalibrateArgs>("saturing calibrate", args, &info())? else {
            return Ok(None);
        };
        if let Some(url) = load.url.first() {
            return Err(Failure::usage(format!("unexpected argument {}; there are only options here", shown(url))));
        }
        let window = match own.duration.as_deref() {
            None => WINDOW,
            Some(text) => match units::duration("--duration", text)? {
                window if WINDOWS.contains(&window) => window,
                _ => return Err(Error::argument("--duration", "must be 10ms to 5s", text).into()),
            },
        };
        // The built-in server vouches for itself.
        let load = LoadArgs { json: own.json, insecure: own.tls, ..load };
        Ok(Some(TypedCalibrate { typed: Typed::read(&load, &mut std::io::empty())?, window, tls: own.tls }))
    }
}

/// Calibrates, prints what was found, and keeps it for later runs.
pub(super) fn calibrate(wanted: &TypedCalibrate, args: &[String]) -> Result<i32, Failure> {
    on_built_in(&wanted.typed, wanted.tls, |plan| calibrate_on(plan, wanted, args))
}

fn calibrate_on(plan: &Plan, wanted: &TypedCalibrate, args: &[String]) -> Result<i32, Failure> {
    let outputs = Opened::open(&wanted.typed.output)?;
    let signal = Signal::listen().map_err(|error| Failure::no_run(format!("signals: {error}")))?;
    let mut bar = Bar::new();
    let mut tell = |moment: &Moment| {
        let share = moment.done as f64 / moment.of as f64 * 100.0;
        bar.line(&format!("calibrating  {share:3.0}%  run {} of {}: {}", moment.done + 1, moment.of, moment.what));
    };
    let found = calibrate::calibrate(plan, wanted.window, signal.control(), &mut tell);
    bar.clear();
    let mut found = found.map_err(|error| Failure::no_run(error.to_string()))?;
    found.command = command(args);
    let mut text = report::render(&found);
    // Half a calibration, or one of a client that shares its CPU with the server, says nothing about later runs.
    if keepable(&found, plan) {
        match cache::store(&found) {
            Ok(path) => text += &format!("  Kept in   {}\n", path.display()),
            Err(error) => complain(&format!("the calibration cannot be kept: {error}")),
        }
    }
    let mut all_written = outputs.report_goes_nowhere() || printed(&text);
    all_written &= outputs.write_files(&|_| Ok(json::render(&found)?));
    Ok(match signal.exit_code() {
        Some(code) if found.interrupted => code,
        _ if found.ceiling.is_some() && all_written => DONE,
        _ => NO_RUN,
    })
}

fn keepable(found: &Calibration, plan: &Plan) -> bool {
    !found.interrupted && found.ceiling.is_some() && !plan.placement.shared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_their_bounds() {
        let read = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            TypedCalibrate::read(&words).map(|typed| typed.expect("no call for help").window)
        };
        assert_eq!(read("-d 50ms"), Ok(Duration::from_millis(50)));
        assert_eq!(read(""), Ok(WINDOW));
        for text in ["9ms", "6s", "0"] {
            let message = format!("--duration: must be 10ms to 5s, got {text}");
            assert_eq!(read(&format!("-d {text}")), Err(Failure::usage(message)), "{text}");
        }
    }
}
