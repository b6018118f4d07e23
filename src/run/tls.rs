//! From what workers saw of TLS to the result.

use std::time::Duration;

use x509_cert::der::Decode;

use crate::protocol::TlsFault;
use crate::protocol::tls::{Detail, Note, TlsSetup};
use crate::result::{Certificate, ContentBytes, Handshakes, Tls};
use crate::worker::stats::TlsStats;

/// What all workers saw together.
pub(super) fn of(setup: &TlsSetup, stats: &TlsStats) -> Tls {
    let session = stats.facts.session.as_ref();
    let failed = TlsFault::ALL.iter().map(|fault| (fault.name().to_owned(), stats.faults[fault.index()]));
    let detail = |note: &Note| Some((note.fault.name().to_owned(), words(&note.detail)?));
    Tls {
        version: session.map(|session| session.version.to_owned()),
        cipher: session.map(|session| session.cipher.clone()),
        alpn: session.and_then(|session| session.alpn.clone()),
        verified: setup.is_verified(),
        certificate: session.and_then(|session| certificate(&session.certificate)),
        lacks_certificate: setup.lacks_certificate(),
        handshakes: Handshakes {
            full: stats.full,
            resumed: stats.resumed,
            retried: stats.retried,
            failed: super::assemble::counted(failed),
        },
        handshake_ns: stats.handshake.summary(None),
        content_bytes: ContentBytes { sent: stats.facts.content_sent, received: stats.facts.content_received },
        ended_unsaid: stats.facts.ended_unsaid,
        details: stats.facts.notes.iter().filter_map(detail).collect(),
    }
}

fn words(detail: &Detail) -> Option<String> {
    match detail {
        Detail::None => None,
        Detail::At(unix_s) => Some(date(*unix_s)),
        Detail::Words(words) => Some(words.clone()),
    }
}

/// As in `2027-01-31`.
fn date(unix_s: u64) -> String {
    let at = i64::try_from(unix_s).ok().and_then(|at| time::OffsetDateTime::from_unix_timestamp(at).ok());
    at.map_or_else(|| "after the year 9999".to_owned(), |at| at.date().to_string())
}

/// What a certificate (DER) says of itself; `None` if it is none.
fn certificate(der: &[u8]) -> Option<Certificate> {
    let certificate = x509_cert::Certificate::from_der(der).ok()?.tbs_certificate;
    let not_after: Duration = certificate.validity.not_after.to_unix_duration();
    Some(Certificate {
        subject: certificate.subject.to_string(),
        issuer: certificate.issuer.to_string(),
        not_after: date(not_after.as_secs()),
    })
}
