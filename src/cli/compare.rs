//! `saturing compare`: two results, or two servers, held against each other.

use super::args::CompareArgs;
use super::bar::Bar;
use super::failure::{DONE, Failure, NO_RUN};
use super::outputs::{Format, Input, Opened, Output, complain};
use super::shared;
use super::signals::Signal;
use super::spelling::{Spelled, spell};
use super::typed::Typed;
use crate::compare::{self, Observed};
use crate::plan::cpus::Topology;
use crate::plan::units;
use crate::plan::{Error, MAX_REPEAT};
use crate::report::{comparison, json};
use crate::result::comparison::Comparison;
use crate::result::{RunResult, SCHEMA};
use argh::{CommandInfoWithArgs, FlagInfoKind};
use std::io::Read;

const ROUNDS: usize = 10;
const DURATION: &str = "2s";
const WARMUP: &str = "200ms";

/// A comparison as it was asked for.
#[derive(Debug, PartialEq)]
pub struct TypedCompare {
    names: [String; 2],
    /// Two servers to load, and how often; `None`: the names are files.
    run: Option<(Box<[Typed; 2]>, usize)>,
    output: Output,
}

impl TypedCompare {
    /// Reads what was typed; `None`: a call for help. `stdin` only for `--body @-`.
    ///
    /// # Errors
    /// A value breaks its rule, or there are not two results or URLs.
    pub fn read(args: &[String], stdin: &mut dyn Read) -> Result<Option<TypedCompare>, Failure> {
        let info = shared::info::<CompareArgs>(&[]);
        let Some((own, mut load)) = shared::read::<CompareArgs>("saturing compare", args, &info)? else {
            return Ok(None);
        };
        let [a, b] = own.sides.as_slice() else {
            let what = if own.run { "two URLs" } else { "two results of --json (or --run and two URLs)" };
            let given = if own.sides.is_empty() { "none".to_owned() } else { own.sides.join(" ") };
            return Err(Error::argument("A B", format!("must be {what}"), given).into());
        };
        let (a, b) = (a.clone(), b.clone());
        let output = Output::read(false, &[(Format::Json, own.json.as_deref())])?;
        if !own.run {
            if let Some(url) = [&a, &b].into_iter().find(|side| is_url(side)) {
                let rule = "must be two results of --json; two servers are loaded and compared with --run";
                return Err(Error::argument("A B", rule, url).into());
            }
            refuse_load_options(args, &info)?;
            let inputs = [("A", &a), ("B", &b)].map(|(argument, file)| Input { argument, file: file.into() }).into();
            let output = Output { inputs, ..output };
            return Ok(Some(TypedCompare { names: [a, b], run: None, output }));
        }
        let rounds = own.rounds.as_deref().map_or(Ok(ROUNDS), rounds)?;
        let or = |typed: Option<String>, default: &str| Some(typed.unwrap_or_else(|| default.to_owned()));
        (load.duration, load.warmup) = (or(own.duration, DURATION), or(own.warmup, WARMUP));
        load.url = vec![a.clone()];
        let first = Typed::read(&load, stdin)?;
        let second = first.at(&b)?;
        let output = Output { inputs: first.output.inputs.clone(), ..output };
        Ok(Some(TypedCompare { names: [a, b], run: Some((Box::new([first, second]), rounds)), output }))
    }
}

/// A URL, and no file: it has a scheme, or is `host:port` and nothing of that name is here.
fn is_url(side: &str) -> bool {
    let port = side.split('/').next().and_then(|authority| authority.rsplit_once(':')).map(|(_, port)| port);
    let has_port = port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    side.contains("://") || ((has_port || side == "localhost") && !std::path::Path::new(side).exists())
}

/// Options of a run say nothing about results that are there already.
fn refuse_load_options(args: &[String], info: &CommandInfoWithArgs) -> Result<(), Failure> {
    let Spelled::Args(spelled) = spell(args, info)? else { return Ok(()) };
    let mut words = spelled.iter().take_while(|word| *word != "--");
    while let Some(name) = words.next() {
        let Some(flag) = info.flags.iter().find(|flag| flag.long == name) else { continue };
        let value = if flag.kind == FlagInfoKind::Switch { Some(name) } else { words.next() };
        if let Some(value) = value.filter(|_| flag.long != "--json") {
            let rule = "is for --run, as two results are compared as they are";
            return Err(Error::argument(flag.long, rule, value).into());
        }
    }
    Ok(())
}

fn rounds(text: &str) -> Result<usize, Error> {
    let most = MAX_REPEAT as usize;
    let rounds = usize::try_from(units::count("--rounds", text)?).unwrap_or(usize::MAX);
    let rule = || Error::argument("--rounds", format!("must be 1 to {most}"), text);
    Some(rounds).filter(|rounds| (1..=most).contains(rounds)).ok_or_else(rule)
}

/// Compares, and prints what was seen.
pub(super) fn compare(wanted: &TypedCompare) -> Result<i32, Failure> {
    let outputs = Opened::open(&wanted.output)?;
    let mut interrupted = None;
    let comparison = match &wanted.run {
        None => of_files(&wanted.names)?,
        Some((typed, rounds)) => {
            let (comparison, signal) = of_servers(&wanted.names, typed, *rounds)?;
            interrupted = signal.exit_code().filter(|_| comparison.interrupted);
            comparison
        }
    };
    let json = |_| Ok(json::render(&comparison)?);
    // A side that is not there from the beginning: a line says so, and there is nothing to print.
    let nothing = comparison.ended_early.as_ref().filter(|_| comparison.differences.is_empty());
    let all_written = match nothing {
        Some(early) => {
            complain(&early.why);
            outputs.write_files(&json)
        }
        None => outputs.write(&comparison::render(&comparison), &json),
    };
    Ok(match interrupted {
        Some(code) => code,
        None if all_written && comparison.comparable && !comparison.differences.is_empty() => DONE,
        None => NO_RUN,
    })
}

fn of_files(names: &[String; 2]) -> Result<Comparison, Failure> {
    let [a, b] = names;
    let (first, second) = (result(a)?, result(b)?);
    let [observed_a, observed_b] = [Observed::of(a, &first), Observed::of(b, &second)];
    let mut comparison = compare::compare(&observed_a, &observed_b, false);
    let kind = |result: &RunResult| result.latency_ns.as_ref().and_then(|latency| latency.kind);
    if kind(&first) != kind(&second) && kind(&first).is_some() && kind(&second).is_some() {
        comparison.notes.push("one is response time (open loop), the other service time (closed loop)".into());
    }
    if first.repeated.is_none() || second.repeated.is_none() {
        let note = "of a single run, intervals were compared: what differs from one run to the next is not told from a \
                    difference; --repeat, and better --run, see that";
        comparison.notes.push(note.into());
    }
    Ok(comparison)
}

fn result(name: &str) -> Result<RunResult, Failure> {
    let text = std::fs::read(name).map_err(|error| {
        let what = "must be a result of --json (two servers are compared with --run)";
        Failure::no_run(format!("{name}: {what}, and cannot be read: {error}"))
    })?;
    let result: RunResult = serde_json::from_slice(&text)
        .map_err(|error| Failure::no_run(format!("{name}: not a result of saturing --json: {error}")))?;
    if result.schema != SCHEMA {
        let message = format!("{name}: must have schema {SCHEMA}, got {}", result.schema);
        return Err(Failure::no_run(message));
    }
    Ok(result)
}

fn of_servers(names: &[String; 2], typed: &[Typed; 2], rounds: usize) -> Result<(Comparison, Signal), Failure> {
    let topology = Topology::read()?;
    let [a, b] = [typed[0].plan(&names[0], &topology)?, typed[1].plan(&names[1], &topology)?];
    let signal = Signal::listen().map_err(|error| Failure::no_run(format!("signals: {error}")))?;
    let mut bar = Bar::new();
    let plans = [(names[0].as_str(), &a), (names[1].as_str(), &b)];
    let comparison = compare::rounds(plans, rounds, signal.control(), &mut |moment| bar.show(moment));
    bar.clear();
    comparison.map(|comparison| (comparison, signal)).map_err(|error| Failure::no_run(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<TypedCompare>, Failure> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        TypedCompare::read(&args, &mut std::io::empty())
    }

    #[test]
    fn comparisons() {
        let files = read("a.json b.json").expect("files").expect("files");
        assert_eq!((files.names, files.run), (["a.json".into(), "b.json".into()], None));
        let servers = read("--run --rounds 3 -c8 -d1s h:1 h:2").expect("servers").expect("servers");
        let (typed, rounds) = servers.run.expect("a run");
        assert_eq!((rounds, typed[0].url(), typed[1].url()), (3, Some("h:1"), Some("h:2")));
        assert_eq!(read("-h"), Ok(None));
    }

    #[test]
    fn what_is_refused() {
        for (line, message) in [
            ("", "A B: must be two results of --json (or --run and two URLs), got none"),
            ("a.json", "A B: must be two results of --json (or --run and two URLs), got a.json"),
            ("--run h", "A B: must be two URLs, got h"),
            ("a b c", "A B: must be two results of --json (or --run and two URLs), got \"a b c\""),
            (
                "http://h:1/ http://h:2/",
                "A B: must be two results of --json; two servers are loaded and compared with --run, got http://h:1/",
            ),
            (
                "a.json 127.0.0.1:80/x -c5",
                "A B: must be two results of --json; two servers are loaded and compared with --run, got 127.0.0.1:80/x",
            ),
            (
                "localhost [::1]:8080",
                "A B: must be two results of --json; two servers are loaded and compared with --run, got localhost",
            ),
            ("a b -c5", "--connections: is for --run, as two results are compared as they are, got 5"),
            (
                "a b --json x.json --no-keepalive",
                "--no-keepalive: is for --run, as two results are compared as they are, got --no-keepalive",
            ),
            ("a b --rounds 5", "--rounds: is for --run, as two results are compared as they are, got 5"),
            ("--run --rounds 0 a b", "--rounds: must be 1 to 1000, got 0"),
        ] {
            assert_eq!(read(line), Err(Failure::usage(message)), "{line}");
        }
        let second = read("--run a http://b:x/").expect_err("a bad second URL");
        assert!(second.message.contains("http://b:x/"), "{second}");
    }
}
