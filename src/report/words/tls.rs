//! Why TLS failed: the cause, and the cure.

use std::fmt::{Display, Formatter, Result};

use crate::judge::{TlsCause, TlsTrouble};

impl Display for TlsTrouble {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let TlsTrouble { cause, count, detail } = self;
        let connections = if *count == 1 { "connection" } else { "connections" };
        write!(f, "TLS failed on {count} {connections}: ")?;
        let detail = detail.as_deref();
        let known = |before: &str| detail.map_or_else(String::new, |words| format!("{before}{words}"));
        match cause {
            TlsCause::Timeout => f.write_str("the handshake took longer than the timeout (-T); is it a TLS port?"),
            TlsCause::Closed => f.write_str("the server closed within the handshake; is it a TLS port, and of TLS 1.2 or 1.3?"),
            TlsCause::NotTls => {
                f.write_str("the server speaks no TLS")?;
                detail.map_or(Ok(()), |line| write!(f, " (it answered {line:?})"))?;
                f.write_str(": use http://")
            }
            TlsCause::Expired => write!(
                f,
                "the server's certificate has expired{}; renew it, or take it all the same with -k",
                known(" on ")
            ),
            TlsCause::NotYetValid => write!(
                f,
                "the server's certificate is not valid yet{}; is the clock right? -k takes it all the same",
                known(", from ")
            ),
            TlsCause::UnknownIssuer => f.write_str(
                "nobody who is trusted vouches for the server's certificate; trust its issuer with --cacert FILE, or take any with -k",
            ),
            TlsCause::WrongName => write!(
                f,
                "the server's certificate is for another name{}; ask for one that it has with --sni NAME, or take any with -k",
                detail.map_or_else(String::new, |names| format!(" ({names})"))
            ),
            TlsCause::BadCertificate => {
                write!(f, "the server's certificate cannot be used{}; -k takes any", known(": "))
            }
            TlsCause::NothingInCommon => write!(
                f,
                "client and server have no version or cipher in common{}; see --tls-min, --tls-max and --ciphers",
                detail.map_or_else(String::new, |words| format!(" ({words})"))
            ),
            TlsCause::NoProtocol => match detail {
                Some(words) if !words.starts_with("alert") => write!(f, "{words}; see --alpn"),
                _ => f.write_str("the server takes none of the protocols offered by ALPN; see --alpn"),
            },
            TlsCause::ClientCertificate => write!(
                f,
                "the server wants a certificate of the client's that it trusts{}: --cert FILE --key FILE",
                detail.map_or_else(String::new, |words| format!(" ({words})"))
            ),
            TlsCause::Alert => write!(f, "the server ended it{}", known(": ")),
            TlsCause::BadRecord => write!(
                f,
                "what came cannot be opened{}: it was changed on its way, or the server is broken",
                detail.map_or_else(String::new, |words| format!(" ({words})"))
            ),
            TlsCause::Truncated => f.write_str(
                "the server ended the connection without close_notify, and only its end would have made the answer whole: it may be cut",
            ),
            TlsCause::Misbehaved => write!(f, "the server broke a rule of TLS{}", known(": ")),
            TlsCause::TooMuchControl => f.write_str("over 32 records in a row had no content"),
            TlsCause::Other => write!(f, "{}", detail.unwrap_or("for an unknown cause")),
        }
    }
}
