//! `saturing search`: the highest rate that holds an SLO, or the fewest connections that are enough.

use super::args::{LoadArgs, SearchArgs};
use super::bar::Bar;
use super::failure::{DONE, Failure, NO_RUN};
use super::load::{command, on_target};
use super::outputs::{Opened, complain, print};
use super::shared;
use super::signals::Signal;
use super::slo;
use super::typed::Typed;
use crate::judge::slo::{Limit, Measure, Order};
use crate::plan::units;
use crate::plan::{Error, MAX_CONNECTIONS, Plan};
use crate::report::{json, search as report};
use crate::result::search::{Goal, Search};
use crate::search::{Event, Prober, RateSearch};
use std::io::Read;

const FROM: &str = "1k";
const DURATION: &str = "2s";
const WARMUP: &str = "200ms";
const PRECISION: f64 = 0.02;

/// A search as it was asked for.
#[derive(Debug, PartialEq)]
pub struct TypedSearch {
    typed: Typed,
    goal: Asked,
}

#[derive(Debug, PartialEq)]
enum Asked {
    Rate(RateSearch),
    Connections(usize, usize),
}

impl TypedSearch {
    /// Reads what was typed; `None`: a call for help. `stdin` only for `--body @-`.
    ///
    /// # Errors
    /// A value breaks its rule, or two options contradict each other.
    pub fn read(args: &[String], stdin: &mut dyn Read) -> Result<Option<TypedSearch>, Failure> {
        let info = shared::info::<SearchArgs>(&[]);
        let Some((own, mut load)) = shared::read::<SearchArgs>("saturing search", args, &info)? else {
            return Ok(None);
        };
        let or = |typed: &Option<String>, default: &str| Some(typed.clone().unwrap_or_else(|| default.to_owned()));
        (load.duration, load.warmup) = (or(&own.duration, DURATION), or(&own.warmup, WARMUP));
        load.json.clone_from(&own.json);
        let range = own.connections.as_deref().filter(|text| text.contains("..")).map(range).transpose()?;
        Ok(Some(match range {
            Some((from, to)) => connections(&own, load, from, to, stdin)?,
            None => rate(&own, load, stdin)?,
        }))
    }
}

fn connections(
    own: &SearchArgs,
    mut load: LoadArgs,
    from: usize,
    to: usize,
    stdin: &mut dyn Read,
) -> Result<TypedSearch, Failure> {
    for (name, given) in [("--slo", &own.slo), ("--rate", &own.rate), ("--precision", &own.precision)] {
        if let Some(given) = given {
            let rule = "a search for connections is a closed loop at the highest rate and takes no such option";
            return Err(Error::argument(name, rule, given).into());
        }
    }
    load.connections = Some(to.to_string());
    Ok(TypedSearch { typed: Typed::read(&load, stdin)?, goal: Asked::Connections(from, to) })
}

fn rate(own: &SearchArgs, mut load: LoadArgs, stdin: &mut dyn Read) -> Result<TypedSearch, Failure> {
    let Some(text) = &own.slo else {
        let rule = "a search needs what has to hold, as in --slo p99<5ms, or --connections A..B";
        return Err(Error::argument("--slo", rule, "neither").into());
    };
    let slo = slo::slo(text)?;
    slo.limits.iter().try_for_each(searchable)?;
    let from_per_s = units::rate("--rate", own.rate.as_deref().unwrap_or(FROM))?;
    let precision = own.precision.as_deref().map_or(Ok(PRECISION), precision)?;
    load.connections.clone_from(&own.connections);
    // So that arrivals and seed are read as in any open loop.
    load.rate = Some(FROM.to_owned());
    let typed = Typed::read(&load, stdin)?;
    let Some(open) = typed.open() else { return Err(Failure::usage("--rate: must be given")) };
    let (arrivals, seed, spin) = (open.arrivals, open.seed, open.spin);
    let goal = Asked::Rate(RateSearch { slo, from_per_s, precision, arrivals, seed, spin });
    Ok(TypedSearch { typed, goal })
}

/// Only what gets harder as the rate grows has a highest rate at which it holds.
fn searchable(limit: &Limit) -> Result<(), Error> {
    let rule = match (limit.measure, limit.order) {
        (Measure::Rate, _) => "a search looks for the highest rate itself and takes no limit of it",
        (_, Order::Above | Order::AtLeast) => {
            "a search needs limits that get harder as the rate grows, with < or <=, as in p99<5ms"
        }
        (_, Order::Below | Order::AtMost) => return Ok(()),
    };
    Err(Error::argument("--slo", rule, &limit.text))
}

fn range(text: &str) -> Result<(usize, usize), Error> {
    let rule = || Error::argument("--connections", format!("a range must be A..B within 1..{MAX_CONNECTIONS}"), text);
    let (from, to) = text.split_once("..").ok_or_else(rule)?;
    let number = |text| units::count("--connections", text).ok().and_then(|count| usize::try_from(count).ok());
    match (number(from), number(to)) {
        (Some(from), Some(to)) if from >= 1 && from <= to && to <= MAX_CONNECTIONS => Ok((from, to)),
        _ => Err(rule()),
    }
}

fn precision(text: &str) -> Result<f64, Error> {
    let share = text.strip_suffix('%').and_then(units::decimal).filter(|percent| (0.1..=50.0).contains(percent));
    let share = share.map(|percent| percent / 100.0);
    share.ok_or_else(|| Error::argument("--precision", "must be a share of 0.1% to 50%, as in 2%", text))
}

/// Searches, printing every probe as it is made, and then what was found.
pub(super) fn search(wanted: &TypedSearch, args: &[String]) -> Result<i32, Failure> {
    on_target(&wanted.typed, |plan| search_on(plan, wanted, args))
}

fn search_on(plan: &Plan, wanted: &TypedSearch, args: &[String]) -> Result<i32, Failure> {
    if let Asked::Rate(rate) = &wanted.goal {
        slo::of_kinds(&rate.slo, &plan.target.requests)?;
    }
    let outputs = Opened::open(&wanted.typed.output)?;
    let signal = Signal::listen().map_err(|error| Failure::no_run(format!("signals: {error}")))?;
    let (goal, slo) = match &wanted.goal {
        Asked::Rate(rate) => (Goal::Rate, rate.slo.to_string()),
        Asked::Connections(..) => (Goal::Connections, String::new()),
    };
    let quiet = outputs.report_goes_nowhere();
    let mut unprinted = None;
    let mut say = |text: String| {
        if !quiet && unprinted.is_none() {
            unprinted = print(&text).err();
        }
    };
    // Printed with the first line below it: not where nobody is there.
    let mut head = Some(report::head(goal, &plan.target.url, &slo));
    let mut bar = Bar::new();
    let mut tell = |event: Event<'_>| match event {
        Event::Moment(moment) => bar.show(moment),
        other => {
            bar.clear();
            head.take().into_iter().for_each(&mut say);
            match other {
                Event::Probe(probe) => say(report::row(goal, probe)),
                Event::Waits(share) => say(report::waits(share)),
                Event::WasSlow => say(report::was_slow().to_owned()),
                Event::Moment(_) => {}
            }
        }
    };
    let prober = Prober::new(plan, signal.control(), &mut tell);
    let found = match &wanted.goal {
        Asked::Rate(rate) => prober.rate(rate),
        Asked::Connections(from, to) => prober.connections(*from, *to),
    };
    bar.clear();
    let found = found.map_err(|error| Failure::no_run(error.to_string()))?;
    let found = Search { command: command(args), ..found };
    // The first run found nobody there: a line says so, and there is nothing to print.
    let nothing = found.probes.is_empty() && !found.interrupted;
    match &found.ended_early {
        Some(early) if nothing || quiet => complain(&early.why),
        _ => {}
    }
    if !nothing {
        head.take().into_iter().for_each(&mut say);
        say(report::tail(&found));
    }
    let mut all_written = outputs.write_files(&|_| Ok(json::render(&found)?));
    if let Some(error) = unprinted {
        complain(&format!("standard output: {error}"));
        all_written = false;
    }
    Ok(match signal.exit_code() {
        Some(code) if found.interrupted => code,
        _ if found.answer.is_some() && all_written => DONE,
        _ => NO_RUN,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<TypedSearch>, Failure> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        TypedSearch::read(&args, &mut std::io::empty())
    }

    #[test]
    fn searches() {
        let goal = |line: &str| read(line).expect(line).expect(line).goal;
        let Asked::Rate(rate) = goal("--slo p99<5ms -R 20k -c8 --arrivals poisson --seed 3 --precision 0.5% h:80")
        else {
            panic!("a rate")
        };
        assert_eq!((rate.slo.to_string().as_str(), rate.seed), ("p99<5ms", 3));
        assert!((rate.from_per_s, rate.precision) == (20_000.0, 0.005), "{rate:?}");
        assert_eq!(goal("--connections 1..256 -d1s h:80"), Asked::Connections(1, 256));
        assert_eq!(goal("-c7..7 h:80"), Asked::Connections(7, 7));
        assert_eq!(read("--help"), Ok(None));
    }

    #[test]
    fn what_is_refused() {
        for (line, message) in [
            ("h", "--slo: a search needs what has to hold, as in --slo p99<5ms, or --connections A..B, got neither"),
            (
                "--slo p99 h",
                "--slo: must be limits as in p99<5ms,errors<0.1%,rate>9k; any of pN, mean, max, service.pN, lag, lag.max, errors, rate, and p99[NAME] of a kind of request, got p99",
            ),
            ("-c0..5 h", "--connections: a range must be A..B within 1..1000000, got 0..5"),
            ("-c9..5 h", "--connections: a range must be A..B within 1..1000000, got 9..5"),
            (
                "-c1..8 -R5 h",
                "--rate: a search for connections is a closed loop at the highest rate and takes no such option, got 5",
            ),
            ("--slo p99<5ms --precision 2 h", "--precision: must be a share of 0.1% to 50%, as in 2%, got 2"),
            (
                "--slo p99<5ms -n 5 h",
                "unknown option -n (--requests): it is for a run, saturing [OPTIONS] URL, and not for this command",
            ),
            ("--slo p99<5 h", "--slo: a time needs a unit (us, ms, s, m or h), as in p99<5ms, got p99<5"),
            (
                "--slo p50<1s,p99>5ms h",
                "--slo: a search needs limits that get harder as the rate grows, with < or <=, as in p99<5ms, got p99>5ms",
            ),
            (
                "--slo errors>=1% h",
                "--slo: a search needs limits that get harder as the rate grows, with < or <=, as in p99<5ms, got errors>=1%",
            ),
            (
                "--slo lag>1us h",
                "--slo: a search needs limits that get harder as the rate grows, with < or <=, as in p99<5ms, got lag>1us",
            ),
            (
                "--slo p99<5ms,rate<5 h",
                "--slo: a search looks for the highest rate itself and takes no limit of it, got rate<5",
            ),
            (
                "--slo rate>5 h",
                "--slo: a search looks for the highest rate itself and takes no limit of it, got rate>5",
            ),
            ("--slo p99<5ms -d0 h", "--duration: must be more than 0, got 0"),
        ] {
            assert_eq!(read(line), Err(Failure::usage(message)), "{line}");
        }
    }
}
