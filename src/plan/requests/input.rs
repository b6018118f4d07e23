//! The requests of a list.

use std::collections::HashSet;

use super::super::error::Error;
use super::super::url::Url;
use super::encode::{Fault, Parts, encoded};
use super::expect::{expected_body, expected_status};
use super::{Maker, at};
use crate::workload::builder::Addition;
use crate::workload::list::{Body, Item};
use crate::workload::{Expect, MAX_KINDS, placeholders};

/// Which row of the report requests without a name count in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// One for all that are a line, and one for each method and path of the others.
    Usual,
    /// One for each method and path.
    ByPath,
    /// One for all.
    Shared,
}

impl Maker<'_> {
    pub(super) fn list(&mut self, file: &str, items: &[Item]) -> Result<(), Error> {
        let rows = self.rows(file, items);
        items.iter().try_for_each(|item| self.item(file, item, rows))
    }

    /// So many kinds are no kinds: then those without a name share one.
    fn rows(&mut self, file: &str, items: &[Item]) -> Rows {
        if self.spec.by_path {
            return Rows::ByPath;
        }
        let named: HashSet<&str> = items.iter().filter_map(|item| item.name.as_deref()).collect();
        let unnamed = items.iter().filter(|item| item.name.is_none());
        let own = unnamed.filter_map(|item| Some((item.method.as_deref()?, item.target.0.as_str())));
        let own: HashSet<_> = own.collect();
        if own.len() + named.len() < MAX_KINDS {
            return Rows::Usual;
        }
        self.notes.push(format!(
            "{file} has {} different requests without a name: they share a row, as there are figures for {MAX_KINDS} at most \
             (# name: gives several a row of their own)",
            own.len()
        ));
        Rows::Shared
    }

    fn item(&mut self, file: &str, item: &Item, rows: Rows) -> Result<(), Error> {
        let spec = self.spec;
        let bad = |line: usize, column: Option<usize>, rule: &str, given: &str| {
            Error::argument("--input", format!("{}: {rule}", at(file, line, column)), given)
        };
        let (target, column) = (item.target.0.as_str(), item.target.1);
        if let Err(wrong) = placeholders::find(target.as_bytes()) {
            let column = column + target[..wrong.at].chars().count();
            return Err(bad(item.line, Some(column), &wrong.to_string(), &wrong.given));
        }
        let path = self.path(target).map_err(|rule| bad(item.line, Some(column), &rule, target))?;
        let method = item.method.as_deref().unwrap_or(&spec.method);
        let headers = self.headers(item);
        let body = match &item.body {
            None => Vec::new(),
            Some((Body::Text(text), _)) => text.clone().into_bytes(),
            Some((Body::File(name), line)) => {
                std::fs::read(name).map_err(|cause| bad(*line, None, &format!("cannot be read ({cause})"), name))?
            }
        };
        let parts = Parts { method, authority: &self.origin.authority(), path: &path, headers: &headers, body: &body };
        let (plain, closing) = encoded(&parts, true).map_err(|fault| match fault {
            Fault::Request(cause) => Error::Request(format!("--input: {}: {cause}", at(file, item.line, None))),
            Fault::Path(wrong) => bad(item.line, None, &wrong.to_string(), &wrong.given),
            Fault::Header(index, wrong) => {
                // Those of the command line come first.
                let own = index.checked_sub(headers.len() - item.headers.len()).and_then(|own| item.headers.get(own));
                let (line, column) = own.map_or((item.line, None), |(name, value, line)| {
                    let ahead = value.find(&wrong.given).map_or(0, |at| value[..at].chars().count());
                    (*line, Some(name.chars().count() + 3 + ahead))
                });
                bad(line, column, &wrong.to_string(), &wrong.given)
            }
            Fault::Body(wrong) => {
                let before = String::from_utf8_lossy(&body[..wrong.at]);
                let first = item.body.as_ref().map_or(item.line, |(_, line)| *line);
                match &item.body {
                    Some((Body::File(name), _)) => {
                        Error::argument("--input", format!("{}: {wrong}", super::place(name, &before)), &wrong.given)
                    }
                    _ => bad(first + before.matches('\n').count(), None, &wrong.to_string(), &wrong.given),
                }
            }
            Fault::Split => bad(item.line, None, "a placeholder must not lie across a chunk's end, at 64 KiB", "one"),
        })?;
        let expect = self.expectation(file, item)?;
        let own = format!("{method} {path}");
        let kind = match (&item.name, rows) {
            (Some(name), _) => name.as_str(),
            (None, Rows::ByPath) => &own,
            (None, Rows::Usual) if item.method.is_some() => &own,
            (None, _) => file,
        };
        let asks_to_close = true;
        self.add(Addition { kind, method, path: &path, plain, closing: Some(closing), asks_to_close, expect })
    }

    /// The path of a target that must be of the origin.
    fn path(&self, target: &str) -> Result<String, String> {
        if target == "*" {
            return Ok(target.to_owned());
        }
        let whole = match target.starts_with('/') {
            true => format!("{}{target}", self.origin.origin()),
            false => target.to_owned(),
        };
        let url = Url::parse_with_placeholders(&whole).map_err(|error| match error {
            Error::Argument { rule, .. } => rule,
            other => other.to_string(),
        })?;
        if url.origin() != self.origin.origin() {
            return Err(format!("must be of one origin with the others, {}", self.origin.origin()));
        }
        Ok(url.path().to_owned())
    }

    /// Those of the command line, but what the request has of its own, and then those.
    fn headers(&self, item: &Item) -> Vec<(String, String)> {
        let own = |name: &str| item.headers.iter().any(|(known, ..)| known.eq_ignore_ascii_case(name));
        let given = self.spec.headers.iter().filter(|(name, _)| !own(name)).cloned();
        given.chain(item.headers.iter().map(|(name, value, _)| (name.clone(), value.clone()))).collect()
    }

    fn expectation(&self, file: &str, item: &Item) -> Result<Option<Expect>, Error> {
        let placed = |line: usize, error: Error| match error {
            Error::Argument { rule, given, .. } => {
                Error::argument("--input", format!("{}: {rule}", at(file, line, None)), given)
            }
            other => other,
        };
        let mut expect = self.spec.expect.clone();
        if let Some((text, line)) = &item.expect_status {
            expect.status = expected_status("--input", text).map_err(|error| placed(*line, error))?;
        }
        if let Some((text, line)) = &item.expect_body {
            expect.body = Some(expected_body("--input", text).map_err(|error| placed(*line, error))?);
        }
        Ok((expect != Expect::default()).then_some(expect))
    }
}
