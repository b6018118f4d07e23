//! What a run saw of TLS.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Summary;

/// What both sides agreed on, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tls {
    /// The version, as in `TLS 1.3`; absent where no handshake was finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The cipher suite by its registered name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipher: Option<String>,
    /// The protocol agreed on by ALPN; absent where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// Whether the server's certificate was verified.
    pub verified: bool,
    /// The server's certificate, as the first connection saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// The server asked for a certificate of the client's, and the client had none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lacks_certificate: bool,
    /// How many handshakes there were, those of a warm-up among them.
    pub handshakes: Handshakes,
    /// From an open connection to a finished handshake; TCP's own time is `connect_ns`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake_ns: Option<Summary>,
    /// Bytes inside the records, in the window: `bytes` has those on the wire.
    pub content_bytes: ContentBytes,
    /// Connections of the window that the server ended without saying so before (`close_notify`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ended_unsaid: u64,
    /// What is known of each cause in `handshakes.failed`, of the first failure.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

/// A server's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Whom it is for, as RFC 4514 writes names.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// Until when it is valid, as in `2027-01-31`, UTC.
    pub not_after: String,
}

/// Handshakes by their end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshakes {
    /// Made from the beginning.
    pub full: u64,
    /// Those that went on with an earlier session.
    pub resumed: u64,
    /// Of both, those of which the server wanted another hello first (HelloRetryRequest).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retried: u64,
    /// Connections that TLS ended, within their handshake or behind it, by cause.
    pub failed: BTreeMap<String, u64>,
}

/// Bytes inside the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentBytes {
    /// Sent.
    pub sent: u64,
    /// Received.
    pub received: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
