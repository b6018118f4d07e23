//! How much load was asked for: the options that contradict each other are told apart here.

use std::time::Duration;

use super::size;
use crate::cli::args::LoadArgs;
use crate::cli::failure::Failure;
use crate::plan::{Arrivals, Ask, DEFAULT_INTERVAL, DEFAULT_TIMEOUT, Error, Load, Open, RateStage, Step, Until};
use crate::plan::{shapes, units};

const DURATION: Duration = Duration::from_secs(10);
const DURATION_BUILT_IN: Duration = Duration::from_secs(5);

/// What Poisson arrivals are drawn from unless told otherwise: the same in every run, so that runs can be repeated.
const SEED: u64 = 1;

/// `closes`: the headers ask for the connection's end, which means the same as `--no-keepalive`.
pub(super) fn load(args: &LoadArgs, ask: &Ask, closes: bool) -> Result<Load, Failure> {
    alone(
        "--stages",
        &args.stages,
        &[
            ("--rate", &args.rate),
            ("--duration", &args.duration),
            ("--requests", &args.requests),
            ("--steps", &args.steps),
            ("--repeat", &args.repeat),
        ],
    )?;
    alone(
        "--steps",
        &args.steps,
        &[
            ("--connections", &args.connections),
            ("--duration", &args.duration),
            ("--requests", &args.requests),
            ("--repeat", &args.repeat),
        ],
    )?;
    let open = open(args)?;
    let steps = args.steps.as_deref().map(shapes::steps).transpose()?.unwrap_or_default();
    let until = until(args, open.as_ref(), &steps)?;
    let repeat = number("--repeat", &args.repeat)?.unwrap_or(1);
    Ok(Load {
        connections: ask.connections.or(steps.iter().map(|step| step.connections).max()).unwrap_or(1),
        pipeline: size("--pipeline", args.pipeline.as_deref())?.unwrap_or(1),
        until,
        requests_per_connection: requests_per_connection(args, closes)?,
        resets: args.reset,
        timeout: time("--timeout", &args.timeout)?.unwrap_or(DEFAULT_TIMEOUT),
        drain: time("--drain", &args.drain)?,
        patience: time("--patience", &args.patience)?,
        open,
        warmup: time("--warmup", &args.warmup)?.unwrap_or_default(),
        repeat: u32::try_from(repeat).unwrap_or(u32::MAX),
        steps,
        interval: time("--interval", &args.interval)?.unwrap_or(DEFAULT_INTERVAL),
    })
}

/// Refuses what says the same as `option`, or otherwise.
fn alone(option: &'static str, given: &Option<String>, others: &[(&str, &Option<String>)]) -> Result<(), Error> {
    let Some(given) = given else { return Ok(()) };
    match others.iter().find(|(_, other)| other.is_some()) {
        Some((name, _)) => Err(Error::argument(option, format!("cannot be used with {name}"), given)),
        None => Ok(()),
    }
}

fn time(argument: &'static str, text: &Option<String>) -> Result<Option<Duration>, Error> {
    text.as_deref().map(|text| units::duration(argument, text)).transpose()
}

pub(super) fn number(argument: &'static str, text: &Option<String>) -> Result<Option<u64>, Error> {
    text.as_deref().map(|text| units::count(argument, text)).transpose()
}

/// When it is over, unless the steps say that.
fn until(args: &LoadArgs, open: Option<&Open>, steps: &[Step]) -> Result<Until, Error> {
    if let Some(first) = steps.first() {
        return Ok(first.until);
    }
    if let Some(open) = open.filter(|_| args.stages.is_some()) {
        return Ok(Until { duration: shapes::whole(&open.stages), requests: None });
    }
    let requests = number("--requests", &args.requests)?;
    let duration = match time("--duration", &args.duration)? {
        None if requests.is_some() => None,
        None if args.url.is_empty() && args.input.is_none() && args.unix_socket.is_none() => Some(DURATION_BUILT_IN),
        None => Some(DURATION),
        typed => typed,
    };
    Ok(Until { duration, requests })
}

fn open(args: &LoadArgs) -> Result<Option<Open>, Error> {
    let stages = match (&args.rate, &args.stages) {
        (Some(rate), _) => {
            let (from_per_s, to_per_s) = shapes::rate("--rate", rate)?;
            vec![RateStage { duration: None, from_per_s, to_per_s }]
        }
        (None, Some(stages)) => shapes::stages(stages)?,
        (None, None) => {
            let given = [
                ("--arrivals", args.arrivals.is_some()),
                ("--deadline", args.deadline.is_some()),
                ("--spin", args.spin),
            ];
            return match given.into_iter().find(|(_, given)| *given) {
                Some((name, _)) => Err(Error::argument(name, "needs --rate or --stages", "neither")),
                None => Ok(None),
            };
        }
    };
    let arrivals = match args.arrivals.as_deref() {
        None | Some("constant") => Arrivals::Constant,
        Some("poisson") => Arrivals::Poisson,
        Some(other) => return Err(Error::argument("--arrivals", "must be constant or poisson", other)),
    };
    let seed = number("--seed", &args.seed)?.unwrap_or(SEED);
    Ok(Some(Open { stages, arrivals, seed, deadline: time("--deadline", &args.deadline)?, spin: args.spin }))
}

fn requests_per_connection(args: &LoadArgs, closes: bool) -> Result<Option<u64>, Error> {
    let name = "--requests-per-connection";
    let once = match (args.no_keepalive, closes) {
        (true, _) => Some("--no-keepalive"),
        (false, true) => Some("-H 'Connection: close'"),
        (false, false) => None,
    };
    match (number(name, &args.requests_per_connection)?, once) {
        (Some(typed), Some(once)) if typed != 1 => Err(Error::argument(name, format!("must be 1 with {once}"), typed)),
        (None, Some(_)) => Ok(Some(1)),
        (typed, _) => Ok(typed),
    }
}
