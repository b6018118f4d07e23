//! Calibrations kept under the user's cache directory: one for each host, kernel, CPU model, engine, level and protocol.

use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::report::json;
use crate::result::calibration::{Calibration, HTTPS};
use crate::result::{Ceiling, Engine, Host, RunResult};

/// `$XDG_CACHE_HOME/saturing`, or `~/.cache/saturing`.
fn folder() -> io::Result<PathBuf> {
    let base = etcetera::base_strategy::Xdg::new().map_err(io::Error::other)?;
    Ok(base.cache_dir().join("saturing"))
}

/// What is no plain letter, digit, point, plus or minus becomes a line; what that mixes up is told apart by what the file says.
fn file_name(host: &Host, engine: &Engine, protocol: &str) -> String {
    let parts = [&host.hostname, &host.kernel, &host.cpu, &engine.name, &engine.level].map(String::as_str);
    let tls = (protocol == HTTPS).then_some("tls");
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".+-".contains(c) { c } else { '_' };
    let parts: Vec<&str> = parts.into_iter().chain(tls).collect();
    let name: String = parts.join(" ").chars().map(plain).take(200).collect();
    format!("calibration_{name}.json")
}

/// Keeps `found`, and tells where.
///
/// # Errors
/// The place cannot be written; names it.
pub(super) fn store(found: &Calibration) -> io::Result<PathBuf> {
    let folder = folder()?;
    let path = folder.join(file_name(&found.host, &found.engine, &found.protocol));
    let named = |path: &Path| {
        let path = path.display().to_string();
        move |error: io::Error| io::Error::new(error.kind(), format!("{path}: {error}"))
    };
    std::fs::create_dir_all(&folder).map_err(named(&folder))?;
    // Another file first: who reads meanwhile finds the old one or the new one, whole.
    let draft = folder.join(format!("draft-{}", std::process::id()));
    let written = std::fs::write(&draft, json::render(found)?).and_then(|()| std::fs::rename(&draft, &path));
    if written.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    written.map_err(named(&path))?;
    Ok(path)
}

/// What this client can do at most in a run such as `result`, if a calibration is on file. Whatever is missing or unreadable there is
/// no error: then there is none.
pub(super) fn ceiling(result: &RunResult) -> Option<Ceiling> {
    let path = folder().ok()?.join(file_name(&result.host, &result.engine, result.protocol()));
    let found: Calibration = serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()?;
    found.ceiling_of(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_tell_levels_apart() {
        let host = Host {
            hostname: "a/b".into(),
            kernel: "6.18.5".into(),
            cpu: "Fast (R) @ 3".into(),
            cpus_online: 2,
            ..Host::default()
        };
        let name = |level: &str| {
            file_name(&host, &Engine { name: "uring".into(), level: level.into(), why: "".into() }, "http/1.1")
        };
        assert_eq!(name("A+"), "calibration_a_b_6.18.5_Fast__R____3_uring_A+.json");
        assert_ne!(name("A+"), name("A-"));
        assert_ne!(name("A"), name("A-"));
        let long = Host { cpu: "x".repeat(1000), ..host };
        assert!(
            file_name(&long, &Engine::default(), HTTPS).ends_with("_tls.json")
                || file_name(&long, &Engine::default(), HTTPS).len() < 250,
            "as long as file names may be"
        );
    }
}
