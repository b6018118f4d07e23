//! The help text, made from the same structs that the options are.

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind};

use super::spelling::takes_attached_only;

/// Descriptions begin in this column; a name that reaches it has a line of its own.
const COLUMN: usize = 30;
const WIDTH: usize = 80;

/// The help of the command that `info` tells of; `usage` are its forms.
pub fn help(info: &CommandInfoWithArgs, usage: &[&str]) -> String {
    let mut out = String::new();
    wrap(&mut out, "", info.description, 0);
    for (lead, form) in std::iter::once("\nUsage: ").chain(std::iter::repeat("       ")).zip(usage) {
        out += &format!("{lead}{form}\n");
    }
    if !info.positionals.is_empty() {
        out += "\nArguments:\n";
        for positional in info.positionals {
            wrap(&mut out, &format!("      {}", positional.name), positional.description, COLUMN);
        }
    }
    out += "\nOptions:\n";
    let (help, others): (Vec<&FlagInfo<'_>>, Vec<_>) =
        info.flags.iter().filter(|flag| !flag.hidden).partition(|flag| flag.long == "--help");
    for flag in others {
        wrap(&mut out, &names(flag), flag.description, COLUMN);
    }
    for flag in help {
        wrap(&mut out, "  -h, --help", flag.description, COLUMN);
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
    let short = flag.short.map_or("    ".to_owned(), |short| format!("-{short}, "));
    let value = match flag.kind {
        FlagInfoKind::Option { arg_name } if takes_attached_only(flag) => arg_name.to_owned(),
        FlagInfoKind::Option { arg_name } => format!(" {arg_name}"),
        FlagInfoKind::Switch => String::new(),
    };
    format!("  {short}{}{value}", flag.long)
}

/// Appends `text` behind `lead`, in lines of at most [`WIDTH`] that begin in `column`.
fn wrap(out: &mut String, lead: &str, text: &str, column: usize) {
    let mut line = lead.to_owned();
    if line.len() + 1 > column && !line.is_empty() {
        *out += &format!("{line}\n");
        line.clear();
    }
    for word in text.split_whitespace() {
        let begun = line.len() > column;
        if begun && line.len() + 1 + word.len() > WIDTH {
            *out += &format!("{line}\n");
            line.clear();
        }
        if line.len() > column {
            line.push(' ');
        }
        line = format!("{line:column$}{word}");
    }
    *out += &format!("{line}\n");
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
            let text = help(&info, &["saturing"]);
            assert!(text.ends_with('\n'));
            let (_, options) = text.split_once("\nOptions:\n").expect("options");
            let (options, _) = options.split_once("\n\n").expect("an end of the options");
            for flag in info.flags {
                let mut names: Vec<&str> = options.split_whitespace().collect();
                names.retain(|word| word.split('[').next() == Some(flag.long));
                assert_eq!(names.len(), usize::from(!flag.hidden), "{}", flag.long);
            }
            for line in text.lines() {
                assert!(line.len() <= WIDTH, "{line}");
            }
        }
    }

    #[test]
    fn names_and_descriptions_have_columns() {
        let mut out = String::new();
        wrap(&mut out, "  -t, --threads N", "worker threads", COLUMN);
        wrap(&mut out, "      --requests-per-connection N", &"word ".repeat(11), COLUMN);
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
