//! The URL, taken apart and checked.

mod ascii;
mod faults;

use super::error::Error;
use crate::workload::placeholders;
use ::http::Uri;
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

const FORM: &str = "must be http(s)://HOST[:PORT][/PATH][?QUERY]";

/// Bytes of a URL, at most.
const MAX_BYTES: usize = 60_000;

/// An `http` or `https` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    tls: bool,
    host: String,
    port: u16,
    path: String,
}

impl Url {
    /// Takes `text` apart. A missing scheme means `http://`, a missing port 80 or, with `https`, 443, an empty path `/`; a fragment is dropped.
    /// Path and query stay as typed, but for what is not ASCII: that is percent-encoded as UTF-8, and of a host's name
    /// encoded by IDNA.
    ///
    /// # Errors
    /// Another scheme than http and https, a user name or password, a missing host, a port outside 1 to
    /// 65535, characters that must be percent-encoded, or anything else that is no URL.
    pub fn parse(text: &str) -> Result<Url, Error> {
        let bad = |rule: &str| Error::argument("URL", rule, text);
        if text.len() > MAX_BYTES {
            return Err(bad(&format!("must be at most {MAX_BYTES} bytes long")));
        }
        let whole = with_scheme(text)?;
        if let Some(host) = faults::behind_password(&whole) {
            let rule = "user and password are not taken; use -H 'Authorization: ...'";
            // The password stays out of terminals and logs.
            return Err(Error::argument("URL", rule, format!("...@{host}")));
        }
        let whole = whole.split('#').next().unwrap_or_default();
        let (before, after) = whole.split_at(whole.find("://").map_or(0, |at| at + 3));
        let (authority, path) = after.split_at(after.find(['/', '?']).unwrap_or(after.len()));
        if let Some(characters) = ascii::unencoded(authority) {
            return Err(bad(&format!("a host cannot hold {characters}")));
        }
        if let Some(rule) = faults::of_authority(whole) {
            return Err(bad(&rule));
        }
        if let Some(characters) = ascii::unencoded(path) {
            let cured = ascii::all_encoded(path);
            let has_placeholders = placeholders::find(path.as_bytes()).is_ok_and(|found| !found.is_empty());
            let or = if has_placeholders { "; or is it a placeholder? then add --placeholders" } else { "" };
            return Err(bad(&format!("{characters} must be percent-encoded, as in {before}{authority}{cured}{or}")));
        }
        let authority = ascii::authority(authority).ok_or_else(|| bad("the host is no valid name (IDNA)"))?;
        let whole = format!("{before}{authority}{}", ascii::path(path));
        let uri: Uri = whole.parse().map_err(|_| bad(FORM))?;
        let authority = uri.authority().ok_or_else(|| bad(FORM))?.as_str();
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| bad(FORM))?;
        if host.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad("must name a host before the port, as in localhost:8080"));
        }
        let tls = uri.scheme_str().is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        let port = match &authority[host.len()..] {
            "" => default_port(tls),
            given => {
                given[1..].parse().ok().filter(|port| *port != 0).ok_or_else(|| bad("the port must be 1 to 65535"))?
            }
        };
        let path = match uri.path_and_query().map_or("/", |path| path.as_str()) {
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        };
        Ok(Url { tls, host: host.to_owned(), port, path })
    }

    /// The same for a text whose path may have placeholders, which stay in it as they are.
    ///
    /// # Errors
    /// As [`Url::parse`], or a placeholder is wrong.
    pub fn parse_with_placeholders(text: &str) -> Result<Url, Error> {
        let wrong = |wrong: placeholders::Wrong| Error::argument("URL", wrong.to_string(), &wrong.given);
        let found = placeholders::find(text.as_bytes()).map_err(wrong)?;
        if found.is_empty() {
            return Url::parse(text);
        }
        // Braces as they may stand in a URL, and back.
        let encoded = |typed: &str| format!("%7B{}%7D", &typed[1..typed.len() - 1]);
        let (mut whole, mut end) = (String::new(), 0);
        for one in &found {
            whole += &text[end..one.range.start];
            whole += &encoded(&text[one.range.clone()]);
            end = one.range.end;
        }
        let url = Url::parse(&(whole + &text[end..]))?;
        let (mut path, mut rest) = (String::new(), url.path.as_str());
        for typed in found.iter().map(|one| &text[one.range.clone()]) {
            // None of them is in a fragment, which is dropped.
            if let Some((before, behind)) = rest.split_once(&encoded(typed)) {
                path += before;
                path += typed;
                rest = behind;
            }
        }
        path += rest;
        Ok(Url { path, ..url })
    }

    /// What the `Host` header says: the host, and the port unless it is the scheme's own.
    pub fn authority(&self) -> String {
        match self.port {
            port if port == default_port(self.tls) => self.host.clone(),
            port => format!("{}:{port}", self.host),
        }
    }

    /// Scheme, host and port: what all requests of a run have in common.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }

    /// Whether its scheme is https.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host's name or address, the latter in brackets if it is of IPv6.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Path and query, in ASCII.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Every address of the host, once each, in the resolver's order.
    ///
    /// # Errors
    /// The host cannot be resolved, or has no address.
    pub fn resolve(&self) -> Result<Vec<SocketAddr>, Error> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let failed = |cause: &dyn fmt::Display| Error::Start(format!("cannot resolve host {host}: {cause}"));
        let found = (host, self.port).to_socket_addrs().map_err(|cause| failed(&cause))?;
        let mut addresses = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(failed(&"it has no address"));
        }
        Ok(addresses)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

/// The URL of the root of an HTTP server that listens at `address`.
impl From<SocketAddr> for Url {
    fn from(address: SocketAddr) -> Url {
        let host = match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Url { tls: false, host, port: address.port(), path: "/".to_owned() }
    }
}

/// `text` with `http://` before it unless it has that already.
/// The port of a URL that names none.
fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

fn with_scheme(text: &str) -> Result<String, Error> {
    let bad = |rule: &str| Error::argument("URL", rule, text);
    if let Some(rule) = faults::of_scheme(text) {
        let given = text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, behind)| format!("...@{behind}"));
        return Err(Error::argument("URL", rule, given));
    }
    match text.split_once("://") {
        // A "://" behind the first of these belongs to a path or a query.
        Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => Ok(text.to_owned()),
        _ if text.is_empty() => Err(bad(FORM)),
        _ => Ok(format!("http://{text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_that_is_none_without_its_option_is_told() {
        let told = |text| Url::parse(text).expect_err("braces").to_string();
        let cure = "; or is it a placeholder? then add --placeholders, got ";
        assert!(told("h/{RAND:1:9}").contains(cure), "{}", told("h/{RAND:1:9}"));
        assert!(!told("h/{id}").contains(cure), "{}", told("h/{id}"));
    }

    #[test]
    fn placeholders_stay_in_the_path() {
        for (text, path) in [
            ("http://h/a?b={RAND:1:9}&c={UUID}", "/a?b={RAND:1:9}&c={UUID}"),
            ("h/{SEQ:01}/\u{e9}/{SEQ:01}#{UUID}", "/{SEQ:01}/%C3%A9/{SEQ:01}"),
            ("h/x", "/x"),
        ] {
            assert_eq!(Url::parse_with_placeholders(text).expect(text).path(), path, "{text}");
        }
        for text in ["http://h{UUID}/", "h/{RAND:1}", "h/{a}", "h/{RAND:1:2}/{a}"] {
            Url::parse_with_placeholders(text).expect_err(text);
        }
    }

    #[test]
    fn what_is_taken() {
        for (text, authority, path) in [
            ("http://127.0.0.1:8080/index.html", "127.0.0.1:8080", "/index.html"),
            ("localhost", "localhost", "/"),
            ("localhost:8080", "localhost:8080", "/"),
            ("localhost:8080/a", "localhost:8080", "/a"),
            ("localhost:80/a", "localhost", "/a"),
            ("HTTP://Example.com", "Example.com", "/"),
            ("http://h?x=1", "h", "/?x=1"),
            ("http://h/?x=1&y=%20#frag", "h", "/?x=1&y=%20"),
            ("http://h#frag", "h", "/"),
            ("h/a//b/../c?u=http://x/y", "h", "/a//b/../c?u=http://x/y"),
            ("[::1]:8080", "[::1]:8080", "/"),
            ("http://[::1]/x", "[::1]", "/x"),
            ("http:8080/x", "http:8080", "/x"),
            ("unix:80", "unix", "/"),
            ("h/a:b://c", "h", "/a:b://c"),
            ("h/caf\u{e9}?q=\u{fc}%20&a[]=1#\u{e9} {x}", "h", "/caf%C3%A9?q=%C3%BC%20&a[]=1"),
            ("h/\u{4f60}\u{597d}/\u{1f600}", "h", "/%E4%BD%A0%E5%A5%BD/%F0%9F%98%80"),
            ("http://B\u{fc}cher.example:8080/x", "xn--bcher-kva.example:8080", "/x"),
            ("fa\u{df}.de", "xn--fa-hia.de", "/"),
            ("\u{4f8b}\u{3048}\u{3002}jp?x", "xn--r8jz45g.jp", "/?x"),
            ("\u{ff45}\u{ff58}.com", "ex.com", "/"),
            ("under_score.example", "under_score.example", "/"),
        ] {
            let url = Url::parse(text).expect(text);
            assert_eq!((url.authority().as_str(), url.path()), (authority, path), "{text}");
            assert_eq!(url.to_string(), format!("http://{authority}{path}"));
            assert!(url.to_string().is_ascii());
            assert_eq!(Url::parse(&url.to_string()), Ok(url), "{text}: same when parsed again");
        }
    }

    #[test]
    fn what_is_refused() {
        for (text, message) in [
            ("", "URL: must be http(s)://HOST[:PORT][/PATH][?QUERY], got \"\""),
            ("http://", "URL: must be http(s)://HOST[:PORT][/PATH][?QUERY], got http://"),
            ("/index.html", "URL: must name a host before the path, as in localhost/index.html, got /index.html"),
            ("http:///x", "URL: must name a host before the path, as in localhost/index.html, got http:///x"),
            (":80", "URL: must name a host before the port, as in localhost:8080, got :80"),
            ("http://:80/", "URL: must name a host before the port, as in localhost:8080, got http://:80/"),
            ("::1", "URL: an IPv6 address takes brackets, as in [::1]:8080, got ::1"),
            ("http://::1/", "URL: an IPv6 address takes brackets, as in [::1]:8080, got http://::1/"),
            ("fe80::2/x", "URL: an IPv6 address takes brackets, as in [fe80::2]:8080, got fe80::2/x"),
            (
                "http://[fe80::1%25eth0]/",
                "URL: an address with a zone (%eth0) is not taken, got http://[fe80::1%25eth0]/",
            ),
            ("[127.0.0.1]:80", "URL: brackets are for IPv6 addresses, as in [::1]:8080, got [127.0.0.1]:80"),
            (
                "h:80:81",
                "URL: must have one port at most, as in localhost:8080, and an IPv6 address brackets, as in [::1]:8080, got h:80:81",
            ),
            ("https:/h", "URL: the scheme ends in ://, as in http://HOST, got https:/h"),
            ("ftp://h/x", "URL: the scheme must be http or https, got ftp://h/x"),
            ("htp://h", "URL: the scheme must be http or https, and htp is none (did you mean http://?), got htp://h"),
            ("ws://h", "URL: WebSocket (ws) is not supported yet, only http and https, got ws://h"),
            ("grpc://h", "URL: gRPC is not supported yet, only http and https, got grpc://h"),
            (
                "unix:",
                "URL: a unix socket is --unix-socket PATH, and the URL says what is asked for, as in http://localhost/, got unix:",
            ),
            (
                "unix:///run/x.sock",
                "URL: a unix socket is --unix-socket PATH, and the URL says what is asked for, as in http://localhost/, got unix:///run/x.sock",
            ),
            (
                "unix:/run/x.sock",
                "URL: a unix socket is --unix-socket PATH, and the URL says what is asked for, as in http://localhost/, got unix:/run/x.sock",
            ),
            ("http:h", "URL: the scheme ends in ://, as in http://HOST, got http:h"),
            ("http:", "URL: the scheme ends in ://, as in http://HOST, got http:"),
            ("htp:/h", "URL: the scheme ends in ://, as in http://HOST, got htp:/h"),
            ("http://h/a b", "URL: a space must be percent-encoded, as in http://h/a%20b, got \"http://h/a b\""),
            ("h/a\nb", "URL: a control character must be percent-encoded, as in http://h/a%0Ab, got \"h/a\\nb\""),
            (
                "http://h/user/{id}?x={{y}}",
                "URL: { and } must be percent-encoded, as in http://h/user/%7Bid%7D?x=%7B%7By%7D%7D, got http://h/user/{id}?x={{y}}",
            ),
            (
                "h/\u{e9}<>\"^`|\\",
                "URL: < and > and \" and ^ and ` and | and \\ must be percent-encoded, \
                 as in http://h/%C3%A9%3C%3E%22%5E%60%7C%5C, got h/\u{e9}<>\"^`|\\",
            ),
            ("h?a|b", "URL: | must be percent-encoded, as in http://h?a%7Cb, got h?a|b"),
            ("http://{host}/x", "URL: a host cannot hold { and }, got http://{host}/x"),
            ("http://h h/x", "URL: a host cannot hold a space, got \"http://h h/x\""),
            (
                "http://\u{e9}/x y",
                "URL: a space must be percent-encoded, as in http://\u{e9}/x%20y, got \"http://\u{e9}/x y\"",
            ),
            (
                "http://\u{e9}..\u{200b}\u{ad}a-\u{378}/",
                "URL: the host is no valid name (IDNA), got http://\u{e9}..\u{200b}\u{ad}a-\u{378}/",
            ),
            ("http://h\u{ff0f}\u{e9}/", "URL: the host is no valid name (IDNA), got http://h\u{ff0f}\u{e9}/"),
            ("http://me:secret@h/x", "URL: user and password are not taken; use -H 'Authorization: ...', got ...@h"),
            ("me@h", "URL: user and password are not taken; use -H 'Authorization: ...', got ...@h"),
            (
                "http://me:secret@h:1:2/",
                "URL: user and password are not taken; use -H 'Authorization: ...', got ...@h:1:2",
            ),
            ("http://me:se[cret@h/x@y", "URL: user and password are not taken; use -H 'Authorization: ...', got ...@h"),
            (
                "htp://me:secret@h",
                "URL: the scheme must be http or https, and htp is none (did you mean http://?), got ...@h",
            ),
            ("h:0", "URL: the port must be 1 to 65535, got h:0"),
            ("h:65536", "URL: the port must be 1 to 65535, got h:65536"),
            ("h:x", "URL: the port must be 1 to 65535, got h:x"),
            ("localhost:99999", "URL: the port must be 1 to 65535, got localhost:99999"),
            ("http:/h", "URL: the scheme ends in ://, as in http://HOST, got http:/h"),
            ("8080", "URL: must name a host before the port, as in localhost:8080, got 8080"),
            (
                &format!("h/{}", "x".repeat(70_000)),
                &format!("URL: must be at most 60000 bytes long, got h/{}... (70002 bytes)", "x".repeat(298)),
            ),
        ] {
            assert_eq!(Url::parse(text).expect_err(text).to_string(), message, "{text}");
        }
    }

    #[test]
    fn resolves_literals_and_names_the_host_that_fails() {
        for (text, address) in [("127.0.0.1:81", "127.0.0.1:81"), ("[::1]", "[::1]:80")] {
            let found = Url::parse(text).expect(text).resolve().expect(text);
            assert_eq!(found, [address.parse::<SocketAddr>().expect(address)]);
            assert_eq!(Url::from(found[0]), Url::parse(text).expect(text));
        }
        let error = Url::parse("a..b").expect("a URL").resolve().expect_err("no host");
        assert!(!error.is_usage());
        assert!(error.to_string().starts_with("cannot resolve host a..b: "), "{error}");
    }
}
