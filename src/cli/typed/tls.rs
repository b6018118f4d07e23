//! What is asked of TLS, as typed.

use super::super::args::{LoadArgs, ServeArgs};
use crate::plan::{ClientIdentity, Error, TlsOptions, Url, Verify, Version};

/// Reads the options of TLS, which only an https URL has.
pub(super) fn options(args: &LoadArgs) -> Result<TlsOptions, Error> {
    if let Some(option) = given(args)
        && let Some(url) = args.url.first()
        && !Url::parse_with_placeholders(url)?.is_tls()
    {
        let rule = match option {
            "--insecure" => "needs an https:// URL; connections are kept alive without it (ab's -k)",
            _ => "needs an https:// URL",
        };
        return Err(Error::argument(option, rule, url));
    }
    let verify = match (&args.cacert, args.insecure) {
        (Some(file), true) => {
            let rule = "cannot be used with --insecure, which verifies nothing";
            return Err(Error::argument("--cacert", rule, file));
        }
        (Some(file), false) => Verify::File(file.into()),
        (None, true) => Verify::Nobody,
        (None, false) => Verify::System,
    };
    Ok(TlsOptions {
        verify,
        identity: identity(args.cert.as_ref(), args.key.as_ref())?,
        name: args.sni.clone(),
        oldest: version("--tls-min", args.tls_min.as_deref())?,
        newest: version("--tls-max", args.tls_max.as_deref())?,
        ciphers: list("--ciphers", args.ciphers.as_deref(), &[',', ':'])?,
        alpn: alpn(args.alpn.as_deref())?,
        resume: args.resume,
    })
}

/// What the built-in server shows of itself, if it is to speak TLS; `Some(None)`: a certificate of its own.
pub(super) fn of_server(args: &ServeArgs) -> Result<Option<Option<ClientIdentity>>, Error> {
    let files = identity(args.cert.as_ref(), args.key.as_ref())?;
    match (&args.cert, args.tls) {
        (Some(file), false) => Err(Error::argument("--cert", "needs --tls", file)),
        (_, tls) => Ok(tls.then_some(files)),
    }
}

fn identity(certificate: Option<&String>, key: Option<&String>) -> Result<Option<ClientIdentity>, Error> {
    match (certificate, key) {
        (None, None) => Ok(None),
        (None, Some(key)) => Err(Error::argument("--key", "needs its certificate, --cert FILE", key)),
        // A file may hold both, as curl takes them.
        (Some(certificate), key) => {
            Ok(Some(ClientIdentity { certificate: certificate.into(), key: key.unwrap_or(certificate).into() }))
        }
    }
}

/// The first option of TLS that was typed.
fn given(args: &LoadArgs) -> Option<&'static str> {
    let all = [
        ("--insecure", args.insecure),
        ("--cacert", args.cacert.is_some()),
        ("--cert", args.cert.is_some()),
        ("--key", args.key.is_some()),
        ("--sni", args.sni.is_some()),
        ("--tls-min", args.tls_min.is_some()),
        ("--tls-max", args.tls_max.is_some()),
        ("--ciphers", args.ciphers.is_some()),
        ("--alpn", args.alpn.is_some()),
        ("--resume", args.resume),
    ];
    all.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
}

fn version(option: &'static str, text: Option<&str>) -> Result<Option<Version>, Error> {
    let Some(text) = text else { return Ok(None) };
    let version = Version::named(text);
    version.map(Some).ok_or_else(|| Error::argument(option, "must be 1.2 or 1.3", text))
}

fn list(option: &'static str, text: Option<&str>, by: &[char]) -> Result<Vec<String>, Error> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let all: Vec<String> = text.split(by).map(|one| one.trim().to_owned()).collect();
    match all.iter().any(String::is_empty) {
        true => Err(Error::argument(option, "must be a list of names with commas between", text)),
        false => Ok(all),
    }
}

/// Names of protocols are 1 to 255 bytes long (RFC 7301, 3.1).
fn alpn(text: Option<&str>) -> Result<Vec<String>, Error> {
    let all = list("--alpn", text, &[','])?;
    match all.iter().find(|name| name.len() > 255) {
        Some(name) => Err(Error::argument("--alpn", "must be names of at most 255 bytes", name)),
        None => Ok(all),
    }
}
