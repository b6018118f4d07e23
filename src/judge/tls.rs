//! Why TLS failed, each cause by itself.

use crate::result::RunResult;

/// Connections that TLS ended for one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsTrouble {
    /// The cause.
    pub cause: TlsCause,
    /// How many connections.
    pub count: u64,
    /// What is known of the first of them: which names its certificate has, say.
    pub detail: Option<String>,
}

/// The causes, as `tls.handshakes.failed` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "protocol::TlsFault describes each")]
pub enum TlsCause {
    Timeout,
    Closed,
    NotTls,
    Expired,
    NotYetValid,
    UnknownIssuer,
    WrongName,
    BadCertificate,
    NothingInCommon,
    NoProtocol,
    ClientCertificate,
    Alert,
    BadRecord,
    Truncated,
    Misbehaved,
    TooMuchControl,
    Other,
}

impl TlsCause {
    /// The one of this name in results; an unknown one is another.
    fn named(name: &str) -> TlsCause {
        match name {
            "timeout" => TlsCause::Timeout,
            "closed" => TlsCause::Closed,
            "not_tls" => TlsCause::NotTls,
            "expired" => TlsCause::Expired,
            "not_yet_valid" => TlsCause::NotYetValid,
            "unknown_issuer" => TlsCause::UnknownIssuer,
            "wrong_name" => TlsCause::WrongName,
            "bad_certificate" => TlsCause::BadCertificate,
            "nothing_in_common" => TlsCause::NothingInCommon,
            "no_protocol" => TlsCause::NoProtocol,
            "client_certificate" => TlsCause::ClientCertificate,
            "alert" => TlsCause::Alert,
            "bad_record" => TlsCause::BadRecord,
            "truncated" => TlsCause::Truncated,
            "misbehaved" => TlsCause::Misbehaved,
            "too_much_control" => TlsCause::TooMuchControl,
            _ => TlsCause::Other,
        }
    }
}

impl RunResult {
    /// Answers of status 400 of a server that asked for a certificate and got none: nginx says so in that way.
    pub(super) fn missing_certificate(&self) -> Option<u64> {
        let asked = self.tls.as_ref().is_some_and(|tls| tls.lacks_certificate);
        self.status.get(&400).copied().filter(|count| asked && *count > 0)
    }

    /// Each cause, the most frequent first.
    pub(super) fn tls_troubles(&self) -> Vec<TlsTrouble> {
        let Some(tls) = &self.tls else { return Vec::new() };
        let trouble = |(name, count): (&String, &u64)| TlsTrouble {
            cause: TlsCause::named(name),
            count: *count,
            detail: tls.details.get(name).cloned(),
        };
        let mut all: Vec<TlsTrouble> = tls.handshakes.failed.iter().map(trouble).collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.count));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::{TlsCause, TlsTrouble};
    use crate::judge::Warning;
    use crate::protocol::TlsFault;
    use crate::result::{Handshakes, Tls, samples};

    #[test]
    fn every_fault_of_the_protocol_is_a_cause() {
        for fault in TlsFault::ALL {
            let is_other = TlsCause::named(fault.name()) == TlsCause::Other;
            assert_eq!(is_other, fault == TlsFault::Other, "{fault:?}");
        }
    }

    #[test]
    fn causes_are_told_with_what_is_known_of_them() {
        let mut result = samples::good();
        assert_eq!(result.tls_troubles(), []);
        let failed = [("wrong_name".to_owned(), 2), ("alert".to_owned(), 5)].into();
        let details = [("wrong_name".to_owned(), "a.example, not b.example".to_owned())].into();
        result.tls =
            Some(Tls { handshakes: Handshakes { failed, ..Handshakes::default() }, details, ..Tls::default() });
        let alert = TlsTrouble { cause: TlsCause::Alert, count: 5, detail: None };
        let detail = Some("a.example, not b.example".to_owned());
        let name = TlsTrouble { cause: TlsCause::WrongName, count: 2, detail };
        assert_eq!(result.tls_troubles(), [alert.clone(), name.clone()]);
        let told = result.findings();
        assert!(told.contains(&Warning::Tls(alert)) && told.contains(&Warning::Tls(name)), "{told:?}");
    }
}
