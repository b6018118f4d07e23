//! The bytes of a request, encoded and checked once before the run.

use std::fmt;
use std::sync::Arc;

use super::token;

/// Sent unless the user names another.
const USER_AGENT: &str = concat!("saturing/", env!("CARGO_PKG_VERSION"));

/// What to ask of the server.
#[derive(Clone, Copy, Debug)]
pub struct RequestSpec<'a> {
    /// A token such as `GET`; anything but `CONNECT`.
    pub method: &'a str,
    /// The value of `Host`: a host name or address, with the port if it is not the default one.
    pub authority: &'a str,
    /// Path and query, beginning with `/`; for `OPTIONS` also `*`.
    pub path: &'a str,
    /// Names and values in the order given. They replace default headers of the same name in any case; an empty
    /// value only removes the default one, as with curl's `-H 'User-Agent:'`.
    pub headers: &'a [(String, String)],
    /// Sent as it is. Its length is announced unless `headers` speak of `Content-Length` or `Transfer-Encoding`.
    pub body: &'a [u8],
}

/// A request ready to be sent, in two spellings. Clones share the bytes.
#[derive(Clone)]
pub struct Request {
    keep_alive: Arc<[u8]>,
    closing: Arc<[u8]>,
    head_only: bool,
}

impl Request {
    /// Checks and encodes a request.
    ///
    /// # Errors
    /// The first rule that `spec` breaks: see [`RequestError`].
    pub fn encode(spec: &RequestSpec<'_>) -> Result<Request, RequestError> {
        check(spec)?;
        let fields = fields(spec);
        let closes = |(name, value): &(&str, &str)| {
            name.eq_ignore_ascii_case("connection") && token::list_has(value.as_bytes(), "close")
        };
        let keep_alive: Arc<[u8]> = write(spec, &fields).into();
        let closing =
            if fields.iter().any(closes) { Arc::clone(&keep_alive) } else { write(spec, &with_close(fields)).into() };
        Ok(Request { keep_alive, closing, head_only: spec.method == "HEAD" })
    }

    /// The request as it is sent on a connection that shall live on.
    pub fn keep_alive(&self) -> &[u8] {
        &self.keep_alive
    }

    /// The same request with `Connection: close`.
    pub fn closing(&self) -> &[u8] {
        &self.closing
    }

    /// Whether the method is `HEAD`: its answers have no body whatever their heads say.
    pub fn head_only(&self) -> bool {
        self.head_only
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("keep_alive", &String::from_utf8_lossy(&self.keep_alive))
            .field("head_only", &self.head_only)
            .finish_non_exhaustive()
    }
}

fn check(spec: &RequestSpec<'_>) -> Result<(), RequestError> {
    let spaced = |text: &str| text.bytes().any(|byte| byte <= b' ' || byte == 0x7f);
    if !token::is_token(spec.method) {
        return Err(RequestError::Method(spec.method.to_owned()));
    }
    if spec.method.eq_ignore_ascii_case("CONNECT") {
        return Err(RequestError::Connect);
    }
    if spec.authority.is_empty() || spaced(spec.authority) {
        return Err(RequestError::Authority(spec.authority.to_owned()));
    }
    let asterisk = spec.path == "*" && spec.method == "OPTIONS";
    if !(spec.path.starts_with('/') || asterisk) || spaced(spec.path) {
        return Err(RequestError::Path(spec.path.to_owned()));
    }
    for (name, value) in spec.headers {
        if !token::is_token(name) {
            return Err(RequestError::HeaderName(name.clone()));
        }
        if value.contains(['\r', '\n', '\0']) {
            return Err(RequestError::HeaderValue { name: name.clone(), value: value.clone() });
        }
    }
    Ok(())
}

/// All header fields but `Content-Length`: the defaults, each in its place unless replaced or removed, then the user's.
fn fields<'a>(spec: &RequestSpec<'a>) -> Vec<(&'a str, &'a str)> {
    let defaults = [("Host", spec.authority), ("User-Agent", USER_AGENT)];
    let user = spec.headers.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    let mut fields = Vec::with_capacity(defaults.len() + spec.headers.len());
    for default in defaults {
        let before = fields.len();
        fields.extend(user.clone().filter(|(n, _)| same_name(n, default.0)));
        if fields.len() == before {
            fields.push(default);
        }
    }
    fields.extend(user.filter(|(name, _)| !defaults.iter().any(|(n, _)| same_name(n, name))));
    fields.retain(|(_, value)| !value.trim().is_empty());
    fields
}

/// Adds `Connection: close`, and drops what would contradict it.
fn with_close<'a>(mut fields: Vec<(&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    fields.retain(|(name, value)| !(same_name(name, "connection") && value.trim().eq_ignore_ascii_case("keep-alive")));
    fields.push(("Connection", "close"));
    fields
}

fn write(spec: &RequestSpec<'_>, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\n", spec.method, spec.path);
    for (name, value) in fields {
        text.extend([name, ": ", value, "\r\n"]);
    }
    if announces_length(spec) {
        text.push_str(&format!("Content-Length: {}\r\n", spec.body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(spec.body);
    bytes
}

fn announces_length(spec: &RequestSpec<'_>) -> bool {
    let expected = !spec.body.is_empty() || matches!(spec.method, "POST" | "PUT" | "PATCH");
    let framed_by_user =
        spec.headers.iter().any(|(name, _)| same_name(name, "content-length") || same_name(name, "transfer-encoding"));
    expected && !framed_by_user
}

fn same_name(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// A rule of HTTP that the wanted request breaks, with what was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The method is not a token.
    Method(String),
    /// The method is `CONNECT`: what follows its answer would not be HTTP.
    Connect,
    /// The value of `Host` is empty, or has spaces or control characters.
    Authority(String),
    /// The path does not begin with `/`, or has spaces or control characters.
    Path(String),
    /// A header name is not a token.
    HeaderName(String),
    /// A header value has a line break or a NUL in it.
    HeaderValue {
        /// The header it was given for.
        name: String,
        /// The value given.
        value: String,
    },
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::Method(given) => {
                write!(f, "a method is letters, digits and !#$%&'*+-.^_`|~ only, such as GET; given: {given:?}")
            }
            RequestError::Connect => f.write_str("CONNECT opens a tunnel, which is no load that can be measured here"),
            RequestError::Authority(given) => {
                write!(f, "a host has no spaces or control characters and is not empty; given: {given:?}")
            }
            RequestError::Path(given) => write!(
                f,
                "a path begins with / (OPTIONS also takes *) and has no spaces or control characters \
                 (write %20 for a space); given: {given:?}"
            ),
            RequestError::HeaderName(given) => {
                write!(f, "a header name is letters, digits and !#$%&'*+-.^_`|~ only; given: {given:?}")
            }
            RequestError::HeaderValue { name, value } => {
                write!(f, "a header value has no line break or NUL in it; given for {name}: {value:?}")
            }
        }
    }
}

impl std::error::Error for RequestError {}

#[cfg(test)]
mod tests;
