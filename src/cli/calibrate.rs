//! `saturing calibrate`: what this client can do here.

use std::time::Duration;

use super::args::{CalibrateArgs, LoadArgs};
use super::bar::Bar;
use super::failure::{DONE, Failure, NO_RUN};
use super::load::{command, on_target};
use super::outputs::{Opened, complain, print};
use super::signals::Signal;
use super::typed::Typed;
use super::{cache, units};
use crate::calibrate::{self, Moment, WINDOW, WINDOWS};
use crate::plan::{Error, Plan};
use crate::report::{calibration as report, json};
use crate::result::calibration::Calibration;

/// A calibration as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct TypedCalibrate {
    typed: Typed,
    window: Duration,
}

impl TypedCalibrate {
    /// Reads what was typed.
    ///
    /// # Errors
    /// A value breaks its rule.
    pub fn read(args: &CalibrateArgs) -> Result<TypedCalibrate, Failure> {
        let window = match args.duration.as_deref() {
            None => WINDOW,
            Some(text) => match units::duration("--duration", text)? {
                window if WINDOWS.contains(&window) => window,
                _ => return Err(Error::argument("--duration", "must be 10ms to 5s", text).into()),
            },
        };
        let load = LoadArgs {
            threads: args.threads.clone(),
            cpus: args.cpus.clone(),
            engine: args.engine.clone(),
            uring_level: args.uring_level.clone(),
            sqpoll: args.sqpoll.clone(),
            json: args.json.clone(),
            ..LoadArgs::default()
        };
        Ok(TypedCalibrate { typed: Typed::read(&load, &mut std::io::empty())?, window })
    }
}

/// Calibrates, prints what was found, and keeps it for later runs.
pub(super) fn calibrate(wanted: &TypedCalibrate, args: &[String]) -> Result<i32, Failure> {
    on_target(&wanted.typed, |plan| calibrate_on(plan, wanted, args))
}

fn calibrate_on(plan: &Plan, wanted: &TypedCalibrate, args: &[String]) -> Result<i32, Failure> {
    let signal = Signal::listen().map_err(|error| Failure::no_run(format!("signals: {error}")))?;
    let outputs = Opened::open(&wanted.typed.output)?;
    let mut bar = Bar::new();
    let mut tell = |moment: &Moment| {
        let share = moment.done as f64 / moment.of as f64 * 100.0;
        bar.line(&format!("calibrating  {share:3.0}%  run {} of {}: {}", moment.done + 1, moment.of, moment.what));
    };
    let found = calibrate::calibrate(plan, wanted.window, signal.flag(), &mut tell);
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
    let mut all_written = outputs.report_goes_nowhere() || print_all(&text);
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

fn print_all(text: &str) -> bool {
    let printed = print(text);
    if let Err(error) = &printed {
        complain(&format!("standard output: {error}"));
    }
    printed.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_their_bounds() {
        let read = |text: &str| {
            TypedCalibrate::read(&CalibrateArgs { duration: Some(text.to_owned()), ..CalibrateArgs::default() })
        };
        assert_eq!(read("50ms").map(|typed| typed.window), Ok(Duration::from_millis(50)));
        assert_eq!(TypedCalibrate::read(&CalibrateArgs::default()).map(|typed| typed.window), Ok(WINDOW));
        for text in ["9ms", "6s", "0"] {
            let message = format!("--duration: must be 10ms to 5s, got {text}");
            assert_eq!(read(text), Err(Failure::usage(message)), "{text}");
        }
    }
}
