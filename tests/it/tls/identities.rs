//! Certificates and keys of all kinds.

use std::path::PathBuf;
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, date_time_ymd,
};

use crate::support::process::Folder;

/// A server's certificate and key in files, and the file of what vouches for it.
pub(super) struct Identity {
    folder: Folder,
}

/// What is special about a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    P256,
    P384,
    Ed25519,
    Rsa,
    /// It vouches for itself, and may vouch for others: as `openssl req -x509` makes them.
    SelfSigned,
    Expired,
    NotYetValid,
    OtherName,
}

impl Identity {
    pub(super) fn new(kind: Kind) -> Identity {
        let folder = Folder::new();
        let key = match kind {
            Kind::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key"),
            // OpenSSL reads no keys of this kind that ring makes, and ring makes none of RSA.
            Kind::Ed25519 => KeyPair::from_pem(&made_by_openssl(&["ED25519"])).expect("a key"),
            Kind::Rsa => {
                KeyPair::from_pem(&made_by_openssl(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"])).expect("a key")
            }
            _ => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key"),
        };
        let names: &[&str] = match kind {
            Kind::OtherName => &["other.example", "www.other.example"],
            _ => &["localhost", "127.0.0.1"],
        };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut wanted = CertificateParams::new(names).expect("names");
        wanted.distinguished_name = named("the server");
        (wanted.not_before, wanted.not_after) = match kind {
            Kind::Expired => (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 3, 4)),
            Kind::NotYetValid => (date_time_ymd(2901, 5, 6), date_time_ymd(2902, 1, 1)),
            _ => (date_time_ymd(2001, 1, 1), date_time_ymd(2901, 1, 1)),
        };
        let (chain, trusted) = if kind == Kind::SelfSigned {
            wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let own = wanted.self_signed(&key).expect("a certificate").pem();
            (own.clone(), own)
        } else {
            let mut issuer = CertificateParams::new(Vec::new()).expect("no names");
            issuer.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            // Two issuers of one name would be taken for one with a wrong signature.
            issuer.distinguished_name = named(&format!("the issuer {}", folder.path("").display()));
            let issuer_key = KeyPair::generate().expect("a key");
            let trusted = issuer.self_signed(&issuer_key).expect("a certificate").pem();
            let issuer = Issuer::new(issuer, issuer_key);
            (wanted.signed_by(&key, &issuer).expect("a certificate").pem(), trusted)
        };
        folder.write("server.crt", chain);
        folder.write("server.key", key.serialize_pem());
        folder.write("trusted.crt", trusted);
        Identity { folder }
    }

    pub(super) fn certificate(&self) -> String {
        self.path("server.crt")
    }

    pub(super) fn key(&self) -> String {
        self.path("server.key")
    }

    /// For `--cacert`.
    pub(super) fn trusted(&self) -> String {
        self.path("trusted.crt")
    }

    fn path(&self, name: &str) -> String {
        self.folder.path(name).display().to_string()
    }

    pub(super) fn write(&self, name: &str, content: &str) -> PathBuf {
        self.folder.write(name, content)
    }

    pub(super) fn read(&self, name: &str) -> String {
        self.folder.read(name)
    }

    pub(super) fn place(&self) -> PathBuf {
        self.folder.path("")
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut all = DistinguishedName::new();
    all.push(DnType::CommonName, name);
    all
}

fn made_by_openssl(algorithm: &[&str]) -> String {
    let made = Command::new("openssl").args(["genpkey", "-algorithm"]).args(algorithm).output();
    String::from_utf8(made.expect("openssl, which ./check.sh installs").stdout).expect("PEM")
}
