//! What is sent: from URLs, lists and files to a set of requests, each encoded once.

mod encode;
mod expect;
mod input;

use std::fmt;

use super::error::Error;
use super::url::Url;
use crate::workload::builder::{Addition, Builder, Full};
use crate::workload::{Expect, Order, RawFault, RequestSet, Sequence, list, raw};
use encode::{Parts, encoded};
pub use expect::{expected_body, expected_status};

/// What a run sends, as it was asked for; files are read already.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestsSpec {
    /// The method as typed, or the usual one.
    pub method: String,
    /// Headers beside the default ones; an empty value removes the default one of that name.
    pub headers: Vec<(String, String)>,
    /// Where the requests are from.
    pub source: Source,
    /// URL, headers and body have placeholders; files of requests have them always.
    pub placeholders: bool,
    /// Each path of a list has figures of its own.
    pub by_path: bool,
    /// How a list is gone through.
    pub order: Order,
    /// What random values are drawn from.
    pub seed: u64,
    /// Sequences begin so many values behind their first.
    pub seq_skip: u64,
    /// What answers are held against where their request says nothing of its own.
    pub expect: Expect,
}

/// Where requests are from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The URLs that were typed, each with this body.
    Urls(Vec<u8>),
    /// One URL, with each of these bodies in turn.
    Bodies(Vec<Vec<u8>>),
    /// A list.
    List {
        /// The file's name.
        name: String,
        /// What it says.
        items: Vec<list::Item>,
    },
    /// Files of one request each, by name, in the order given.
    Raw(Vec<(String, Vec<u8>)>),
}

impl RequestsSpec {
    /// One request with these parts.
    pub fn one(method: &str, headers: &[(String, String)], body: &[u8]) -> RequestsSpec {
        RequestsSpec {
            method: method.to_owned(),
            headers: headers.to_vec(),
            source: Source::Urls(body.to_vec()),
            placeholders: false,
            by_path: false,
            order: Order::Turn,
            seed: 1,
            seq_skip: 0,
            expect: Expect::default(),
        }
    }

    /// The first full URL of a list: where it goes if no URL was typed.
    pub fn own_url(&self) -> Option<&str> {
        let Source::List { items, .. } = &self.source else { return None };
        items.iter().map(|item| item.target.0.as_str()).find(|target| !target.starts_with('/') && *target != "*")
    }

    /// Checks and encodes all requests to the server of `urls`, of which there is at least one. What a reader should know is said in `notes`.
    ///
    /// # Errors
    /// The first request that breaks a rule, with its place.
    pub(super) fn encode(&self, urls: &[Url], notes: &mut Vec<String>) -> Result<RequestSet, Error> {
        let origin = urls.first().ok_or_else(|| Error::argument("URL", "must be one at least", "none"))?;
        if let Some(other) = urls.iter().find(|url| url.origin() != origin.origin()) {
            let rule = format!("must all be of one origin, here {}", origin.origin());
            return Err(Error::argument("URL", rule, other));
        }
        let mut maker = Maker { spec: self, origin, builder: Builder::new(self.seq_skip), notes, faults: Vec::new() };
        match &self.source {
            Source::Urls(body) => urls.iter().try_for_each(|url| maker.url(url, body, None))?,
            Source::Bodies(bodies) => {
                let kind = format!("{} {}", self.method, origin.path());
                bodies.iter().try_for_each(|body| maker.url(origin, body, Some(&kind)))?;
            }
            Source::List { name, items } => maker.list(name, items)?,
            Source::Raw(files) => maker.raw(files)?,
        }
        let faults = maker.faults;
        let mut set = RequestSet { faults, ..maker.builder.finish() };
        (set.order, set.seed) = (self.order, self.seed);
        if set.entries.is_empty() {
            return Err(Error::argument(self.argument(), "must have a request at least", "none"));
        }
        Ok(set)
    }

    /// The option that the requests come from.
    fn argument(&self) -> &'static str {
        match self.source {
            Source::Urls(_) => "URL",
            Source::Bodies(_) => "--body-lines",
            Source::List { .. } => "--input",
            Source::Raw(_) => "--raw",
        }
    }

    fn expect(&self) -> Option<Expect> {
        (self.expect != Expect::default()).then(|| self.expect.clone())
    }

    fn full(&self, full: Full) -> Error {
        let (rule, given) = match full {
            Full::Bytes => ("must be at most 1 GiB of requests in all", "more"),
            Full::Kinds if self.by_path => {
                let rule = "at most 256 paths can have figures of their own: without it all lines share a row";
                return Error::argument("--by-path", rule, "more");
            }
            Full::Kinds => ("must be at most 256 requests with figures of their own", "more"),
            Full::Sequences => ("must have at most 65536 different sequences and expectations", "more"),
        };
        Error::argument(self.argument(), rule, given)
    }
}

/// Whether `requests` requests in all take more values of a sequence than its width has; then names it, and how many are needed.
pub(super) fn past_width(set: &RequestSet, requests: u64) -> Option<(Sequence, u64)> {
    let entries = set.entries.len() as u64;
    let needed = |draws: u64| match set.order {
        Order::Turn => requests / entries * draws + (requests % entries).min(draws),
        // As many as chance has it.
        Order::Random => 0,
    };
    let mut all = set.sequences.iter().zip(set.draws());
    all.find_map(|(one, draws)| Some((*one, needed(draws))).filter(|(one, needed)| *needed > one.capacity()))
}

/// Requests on their way into a set.
struct Maker<'a> {
    spec: &'a RequestsSpec,
    origin: &'a Url,
    builder: Builder,
    notes: &'a mut Vec<String>,
    faults: Vec<(String, RawFault)>,
}

impl Maker<'_> {
    /// A request as the command line has it.
    fn url(&mut self, url: &Url, body: &[u8], kind: Option<&str>) -> Result<(), Error> {
        let spec = self.spec;
        let path = url.path();
        let parts = Parts { method: &spec.method, authority: &url.authority(), path, headers: &spec.headers, body };
        let (plain, closing) = encoded(&parts, spec.placeholders)?;
        let named = format!("{} {path}", spec.method);
        self.add(Addition {
            kind: kind.unwrap_or(&named),
            method: &spec.method,
            path,
            plain,
            closing: Some(closing),
            asks_to_close: true,
            expect: spec.expect(),
        })
    }

    fn raw(&mut self, files: &[(String, Vec<u8>)]) -> Result<(), Error> {
        for (index, (name, bytes)) in files.iter().enumerate() {
            if let Some(before) = files[..index].iter().position(|(known, _)| known == name) {
                self.builder.repeat(before);
                continue;
            }
            let read = raw::read(bytes).map_err(|wrong| {
                let place = place(name, &String::from_utf8_lossy(&bytes[..wrong.at]));
                Error::argument("--raw", format!("{place}: {wrong}"), &wrong.given)
            })?;
            if bytes.is_empty() {
                return Err(Error::argument("--raw", "a file must have a request in it, and this one is empty", name));
            }
            self.faults.extend(read.fault.map(|fault| (name.clone(), fault)));
            // The file's own name, unless another folder has one of that name too.
            let base = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
            let shared = files.iter().any(|(other, _)| other != name && base(other) == base(name));
            self.add(Addition {
                kind: &if shared { name.clone() } else { base(name) },
                method: &read.method,
                path: &read.path,
                plain: read.form,
                closing: None,
                asks_to_close: read.asks_to_close,
                expect: self.spec.expect(),
            })?;
        }
        Ok(())
    }

    fn add(&mut self, addition: Addition<'_>) -> Result<(), Error> {
        self.builder.add(addition).map_err(|full| self.spec.full(full))
    }
}

/// `FILE, line 3, column 7`: where the text behind `before` begins.
fn place(file: &str, before: &str) -> String {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    at(file, line, Some(column))
}

fn at(file: &str, line: usize, column: Option<usize>) -> String {
    struct Place<'a>(&'a str, usize, Option<usize>);
    impl fmt::Display for Place<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let Place(file, line, column) = self;
            write!(f, "{file}, line {line}")?;
            column.map_or(Ok(()), |column| write!(f, ", column {column}"))
        }
    }
    Place(file, line, column).to_string()
}

#[cfg(test)]
mod tests;
