//! Certificates and keys in files of PEM.

use std::fmt;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::Error;

fn bad<T>(option: &'static str, rule: impl Into<String>, given: impl fmt::Display) -> Result<T, Error> {
    Err(Error::argument(option, rule, given))
}

/// The certificates of a file, at least one.
pub fn certificates(option: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let file = path.display().to_string();
    let text = std::fs::read(path)
        .or_else(|cause| bad(option, format!("must be a file that can be read ({cause})"), &file))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if found.is_empty() => bad(option, "must hold a certificate in PEM", file),
        Ok(found) => Ok(found),
        Err(cause) => bad(option, format!("must hold certificates in PEM ({cause})"), file),
    }
}

/// The key of a file.
pub fn private_key(option: &'static str, path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let file = path.display().to_string();
    let text = std::fs::read(path)
        .or_else(|cause| bad(option, format!("must be a file that can be read ({cause})"), &file))?;
    let encrypted = text.windows(9).any(|part| part == b"ENCRYPTED");
    match PrivateKeyDer::from_pem_slice(&text) {
        Ok(key) => Ok(key),
        Err(_) if encrypted => bad(option, "must be a key without a password (openssl pkey removes it)", file),
        Err(_) => bad(option, "must hold a private key in PEM: PKCS#8, PKCS#1 or SEC1", file),
    }
}
