//! Why TLS failed on a connection.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, OtherError};

/// A cause, of which failures are counted; what else is known of it stands in a [`Note`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    /// The handshake was not finished in time.
    Timeout,
    /// The peer ended the connection within the handshake.
    Closed,
    /// What answered speaks no TLS.
    NotTls,
    /// The server's certificate is no longer valid.
    Expired,
    /// The server's certificate is not valid yet.
    NotYetValid,
    /// Nobody who is trusted vouches for the server's certificate.
    UnknownIssuer,
    /// The server's certificate is for other names.
    WrongName,
    /// Something else is wrong with the server's certificate.
    BadCertificate,
    /// Client and server have no cipher, version or key exchange in common.
    NothingInCommon,
    /// None of the protocols offered by ALPN is taken.
    NoProtocol,
    /// The server wants a certificate of the client's, or another than it got.
    ClientCertificate,
    /// The server ended the connection by any other alert.
    Alert,
    /// What the server sent cannot be opened: it was changed on its way or sealed with another key.
    BadRecord,
    /// The connection ended without notice (`close_notify`) where only its end would have made the answer whole.
    Truncated,
    /// The server sent something that is not allowed then.
    Misbehaved,
    /// Too many records in a row that carry no content.
    TooMuchControl,
    /// Anything else.
    Other,
}

impl TlsFault {
    /// All, in the order of their indices.
    pub const ALL: [TlsFault; 17] = [
        TlsFault::Timeout,
        TlsFault::Closed,
        TlsFault::NotTls,
        TlsFault::Expired,
        TlsFault::NotYetValid,
        TlsFault::UnknownIssuer,
        TlsFault::WrongName,
        TlsFault::BadCertificate,
        TlsFault::NothingInCommon,
        TlsFault::NoProtocol,
        TlsFault::ClientCertificate,
        TlsFault::Alert,
        TlsFault::BadRecord,
        TlsFault::Truncated,
        TlsFault::Misbehaved,
        TlsFault::TooMuchControl,
        TlsFault::Other,
    ];

    /// Its place in [`ALL`](TlsFault::ALL).
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            TlsFault::Timeout => "timeout",
            TlsFault::Closed => "closed",
            TlsFault::NotTls => "not_tls",
            TlsFault::Expired => "expired",
            TlsFault::NotYetValid => "not_yet_valid",
            TlsFault::UnknownIssuer => "unknown_issuer",
            TlsFault::WrongName => "wrong_name",
            TlsFault::BadCertificate => "bad_certificate",
            TlsFault::NothingInCommon => "nothing_in_common",
            TlsFault::NoProtocol => "no_protocol",
            TlsFault::ClientCertificate => "client_certificate",
            TlsFault::Alert => "alert",
            TlsFault::BadRecord => "bad_record",
            TlsFault::Truncated => "truncated",
            TlsFault::Misbehaved => "misbehaved",
            TlsFault::TooMuchControl => "too_much_control",
            TlsFault::Other => "other",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<TlsFault> {
        TlsFault::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// The cause behind an alert of the peer's.
    pub(super) fn of_alert(alert: AlertDescription) -> TlsFault {
        use AlertDescription as A;
        match alert {
            A::HandshakeFailure | A::ProtocolVersion | A::InsufficientSecurity => TlsFault::NothingInCommon,
            A::NoApplicationProtocol => TlsFault::NoProtocol,
            A::CertificateRequired
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA => TlsFault::ClientCertificate,
            _ => TlsFault::Alert,
        }
    }
}

/// A fault and what is known of it: which names a certificate has, say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The fault.
    pub fault: TlsFault,
    /// What else is known.
    pub detail: Detail,
}

/// What is known of a fault beside its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    None,
    /// The instant at which a certificate began or ceased to be valid, seconds since 1970-01-01 UTC.
    At(u64),
    /// Something in words.
    Words(String),
}

impl Detail {
    pub(super) fn of(words: &str) -> Detail {
        Detail::Words(words.to_owned())
    }
}

impl Note {
    /// A fault of which no more is known.
    pub fn of(fault: TlsFault) -> Note {
        Note { fault, detail: Detail::None }
    }

    /// An alert of the peer's.
    pub(super) fn of_alert(code: u8) -> Note {
        let alert = AlertDescription::from(code);
        Note { fault: TlsFault::of_alert(alert), detail: Detail::Words(alert_words(alert)) }
    }

    /// What the handshake says of itself.
    pub(super) fn of_error(error: &Error) -> Note {
        let words = |words: String| Detail::Words(words);
        let (fault, detail) = match error {
            Error::InvalidCertificate(error) => of_certificate(error),
            Error::NoCertificatesPresented => (TlsFault::BadCertificate, Detail::of("it sent none")),
            Error::UnsupportedNameType => (TlsFault::WrongName, Detail::None),
            Error::AlertReceived(alert) => (TlsFault::of_alert(*alert), words(alert_words(*alert))),
            Error::PeerIncompatible(why) => (TlsFault::NothingInCommon, words(spaced(&format!("{why:?}")))),
            Error::NoApplicationProtocol => (TlsFault::NoProtocol, Detail::None),
            Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
                (TlsFault::NotTls, Detail::None)
            }
            Error::DecryptError => (TlsFault::BadRecord, Detail::None),
            Error::PeerMisbehaved(why) => (TlsFault::Misbehaved, words(spaced(&format!("{why:?}")))),
            Error::InvalidMessage(why) => (TlsFault::Misbehaved, words(spaced(&format!("{why:?}")))),
            Error::InappropriateMessage { .. }
            | Error::InappropriateHandshakeMessage { .. }
            | Error::PeerSentOversizedRecord => (TlsFault::Misbehaved, words(error.to_string())),
            other => (TlsFault::Other, words(other.to_string())),
        };
        Note { fault, detail }
    }
}

fn of_certificate(error: &CertificateError) -> (TlsFault, Detail) {
    use CertificateError as C;
    match error {
        C::Expired => (TlsFault::Expired, Detail::None),
        C::ExpiredContext { not_after, .. } => (TlsFault::Expired, Detail::At(not_after.as_secs())),
        C::NotValidYet => (TlsFault::NotYetValid, Detail::None),
        C::NotValidYetContext { not_before, .. } => (TlsFault::NotYetValid, Detail::At(not_before.as_secs())),
        C::UnknownIssuer => (TlsFault::UnknownIssuer, Detail::None),
        C::NotValidForName => (TlsFault::WrongName, Detail::None),
        C::NotValidForNameContext { expected, presented } => {
            let names = presented.iter().take(SHOWN_NAMES).map(|name| plain_name(name)).collect::<Vec<_>>();
            let more = presented.len().saturating_sub(names.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
            (TlsFault::WrongName, Detail::Words(format!("{names}{more}, not {}", expected.to_str())))
        }
        // It vouches for itself, and nobody for it.
        C::Other(why) if is_issuer(why) => (TlsFault::UnknownIssuer, Detail::None),
        C::BadSignature => (TlsFault::BadCertificate, Detail::of("it is not signed by the issuer that it names")),
        other => (TlsFault::BadCertificate, Detail::Words(other.to_string())),
    }
}

/// Whether a certificate was refused as it may issue others.
pub fn is_issuer(why: &OtherError) -> bool {
    why.to_string().contains("CaUsedAsEndEntity")
}

/// Names of a certificate that are told.
const SHOWN_NAMES: usize = 8;

/// `DnsName("a.example")` without what is around it, and cut where it is long: the peer chose it.
fn plain_name(name: &str) -> String {
    let bare = name.split_once('(').map_or(name, |(_, rest)| rest.trim_end_matches(')')).trim_matches('"');
    bare.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// An alert by its name in RFC 8446, 6.
fn alert_words(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::Unknown(code) => format!("alert {code}"),
        AlertDescription::UnknownCA => "alert unknown_ca".to_owned(),
        AlertDescription::UnknownPSKIdentity => "alert unknown_psk_identity".to_owned(),
        AlertDescription::UnrecognisedName => "alert unrecognized_name".to_owned(),
        named => format!("alert {}", snake(&format!("{named:?}"))),
    }
}

fn parted(name: &str, by: char) -> String {
    let mut parts = String::new();
    for (at, c) in name.char_indices() {
        if c.is_uppercase() && at > 0 {
            parts.push(by);
        }
        parts.extend(c.to_lowercase());
    }
    parts
}

fn snake(name: &str) -> String {
    parted(name, '_')
}

fn spaced(name: &str) -> String {
    parted(name, ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_place_and_a_name_of_its_own() {
        for (at, fault) in TlsFault::ALL.into_iter().enumerate() {
            assert_eq!((fault.index(), TlsFault::named(fault.name())), (at, Some(fault)));
        }
        assert_eq!(TlsFault::named("none"), None);
    }

    #[test]
    fn alerts_have_the_names_of_the_standard() {
        for (code, fault, words) in [
            (40, TlsFault::NothingInCommon, "alert handshake_failure"),
            (48, TlsFault::ClientCertificate, "alert unknown_ca"),
            (70, TlsFault::NothingInCommon, "alert protocol_version"),
            (80, TlsFault::Alert, "alert internal_error"),
            (112, TlsFault::Alert, "alert unrecognized_name"),
            (116, TlsFault::ClientCertificate, "alert certificate_required"),
            (120, TlsFault::NoProtocol, "alert no_application_protocol"),
            (200, TlsFault::Alert, "alert 200"),
        ] {
            assert_eq!(Note::of_alert(code), Note { fault, detail: Detail::of(words) });
        }
    }

    #[test]
    fn names_that_a_peer_chose_are_cut() {
        assert_eq!(plain_name("DnsName(\"a.example\")"), "a.example");
        assert_eq!(plain_name(&"x".repeat(300)).len(), 80);
    }
}
