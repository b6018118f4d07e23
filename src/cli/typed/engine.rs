//! What the workers are to run on.

use crate::cli::args::LoadArgs;
use crate::engine::{EngineOptions, Level, Name, Sqpoll};
use crate::plan::Error;
use crate::plan::units;

/// For how long sockets poll where that is not said, in microseconds.
const BUSY_POLL_US: u32 = 50;
const LONGEST_POLL_US: u32 = 1_000_000;

pub(super) fn engine(args: &LoadArgs) -> Result<EngineOptions, Error> {
    let ask = EngineOptions {
        name: args.engine.as_deref().map_or(Ok(Name::Auto), name)?,
        level: args.uring_level.as_deref().map(level).transpose()?,
        sqpoll: args.sqpoll.as_deref().map(sqpoll).transpose()?,
        napi_us: args.napi.as_deref().map(|text| microseconds("--napi", text)).transpose()?,
        busy_poll_us: args.busy_poll.as_deref().map(busy_poll).transpose()?,
    };
    let of_uring = [
        ("--uring-level", &args.uring_level, ask.level.is_some()),
        ("--sqpoll", &args.sqpoll, ask.sqpoll.is_some()),
        ("--napi", &args.napi, ask.napi_us.is_some()),
    ];
    if matches!(ask.name, Name::Epoll | Name::TokioUring)
        && let Some((argument, given, _)) = of_uring.into_iter().find(|(_, _, given)| *given)
    {
        let rule = format!("needs --engine uring, not {}", ask.name);
        return Err(Error::argument(argument, rule, given.as_deref().unwrap_or_default()));
    }
    Ok(ask)
}

fn name(text: &str) -> Result<Name, Error> {
    let known = Name::ALL.into_iter().find(|name| name.as_str() == text);
    known.ok_or_else(|| Error::argument("--engine", "must be auto, uring, epoll or tokio-uring", text))
}

/// What the built-in server is to run on.
pub(super) fn of_server(text: Option<&str>) -> Result<Name, Error> {
    let can_serve = |name: Name| name != Name::TokioUring;
    let Some(text) = text else { return Ok(Name::Auto) };
    let known = Name::ALL.into_iter().find(|name| name.as_str() == text && can_serve(*name));
    known.ok_or_else(|| Error::argument("--engine", "must be auto, uring or epoll", text))
}

fn level(text: &str) -> Result<Level, Error> {
    let known = Level::ALL.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(text));
    known.ok_or_else(|| Error::argument("--uring-level", "must be A+, A, A-, B or C", text))
}

fn sqpoll(text: &str) -> Result<Sqpoll, Error> {
    if text.is_empty() {
        return Ok(Sqpoll::Anywhere);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let cpu = text.parse().ok().filter(|_| digits);
    cpu.map(Sqpoll::Cpu)
        .ok_or_else(|| Error::argument("--sqpoll", "must be the number of a CPU, as in --sqpoll=3", text))
}

fn busy_poll(text: &str) -> Result<u32, Error> {
    if text.is_empty() { Ok(BUSY_POLL_US) } else { microseconds("--busy-poll", text) }
}

fn microseconds(argument: &'static str, text: &str) -> Result<u32, Error> {
    let number = units::count(argument, text)?;
    let fits = u32::try_from(number).ok().filter(|us| (1..=LONGEST_POLL_US).contains(us));
    fits.ok_or_else(|| Error::argument(argument, format!("must be 1 to {LONGEST_POLL_US} microseconds"), text))
}
