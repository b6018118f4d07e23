//! How the built-in server is to behave.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::args::ServeArgs;
use crate::plan::Error;
use crate::plan::units;
use crate::target::{Behaviour, Pause, Service, Truth};

/// What exponential services are drawn from unless told otherwise: the same in every run, so that runs can be repeated.
const SEED: u64 = 1;

/// `None` when nothing of the kind was asked for.
pub(super) fn truth(args: &ServeArgs) -> Result<Option<Truth>, Error> {
    let service = args.service.as_deref().map(service).transpose()?;
    let seed = match &args.seed {
        None => SEED,
        Some(text) if matches!(service, Some(Service::Exponential(_))) => units::count("--seed", text)?,
        Some(text) => return Err(Error::argument("--seed", "needs --service exp:TIME", text)),
    };
    let behaviour = Behaviour {
        delay: args.delay.as_deref().map_or(Ok(Duration::ZERO), |text| units::duration("--delay", text))?,
        pause: args.pause.as_deref().map(pause).transpose()?,
        service,
        seed,
    };
    let log = args.log.as_deref().map(log).transpose()?;
    let given = [&args.delay, &args.pause, &args.service, &args.log];
    Ok(given.iter().any(|one| one.is_some()).then_some(Truth { behaviour, log }))
}

fn pause(text: &str) -> Result<Pause, Error> {
    let rule = "must be PAUSE/PERIOD with 0 < PAUSE < PERIOD, as in 100ms/1s";
    let read = |part| units::duration("--pause", part).ok();
    match text.split_once('/').and_then(|(length, period)| read(length).zip(read(period))) {
        Some((length, period)) if Duration::ZERO < length && length < period => Ok(Pause { length, period }),
        _ => Err(Error::argument("--pause", rule, text)),
    }
}

fn service(text: &str) -> Result<Service, Error> {
    let rule = "must be const:TIME or exp:TIME with TIME above 0, as in exp:200us";
    let parts = text.split_once(':');
    match parts.and_then(|(kind, time)| Some((kind, units::duration("--service", time).ok()?))) {
        Some(("const", time)) if !time.is_zero() => Ok(Service::Constant(time)),
        Some(("exp", time)) if !time.is_zero() => Ok(Service::Exponential(time)),
        _ => Err(Error::argument("--service", rule, text)),
    }
}

fn log(text: &str) -> Result<PathBuf, Error> {
    match text {
        "" | "-" => Err(Error::argument("--log", "must be a file", text)),
        file => Ok(PathBuf::from(file)),
    }
}
