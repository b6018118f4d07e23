//! From what people type to what argh takes.
//!
//! argh knows `--connections 64` and `-c 64`. People also type `-c64`, `-Lc64` and
//! `--connections=64`, as wrk and getopt have it. Here each of these becomes the long name and
//! its value apart, and positionals move behind a `--`, so that argh can take anything as a value.

use super::failure::Failure;
use crate::plan::{Error, nearest, shown};
use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality};

/// An option of another tool that is known here only to say what to do instead.
#[derive(Debug, Clone, Copy)]
pub struct Foreign {
    /// Its short name.
    pub short: char,
    /// Its long name, with dashes.
    pub long: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

/// What wrk and wrk2 have beside our own options.
pub const WRK: &[Foreign] = &[
    Foreign {
        short: 's',
        long: "--script",
        instead: "Lua scripts are not run; set a fixed request with -m, -H and -b",
    },
    Foreign {
        short: 'U',
        long: "--u_latency",
        instead: "leave it out; with -R the report has the service time, uncorrected, beside the response time",
    },
    Foreign {
        short: 'B',
        long: "--batch_latency",
        instead: "leave it out; every pipelined response has a latency of its own",
    },
];

/// A command line in the one spelling argh takes, or a call for help.
#[derive(Debug, PartialEq, Eq)]
pub enum Spelled {
    /// `-h` or `--help`.
    Help,
    /// Long names, each followed by its value if it takes one; behind `--` the positionals.
    Args(Vec<String>),
}

/// Spells `args` out for the command that `info` tells of.
///
/// # Errors
/// An unknown or `foreign` option, an option without its value or with one it does not take, an
/// option given twice that may be given once, or more positionals than there are.
pub fn spell(args: &[String], info: &CommandInfoWithArgs, foreign: &'static [Foreign]) -> Result<Spelled, Failure> {
    let mut speller = Speller { info, foreign, spelled: Vec::new(), given: Vec::new() };
    let mut positionals = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let wants_help = match arg.as_str() {
            "--" => {
                positionals.extend(rest.by_ref().cloned());
                false
            }
            long if long.starts_with("--") => speller.long(long, &mut rest)?,
            short if short.starts_with('-') && short.len() > 1 => speller.shorts(short, &mut rest)?,
            _ => {
                positionals.push(arg.clone());
                false
            }
        };
        if wants_help {
            return Ok(Spelled::Help);
        }
    }
    let any_number = info.positionals.iter().any(|one| one.optionality == Optionality::Repeating);
    if let Some(extra) = positionals.get(info.positionals.len()).filter(|_| !any_number) {
        return Err(Failure::usage(match info.positionals {
            [] => format!("unexpected argument {}; there are only options here", shown(extra)),
            [.., last] => format!("unexpected argument {}; there is one {} only", shown(extra), last.name),
        }));
    }
    let mut spelled = speller.spelled;
    if !positionals.is_empty() {
        spelled.push("--".to_owned());
        spelled.append(&mut positionals);
    }
    Ok(Spelled::Args(spelled))
}

/// The arguments that are still to come.
type Rest<'a> = std::slice::Iter<'a, String>;

struct Speller<'a> {
    info: &'a CommandInfoWithArgs,
    foreign: &'static [Foreign],
    spelled: Vec<String>,
    /// Options seen that may be given once, with their value.
    given: Vec<(&'static str, String)>,
}

impl Speller<'_> {
    /// `--name`, `--name value` or `--name=value`; true when it calls for help.
    fn long(&mut self, arg: &str, rest: &mut Rest<'_>) -> Result<bool, Failure> {
        let (name, attached) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (arg, None),
        };
        if let Some(other) = self.foreign.iter().find(|other| other.long == name) {
            return Err(refuse(other));
        }
        match self.info.flags.iter().find(|flag| flag.long == name) {
            Some(flag) => self.option(flag, attached, rest),
            None => Err(self.unknown(name)),
        }
    }

    /// `-c 64`, `-c64`, `-L` or several switches in one, the last of which may be an option with
    /// its value; true when it calls for help.
    fn shorts(&mut self, arg: &str, rest: &mut Rest<'_>) -> Result<bool, Failure> {
        for (at, short) in arg.char_indices().skip(1) {
            if let Some(other) = self.foreign.iter().find(|other| other.short == short) {
                return Err(refuse(other));
            }
            let long = if short == 'h' { Some("--help") } else { None };
            let known = |flag: &&FlagInfo<'_>| flag.short == Some(short) || Some(flag.long) == long;
            let Some(flag) = self.info.flags.iter().find(known) else {
                return Err(self.unknown_short(short, arg));
            };
            let behind = &arg[at + short.len_utf8()..];
            if matches!(flag.kind, FlagInfoKind::Option { .. }) {
                return self.option(flag, Some(behind).filter(|value| !value.is_empty()), rest);
            }
            if self.option(flag, None, rest)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Spells out one option; true when it calls for help.
    fn option(
        &mut self,
        flag: &FlagInfo<'static>,
        attached: Option<&str>,
        rest: &mut Rest<'_>,
    ) -> Result<bool, Failure> {
        let name = flag.long;
        if flag.kind == FlagInfoKind::Switch {
            if let Some(value) = attached {
                return Err(Error::argument(name, "takes no value", value).into());
            }
            // A switch given twice is on all the same.
            self.spelled.push(name.to_owned());
            return Ok(name == "--help");
        }
        // An optional value is attached or there is none.
        let attached = attached.or_else(|| takes_attached_only(flag).then_some(""));
        let Some(value) = attached.or_else(|| rest.next().map(String::as_str)) else {
            return Err(Failure::usage(format!("{name}: needs a value, got none")));
        };
        if flag.optionality != Optionality::Repeating {
            if let Some((_, before)) = self.given.iter().find(|(known, _)| *known == name) {
                let both = format!("{} and {}", shown(before), shown(value));
                return Err(Failure::usage(format!("{name}: may be given once, got {both}")));
            }
            self.given.push((name, value.to_owned()));
        }
        self.spelled.extend([name.to_owned(), value.to_owned()]);
        Ok(false)
    }

    fn unknown(&self, name: &str) -> Failure {
        let known = self.info.flags.iter().filter(|flag| !flag.hidden).map(|flag| flag.long);
        Failure::usage(match nearest(name, known) {
            Some(near) => format!("unknown option {}; did you mean {near}?", shown(name)),
            None => format!("unknown option {}; --help lists them all", shown(name)),
        })
    }

    fn unknown_short(&self, short: char, arg: &str) -> Failure {
        let mut name = shown(&format!("-{short}"));
        if arg.chars().count() > 2 {
            name = format!("{name} in {}", shown(arg));
        }
        let twin =
            |flag: &&FlagInfo<'_>| !flag.hidden && flag.short.is_some_and(|known| known.eq_ignore_ascii_case(&short));
        // `-latency` is more likely a dash too few than five switches.
        let long = self.info.flags.iter().find(|flag| flag.long.strip_prefix('-') == Some(arg));
        let near = match (long, self.info.flags.iter().find(twin)) {
            (Some(flag), _) => Some(flag.long.to_owned()),
            (None, Some(flag)) => flag.short.map(|known| format!("-{known} ({})", flag.long)),
            (None, None) => None,
        };
        Failure::usage(match near {
            Some(near) => format!("unknown option {name}; did you mean {near}?"),
            None => format!("unknown option {name}; --help lists them all"),
        })
    }
}

/// The name of its value says so, as in `[=CPU]`.
pub(super) fn takes_attached_only(flag: &FlagInfo<'_>) -> bool {
    matches!(flag.kind, FlagInfoKind::Option { arg_name } if arg_name.starts_with('['))
}

fn refuse(other: &Foreign) -> Failure {
    Failure::usage(format!("-{}/{}: {}", other.short, other.long, other.instead))
}

#[cfg(test)]
mod tests;
