//! The bytes of a request, encoded and checked once before the run.

use std::fmt;
use std::sync::Arc;

use super::token;

/// Sent unless the user names another.
const USER_AGENT: &str = concat!("saturing/", env!("CARGO_PKG_VERSION"));

/// Bytes of a chunk at most, where a body is sent chunked.
const MAX_CHUNK: usize = 64 * 1024;

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
    /// Sent with its length, or chunked if `headers` have `Transfer-Encoding: chunked`, then also if it is empty. A
    /// `Content-Length` among them must be its length.
    pub body: &'a [u8],
}

/// A request ready to be sent, in two spellings. Clones share the bytes.
#[derive(Clone)]
pub struct Request {
    keep_alive: Arc<[u8]>,
    closing: Arc<[u8]>,
    head_only: bool,
    always_closes: bool,
}

impl Request {
    /// Checks and encodes a request.
    ///
    /// # Errors
    /// The first rule that `spec` breaks: see [`RequestError`].
    pub fn encode(spec: &RequestSpec<'_>) -> Result<Request, RequestError> {
        check(spec)?;
        let framing = Framing::of(spec)?;
        let fields = fields(spec);
        let keep_alive: Arc<[u8]> = write(spec, &fields, framing).into();
        let always_closes = asks_to_close(spec.headers);
        let closing = match always_closes {
            true => Arc::clone(&keep_alive),
            false => write(spec, &with_close(fields), framing).into(),
        };
        Ok(Request { keep_alive, closing, head_only: spec.method == "HEAD", always_closes })
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

    /// Whether the user's headers ask for the connection's end: then [`keep_alive`](Self::keep_alive) does too, and a
    /// connection carries one request, whatever the server makes of it (RFC 9112, 9.6).
    pub fn always_closes(&self) -> bool {
        self.always_closes
    }
}

/// Whether one of `headers` is `Connection` with `close` in its list.
pub fn asks_to_close(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, value)| same_name(name, "connection") && token::list_has(value.as_bytes(), "close"))
}

/// How the end of the request is told (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// By its head, as the user wrote it: there is no body, or its length stands there.
    AsWritten,
    /// By a length that is added.
    Length,
    /// By the last chunk.
    Chunked,
}

impl Framing {
    fn of(spec: &RequestSpec<'_>) -> Result<Framing, RequestError> {
        // An empty value only takes the default one away.
        let given = |wanted: &'static str| {
            let of_name = spec.headers.iter().filter(move |(name, _)| same_name(name, wanted));
            of_name.map(|(_, value)| value.trim()).filter(|value| !value.is_empty()).collect::<Vec<_>>()
        };
        let (codings, lengths) = (given("transfer-encoding"), given("content-length"));
        match (codings.as_slice(), lengths.as_slice()) {
            ([], []) => Framing::unless_removed(spec),
            ([], [length]) if is_length(length, spec.body.len()) => Ok(Framing::AsWritten),
            ([], _) => Err(RequestError::Length { body: spec.body.len(), given: lengths.join(", ") }),
            ([coding], []) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
            (_, []) => Err(RequestError::TransferEncoding(codings.join(", "))),
            (_, _) => Err(RequestError::LengthAndCoding(lengths.join(", "))),
        }
    }

    /// Nothing is said of it, but perhaps that no length be sent.
    fn unless_removed(spec: &RequestSpec<'_>) -> Result<Framing, RequestError> {
        let removed = spec.headers.iter().any(|(name, _)| same_name(name, "content-length"));
        let expected = !spec.body.is_empty() || matches!(spec.method, "POST" | "PUT" | "PATCH");
        match (removed, expected) {
            (true, _) if !spec.body.is_empty() => Err(RequestError::NoLength(spec.body.len())),
            (false, true) => Ok(Framing::Length),
            _ => Ok(Framing::AsWritten),
        }
    }
}

/// Whether `text` is this number of bytes; digits only, as `parse` would take a sign.
fn is_length(text: &str, bytes: usize) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse() == Ok(bytes)
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

fn write(spec: &RequestSpec<'_>, fields: &[(&str, &str)], framing: Framing) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\n", spec.method, spec.path);
    for (name, value) in fields {
        text.extend([name, ": ", value, "\r\n"]);
    }
    if framing == Framing::Length {
        text.push_str(&format!("Content-Length: {}\r\n", spec.body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    match framing {
        Framing::Chunked => write_chunked(spec.body, &mut bytes),
        Framing::AsWritten | Framing::Length => bytes.extend_from_slice(spec.body),
    }
    bytes
}

fn write_chunked(body: &[u8], bytes: &mut Vec<u8>) {
    for chunk in body.chunks(MAX_CHUNK) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
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
    /// `Content-Length` is not the length of the body.
    Length {
        /// Bytes of the body.
        body: usize,
        /// The value given, or all of them.
        given: String,
    },
    /// A body of so many bytes, and its length was taken away.
    NoLength(usize),
    /// `Transfer-Encoding` is something other than `chunked`, once.
    TransferEncoding(String),
    /// This `Content-Length` stands beside `Transfer-Encoding`.
    LengthAndCoding(String),
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
            RequestError::Length { body: 0, given } => {
                write!(f, "Content-Length is the length of the body, and there is none: leave it out; given: {given:?}")
            }
            RequestError::Length { body, given } => write!(
                f,
                "Content-Length is the length of the body, here {body}, and is sent without being asked for; \
                 given: {given:?}"
            ),
            RequestError::NoLength(body) => write!(
                f,
                "a body is sent with its Content-Length or with Transfer-Encoding: chunked; given: {body} bytes and an \
                 empty Content-Length"
            ),
            RequestError::TransferEncoding(given) => {
                write!(f, "Transfer-Encoding can only be chunked: no other coding is applied; given: {given:?}")
            }
            RequestError::LengthAndCoding(given) => write!(
                f,
                "a request has Content-Length or Transfer-Encoding, never both (RFC 9112, 6.2); given beside \
                 Transfer-Encoding: Content-Length {given:?}"
            ),
        }
    }
}

impl std::error::Error for RequestError {}

#[cfg(test)]
mod tests;
