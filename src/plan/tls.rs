//! What was asked of TLS, and what rustls is set up with for it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedCipherSuite,
    SupportedProtocolVersion,
};

use super::error::Error;
use super::pem;
use crate::protocol::tls::{NoIdentity, Settled, TlsSetup, is_issuer, suite_words};

/// What a client asks of TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// Whose certificates are trusted.
    pub verify: Verify,
    /// What the client shows of itself.
    pub identity: Option<ClientIdentity>,
    /// The name that the server is asked for, and that its certificate must have, in place of the URL's host.
    pub name: Option<String>,
    /// The oldest version taken; none: TLS 1.2.
    pub oldest: Option<Version>,
    /// The newest version taken; none: TLS 1.3.
    pub newest: Option<Version>,
    /// The ciphers taken, by their registered names or OpenSSL's; empty: all that there are.
    pub ciphers: Vec<String>,
    /// The protocols offered by ALPN; empty: `http/1.1`.
    pub alpn: Vec<String>,
    /// Connections resume sessions of earlier ones.
    pub resume: bool,
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Verify {
    /// Those that the system's roots vouch for.
    #[default]
    System,
    /// Those that the certificates in this file (PEM) vouch for.
    File(PathBuf),
    /// All; signatures are checked all the same.
    Nobody,
}

/// A client's certificate and its key, files in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate, and those up to its issuer's.
    pub certificate: PathBuf,
    /// The key, in PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.2.
    Tls12,
    /// 1.3.
    Tls13,
}

impl Version {
    /// As it is typed: `1.2` or `1.3`.
    pub fn named(text: &str) -> Option<Version> {
        match text {
            "1.2" => Some(Version::Tls12),
            "1.3" => Some(Version::Tls13),
            _ => None,
        }
    }
}

fn bad<T>(option: &'static str, rule: impl Into<String>, given: impl fmt::Display) -> Result<T, Error> {
    Err(Error::argument(option, rule, given))
}

/// For a server that the URL calls `host`, an address in brackets if it is one of IPv6.
///
/// # Errors
/// A file cannot be read or holds something else, or an option contradicts another.
pub(super) fn setup(options: &TlsOptions, host: &str) -> Result<TlsSetup, Error> {
    let (name, option) = match &options.name {
        Some(name) => (name.as_str(), "--sni"),
        None => (host.trim_start_matches('[').trim_end_matches(']'), "URL"),
    };
    let Ok(server) = ServerName::try_from(name.to_owned()) else {
        return bad(option, "must be a host's name or address as certificates have it", name);
    };
    let provider = Arc::new(provider(&options.ciphers)?);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_protocol_versions(&versions(options)?);
    let builder = match builder {
        Ok(builder) => builder,
        Err(_) => {
            let rule = "must have a cipher of the versions that --tls-min and --tls-max leave";
            return bad("--ciphers", rule, options.ciphers.join(","));
        }
    };
    let verifier = verifier(&options.verify, &provider)?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let asked = Arc::new(NoIdentity::default());
    let mut config = match &options.identity {
        None => builder.with_client_cert_resolver(Arc::clone(&asked) as _),
        Some(identity) => {
            let chain = pem::certificates("--cert", &identity.certificate)?;
            let key = pem::private_key("--key", &identity.key)?;
            match builder.with_client_auth_cert(chain, key) {
                Ok(config) => config,
                Err(rustls::Error::InconsistentKeys(_)) => {
                    return bad("--key", "must be the key of --cert's certificate", identity.key.display());
                }
                Err(error) => return bad("--key", format!("cannot be used ({error})"), identity.key.display()),
            }
        }
    };
    config.alpn_protocols = match options.alpn.is_empty() {
        true => vec![b"http/1.1".to_vec()],
        false => options.alpn.iter().map(|name| name.as_bytes().to_vec()).collect(),
    };
    let verified = options.verify != Verify::Nobody;
    Ok(TlsSetup::new(
        config,
        server,
        asked,
        Settled { verified, resume: options.resume, own_alpn: !options.alpn.is_empty() },
    ))
}

fn versions(options: &TlsOptions) -> Result<Vec<&'static SupportedProtocolVersion>, Error> {
    let (oldest, newest) = (options.oldest.unwrap_or(Version::Tls12), options.newest.unwrap_or(Version::Tls13));
    if oldest > newest {
        return bad("--tls-min", "must not be above --tls-max", "1.3 and 1.2");
    }
    let all = [(Version::Tls13, &rustls::version::TLS13), (Version::Tls12, &rustls::version::TLS12)];
    Ok(all.into_iter().filter(|(one, _)| (oldest..=newest).contains(one)).map(|(_, version)| version).collect())
}

/// OpenSSL's names for the ciphers of TLS 1.2.
const OPENSSL_NAMES: [(&str, &str); 6] = [
    ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    ("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
];

fn provider(ciphers: &[String]) -> Result<CryptoProvider, Error> {
    let provider = rustls::crypto::ring::default_provider();
    if ciphers.is_empty() {
        return Ok(provider);
    }
    let named = |typed: &String| -> Result<SupportedCipherSuite, Error> {
        let upper = typed.to_ascii_uppercase();
        let registered =
            OPENSSL_NAMES.iter().find(|(theirs, _)| *theirs == upper).map_or(upper.as_str(), |(_, ours)| *ours);
        let found = provider.cipher_suites.iter().find(|suite| suite_words(suite.suite()) == registered);
        let Some(found) = found else {
            let all: Vec<_> = provider.cipher_suites.iter().map(|suite| suite_words(suite.suite())).collect();
            return bad("--ciphers", format!("must be of {}", all.join(", ")), typed);
        };
        Ok(*found)
    };
    let cipher_suites = ciphers.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    Ok(CryptoProvider { cipher_suites, ..provider })
}

fn verifier(verify: &Verify, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    let mut named = Vec::new();
    match verify {
        Verify::Nobody => return Ok(Arc::new(Unverified(provider.signature_verification_algorithms))),
        Verify::System => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let rule =
                    "https needs the system's root certificates (install ca-certificates), or --cacert FILE, or -k";
                return bad("URL", rule, "no root certificate");
            }
        }
        Verify::File(path) => {
            named = pem::certificates("--cacert", path)?;
            for certificate in &named {
                if let Err(error) = roots.add(certificate.clone()) {
                    return bad("--cacert", format!("must hold certificates ({error})"), path.display());
                }
            }
        }
    }
    match WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build() {
        Ok(inner) => Ok(Arc::new(Verified { inner, named })),
        Err(error) => bad("--cacert", format!("must hold certificates ({error})"), format!("{verify:?}")),
    }
}

/// Verifies as the web does; and takes a certificate that was itself named as trusted, which the web's rules refuse where it may also issue
/// others, as most that vouch for themselves may.
#[derive(Debug)]
struct Verified {
    inner: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verified {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.inner.verify_server_cert(certificate, between, name, ocsp, now);
        match verified {
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(why)))
                if is_issuer(&why) && self.named.iter().any(|one| one == certificate) =>
            {
                valid_at(certificate, now)?;
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn valid_at(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), rustls::Error> {
    use x509_cert::der::Decode;
    let parsed = x509_cert::Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let valid = parsed.tbs_certificate.validity;
    let bound = |at: x509_cert::time::Time| UnixTime::since_unix_epoch(at.to_unix_duration());
    let (not_before, not_after) = (bound(valid.not_before), bound(valid.not_after));
    match () {
        () if now < not_before => Err(CertificateError::NotValidYetContext { time: now, not_before }.into()),
        () if now > not_after => Err(CertificateError::ExpiredContext { time: now, not_after }.into()),
        () => Ok(()),
    }
}

/// Takes any certificate, and checks that whoever answers has its key.
#[derive(Debug)]
struct Unverified(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
