//! From what people type to what argh takes.
//!
//! argh knows `--connections 64` and `-c 64`. People also type `-c64`, `-Lc64` and
//! `--connections=64`, as wrk and getopt have it. Here each of these becomes the long name and
//! its value apart, and positionals move behind a `--`, so that argh can take anything as a value.

mod habits;

use super::args::LoadArgs;
use super::failure::Failure;
use crate::plan::{Error, nearest, shown};
use argh::{ArgsInfo, CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality};
pub(super) use habits::of_value;

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
/// An unknown option, an option without its value or with one it does not take, an option given
/// twice that may be given once, or more positionals than there are.
pub fn spell(args: &[String], info: &CommandInfoWithArgs) -> Result<Spelled, Failure> {
    let mut speller = Speller { info, spelled: Vec::new(), given: Vec::new() };
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
        match self.info.flags.iter().find(|flag| flag.long == name) {
            Some(flag) => self.option(flag, attached, rest),
            None => Err(self.unknown(name)),
        }
    }

    /// `-c 64`, `-c64`, `-L` or several switches in one, the last of which may be an option with
    /// its value; true when it calls for help.
    fn shorts(&mut self, arg: &str, rest: &mut Rest<'_>) -> Result<bool, Failure> {
        self.refuse_one_dash(arg)?;
        for (at, short) in arg.char_indices().skip(1) {
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

    /// Refuses `-rate=50`, as tools in Go have it: a long name behind one dash would be taken for switches and values.
    fn refuse_one_dash(&self, arg: &str) -> Result<(), Failure> {
        let name = arg.split('=').next().unwrap_or(arg);
        let long = format!("-{name}");
        let known = self.info.flags.iter().any(|flag| flag.long == long && flag.long != "--help");
        match habits::of(&long, self.info) {
            _ if name.len() < 3 => Ok(()),
            _ if known => {
                Err(Failure::usage(format!("unknown option {}; long names take two dashes, {long}", shown(name))))
            }
            Some(habit) => Err(instead(&shown(name), habit)),
            None => Ok(()),
        }
    }

    fn unknown(&self, name: &str) -> Failure {
        if let Some(habit) = habits::of(name, self.info) {
            return instead(&shown(name), habit);
        }
        let flags = || self.info.flags.iter().filter(|flag| !flag.hidden).map(|flag| flag.long);
        if LoadArgs::get_args_info().flags.iter().any(|flag| flag.long == name) {
            return of_a_run(name, name);
        }
        Failure::usage(match nearest(name, flags()) {
            Some(near) => format!("unknown option {}; did you mean {near}?", shown(name)),
            None => format!("unknown option {}; --help lists them all", shown(name)),
        })
    }

    fn unknown_short(&self, short: char, arg: &str) -> Failure {
        let typed = format!("-{short}");
        let name = match arg.chars().count() {
            ..=2 => shown(&typed),
            _ => format!("{} in {}", shown(&typed), shown(arg)),
        };
        if let Some(habit) = habits::of(&typed, self.info) {
            return instead(&name, habit);
        }
        if let Some(flag) = LoadArgs::get_args_info().flags.iter().find(|flag| flag.short == Some(short)) {
            return of_a_run(&name, flag.long);
        }
        let twin =
            |flag: &&FlagInfo<'_>| !flag.hidden && flag.short.is_some_and(|known| known.eq_ignore_ascii_case(&short));
        let near = self.info.flags.iter().find(twin);
        Failure::usage(match near.and_then(|flag| Some((flag.short?, flag.long))) {
            Some((known, long)) => format!("unknown option {name}; did you mean -{known} ({long})?"),
            None => format!("unknown option {name}; --help lists them all"),
        })
    }
}

/// The name of its value says so, as in `[=CPU]`.
pub(super) fn takes_attached_only(flag: &FlagInfo<'_>) -> bool {
    matches!(flag.kind, FlagInfoKind::Option { arg_name } if arg_name.starts_with('['))
}

/// Another tool's option, `name` as typed.
fn instead(name: &str, habit: &habits::Habit) -> Failure {
    Failure::usage(format!("{name}: {}", habit.instead))
}

/// An option that only a run has.
fn of_a_run(name: &str, long: &str) -> Failure {
    let which = if name == long { String::new() } else { format!(" ({long})") };
    Failure::usage(format!(
        "unknown option {name}{which}: it is for a run, saturing [OPTIONS] URL, and not for this command"
    ))
}

#[cfg(test)]
mod tests;
