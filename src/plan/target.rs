//! Where the load goes: addresses, source addresses, and what is sent there.

use super::error::Error;
use super::requests::RequestsSpec;
use super::tls::{self, TlsOptions};
use super::url::Url;
use crate::engine::{Endpoint, Endpoints};
use crate::protocol::h1::request::asks_to_close;
use crate::protocol::tls::TlsSetup;
use crate::workload::{Kind, RequestSet};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The server under load and the request it gets.
#[derive(Debug, Clone)]
pub struct Target {
    /// The URL with scheme, port and path filled in.
    pub url: String,
    /// The request's method.
    pub method: String,
    /// The unix socket that connections go to, in place of the addresses.
    pub unix_socket: Option<PathBuf>,
    /// The addresses connections go to in turn; at least one, no two the same. None with a unix socket.
    pub addresses: Vec<SocketAddr>,
    /// The addresses connections come from in turn; empty: the kernel's choice.
    pub sources: Vec<IpAddr>,
    /// Connections speak TLS, set up so.
    pub tls: Option<TlsSetup>,
    /// Everything the run sends, encoded once.
    pub requests: Arc<RequestSet>,
    /// Whether an address of the target is this host's own.
    pub local: bool,
}

/// What a [`Target`] is made from.
#[derive(Debug, Clone, Copy)]
pub struct TargetSpec<'a> {
    /// The URLs as typed, at least one.
    pub urls: &'a [String],
    /// What is sent there.
    pub requests: &'a RequestsSpec,
    /// A unix socket to connect to: then the host is not resolved.
    pub unix_socket: Option<&'a Path>,
    /// Addresses to connect from; empty: the kernel's choice.
    pub sources: &'a [IpAddr],
    /// What is asked of TLS, where the URL is https.
    pub tls: &'a TlsOptions,
}

impl Target {
    /// Encodes the request and resolves the host, once for the whole run. What is left out of
    /// the addresses is said in `notes`.
    ///
    /// # Errors
    /// The URL, a part of the request or a source address breaks a rule, the host cannot be
    /// resolved, or no source address can reach any of its addresses.
    pub fn resolve(spec: &TargetSpec<'_>, notes: &mut Vec<String>) -> Result<Target, Error> {
        let parse = if spec.requests.placeholders { Url::parse_with_placeholders } else { Url::parse };
        let urls: Vec<Url> = spec.urls.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
        let requests = spec.requests.encode(&urls, notes)?;
        let url = &urls[0];
        notes.extend(other_method(&spec.requests.method));
        if asks_to_close(&spec.requests.headers) {
            notes.push("the headers ask for Connection: close: a new connection for each request".to_owned());
        }
        for source in spec.sources {
            check_source(*source)?;
        }
        let (addresses, sources) = match spec.unix_socket {
            Some(path) => {
                check_unix_socket(path)?;
                (Vec::new(), Vec::new())
            }
            None => same_family(url.resolve()?, spec.sources, notes)?,
        };
        Ok(Target {
            url: url.to_string(),
            unix_socket: spec.unix_socket.map(Path::to_owned),
            method: common(&requests.kinds, |kind| &kind.method),
            local: spec.unix_socket.is_some() || addresses.iter().any(|address| is_own(address.ip())),
            addresses,
            sources,
            tls: url.is_tls().then(|| tls::setup(spec.tls, url.host())).transpose()?,
            requests: Arc::new(requests),
        })
    }
}

impl Target {
    /// What connections go to, in turn.
    pub fn endpoints(&self) -> Endpoints {
        let remotes = match &self.unix_socket {
            Some(path) => vec![Endpoint::Unix(path.clone())],
            None => self.addresses.iter().map(|address| Endpoint::Tcp(*address)).collect(),
        };
        Endpoints { remotes, sources: self.sources.clone(), resets: false }
    }
}

/// Bytes of a unix socket's path, at most (unix(7)).
const MAX_UNIX_PATH: usize = 107;

fn check_unix_socket(path: &Path) -> Result<(), Error> {
    let bad = |rule: String| Err(Error::argument("--unix-socket", rule, path.display()));
    let length = path.as_os_str().len();
    if length > MAX_UNIX_PATH {
        return bad(format!("must be a path of at most {MAX_UNIX_PATH} bytes, has {length}"));
    }
    match std::fs::metadata(path) {
        Err(cause) => return bad(format!("must be a unix socket that a server listens on ({cause})")),
        Ok(found) if !found.file_type().is_socket() => {
            return bad("must be a unix socket, and is another kind of file".to_owned());
        }
        Ok(_) => {}
    }
    match nix::unistd::access(path, nix::unistd::AccessFlags::W_OK) {
        Err(cause) => bad(format!("must be a unix socket that this user may write to ({})", cause.desc())),
        Ok(()) => Ok(()),
    }
}

/// What all kinds have in common; empty if they differ.
fn common(kinds: &[Kind], of: impl Fn(&Kind) -> &String) -> String {
    let first = kinds.first().map(&of).cloned().unwrap_or_default();
    if kinds.iter().all(|kind| *of(kind) == first) { first } else { String::new() }
}

/// Methods that servers know (RFC 9110, 9.3, and those registered since).
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"];

/// A word about a method that is not the one it looks like (RFC 9110, 9.1).
fn other_method(typed: &str) -> Option<String> {
    let known = typed.to_ascii_uppercase();
    (known != typed && METHODS.contains(&known.as_str())).then(|| {
        format!(
            "the server gets the method {typed} as typed: methods are case-sensitive, so it is not {known} (-m {known})"
        )
    })
}

/// Whether `ip` is an address of this host. Binding asks the kernel's routing table; nothing is
/// sent.
fn is_own(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

fn check_source(source: IpAddr) -> Result<(), Error> {
    let bad = |rule: String| Err(Error::argument("--source-address", rule, source));
    if source.is_unspecified() {
        return bad("must be one address of this host".to_owned());
    }
    match UdpSocket::bind((source, 0)) {
        Ok(_) => Ok(()),
        Err(cause) => bad(format!("must be an address of this host ({cause})")),
    }
}

/// Keeps the addresses and sources whose family is on both sides: an IPv4 socket cannot connect
/// to an IPv6 address.
fn same_family(
    addresses: Vec<SocketAddr>,
    sources: &[IpAddr],
    notes: &mut Vec<String>,
) -> Result<(Vec<SocketAddr>, Vec<IpAddr>), Error> {
    if sources.is_empty() {
        return Ok((addresses, Vec::new()));
    }
    let (reached, unreached): (Vec<SocketAddr>, Vec<_>) =
        addresses.iter().partition(|address| sources.iter().any(|source| source.is_ipv4() == address.is_ipv4()));
    let (used, unused): (Vec<IpAddr>, Vec<_>) =
        sources.iter().partition(|source| addresses.iter().any(|address| source.is_ipv4() == address.is_ipv4()));
    if reached.is_empty() {
        let rule = format!("one must be {} like the target's addresses", family(addresses[0].ip()));
        let given: Vec<_> = sources.iter().map(IpAddr::to_string).collect();
        return Err(Error::argument("--source-address", rule, given.join(",")));
    }
    for ip in unreached.iter().map(SocketAddr::ip) {
        notes.push(format!("target address {ip} is not used: no source address is {}", family(ip)));
    }
    for ip in unused {
        notes.push(format!("source address {ip} is not used: no target address is {}", family(ip)));
    }
    Ok((reached, used))
}

fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "IPv4" } else { "IPv6" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|ip| ip.parse().expect("an address")).collect()
    }

    fn at_port_80(list: &[&str]) -> Vec<SocketAddr> {
        ips(list).into_iter().map(|ip| SocketAddr::new(ip, 80)).collect()
    }

    fn resolve(url: &str, method: &str, sources: &[IpAddr], notes: &mut Vec<String>) -> Result<Target, Error> {
        let requests = &RequestsSpec::one(method, &[], b"");
        Target::resolve(
            &TargetSpec { urls: &[url.to_owned()], requests, unix_socket: None, sources, tls: &TlsOptions::default() },
            notes,
        )
    }

    fn first_bytes(target: &Target) -> &[u8] {
        target.requests.bytes_of(&target.requests.entries[0], false)
    }

    fn refusal(url: &str, method: &str, sources: &[IpAddr]) -> String {
        resolve(url, method, sources, &mut Vec::new()).expect_err("refused").to_string()
    }

    #[test]
    fn a_loopback_target_with_two_sources() {
        let sources = ips(&["127.0.0.2", "127.0.0.3"]);
        let mut notes = Vec::new();
        let target = resolve("127.0.0.1:8080/x", "GET", &sources, &mut notes);
        let target = target.expect("a target");
        assert_eq!(target.url, "http://127.0.0.1:8080/x");
        assert_eq!(target.addresses, ["127.0.0.1:8080".parse().expect("an address")]);
        assert_eq!(target.sources, sources);
        assert!(target.local && notes.is_empty());
        assert!(first_bytes(&target).starts_with(b"GET /x HTTP/1.1\r\n"));
    }

    #[test]
    fn a_method_in_small_letters_is_noted_and_sent_as_typed() {
        for (method, noted) in [("GET", false), ("get", true), ("Post", true), ("FROB", false), ("frob", false)] {
            let mut notes = Vec::new();
            let target = resolve("127.0.0.1", method, &[], &mut notes).expect("valid");
            assert!(first_bytes(&target).starts_with(format!("{method} / HTTP/1.1").as_bytes()));
            assert_eq!(notes.len(), usize::from(noted), "{notes:?}");
            let told = format!("the server gets the method {method} as typed: methods are case-sensitive");
            assert!(notes.iter().all(|note| note.starts_with(&told)), "{notes:?}");
        }
    }

    #[test]
    fn own_addresses() {
        for (ip, own) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("0.0.0.0", true),
            // Kept for documents (RFC 5737, RFC 3849): no host has them.
            ("192.0.2.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_own(ip.parse().expect("an address")), own, "{ip}");
        }
    }

    #[test]
    fn families() {
        // addresses, sources, what is used of each, notes
        type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a [&'a str], &'a [&'a str], &'a [&'a str]);
        let cases: &[Case<'_>] = &[
            (&["::1", "127.0.0.1"], &[], &["::1", "127.0.0.1"], &[], &[]),
            (
                &["::1", "127.0.0.1"],
                &["127.0.0.2"],
                &["127.0.0.1"],
                &["127.0.0.2"],
                &["target address ::1 is not used: no source address is IPv6"],
            ),
            (
                &["127.0.0.1"],
                &["127.0.0.2", "::1"],
                &["127.0.0.1"],
                &["127.0.0.2"],
                &["source address ::1 is not used: no target address is IPv6"],
            ),
            (&["::1", "127.0.0.1"], &["127.0.0.2", "::1"], &["::1", "127.0.0.1"], &["127.0.0.2", "::1"], &[]),
        ];
        for (addresses, sources, reached, used, said) in cases {
            let mut notes = Vec::new();
            let kept = same_family(at_port_80(addresses), &ips(sources), &mut notes);
            assert_eq!(kept, Ok((at_port_80(reached), ips(used))));
            assert_eq!(notes, *said);
        }
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(
            refusal("[::1]:80", "GET", &ips(&["127.0.0.1", "127.0.0.2"])),
            "--source-address: one must be IPv6 like the target's addresses, got 127.0.0.1,127.0.0.2"
        );
        assert_eq!(
            refusal("127.0.0.1", "GET", &ips(&["0.0.0.0"])),
            "--source-address: must be one address of this host, got 0.0.0.0"
        );
        let foreign = refusal("127.0.0.1", "GET", &ips(&["192.0.2.1"]));
        assert!(foreign.starts_with("--source-address: must be an address of this host ("), "{foreign}");
        assert!(foreign.ends_with("), got 192.0.2.1"), "{foreign}");
        let method = refusal("127.0.0.1", "G T", &[]);
        assert!(method.contains("method") && method.contains("G T"), "{method}");
    }
}
