//! Why there is no run.

use std::fmt;

/// What stops a plan from being made; one line when printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// An argument breaks a rule.
    Argument {
        /// The argument as it is typed: `--pipeline`, `URL`.
        argument: &'static str,
        /// What it must be or do.
        rule: String,
        /// What was given instead.
        given: String,
    },
    /// The request cannot be encoded; says which part, its rule and what was given.
    Request(String),
    /// The arguments are fine, but the run cannot start; names what failed and its cause.
    Start(String),
}

impl Error {
    /// `argument` breaks `rule`, as `given` shows.
    pub fn argument(argument: &'static str, rule: impl Into<String>, given: impl fmt::Display) -> Error {
        Error::Argument { argument, rule: rule.into(), given: given.to_string() }
    }

    /// Whether the cure is another command line, not another environment.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Error::Start(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Argument { argument, rule, given } => {
                write!(f, "{argument}: {rule}, got {}", shown(given))
            }
            Error::Request(what) | Error::Start(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

/// Characters of what was given that are shown.
const SHOWN: usize = 300;

/// `text` as it is where that is readable on one line, quoted and escaped where it is not, and cut where it is long.
pub(crate) fn shown(text: &str) -> String {
    if let Some((cut, _)) = text.char_indices().nth(SHOWN) {
        return format!("{}... ({} bytes)", shown(&text[..cut]), text.len());
    }
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        format!("{text:?}")
    } else {
        text.to_owned()
    }
}

/// The name that was most likely meant: one that starts with `typed`, else the one with the
/// fewest letters wrong, if they are few.
pub(crate) fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let bare = |name: &'a str| name.trim_start_matches('-');
    let typed = typed.trim_start_matches('-').to_ascii_lowercase();
    let begun = known.clone().find(|name| typed.len() > 1 && bare(name).starts_with(&typed));
    begun.or_else(|| {
        let wrong = |name: &'a str| strsim::osa_distance(&typed, bare(name));
        let (letters, name) = known.map(|name| (wrong(name), name)).min_by_key(|near| near.0)?;
        (letters <= (typed.len() / 3).max(1)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_whatever_was_given() {
        for (given, printed) in [
            ("2000", "--pipeline: must be 1 to 1024, got 2000"),
            ("", "--pipeline: must be 1 to 1024, got \"\""),
            ("a b", "--pipeline: must be 1 to 1024, got \"a b\""),
            ("a\nb", "--pipeline: must be 1 to 1024, got \"a\\nb\""),
        ] {
            let error = Error::argument("--pipeline", "must be 1 to 1024", given);
            assert_eq!(error.to_string(), printed);
        }
    }
}
