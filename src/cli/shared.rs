//! Commands that make several runs take a run's options beside their own.

use argh::{ArgsInfo, CommandInfoWithArgs, FlagInfo, FlagInfoKind, FromArgs, Optionality};

use super::args::LoadArgs;
use super::failure::Failure;
use super::spelling::{Spelled, spell};
use super::take;

/// What each run of several cannot have of its own.
const ALONE: &[&str] = &[
    "--requests",
    "--patience",
    "--stages",
    "--steps",
    "--deadline",
    "--repeat",
    "--interval",
    "--latency",
    "--verbose",
    "--json",
    "--hgrm",
    "--hdr-log",
    "--timeseries",
    "--csv",
    "--slo",
    "--version",
    "--help",
];

/// The command `T` with the options of a run, but those that it has itself, that it leaves out, or that stand for one run alone.
pub(super) fn info<T: ArgsInfo>(without: &[&str]) -> CommandInfoWithArgs {
    info_where::<T>(|option| !ALONE.contains(&option) && !without.contains(&option))
}

/// The command `T` with those options of a run that it `takes` and does not have itself.
pub(super) fn info_where<T: ArgsInfo>(takes: impl Fn(&str) -> bool) -> CommandInfoWithArgs {
    let (own, load) = (T::get_args_info(), LoadArgs::get_args_info());
    let mut flags: Vec<FlagInfo<'static>> = own.flags.iter().map(copy).collect();
    for flag in load.flags {
        let is_own = own.flags.iter().any(|own| own.long == flag.long);
        if !is_own && takes(flag.long) {
            flags.push(copy(flag));
        }
    }
    // Once in the life of the command; argh's types ask for what lives as long.
    CommandInfoWithArgs { flags: Box::leak(flags.into_boxed_slice()), notes: load.notes, ..own }
}

/// A copy of what argh tells and does not let copy.
fn copy(flag: &FlagInfo<'static>) -> FlagInfo<'static> {
    FlagInfo {
        kind: match flag.kind {
            FlagInfoKind::Switch => FlagInfoKind::Switch,
            FlagInfoKind::Option { arg_name } => FlagInfoKind::Option { arg_name },
        },
        optionality: match flag.optionality {
            Optionality::Required => Optionality::Required,
            Optionality::Optional => Optionality::Optional,
            Optionality::Repeating => Optionality::Repeating,
            Optionality::Greedy => Optionality::Greedy,
        },
        long: flag.long,
        short: flag.short,
        description: flag.description,
        hidden: flag.hidden,
    }
}

/// What was typed for a command `T`, its own options and a run's; `None`: a call for help. Positionals are the run's where `T`
/// has none.
pub(super) fn read<T: ArgsInfo + FromArgs>(
    name: &str,
    args: &[String],
    info: &CommandInfoWithArgs,
) -> Result<Option<(T, LoadArgs)>, Failure> {
    let own = T::get_args_info();
    let load = LoadArgs::get_args_info();
    let positionals = if own.positionals.is_empty() { load.positionals } else { own.positionals };
    let whole = CommandInfoWithArgs { positionals, flags: info.flags, ..CommandInfoWithArgs::default() };
    let Spelled::Args(spelled) = spell(args, &whole)? else {
        return Ok(None);
    };
    let (mut for_own, mut for_load) = (Vec::new(), Vec::new());
    let mut rest = spelled.into_iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            let to = if own.positionals.is_empty() { &mut for_load } else { &mut for_own };
            to.push(word);
            to.extend(rest);
            break;
        }
        let to = if own.flags.iter().any(|flag| flag.long == word) { &mut for_own } else { &mut for_load };
        let flag = info.flags.iter().find(|flag| flag.long == word);
        let takes_value = flag.is_some_and(|flag| flag.kind != FlagInfoKind::Switch);
        to.push(word);
        to.extend(takes_value.then(|| rest.next()).flatten());
    }
    Ok(Some((take(name, &for_own)?, take(name, &for_load)?)))
}
