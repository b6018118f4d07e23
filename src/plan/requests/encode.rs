//! Encodes a request whose parts have placeholders.

use super::super::error::Error;
use crate::protocol::h1::request::{Request, RequestError, RequestSpec};
use crate::workload::builder::Form;
use crate::workload::placeholders::{self, Found, Wrong};

/// The parts of a request.
pub(super) struct Parts<'a> {
    pub(super) method: &'a str,
    pub(super) authority: &'a str,
    pub(super) path: &'a str,
    pub(super) headers: &'a [(String, String)],
    pub(super) body: &'a [u8],
}

/// Why a request could not be encoded.
pub(super) enum Fault {
    Request(RequestError),
    /// A placeholder of the path, of a header (by number) or of the body.
    Path(Wrong),
    Header(usize, Wrong),
    Body(Wrong),
    /// A chunk of the body ends in the middle of one.
    Split,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        match fault {
            Fault::Request(cause) => Error::Request(cause.to_string()),
            Fault::Path(wrong) => Error::argument("URL", wrong.to_string(), &wrong.given),
            Fault::Header(_, wrong) => Error::argument("--header", wrong.to_string(), &wrong.given),
            Fault::Body(wrong) => Error::argument("--body", wrong.to_string(), &wrong.given),
            Fault::Split => {
                Error::argument("--body", "a placeholder must not lie across a chunk's end, at 64 KiB", "one")
            }
        }
    }
}

/// The plain form and the closing one; placeholders are looked for if `filled`.
pub(super) fn encoded(parts: &Parts<'_>, filled: bool) -> Result<(Form, Form), Fault> {
    if !filled {
        let request = parts.encode(parts.path, parts.headers, parts.body)?;
        let form = |bytes: &[u8]| Form { bytes: bytes.to_vec(), places: Vec::new() };
        return Ok((form(request.keep_alive()), form(request.closing())));
    }
    let template = Template::of(parts)?;
    let zeros = template.render(parts, None)?;
    let (mut plain, mut closing) = (Form::default(), Form::default());
    for index in 0..template.count() {
        let marked = template.render(parts, Some(index))?;
        let found = template.found(index);
        let pairs =
            [(&mut plain, zeros.keep_alive(), marked.keep_alive()), (&mut closing, zeros.closing(), marked.closing())];
        for (form, zeros, marked) in pairs {
            // A header that another one replaces is not sent.
            if let Some(at) = differ(zeros, marked, usize::from(found.width))? {
                form.places.push((at as u32, found.clone()));
            }
        }
    }
    for (form, bytes) in [(&mut plain, zeros.keep_alive()), (&mut closing, zeros.closing())] {
        form.bytes = bytes.to_vec();
        form.places.sort_unstable_by_key(|(at, _)| *at);
    }
    Ok((plain, closing))
}

/// Where two encodings differ, which is in one piece of this width.
fn differ(zeros: &[u8], marked: &[u8], width: usize) -> Result<Option<usize>, Fault> {
    let Some(at) = zeros.iter().zip(marked).position(|(zero, mark)| zero != mark) else { return Ok(None) };
    let whole = marked.len() == zeros.len()
        && marked.get(at..at + width).is_some_and(|piece| piece.iter().all(|byte| *byte == b'1'));
    let rest_same = whole && zeros[at + width..] == marked[at + width..];
    if rest_same { Ok(Some(at)) } else { Err(Fault::Split) }
}

impl Parts<'_> {
    fn encode(&self, path: &str, headers: &[(String, String)], body: &[u8]) -> Result<Request, Fault> {
        let Parts { method, authority, .. } = *self;
        Request::encode(&RequestSpec { method, authority, path, headers, body }).map_err(Fault::Request)
    }
}

/// The placeholders of each part.
struct Template {
    path: Vec<Found>,
    headers: Vec<Vec<Found>>,
    body: Vec<Found>,
}

impl Template {
    fn of(parts: &Parts<'_>) -> Result<Template, Fault> {
        let header = |(index, (_, value)): (usize, &(String, String))| {
            placeholders::find(value.as_bytes()).map_err(|wrong| Fault::Header(index, wrong))
        };
        Ok(Template {
            path: placeholders::find(parts.path.as_bytes()).map_err(Fault::Path)?,
            headers: parts.headers.iter().enumerate().map(header).collect::<Result<_, _>>()?,
            body: placeholders::find(parts.body).map_err(Fault::Body)?,
        })
    }

    fn all(&self) -> impl Iterator<Item = &Found> {
        self.path.iter().chain(self.headers.iter().flatten()).chain(&self.body)
    }

    fn count(&self) -> usize {
        self.all().count()
    }

    fn found(&self, index: usize) -> &Found {
        self.all().nth(index).expect("one of them")
    }

    /// Encodes with zeros for all placeholders, and ones for the one that is marked.
    fn render(&self, parts: &Parts<'_>, marked: Option<usize>) -> Result<Request, Fault> {
        let mut next = 0;
        let mut fill = |text: &[u8], found: &[Found]| {
            let (mut filled, mut end) = (Vec::with_capacity(text.len()), 0);
            for one in found {
                filled.extend_from_slice(&text[end..one.range.start]);
                let byte = if marked == Some(next) { b'1' } else { b'0' };
                filled.resize(filled.len() + usize::from(one.width), byte);
                (end, next) = (one.range.end, next + 1);
            }
            filled.extend_from_slice(&text[end..]);
            filled
        };
        let path = text(fill(parts.path.as_bytes(), &self.path));
        let headers = parts.headers.iter().zip(&self.headers);
        let headers: Vec<(String, String)> =
            headers.map(|((name, value), found)| (name.clone(), text(fill(value.as_bytes(), found)))).collect();
        let body = fill(parts.body, &self.body);
        parts.encode(&path, &headers, &body)
    }
}

/// Placeholders and what takes their place are ASCII: the rest is text as before.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}
