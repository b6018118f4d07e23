//! The help text, made from the same structs that the options are.

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind};

use super::spelling::takes_attached_only;
use crate::report::fold::whole_words;

/// Lines are no longer than this where there is room for more.
pub(super) const WIDTH: usize = 80;
/// Descriptions begin in the first column; in the second where lines are shorter than this.
const COLUMNS: (usize, usize, usize) = (30, 8, 60);

/// What options are about, where a command has many. Those in no group are the command's own, and come first.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Load",
        &[
            "--connections",
            "--duration",
            "--requests",
            "--rate",
            "--arrivals",
            "--seed",
            "--stages",
            "--steps",
            "--deadline",
            "--spin",
            "--warmup",
            "--repeat",
            "--interval",
            "--pipeline",
            "--drain",
            "--patience",
        ],
    ),
    (
        "Requests and connections",
        &[
            "--method",
            "--header",
            "--body",
            "--input",
            "--raw",
            "--body-lines",
            "--order",
            "--by-path",
            "--placeholders",
            "--seq-skip",
            "--expect-status",
            "--expect-body",
            "--timeout",
            "--no-keepalive",
            "--requests-per-connection",
            "--reset",
            "--source-address",
            "--unix-socket",
        ],
    ),
    (
        "TLS",
        &[
            "--insecure",
            "--cacert",
            "--cert",
            "--key",
            "--sni",
            "--tls-min",
            "--tls-max",
            "--ciphers",
            "--alpn",
            "--resume",
        ],
    ),
    (
        "Workers",
        &[
            "--threads",
            "--cpus",
            "--threads-per-core",
            "--engine",
            "--uring-level",
            "--sqpoll",
            "--napi",
            "--busy-poll",
        ],
    ),
    ("Report", &["--latency", "--verbose", "--slo", "--json", "--hgrm", "--hdr-log", "--timeseries", "--csv"]),
    ("Help", &["--version", "--help"]),
];
/// A command with more options than this has them in groups.
const FEW: usize = 16;

/// The help of the command that `info` tells of, in lines of at most `width` columns; `usage` are its forms.
pub fn help(info: &CommandInfoWithArgs, usage: &[&str], width: usize) -> String {
    let (wide, narrow, enough) = COLUMNS;
    let column = if width >= enough { wide } else { narrow };
    let mut out = String::new();
    let wrap = |out: &mut String, lead: &str, text: &str, column| wrap(out, lead, text, (column, width.min(WIDTH)));
    wrap(&mut out, "", info.description, 0);
    for (lead, form) in std::iter::once("\nUsage: ").chain(std::iter::repeat("       ")).zip(usage) {
        out += &format!("{lead}{form}\n");
    }
    if !info.positionals.is_empty() {
        out += "\nArguments:\n";
        for positional in info.positionals {
            wrap(&mut out, &format!("      {}", positional.name), positional.description, column);
        }
    }
    let (help, mut flags): (Vec<&FlagInfo<'_>>, Vec<_>) =
        info.flags.iter().filter(|flag| !flag.hidden).partition(|flag| flag.long == "--help");
    flags.extend(help);
    let group = |flag: &FlagInfo<'_>| GROUPS.iter().position(|(_, names)| names.contains(&flag.long));
    let is_small = flags.len() <= FEW;
    let groups =
        std::iter::once((None, "Options")).chain(GROUPS.iter().enumerate().map(|(at, (name, _))| (Some(at), *name)));
    for (at, name) in groups {
        let of_group: Vec<&&FlagInfo<'_>> =
            flags.iter().filter(|flag| if is_small { at.is_none() } else { group(flag) == at }).collect();
        if !of_group.is_empty() {
            out += &format!("\n{name}:\n");
        }
        of_group.into_iter().for_each(|flag| wrap(&mut out, &names(flag), flag.description, column));
    }
    if !info.notes.is_empty() {
        out += "\nValues:\n";
        info.notes.iter().for_each(|note| out += &format!("  {note}\n"));
    }
    out += "\nExamples:\n";
    for line in info.examples.iter().flat_map(|example| example.lines()) {
        out += &format!("  {line}\n");
    }
    out += "\nExit codes:\n";
    for code in info.error_codes {
        out += &format!("  {:>3}  {}\n", code.code, code.description);
    }
    out
}

/// `  -t, --threads N`
fn names(flag: &FlagInfo<'_>) -> String {
    let short = flag.short.or((flag.long == "--help").then_some('h'));
    let short = short.map_or("    ".to_owned(), |short| format!("-{short}, "));
    let value = match flag.kind {
        FlagInfoKind::Option { arg_name } if takes_attached_only(flag) => arg_name.to_owned(),
        FlagInfoKind::Option { arg_name } => format!(" {arg_name}"),
        FlagInfoKind::Switch => String::new(),
    };
    format!("  {short}{}{value}", flag.long)
}

/// Appends `text` behind `lead`, in lines of at most `width` that begin in `column`; a lead that reaches it has a line of its own.
fn wrap(out: &mut String, lead: &str, text: &str, (column, width): (usize, usize)) {
    let indent = " ".repeat(column);
    let mut first = format!("{lead:column$}");
    if !lead.is_empty() && lead.len() >= column {
        *out += &format!("{lead}\n");
        first.clone_from(&indent);
    }
    let options = whole_words(width).initial_indent(&first).subsequent_indent(&indent);
    // argh doubles braces, as its own formatting needs them.
    let text = text.replace("{{", "{").replace("}}", "}");
    *out += &format!("{}\n", textwrap::fill(&text, options));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{CompareArgs, LoadArgs, SearchArgs, ServeArgs};
    use crate::cli::shared;
    use argh::ArgsInfo;

    #[test]
    fn every_option_is_told_of_once_and_every_line_fits() {
        let shared = [shared::info::<SearchArgs>(&[]), shared::info::<CompareArgs>(&[]), crate::cli::doctor::info()];
        let alone = [LoadArgs::get_args_info(), ServeArgs::get_args_info(), crate::cli::calibrate::info()];
        for info in alone.into_iter().chain(shared) {
            let text = help(&info, &["saturing"], WIDTH);
            assert!(text.ends_with('\n') && !text.contains("{{"), "{text}");
            let (options, _) = text.split_once("\nExamples:\n").expect("options");
            for flag in info.flags {
                // A name stands alone, or behind its short one, and never where descriptions do.
                let begins = |line: &&str| {
                    let name = match line.split_at_checked(6) {
                        Some(("      ", name)) => name,
                        Some((short, name)) if short.starts_with("  -") && short.ends_with(", ") => name,
                        _ => return false,
                    };
                    name.split([' ', '[']).next() == Some(flag.long)
                };
                assert_eq!(options.lines().filter(begins).count(), usize::from(!flag.hidden), "{}", flag.long);
            }
            for line in text.lines() {
                assert!(line.len() <= WIDTH, "{line}");
            }
        }
    }

    #[test]
    fn a_narrow_terminal_has_descriptions_below_names() {
        let text = help(&LoadArgs::get_args_info(), &["saturing"], 40);
        assert!(
            text.contains("\n  -t, --threads N\n        worker threads, each pinned to a\n        CPU: 1"),
            "{text}"
        );
        // Examples and exit codes are folded when they are printed.
        let (options, _) = text.split_once("\nValues:").expect("values");
        assert!(options.lines().all(|line| line.len() <= 40 || line.trim().split(' ').count() <= 2), "{options}");
    }

    #[test]
    fn many_options_have_groups_and_few_have_none() {
        let heads = |info: &CommandInfoWithArgs| -> Vec<String> {
            let text = help(info, &["saturing"], WIDTH);
            let is_head = |line: &&str| line.ends_with(':') && !line.starts_with(' ');
            text.lines().filter(is_head).map(str::to_owned).collect()
        };
        let ends = ["Values:", "Examples:", "Exit codes:"];
        let of_run = ["Load:", "Requests and connections:", "TLS:", "Workers:", "Report:", "Help:"];
        assert_eq!(heads(&LoadArgs::get_args_info()), [&["Arguments:"][..], &of_run, &ends].concat());
        assert_eq!(heads(&ServeArgs::get_args_info()), [&["Options:"][..], &ends].concat());
        // Its own first: --precision.
        assert_eq!(heads(&shared::info::<SearchArgs>(&[])), [&["Options:"][..], &of_run, &ends].concat());
        for (_, names) in GROUPS {
            let load = LoadArgs::get_args_info();
            let known = |name: &&&str| load.flags.iter().any(|flag| flag.long == **name);
            assert!(names.iter().all(|name| known(&name)), "{names:?}");
        }
    }

    #[test]
    fn names_and_descriptions_have_columns() {
        let mut out = String::new();
        wrap(&mut out, "  -t, --threads N", "worker threads", (30, 80));
        wrap(&mut out, "      --requests-per-connection N", &"word ".repeat(11), (30, 80));
        let words = "word ".repeat(10);
        let expected = [
            "  -t, --threads N             worker threads",
            "      --requests-per-connection N",
            &format!("                              {}", words.trim_end()),
            "                              word",
            "",
        ];
        assert_eq!(out, expected.join("\n"));
    }
}
