//! Where a result goes: the report, and each file that was asked for.

mod opened;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use super::terminal;
use crate::plan::Error;
use crate::report::text::Style;
use crate::report::{csv, hdr_log, json, spectrum, timeseries};
use crate::result::RunResult;
use crate::run::Ended;

pub(super) use opened::Opened;

/// What to do with the result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Print the latency distribution.
    pub latency: bool,
    /// Print what the verdict rests on.
    pub verbose: bool,
    /// Each format that was asked for beside the report; at most one goes to standard output, and replaces the report there.
    pub sinks: Vec<Sink>,
    /// Files that are read: none of them may be written over.
    pub inputs: Vec<Input>,
}

/// A file that is read, and what names it on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// An option, or an argument's name.
    pub argument: &'static str,
    /// Which file.
    pub file: PathBuf,
}

/// A format and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// Which.
    pub format: Format,
    /// Where.
    pub to: To,
}

/// What can be written beside the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The whole result.
    Json,
    /// The latency's percentile spectrum.
    Hgrm,
    /// The histograms of each interval.
    HdrLog,
    /// The intervals as NDJSON.
    Timeseries,
    /// Run and parts as CSV.
    Csv,
}

/// Where an output goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// Standard output, and nothing else there.
    Stdout,
    /// This file.
    File(PathBuf),
}

impl Format {
    /// The option that asks for it.
    pub fn option(self) -> &'static str {
        match self {
            Format::Json => "--json",
            Format::Hgrm => "--hgrm",
            Format::HdrLog => "--hdr-log",
            Format::Timeseries => "--timeseries",
            Format::Csv => "--csv",
        }
    }

    /// A result in this format; of one that is written while the run lasts, what stands there without a single interval.
    pub(super) fn render(self, result: &RunResult) -> io::Result<String> {
        match self {
            Format::Json => Ok(json::render(result)?),
            Format::Hgrm => Ok(spectrum::file(result.latency_ns.as_ref())),
            Format::HdrLog => Ok(hdr_log::head(&result.target.url, result.started_unix_s.unwrap_or(0.0))),
            Format::Timeseries => Ok(timeseries::render(result)?),
            Format::Csv => csv::render(result),
        }
    }

    /// Whether it is written while the run lasts.
    fn grows(self) -> bool {
        self == Format::HdrLog
    }

    /// What an interval that has ended adds to this format; `None`: it is written at the run's end.
    fn addition(self, url: &str, ended: &Ended<'_>, first: bool) -> Option<String> {
        self.grows().then(|| {
            let head = if first { hdr_log::head(url, ended.started_unix_s) } else { String::new() };
            head + &hdr_log::lines(ended.interval, ended.histograms)
        })
    }
}

impl Output {
    /// Each format with what was typed for it.
    ///
    /// # Errors
    /// A place is empty, or two formats are to go to standard output.
    pub fn read(latency: bool, typed: &[(Format, Option<&str>)]) -> Result<Output, Error> {
        let mut output = Output { latency, ..Output::default() };
        for &(format, place) in typed {
            let to = match place {
                None => continue,
                Some("") => {
                    return Err(Error::argument(format.option(), "must be a file, or - for standard output", ""));
                }
                Some("-") => To::Stdout,
                Some(file) => To::File(PathBuf::from(file)),
            };
            if let Some(other) = output.sinks.iter().find(|sink| to == To::Stdout && sink.to == to) {
                let rule = format!("standard output is taken by {}", other.format.option());
                return Err(Error::argument(format.option(), rule, "-"));
            }
            output.sinks.push(Sink { format, to });
        }
        Ok(output)
    }

    /// How the report is to look where it goes.
    pub(super) fn style(&self) -> Style {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Style { colour: wanted && io::stdout().is_terminal(), latency: self.latency, verbose: self.verbose }
    }
}

/// Complains of what could not be written.
fn written(outcome: io::Result<()>, what: &str) -> bool {
    if let Err(error) = &outcome {
        complain(&format!("{what}: {error}"));
    }
    outcome.is_ok()
}

/// One line on standard error.
pub(super) fn complain(line: &str) {
    terminal::tell(&format!("saturing: {line}"));
}

/// All of `text` on standard output; false, and complained of, if it cannot be written.
pub(super) fn printed(text: &str) -> bool {
    written(print(text), "standard output")
}

/// All of `text` on standard output, at once; on a terminal no line breaks inside a word.
pub(super) fn print(text: &str) -> io::Result<()> {
    put(&terminal::fitted(text, io::stdout()))
}

/// The same of what is for programs.
fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_a_place_of_its_own() {
        let read = |typed: &[(Format, Option<&str>)]| Output::read(false, typed);
        let sink = |format, to| Sink { format, to };
        let file = |name: &str| To::File(name.into());
        assert_eq!(read(&[(Format::Json, None), (Format::Csv, None)]).expect("none").sinks, []);
        assert_eq!(
            read(&[(Format::Json, Some("-")), (Format::Hgrm, Some("a.hgrm")), (Format::Csv, Some("./-"))])
                .expect("three")
                .sinks,
            [sink(Format::Json, To::Stdout), sink(Format::Hgrm, file("a.hgrm")), sink(Format::Csv, file("./-"))]
        );
        for (typed, message) in [
            (&[(Format::HdrLog, Some(""))][..], "--hdr-log: must be a file, or - for standard output, got \"\""),
            (
                &[(Format::Json, Some("-")), (Format::Csv, Some("-"))],
                "--csv: standard output is taken by --json, got -",
            ),
        ] {
            assert_eq!(read(typed).expect_err(message).to_string(), message);
        }
    }
}
