//! Lists of requests as text: a URL or path per line, or blocks as vegeta has them.
//!
//! ```text
//! # a comment; the next line names the request below
//! # name: buy
//! POST /orders?id={SEQ:1}
//! Content-Type: application/json
//! expect: 201,204
//!     {"count": {RAND:1:9}}
//!
//! PUT http://shop.test/files/1
//! @file.bin
//!
//! /plain/path
//! ```

use std::fmt;

/// Requests of one list, at most.
pub const MAX_REQUESTS: usize = 1_000_000;

/// A request of a list, nothing of it checked yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// The line it begins in, from 1.
    pub line: usize,
    /// From `# name:`.
    pub name: Option<String>,
    /// `None`: a line that is a URL or path alone.
    pub method: Option<String>,
    /// The URL or path as it stands there, and its column, from 1.
    pub target: (String, usize),
    /// Names and values, each with its line.
    pub headers: Vec<(String, String, usize)>,
    /// Its body, if it has one, and the line that begins in.
    pub body: Option<(Body, usize)>,
    /// The value of its line `expect:`, and that line.
    pub expect_status: Option<(String, usize)>,
    /// The value of its line `expect-body:`, and that line.
    pub expect_body: Option<(String, usize)>,
}

/// A request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// It stands in the list, indented; lines end with LF but the last.
    Text(String),
    /// It is a file of this name.
    File(String),
}

/// A line that is nothing a list can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Its number, from 1.
    pub line: usize,
    /// What there must be.
    rule: &'static str,
    /// What there is, cut if it is long.
    pub given: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule)
    }
}

impl std::error::Error for Wrong {}

/// Reads a list.
///
/// # Errors
/// The first line that is wrong, or more than [`MAX_REQUESTS`] requests.
pub fn read(text: &str) -> Result<Vec<Item>, Wrong> {
    let mut list = List::default();
    // A file may begin with a byte order mark.
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let number = index + 1;
        let wrong = |rule| Wrong { line: number, rule, given: line.chars().take(80).collect() };
        list.line(line.trim_end(), number).map_err(wrong)?;
        if list.items.len() > MAX_REQUESTS {
            return Err(wrong("a list has at most 1000000 requests"));
        }
    }
    if let Some((line, name)) = list.name {
        return Err(Wrong { line, rule: "a name stands above its request, and none follows", given: name });
    }
    Ok(list.items)
}

#[derive(Default)]
struct List {
    items: Vec<Item>,
    /// What the next request is called.
    name: Option<(usize, String)>,
    /// The last request began with a method, and no empty line has come since.
    in_block: bool,
    /// What its body's lines are indented by.
    indent: String,
}

/// Alone in a line these are no hosts, but requests that lack their ends.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"];

const LINE: &str =
    "a line is a URL, a path, METHOD URL, under that a header, @FILE or an indented body, or a # comment";

impl List {
    fn line(&mut self, line: &str, number: usize) -> Result<(), &'static str> {
        if line.is_empty() {
            self.in_block = false;
            return Ok(());
        }
        if line.starts_with([' ', '\t']) {
            return self.body_line(line, number);
        }
        if let Some(comment) = line.strip_prefix('#') {
            return self.comment(comment, number);
        }
        if let Some((method, target)) = request_line(line) {
            let column = line.len() - target.len() + 1;
            self.begin(Some(method.to_owned()), (target.to_owned(), column), number);
            return Ok(());
        }
        if self.in_block {
            return self.in_block(line, number);
        }
        if line.contains([' ', '\t']) {
            return Err(LINE);
        }
        if METHODS.contains(&line) {
            return Err("a method has a URL or path behind it");
        }
        self.begin(None, (line.to_owned(), 1), number);
        Ok(())
    }

    fn begin(&mut self, method: Option<String>, target: (String, usize), line: usize) {
        self.in_block = method.is_some();
        let name = self.name.take().map(|(_, name)| name);
        self.items.push(Item { line, name, method, target, ..Item::default() });
    }

    fn comment(&mut self, comment: &str, number: usize) -> Result<(), &'static str> {
        let Some(name) = comment.trim_start().strip_prefix("name:") else { return Ok(()) };
        match name.trim() {
            "" => Err("a name is not empty"),
            _ if self.name.is_some() => Err("a request has one name"),
            // --slo names it in brackets, and the report prints it.
            name if name.contains(|c: char| c.is_control() || "[]<>".contains(c)) => {
                Err("a name has no control characters and none of [ ] < >")
            }
            name => {
                self.name = Some((number, name.to_owned()));
                Ok(())
            }
        }
    }

    /// A header, a body's file, or what the answer must be.
    fn in_block(&mut self, line: &str, number: usize) -> Result<(), &'static str> {
        let Some(item) = self.items.last_mut() else { return Err(LINE) };
        if let Some(file) = line.strip_prefix('@') {
            if file.is_empty() {
                return Err("@ has the name of a file behind it");
            }
            return match item.body.replace((Body::File(file.to_owned()), number)) {
                None => Ok(()),
                Some(_) => Err("a request has one body"),
            };
        }
        let (name, value) = line.split_once(':').ok_or(LINE)?;
        let value = value.trim();
        if item.body.is_some() {
            return Err("headers stand above the body");
        }
        let expected = match name {
            "expect" => &mut item.expect_status,
            "expect-body" => &mut item.expect_body,
            _ => {
                item.headers.push((name.to_owned(), value.to_owned(), number));
                return Ok(());
            }
        };
        match expected.replace((value.to_owned(), number)) {
            None => Ok(()),
            Some(_) => Err("is there twice"),
        }
    }

    fn body_line(&mut self, line: &str, number: usize) -> Result<(), &'static str> {
        let in_block = self.in_block;
        let Some(item) = self.items.last_mut().filter(|_| in_block) else {
            return Err("an indented line is the body of a request, METHOD URL above it");
        };
        match &mut item.body {
            None => {
                self.indent = line[..line.len() - line.trim_start_matches([' ', '\t']).len()].to_owned();
                let text = line[self.indent.len()..].to_owned();
                item.body = Some((Body::Text(text), number));
            }
            Some((Body::Text(text), _)) => {
                text.push('\n');
                text.push_str(line.strip_prefix(self.indent.as_str()).unwrap_or_else(|| line.trim_start()));
            }
            Some((Body::File(_), _)) => return Err("a request has one body"),
        }
        Ok(())
    }
}

/// `METHOD URL`: a method has no colon, as a header's name has behind it; the URL is a path or has its scheme.
fn request_line(line: &str) -> Option<(&str, &str)> {
    let (method, target) = line.split_once([' ', '\t'])?;
    let target = target.trim_start();
    let is_method = method.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_!$&'*+.^`|~%".contains(&byte));
    let is_target = target.starts_with('/') || target.contains("://") || target == "*";
    (is_method && is_target && !target.contains([' ', '\t'])).then_some((method, target))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item(line: usize, method: Option<&str>, target: (&str, usize)) -> Item {
        Item { line, method: method.map(str::to_owned), target: (target.0.to_owned(), target.1), ..Item::default() }
    }

    #[test]
    fn a_line_is_a_request() {
        let text = "\u{feff}# all\r\n/a\r\n\r\nhttp://h/b?c#d\nlocalhost:8080/x\n/a";
        let expected = [
            item(2, None, ("/a", 1)),
            item(4, None, ("http://h/b?c#d", 1)),
            item(5, None, ("localhost:8080/x", 1)),
            item(6, None, ("/a", 1)),
        ];
        assert_eq!(read(text).expect("a list"), expected);
    }

    #[test]
    fn blocks_have_headers_bodies_names_and_expectations() {
        let text = "\
# name: buy
POST  /orders
Content-Type: application/json
# not of the body
expect: 201,204
expect-body: @right.txt
  {
    \"a\": 1
  }
\t  tail

GET http://h/b
GET http://h/c
Expect: 100-continue
X:

PUT /f
@a file.bin

/plain
";
        let read = read(text).expect("a list");
        let buy = Item {
            name: Some("buy".into()),
            headers: vec![("Content-Type".into(), "application/json".into(), 3)],
            body: Some((Body::Text("{\n  \"a\": 1\n}\ntail".into()), 7)),
            expect_status: Some(("201,204".into(), 5)),
            expect_body: Some(("@right.txt".into(), 6)),
            ..item(2, Some("POST"), ("/orders", 7))
        };
        let headers = vec![("Expect".into(), "100-continue".into(), 14), ("X".into(), String::new(), 15)];
        let body = Some((Body::File("a file.bin".into()), 18));
        assert_eq!(read[0], buy);
        assert_eq!(read[1], item(12, Some("GET"), ("http://h/b", 5)));
        assert_eq!(read[2], Item { headers, ..item(13, Some("GET"), ("http://h/c", 5)) });
        assert_eq!(read[3], Item { body, ..item(17, Some("PUT"), ("/f", 5)) });
        assert_eq!(read[4..], [item(20, None, ("/plain", 1))]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, rule) in [
            ("/a\nno url here", 2, LINE),
            ("GET /a\nwhat", 2, LINE),
            ("  body", 1, "an indented line is the body of a request, METHOD URL above it"),
            ("/a\n  body", 2, "an indented line is the body of a request, METHOD URL above it"),
            ("POST /a\n@", 2, "@ has the name of a file behind it"),
            ("POST /a\n@f\n@g", 3, "a request has one body"),
            ("POST /a\n@f\n  x", 3, "a request has one body"),
            ("POST /a\n  x\nA: b", 3, "headers stand above the body"),
            ("POST /a\nexpect: 1\nexpect: 2", 3, "is there twice"),
            ("# name:\n/a", 1, "a name is not empty"),
            ("# name: a\n# name: b\n/a", 2, "a request has one name"),
            ("/a\n# name: b", 2, "a name stands above its request, and none follows"),
            ("GET", 1, "a method has a URL or path behind it"),
            ("# name: a]b", 1, "a name has no control characters and none of [ ] < >"),
            ("# name: a\u{1b}[31m", 1, "a name has no control characters and none of [ ] < >"),
        ] {
            let wrong = read(text).expect_err(text);
            assert_eq!((wrong.line, wrong.rule), (line, rule), "{text:?}");
        }
    }

    proptest! {
        /// Nothing makes it panic, and each request stands in the line it tells.
        #[test]
        fn any_text_is_read_or_refused(text in "([ \t#@:/A-Za-z]|GET /|name: |expect: |\r?\n){0,60}") {
            if let Ok(items) = read(&text) {
                let lines: Vec<&str> = text.lines().collect();
                for item in items {
                    prop_assert!(lines[item.line - 1].contains(&item.target.0));
                }
            }
        }
    }
}
