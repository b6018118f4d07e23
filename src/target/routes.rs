//! What the built-in server answers, where a file says so: by method and path.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::plan::units;

/// Routes of a file, at most.
const MAX_ROUTES: usize = 1000;
/// Bytes of a file, and of all bodies together, at most.
const MAX_FILE: u64 = 16 << 20;
const MAX_BODIES: usize = 64 << 20;

/// All routes, the first that fits being the one. What fits none is answered with 404.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes {
    routes: Vec<Route>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method; `None`: any.
    pub method: Option<String>,
    /// The path, of which `*` is any segment, or as its last any number of them, at least one.
    pub path: String,
    /// The status of its answers.
    pub status: u16,
    /// Names and values beside the usual ones.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Arc<[u8]>,
    /// An answer leaves so long after its request came.
    pub delay: Duration,
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    route: Vec<Typed>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    method: Option<String>,
    path: String,
    status: Option<u16>,
    body: Option<String>,
    body_file: Option<String>,
    body_bytes: Option<usize>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    delay: Option<String>,
}

/// What the reader of TOML says, in the words of the file: a type of the program's own is nothing to its user.
fn plain(message: &str) -> String {
    let words = message.replace('\n', " ");
    if words.contains("missing field `route`") {
        return "there is no [[route]]".to_owned();
    }
    if words.contains("expected a sequence") {
        return "a route begins with [[route]], in two brackets".to_owned();
    }
    let of = [
        ("expected u16", "expected a status, 200 to 999"),
        ("expected usize", "expected a number of bytes"),
        ("expected a string", "expected a text in quotes"),
        ("expected a map", "expected a table, as in { Content-Type = \"text/plain\" }"),
        ("invalid type: ", "got "),
        ("invalid value: ", "got "),
    ];
    of.into_iter().fold(words, |words, (theirs, ours)| words.replace(theirs, ours))
}

impl Routes {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no such file, or a route breaks a rule: what is wrong, on one line.
    pub fn read(file: &Path) -> Result<Routes, String> {
        let unreadable = |cause: std::io::Error| format!("cannot be read ({cause})");
        let length = std::fs::metadata(file).map_err(unreadable)?.len();
        if length > MAX_FILE {
            return Err("must be at most 16 MiB".to_owned());
        }
        Routes::parse(&std::fs::read_to_string(file).map_err(unreadable)?)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// As [`Routes::read`].
    pub fn parse(text: &str) -> Result<Routes, String> {
        let typed: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            format!("line {line}: {}", plain(error.message()))
        })?;
        if typed.route.is_empty() || typed.route.len() > MAX_ROUTES {
            return Err(format!("must have 1 to {MAX_ROUTES} routes, has {}", typed.route.len()));
        }
        let named = |(index, route): (usize, Typed)| {
            let path = route.path.clone();
            Route::of(route).map_err(|rule| format!("route {} ({path}): {rule}", index + 1))
        };
        let routes: Vec<Route> = typed.route.into_iter().enumerate().map(named).collect::<Result<_, _>>()?;
        let bodies: usize = routes.iter().map(|route| route.body.len()).sum();
        if bodies > MAX_BODIES {
            return Err(format!("all bodies together must be at most 64 MiB, are {bodies} bytes"));
        }
        Ok(Routes { routes })
    }

    /// All, in order.
    pub fn all(&self) -> &[Route] {
        &self.routes
    }

    /// The number of the first route that fits; that of none is how many there are.
    pub(super) fn find(&self, method: &str, target: &str) -> u16 {
        // A client of a proxy sends the whole URL; the query is no part of the path.
        let behind_host =
            |rest: &str| rest.find('/').map_or("/", |at| &target[target.len() - rest.len() + at..]).to_owned();
        let path = target.split_once("://").map_or_else(|| target.to_owned(), |(_, rest)| behind_host(rest));
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let fits = |route: &Route| {
            // Who answers GET answers HEAD.
            let method_fits = |own: &String| own == method || (method == "HEAD" && own == "GET");
            route.method.as_ref().is_none_or(method_fits) && matches(&route.path, path)
        };
        self.routes.iter().position(fits).unwrap_or(self.routes.len()) as u16
    }
}

impl Route {
    fn of(typed: Typed) -> Result<Route, String> {
        let Typed { method, path, status, body, body_file, body_bytes, headers, delay } = typed;
        if !path.starts_with('/') || path.contains(['?', '#']) || path.contains(char::is_whitespace) {
            return Err("path must begin with / and have no query and no spaces".to_owned());
        }
        if path.split('/').any(|segment| segment.contains('*') && segment != "*") {
            return Err("* must be a whole segment, as in /items/*".to_owned());
        }
        let is_token =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        if method.as_deref().is_some_and(|method| method.is_empty() || !is_token(method)) {
            return Err("method must be a name such as GET".to_owned());
        }
        let status = status.unwrap_or(200);
        if !(200..=999).contains(&status) {
            return Err(format!("status must be 200 to 999, is {status}"));
        }
        for (name, value) in &headers {
            if name.is_empty() || !is_token(name) || value.contains(['\r', '\n', '\0']) {
                return Err(format!("header {name:?} must be a name and a value on one line"));
            }
            if ["content-length", "transfer-encoding", "connection", "date"]
                .contains(&name.to_ascii_lowercase().as_str())
            {
                return Err(format!("header {name} is the server's own"));
            }
        }
        let body: Vec<u8> = match (body, body_file, body_bytes) {
            (None, None, None) => Vec::new(),
            (Some(text), None, None) => text.into_bytes(),
            (None, Some(file), None) => {
                std::fs::read(&file).map_err(|cause| format!("body_file {file} cannot be read ({cause})"))?
            }
            (None, None, Some(bytes)) if bytes <= MAX_BODIES => vec![b'x'; bytes],
            (None, None, Some(bytes)) => return Err(format!("body_bytes must be at most 64 MiB, is {bytes}")),
            _ => return Err("has one of body, body_file and body_bytes at most".to_owned()),
        };
        if !body.is_empty() && matches!(status, 204 | 304) {
            return Err(format!("an answer of status {status} has no body"));
        }
        let delay = delay.as_deref().map_or(Ok(Duration::ZERO), |text| units::duration("delay", text));
        Ok(Route {
            method,
            path,
            status,
            headers: headers.into_iter().collect(),
            body: body.into(),
            delay: delay.map_err(|error| error.to_string())?,
        })
    }

    /// As it stands in the table of what was served.
    pub fn name(&self) -> String {
        format!("{} {}", self.method.as_deref().unwrap_or("any"), self.path)
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("*"), Some(segment)) if wanted.clone().next().is_none() => {
                return !segment.is_empty() || given.next().is_some();
            }
            (Some("*"), Some(segment)) if !segment.is_empty() => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_route_that_fits_is_taken() {
        let text = r#"
            [[route]]
            method = "GET"
            path = "/"
            [[route]]
            method = "POST"
            path = "/items/*"
            [[route]]
            path = "/items/*/tags"
            [[route]]
            path = "/files/*"
        "#;
        let routes = Routes::parse(text).expect("routes");
        for (method, path, index) in [
            ("GET", "/", 0),
            ("GET", "/?a=b", 0),
            ("HEAD", "/", 0),
            ("POST", "/", 4),
            ("GET", "http://h:80/?x", 0),
            ("GET", "http://h", 0),
            ("POST", "/items/1", 1),
            ("POST", "/items/1/tags", 1),
            ("GET", "/items/1/tags", 2),
            ("GET", "/items//tags", 4),
            ("GET", "/items/1/tags/2", 4),
            ("GET", "/files/a/b/c", 3),
            ("GET", "/files/", 4),
            ("GET", "/files", 4),
            ("GET", "*", 4),
            ("GET", "", 4),
        ] {
            assert_eq!(routes.find(method, path), index, "{method} {path}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_route() {
        for (text, message) in [
            ("", "line 1: there is no [[route]]"),
            ("[route]\npath = \"/\"", "line 1: a route begins with [[route]], in two brackets"),
            ("[[route]]\npath = \"/\"\nstatus = \"x\"", "line 3: got string \"x\", expected a status, 200 to 999"),
            ("route = []", "must have 1 to 1000 routes, has 0"),
            ("[[route]]\npath = \"/\"\nstat = 1", "line 3: unknown field `stat`"),
            ("[[route]]\npath = 3", "line 2: got integer `3`, expected a text in quotes"),
            ("[[route]]\npath = \"a\"", "route 1 (a): path must begin with /"),
            ("[[route]]\npath = \"/a*\"", "route 1 (/a*): * must be a whole segment"),
            (
                "[[route]]\npath = \"/\"\n[[route]]\npath = \"/\"\nstatus = 100",
                "route 2 (/): status must be 200 to 999, is 100",
            ),
            ("[[route]]\npath = \"/\"\nmethod = \"G T\"", "route 1 (/): method must be a name"),
            ("[[route]]\npath = \"/\"\nbody = \"x\"\nbody_bytes = 1", "route 1 (/): has one of body"),
            ("[[route]]\npath = \"/\"\nbody_file = \"/no/such\"", "route 1 (/): body_file /no/such cannot be read"),
            ("[[route]]\npath = \"/\"\nbody_bytes = 99999999", "route 1 (/): body_bytes must be at most 64 MiB"),
            ("[[route]]\npath = \"/\"\nstatus = 204\nbody = \"x\"", "route 1 (/): an answer of status 204 has no body"),
            ("[[route]]\npath = \"/\"\ndelay = \"5\\n\"", "route 1 (/): delay: must be a duration"),
            ("[[route]]\npath = \"/\"\nheaders = { Date = \"x\" }", "route 1 (/): header Date is the server's own"),
        ] {
            let error = Routes::parse(text).expect_err(text);
            assert!(error.starts_with(message) && !error.contains('\n'), "{text:?}: {error}");
        }
    }
}
