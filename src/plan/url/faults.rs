//! What is wrong with a text that is almost a URL, where its parts show that.

use std::net::Ipv6Addr;

use crate::plan::error::nearest;

/// Schemes that are known, and what to say of those that are not taken.
const SCHEMES: &[(&str, Option<&str>)] = &[
    ("http", None),
    ("https", None),
    ("ws", Some("WebSocket (ws) is not supported yet, only http and https")),
    ("wss", Some("WebSocket (wss) is not supported yet, only http and https")),
    ("grpc", Some("gRPC is not supported yet, only http and https")),
    ("grpcs", Some("gRPC is not supported yet, only http and https")),
    ("unix", Some("a unix socket is --unix-socket PATH, and the URL says what is asked for, as in http://localhost/")),
];

/// The rule that `text` breaks by its scheme, or by what stands in place of one.
pub(super) fn of_scheme(text: &str) -> Option<String> {
    // What stands behind one of these belongs to a path or a query.
    let (scheme, rest) = text.split_once(':').filter(|(scheme, _)| !scheme.contains(['/', '?', '#', '[', '@']))?;
    let lower = scheme.to_ascii_lowercase();
    let known = SCHEMES.iter().find(|(name, _)| *name == lower);
    match (known, rest.strip_prefix("//")) {
        (Some((_, None)), Some(_)) => None,
        (Some((_, Some(rule))), Some(_)) => Some((*rule).to_owned()),
        (None, Some(_)) => Some(match nearest(&lower, ["http", "https"].into_iter()) {
            Some(near) => format!("the scheme must be http or https, and {scheme} is none (did you mean {near}://?)"),
            None => "the scheme must be http or https".to_owned(),
        }),
        // A host of that name can have a port.
        (Some(_), None) if is_port(rest) => None,
        (Some((_, rule)), None) => {
            Some(rule.map_or_else(|| "the scheme ends in ://, as in http://HOST".to_owned(), str::to_owned))
        }
        (None, None) if rest.starts_with('/') && nearest(&lower, ["http", "https"].into_iter()).is_some() => {
            Some("the scheme ends in ://, as in http://HOST".to_owned())
        }
        (None, None) => None,
    }
}

/// Begins with a number, as port and path do.
fn is_port(text: &str) -> bool {
    let port = text.split(['/', '?', '#']).next().unwrap_or_default();
    !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// What stands between scheme and path, and all that stands behind the scheme.
fn authority(whole: &str) -> (&str, &str) {
    let behind = whole.split_once("://").map_or(whole, |(_, behind)| behind);
    (behind.split(['/', '?', '#']).next().unwrap_or_default(), behind)
}

/// The host and port behind a user name or a password, where `whole` has one.
pub(super) fn behind_password(whole: &str) -> Option<&str> {
    authority(whole).0.rsplit_once('@').map(|(_, host)| host)
}

/// The rule that the part between scheme and path breaks; `whole` has a scheme.
pub(super) fn of_authority(whole: &str) -> Option<String> {
    let (host, behind) = authority(whole);
    if host.is_empty() {
        let before = if behind.starts_with('/') { "before the path, as in localhost/index.html" } else { "" };
        return (!before.is_empty()).then(|| format!("must name a host {before}"));
    }
    if host.starts_with(':') && is_port(&host[1..]) {
        return Some("must name a host before the port, as in localhost:8080".to_owned());
    }
    if let Some(inner) = host.strip_prefix('[') {
        let (address, _) = inner.split_once(']')?;
        return match address.parse::<Ipv6Addr>() {
            Ok(_) => None,
            Err(_) if address.contains('%') => Some("an address with a zone (%eth0) is not taken".to_owned()),
            Err(_) => Some("brackets are for IPv6 addresses, as in [::1]:8080".to_owned()),
        };
    }
    match host.bytes().filter(|byte| *byte == b':').count() {
        0 | 1 => None,
        _ if host.parse::<Ipv6Addr>().is_ok() => Some(format!("an IPv6 address takes brackets, as in [{host}]:8080")),
        _ => Some(
            "must have one port at most, as in localhost:8080, and an IPv6 address brackets, as in [::1]:8080".into(),
        ),
    }
}
