//! The command line: from what was typed to a run, and to the exit code.

pub mod args;
mod bar;
mod cache;
pub mod calibrate;
pub mod compare;
pub mod doctor;
pub mod failure;
pub mod help;
mod load;
pub mod outputs;
pub mod search;
mod serve;
mod shared;
mod signals;
pub mod slo;
pub mod spelling;
pub mod suite;
mod terminal;
pub mod typed;

use crate::plan::shown;
use argh::{ArgsInfo, FromArgs};
use args::{CompareArgs, LoadArgs, SearchArgs, ServeArgs, SuiteArgs};
use calibrate::TypedCalibrate;
use compare::TypedCompare;
use doctor::TypedDoctor;
use failure::{DONE, Failure};
use search::TypedSearch;
use spelling::{Spelled, spell};
use std::ffi::OsString;
use std::io::Read;
use suite::TypedSuite;
use typed::{Typed, TypedServe};

const SUBCOMMANDS: &[&str] = &["serve", "search", "compare", "calibrate", "doctor", "suite"];

/// What a command line asks for.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Print this on standard output.
    Text(String),
    /// Print the help of a command, by its name; the empty one is that of a run.
    Help(&'static str),
    /// Put load on a server.
    Load(Box<Typed>),
    /// Run the built-in server alone.
    Serve(TypedServe),
    /// Search for a load.
    Search(Box<TypedSearch>),
    /// Compare two results or servers.
    Compare(Box<TypedCompare>),
    /// Find out what this client can do.
    Calibrate(Box<TypedCalibrate>),
    /// Tell what this machine allows.
    Doctor(Box<TypedDoctor>),
    /// Load real servers, one after the other.
    Suite(TypedSuite),
}

/// Does what `args`, without the command's own name, ask for, and returns the exit code. A
/// failure is one line on standard error.
pub fn run(args: impl IntoIterator<Item = OsString>) -> i32 {
    let args: Vec<OsString> = args.into_iter().collect();
    let typed: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let done = parse(args, &mut std::io::stdin()).and_then(|command| match command {
        Command::Text(text) => {
            // A pipe that closes early, as in `--help | head`, is no failure.
            let _ = outputs::print(&text);
            Ok(DONE)
        }
        Command::Help(topic) => {
            let _ = outputs::print(&help_of(topic, terminal::width(std::io::stdout()).unwrap_or(help::WIDTH)));
            Ok(DONE)
        }
        Command::Load(wanted) => load::load(&wanted, &typed),
        Command::Serve(wanted) => serve::serve(&wanted),
        Command::Search(wanted) => search::search(&wanted, &typed),
        Command::Compare(wanted) => compare::compare(&wanted),
        Command::Calibrate(wanted) => calibrate::calibrate(&wanted, &typed),
        Command::Doctor(wanted) => doctor::doctor(&wanted, &typed),
        Command::Suite(wanted) => suite::suite(&wanted, &typed),
    });
    done.unwrap_or_else(|failure| {
        outputs::complain(&failure.message);
        failure.code
    })
}

/// Reads a command line; `stdin` only for `--body @-`.
///
/// # Errors
/// What breaks which rule; or what could not be read.
pub fn parse(args: impl IntoIterator<Item = OsString>, stdin: &mut dyn Read) -> Result<Command, Failure> {
    let utf8 = |arg: OsString| {
        arg.into_string().map_err(|arg| Failure::usage(format!("arguments must be UTF-8, got {arg:?}")))
    };
    let args: Vec<String> = args.into_iter().map(utf8).collect::<Result<_, _>>()?;
    let (first, rest) = match args.split_first() {
        Some((first, rest)) => (first.as_str(), rest),
        None => ("", args.as_slice()),
    };
    match first {
        "serve" => parse_serve(rest),
        "search" => {
            let search = TypedSearch::read(rest, stdin)?;
            Ok(search.map_or_else(|| Command::Help("search"), |search| Command::Search(Box::new(search))))
        }
        "compare" => {
            let compare = TypedCompare::read(rest, stdin)?;
            Ok(compare.map_or_else(|| Command::Help("compare"), |compare| Command::Compare(Box::new(compare))))
        }
        "calibrate" => {
            let wanted = TypedCalibrate::read(rest)?;
            Ok(wanted.map_or_else(|| Command::Help("calibrate"), |wanted| Command::Calibrate(Box::new(wanted))))
        }
        "doctor" => {
            let doctor = TypedDoctor::read(rest)?;
            Ok(doctor.map_or_else(|| Command::Help("doctor"), |doctor| Command::Doctor(Box::new(doctor))))
        }
        "suite" => {
            let suite = TypedSuite::read(rest)?;
            Ok(suite.map_or_else(|| Command::Help("suite"), Command::Suite))
        }
        "help" => match rest.first() {
            Some(word) if !word.starts_with('-') => {
                let topic = SUBCOMMANDS.iter().find(|name| *name == word);
                let rule =
                    || Failure::usage(format!("help: must be of {}, got {}", SUBCOMMANDS.join(", "), shown(word)));
                topic.map(|topic| Command::Help(topic)).ok_or_else(rule)
            }
            _ => Ok(Command::Help("")),
        },
        word => match command_meant(word, &args[1.min(args.len())..]) {
            Some(failure) => Err(failure),
            None => parse_load(&args, stdin),
        },
    }
}

/// Words that other tools and people begin a run with.
const RUNS: &[&str] = &["run", "attack", "bench", "benchmark", "load", "start"];

/// Whether `word`, which comes first, was meant for a command: it is no option and no URL with a dot, a colon or a slash, and reads
/// almost like one. A host of such a name can be had as a URL.
fn command_meant(word: &str, rest: &[String]) -> Option<Failure> {
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let host = format!("a host of that name is http://{word}/");
    let lower = word.to_ascii_lowercase();
    if RUNS.contains(&lower.as_str()) && rest.iter().any(|arg| !arg.starts_with('-')) {
        return Some(Failure::usage(format!("{word}: no such command; a run is saturing [OPTIONS] URL ({host})")));
    }
    // Two letters wrong in a short word make another word.
    let few = if lower.len() < 8 { 1 } else { 2 };
    let known = SUBCOMMANDS.iter().chain(&["help", "version"]);
    let near = known.map(|name| (strsim::osa_distance(&lower, name), *name)).min()?;
    let begun = SUBCOMMANDS.iter().find(|name| lower.len() > 2 && name.starts_with(&lower)).copied();
    let meant = begun.or((near.0 <= few).then_some(near.1))?;
    let meant = if meant == "version" { "--version" } else { meant };
    Some(Failure::usage(format!("{word}: no such command; did you mean saturing {meant}? ({host})")))
}

fn parse_load(args: &[String], stdin: &mut dyn Read) -> Result<Command, Failure> {
    let Spelled::Args(spelled) = spell(args, &LoadArgs::get_args_info())? else {
        return Ok(Command::Help(""));
    };
    let args: LoadArgs = take("saturing", &spelled)?;
    if args.version {
        return Ok(Command::Text(concat!("saturing ", env!("CARGO_PKG_VERSION"), "\n").to_owned()));
    }
    if let Some(name) = args.url.first().filter(|url| SUBCOMMANDS.contains(&url.as_str())) {
        return Err(Failure::usage(format!("{name}: a subcommand comes first, as in saturing {name}")));
    }
    Typed::read(&args, stdin).map(|typed| Command::Load(Box::new(typed)))
}

fn parse_serve(args: &[String]) -> Result<Command, Failure> {
    match spell(args, &ServeArgs::get_args_info())? {
        Spelled::Help => Ok(Command::Help("serve")),
        Spelled::Args(spelled) => TypedServe::read(&take::<ServeArgs>("saturing serve", &spelled)?).map(Command::Serve),
    }
}

/// Hands spelled-out arguments to argh, which finds nothing wrong with what [`spell`] lets pass.
fn take<T: FromArgs>(name: &str, spelled: &[String]) -> Result<T, Failure> {
    let words: Vec<&str> = spelled.iter().map(String::as_str).collect();
    T::from_args(&[name], &words).map_err(|exit| {
        let lines: Vec<&str> = exit.output.split_whitespace().collect();
        Failure::usage(lines.join(" "))
    })
}

/// The help of a command, by its name, for a terminal of so many columns.
fn help_of(topic: &str, width: usize) -> String {
    let (info, usage): (_, &[&str]) = match topic {
        "serve" => (ServeArgs::get_args_info(), &["saturing serve [OPTIONS]"]),
        "search" => (shared::info::<SearchArgs>(&[]), &["saturing search [OPTIONS] [URL]"]),
        "compare" => (
            shared::info::<CompareArgs>(&[]),
            &["saturing compare A.json B.json", "saturing compare --run [OPTIONS] URL URL"],
        ),
        "calibrate" => (calibrate::info(), &["saturing calibrate [OPTIONS]"]),
        "doctor" => (doctor::info(), &["saturing doctor [OPTIONS] [URL]"]),
        "suite" => (
            SuiteArgs::get_args_info(),
            &[
                "saturing suite list [--suite FILE]",
                "saturing suite run [CASE...] [OPTIONS]",
                "saturing suite report DIR",
                "saturing suite compare DIR1 DIR2",
            ],
        ),
        _ => (
            LoadArgs::get_args_info(),
            &[
                "saturing [OPTIONS] [URL...]",
                "saturing serve [OPTIONS]",
                "saturing search [OPTIONS] [URL]",
                "saturing compare [OPTIONS] A B",
                "saturing calibrate [OPTIONS]",
                "saturing doctor [OPTIONS] [URL]",
                "saturing suite [OPTIONS] list|run|report|compare",
            ],
        ),
    };
    help::help(&info, usage, width)
}

#[cfg(test)]
mod tests;
