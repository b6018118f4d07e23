//! `saturing suite`: real servers under load, and reports of it.

use std::path::{Path, PathBuf};

use argh::ArgsInfo;

use super::args::SuiteArgs;
use super::bar::Bar;
use super::failure::{DONE, Failure, NO_RUN};
use super::load::command;
use super::outputs::{complain, print, printed};
use super::signals::Signal;
use super::spelling::{Spelled, spell};
use super::take;
use super::terminal;
use crate::compare::{self, Observed};
use crate::plan::cpus::Topology;
use crate::plan::{Error, MAX_REPEAT, units};
use crate::report::suite as report;
use crate::result::comparison::Comparison;
use crate::result::suite::{CaseRun, SuiteResult};
use crate::suite::{self, Asked, Client, Ended, Moment, Store, Suite};

/// The suite that is meant where none is named.
const SUITE: &str = "seed";

/// What is asked of suites.
#[derive(Debug, Clone, PartialEq)]
pub enum TypedSuite {
    /// Which cases there are.
    List {
        /// Of this suite.
        suite: PathBuf,
    },
    /// Run it.
    Run {
        /// This suite.
        suite: PathBuf,
        /// How.
        asked: Asked,
    },
    /// Reports of the results in a folder.
    Report(PathBuf),
    /// Results in two folders.
    Compare([PathBuf; 2]),
}

impl TypedSuite {
    /// Reads what was typed; `None`: a call for help.
    ///
    /// # Errors
    /// No or an unknown action, one with too much or too little, or an option that is not for it.
    pub fn read(args: &[String]) -> Result<Option<TypedSuite>, Failure> {
        let Spelled::Args(spelled) = spell(args, &SuiteArgs::get_args_info())? else {
            return Ok(None);
        };
        let args: SuiteArgs = take("saturing suite", &spelled)?;
        let (action, names) = match args.words.split_first() {
            Some((action, names)) => (action.as_str(), names),
            None => return Err(Failure::usage("suite: must be followed by list, run, report or compare")),
        };
        if action != "run" {
            let given = [("--repeat", &args.repeat), ("--client", &args.client), ("--out", &args.out)];
            let mut given = given.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| *name);
            if let Some(name) = given.next().or(args.quick.then_some("--quick")) {
                return Err(Failure::usage(format!("{name}: is for suite run, not for suite {action}")));
            }
        }
        if !["list", "run"].contains(&action) && args.suite.is_some() {
            return Err(Failure::usage(format!("--suite: is for list and run, not for suite {action}")));
        }
        let suite = named(args.suite.as_deref().unwrap_or(SUITE));
        match (action, names) {
            ("list", []) => Ok(Some(TypedSuite::List { suite })),
            ("run", cases) => Ok(Some(TypedSuite::Run { asked: asked(&args, cases)?, suite })),
            ("report", [folder]) => Ok(Some(TypedSuite::Report(folder.into()))),
            ("compare", [a, b]) => Ok(Some(TypedSuite::Compare([a.into(), b.into()]))),
            ("list" | "report" | "compare", given) => {
                let rule = match action {
                    "list" => "takes no names",
                    "report" => "takes one folder with results",
                    _ => "takes two folders with results",
                };
                let given = if given.is_empty() { "none".to_owned() } else { given.join(" ") };
                Err(Failure::usage(format!("suite {action}: {rule}, got {given}")))
            }
            _ => Err(Failure::usage(format!("suite: must be followed by list, run, report or compare, got {action}"))),
        }
    }
}

/// A file; or a name, for a suite of a checkout.
fn named(text: &str) -> PathBuf {
    let is_name = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if is_name { suite::place(text) } else { text.into() }
}

fn asked(args: &SuiteArgs, cases: &[String]) -> Result<Asked, Failure> {
    let repeat = |text: &str| {
        let count = units::count("--repeat", text)?;
        let rule = || Error::argument("--repeat", format!("must be 1 to {MAX_REPEAT}"), text);
        u32::try_from(count).ok().filter(|count| (1..=MAX_REPEAT).contains(count)).ok_or_else(rule)
    };
    let repeat = args.repeat.as_deref().map(repeat).transpose()?;
    if args.quick && repeat.is_some_and(|repeat| repeat > 1) {
        return Err(Failure::usage("--quick: is one round; --repeat is for full runs"));
    }
    let client = |name: &str| {
        let rule = || Error::argument("--client", format!("must be of {}", Client::names()), name);
        Client::parse(name).ok_or_else(rule)
    };
    let clients = args.client.iter().flat_map(|list| list.split(',')).map(client).collect::<Result<_, _>>()?;
    let out = args.out.as_ref().map(PathBuf::from).unwrap_or_default();
    Ok(Asked { cases: cases.to_vec(), quick: args.quick, repeat, clients, out })
}

/// Does what is asked.
pub(super) fn suite(wanted: &TypedSuite, args: &[String]) -> Result<i32, Failure> {
    match wanted {
        TypedSuite::List { suite } => list(suite),
        TypedSuite::Run { suite, asked } => run(suite, asked, args),
        TypedSuite::Report(folder) => report(folder),
        TypedSuite::Compare(folders) => compare(folders),
    }
}

fn read(path: &Path) -> Result<Suite, Failure> {
    Suite::read(path, &Topology::read()?).map_err(Failure::no_run)
}

fn list(path: &Path) -> Result<i32, Failure> {
    let suite = read(path)?;
    let mut text = format!("{}: {}\n", suite.name, suite.title);
    let width = suite.cases.iter().map(|case| case.name.len()).max().unwrap_or(0);
    let mut group = "";
    for case in &suite.cases {
        if case.group != group {
            group = &case.group;
            text += &format!("\n{group}\n");
        }
        text += &format!("  {:width$}  {}\n", case.name, case.about);
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut others: Vec<String> = files
        .filter(|file| file != path && file.extension().is_some_and(|end| end == "toml"))
        .filter_map(|file| Some(file.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    others.sort();
    if !others.is_empty() {
        text += &format!("\nOther suites (--suite NAME): {}\n", others.join(", "));
    }
    // A pipe that closes early, as in `list | head`, is no failure.
    let _ = print(&text);
    Ok(DONE)
}

fn run(path: &Path, asked: &Asked, args: &[String]) -> Result<i32, Failure> {
    let suite = read(path)?;
    let signal = Signal::listen().map_err(|error| Failure::no_run(format!("signals: {error}")))?;
    let out = if asked.out.as_os_str().is_empty() { place(&suite, asked.quick) } else { asked.out.clone() };
    let asked = Asked { out, ..asked.clone() };
    let mut bar = Bar::new();
    let ended = suite::run(&suite, &asked, command(args), signal.flag(), &mut |moment| tell(&mut bar, moment));
    bar.clear();
    let Ended { store, result, fault } = ended.map_err(Failure::no_run)?;
    let written = reports(&store, &result);
    let mut all_written = printed(&report::terminal(&result));
    for error in fault.iter().chain(written.as_ref().err()) {
        complain(error);
        all_written = false;
    }
    if let Ok(names) = &written {
        all_written &= printed(&format!("\n{}\n", names.join("\n")));
    }
    let failed = result.not_run.iter().any(|one| !one.impossible);
    Ok(match signal.exit_code() {
        Some(code) if result.interrupted => code,
        _ if failed || !all_written => NO_RUN,
        _ => DONE,
    })
}

/// A folder for today's results on this host, in a checkout among the others.
fn place(suite: &Suite, quick: bool) -> PathBuf {
    let bench = Path::new("bench/results");
    let parent = if bench.parent().is_some_and(Path::is_dir) { bench } else { Path::new("results") };
    let host =
        nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "host".to_owned());
    let day = parent.join(format!("{}-{host}", time::OffsetDateTime::now_utc().date()));
    let name = if quick { format!("{}-quick", suite.name) } else { suite.name.clone() };
    let nth = |n: u32| day.join(if n == 1 { name.clone() } else { format!("{name}-{n}") });
    (1..).map(nth).find(|folder| !folder.exists()).unwrap_or(day)
}

/// A line on standard error for what has ended, and on a terminal what is going on.
fn tell(bar: &mut Bar, moment: &Moment<'_>) {
    let line = match moment {
        Moment::Begins { row, round, done, of } => {
            bar.line(&format!("{done} of {of}  round {round}: {row}"));
            return;
        }
        Moment::Ended(run) => report::line(run),
        Moment::NotRun(not_run) => report::fault(not_run),
    };
    bar.clear();
    terminal::tell(&line);
}

/// Writes the reports; gives their names.
fn reports(store: &Store, result: &SuiteResult) -> Result<Vec<String>, String> {
    let page = report::page(result).map_err(|error| error.to_string())?;
    let texts = [("Benchmarks.md", report::markdown(result)), ("index.html", page)];
    let written = texts.iter().map(|(name, text)| {
        store.write(name, text.as_bytes())?;
        Ok(store.folder().join(name).display().to_string())
    });
    written.collect()
}

fn report(folder: &Path) -> Result<i32, Failure> {
    let store = Store::open(folder).map_err(Failure::no_run)?;
    let (mut result, runs) = store.load().map_err(Failure::no_run)?;
    suite::conclude(&mut result, &runs, |_| true);
    let names = reports(&store, &result).map_err(Failure::no_run)?;
    let text = format!("{}\n{}\n", report::terminal(&result), names.join("\n"));
    Ok(if printed(&text) { DONE } else { NO_RUN })
}

fn compare(folders: &[PathBuf; 2]) -> Result<i32, Failure> {
    let load = |folder: &PathBuf| Store::open(folder).and_then(|store| store.load()).map_err(Failure::no_run);
    let ((a, of_a), (_, of_b)) = (load(&folders[0])?, load(&folders[1])?);
    let [name_a, name_b] = [&folders[0], &folders[1]].map(|folder| folder.display().to_string());
    let mut compared: Vec<(&str, Comparison)> = Vec::new();
    for row in &a.rows {
        let [side_a, side_b] = [(&name_a, &of_a), (&name_b, &of_b)].map(|(name, runs)| observed(name, &row.id, runs));
        if !side_a.is_empty() && !side_b.is_empty() {
            compared.push((&row.id, compare::compare(&side_a, &side_b, false)));
        }
    }
    if compared.is_empty() {
        return Err(Failure::no_run(format!("{name_a} and {name_b} have no row in common that has figures in both")));
    }
    Ok(if printed(&report::comparison(&name_a, &name_b, &compared)) { DONE } else { NO_RUN })
}

fn observed(name: &str, row: &str, runs: &[CaseRun]) -> Observed {
    let mut observed = Observed::new(name);
    let whole = runs.iter().filter(|run| run.row == row && run.fault.is_none());
    whole.filter_map(|run| run.result.as_ref()).for_each(|result| observed.add(result));
    observed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<TypedSuite>, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        TypedSuite::read(&words)
    }

    #[test]
    fn what_may_be_asked() {
        let seed = || PathBuf::from("bench/suites/seed.toml");
        let all = Asked::default();
        let some = Asked {
            cases: vec!["a".into(), "b".into()],
            repeat: Some(5),
            clients: vec![Client::Saturing, Client::Wrk],
            out: "dir".into(),
            ..Asked::default()
        };
        for (line, expected) in [
            ("list", TypedSuite::List { suite: seed() }),
            ("list --suite ceiling", TypedSuite::List { suite: "bench/suites/ceiling.toml".into() }),
            ("run", TypedSuite::Run { suite: seed(), asked: all.clone() }),
            (
                "run --quick --suite x/y.toml",
                TypedSuite::Run { suite: "x/y.toml".into(), asked: Asked { quick: true, ..all } },
            ),
            ("run a b --repeat 5 --client saturing,wrk --out dir", TypedSuite::Run { suite: seed(), asked: some }),
            ("report dir", TypedSuite::Report("dir".into())),
            ("compare a b", TypedSuite::Compare(["a".into(), "b".into()])),
        ] {
            assert_eq!(read(line), Ok(Some(expected)), "{line}");
        }
        assert_eq!(read("run --help"), Ok(None));
    }

    #[test]
    fn what_is_refused() {
        for (line, message) in [
            ("", "suite: must be followed by list, run, report or compare"),
            ("go", "suite: must be followed by list, run, report or compare, got go"),
            ("list x", "suite list: takes no names, got x"),
            ("report", "suite report: takes one folder with results, got none"),
            ("compare a", "suite compare: takes two folders with results, got a"),
            ("report d --quick", "--quick: is for suite run, not for suite report"),
            ("list --repeat 5", "--repeat: is for suite run, not for suite list"),
            ("report d --suite seed", "--suite: is for list and run, not for suite report"),
            ("run --quick --repeat 2", "--quick: is one round; --repeat is for full runs"),
        ] {
            assert_eq!(read(line), Err(Failure::usage(message)), "{line}");
        }
        for line in ["run --repeat 0", "run --repeat 1001", "run --client ab"] {
            let failure = read(line).expect_err(line);
            assert!(failure.message.contains("must be"), "{failure}");
        }
    }
}
