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
pub mod typed;

use argh::{ArgsInfo, FromArgs};
use args::{CompareArgs, LoadArgs, SearchArgs, ServeArgs, SuiteArgs};
use calibrate::TypedCalibrate;
use compare::TypedCompare;
use doctor::TypedDoctor;
use failure::{DONE, Failure};
use search::TypedSearch;
use spelling::{Spelled, WRK, spell};
use std::ffi::OsString;
use std::io::{Read, Write};
use suite::TypedSuite;
use typed::{Typed, TypedServe};

const SUBCOMMANDS: &[&str] = &["serve", "search", "compare", "calibrate", "doctor", "suite"];

/// What a command line asks for.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Print this on standard output.
    Text(String),
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
            let _ = std::io::stdout().write_all(text.as_bytes());
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
        let _ = writeln!(std::io::stderr(), "saturing: {failure}");
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
            Ok(search.map_or_else(|| Command::Text(search_help()), |search| Command::Search(Box::new(search))))
        }
        "compare" => {
            let compare = TypedCompare::read(rest, stdin)?;
            Ok(compare.map_or_else(|| Command::Text(compare_help()), |compare| Command::Compare(Box::new(compare))))
        }
        "calibrate" => {
            let wanted = TypedCalibrate::read(rest)?;
            Ok(wanted.map_or_else(|| Command::Text(calibrate_help()), |wanted| Command::Calibrate(Box::new(wanted))))
        }
        "doctor" => {
            let doctor = TypedDoctor::read(rest)?;
            Ok(doctor.map_or_else(|| Command::Text(doctor_help()), |doctor| Command::Doctor(Box::new(doctor))))
        }
        "suite" => {
            let suite = TypedSuite::read(rest)?;
            Ok(suite.map_or_else(|| Command::Text(suite_help()), Command::Suite))
        }
        "help" => Ok(Command::Text(match rest.first().map(String::as_str) {
            Some("serve") => serve_help(),
            Some("search") => search_help(),
            Some("compare") => compare_help(),
            Some("calibrate") => calibrate_help(),
            Some("doctor") => doctor_help(),
            Some("suite") => suite_help(),
            _ => load_help(),
        })),
        _ => parse_load(&args, stdin),
    }
}

fn parse_load(args: &[String], stdin: &mut dyn Read) -> Result<Command, Failure> {
    let Spelled::Args(spelled) = spell(args, &LoadArgs::get_args_info(), WRK)? else {
        return Ok(Command::Text(load_help()));
    };
    let args: LoadArgs = take("saturing", &spelled)?;
    if args.version {
        return Ok(Command::Text(concat!("saturing ", env!("CARGO_PKG_VERSION"), "\n").to_owned()));
    }
    if let Some(name) = args.url.as_deref().filter(|url| SUBCOMMANDS.contains(url)) {
        return Err(Failure::usage(format!("{name}: a subcommand comes first, as in saturing {name}")));
    }
    Typed::read(&args, stdin).map(|typed| Command::Load(Box::new(typed)))
}

fn parse_serve(args: &[String]) -> Result<Command, Failure> {
    match spell(args, &ServeArgs::get_args_info(), &[])? {
        Spelled::Help => Ok(Command::Text(serve_help())),
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

fn load_help() -> String {
    let usage = [
        "saturing [OPTIONS] [URL]",
        "saturing serve [OPTIONS]",
        "saturing search [OPTIONS] [URL]",
        "saturing compare [OPTIONS] A B",
        "saturing calibrate [OPTIONS]",
        "saturing doctor [OPTIONS] [URL]",
        "saturing suite [OPTIONS] list|run|report|compare",
    ];
    help::help(&LoadArgs::get_args_info(), &usage)
}

fn serve_help() -> String {
    help::help(&ServeArgs::get_args_info(), &["saturing serve [OPTIONS]"])
}

fn search_help() -> String {
    help::help(&shared::info::<SearchArgs>(&[]), &["saturing search [OPTIONS] [URL]"])
}

fn compare_help() -> String {
    let usage = ["saturing compare A.json B.json", "saturing compare --run [OPTIONS] URL URL"];
    help::help(&shared::info::<CompareArgs>(&[]), &usage)
}

fn calibrate_help() -> String {
    help::help(&calibrate::info(), &["saturing calibrate [OPTIONS]"])
}

fn doctor_help() -> String {
    help::help(&doctor::info(), &["saturing doctor [OPTIONS] [URL]"])
}

fn suite_help() -> String {
    let usage = [
        "saturing suite list [--suite FILE]",
        "saturing suite run [CASE...] [OPTIONS]",
        "saturing suite report DIR",
        "saturing suite compare DIR1 DIR2",
    ];
    help::help(&SuiteArgs::get_args_info(), &usage)
}

#[cfg(test)]
mod tests;
