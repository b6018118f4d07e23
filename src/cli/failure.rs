//! Exit codes, and the one line that goes with those that are not 0.

use super::spelling::of_value;
use crate::plan::Error;
use std::fmt;

/// The run did what was asked.
pub const DONE: i32 = 0;
/// The run could not start, not one response came, it was incomplete, or an output could not be written.
pub const NO_RUN: i32 = 1;
/// The arguments break a rule.
pub const BAD_ARGUMENTS: i32 = 2;
/// The run, whole or not, breaches a limit of `--slo`.
pub const BREACH: i32 = 3;
/// Stopped by SIGINT (128 + its number); what was measured is reported.
pub const INTERRUPTED: i32 = 130;
/// Stopped by SIGTERM (128 + its number); what was measured is reported.
pub const TERMINATED: i32 = 143;

/// Why the command ends without a run: one line, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// [`NO_RUN`] or [`BAD_ARGUMENTS`].
    pub code: i32,
    /// One line, without the command's name before it.
    pub message: String,
}

impl Failure {
    /// The arguments break a rule.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { code: BAD_ARGUMENTS, message: message.into() }
    }

    /// The run could not start.
    pub fn no_run(message: impl Into<String>) -> Failure {
        Failure { code: NO_RUN, message: message.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let code = if error.is_usage() { BAD_ARGUMENTS } else { NO_RUN };
        let mut message = error.to_string();
        if let Error::Argument { argument, rule, given } = &error
            && let Some(habit) = of_value(argument, rule, given)
        {
            message = format!("{message}; {habit}");
        }
        Failure { code, message }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
