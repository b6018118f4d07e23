//! What connections over TLS are set up with.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rustls::client::{ResolvesClientCert, Resumption, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};

use super::fault::{Detail, Note, TlsFault};
use super::tickets::Tickets;
use super::traffic::KEY_RECORDS;

/// What was decided before.
#[derive(Debug, Clone, Copy)]
pub struct Settled {
    /// The server's certificate is verified.
    pub verified: bool,
    /// Connections go on with sessions of earlier ones.
    pub resume: bool,
    /// The protocols offered are the user's wish.
    pub own_alpn: bool,
}

/// A client without a certificate, that notes whether it was asked for one.
#[derive(Debug, Default)]
pub struct NoIdentity(AtomicBool);

impl ResolvesClientCert for NoIdentity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Ready for connections; clones share what is large.
#[derive(Clone)]
pub struct TlsSetup {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    asked: Arc<NoIdentity>,
    settled: Settled,
    /// Records after which a sending key is renewed.
    pub(super) key_records: u64,
}

impl fmt::Debug for TlsSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSetup").field("name", &self.name).field("settled", &self.settled).finish_non_exhaustive()
    }
}

impl TlsSetup {
    /// For a server of this name.
    pub fn new(
        mut config: ClientConfig,
        name: ServerName<'static>,
        asked: Arc<NoIdentity>,
        settled: Settled,
    ) -> TlsSetup {
        config.enable_secret_extraction = true;
        config.resumption = Resumption::disabled();
        TlsSetup { config: Arc::new(config), name, asked, settled, key_records: KEY_RECORDS }
    }

    /// Whether a server asked for a certificate that the client has not.
    pub fn lacks_certificate(&self) -> bool {
        self.asked.0.load(Relaxed)
    }

    /// Whether the server's certificate is verified.
    pub fn is_verified(&self) -> bool {
        self.settled.verified
    }

    pub(super) fn resumes(&self) -> bool {
        self.settled.resume
    }

    /// The same with tickets of the worker's own.
    pub(super) fn for_worker(&self) -> TlsSetup {
        if !self.settled.resume {
            return self.clone();
        }
        let mut config = (*self.config).clone();
        config.resumption = Resumption::store(Arc::new(Tickets::default()));
        TlsSetup { config: Arc::new(config), ..self.clone() }
    }

    /// A new connection's side of the handshake.
    pub(super) fn client(&self) -> Option<UnbufferedClientConnection> {
        UnbufferedClientConnection::new(Arc::clone(&self.config), self.name.clone()).ok()
    }

    /// Why the protocol that the server chose is not spoken here, if so.
    pub(super) fn refuses(&self, alpn: Option<&str>) -> Option<Note> {
        let other = alpn.filter(|name| self.settled.own_alpn && matches!(*name, "h2" | "h3"))?;
        let detail = format!("the server chose {other} by ALPN, and HTTP/1.1 is what is spoken");
        Some(Note { fault: TlsFault::NoProtocol, detail: Detail::Words(detail) })
    }

    /// The same with keys renewed after so many records.
    #[must_use]
    pub fn renewing_keys_after(self, records: u64) -> TlsSetup {
        TlsSetup { key_records: records.clamp(1, KEY_RECORDS), ..self }
    }
}
