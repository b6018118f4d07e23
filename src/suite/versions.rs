//! What ran, by version.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// Programs of the system, what makes each tell its version, and what stands before it in what it says.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("nginx", "-v", "nginx/"),
    ("redis-server", "--version", "v="),
    ("virtuoso-t", "-?", "Version "),
    ("wrk", "-v", "wrk "),
    ("h2load", "--version", "nghttp2/"),
    ("oha", "--version", "oha "),
    ("weighttp", "-v", "weighttp - "),
];

/// Tells in a line `NAME VERSION` each, for the interpreter and for each package installed for it.
const PACKAGES: &str = include_str!("packages.py");

/// Of all that is there: kernel, interpreters with their packages, programs.
pub(super) fn versions(interpreters: &[&Path]) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::from([("saturing".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
    if let Ok(release) = std::fs::read_to_string("/proc/sys/kernel/osrelease") {
        versions.insert("Linux".to_owned(), release.trim().to_owned());
    }
    for interpreter in interpreters {
        let lines = output(interpreter, &["-c", PACKAGES]);
        let mut own = String::new();
        for (name, version) in lines.lines().filter_map(|line| line.split_once(' ')) {
            if own.is_empty() {
                own = name.to_owned();
                versions.insert(own.clone(), version.to_owned());
            } else {
                versions.insert(format!("{own}: {name}"), version.to_owned());
            }
        }
    }
    for (program, option, before) in PROGRAMS {
        let told = output(Path::new(program), &[option]);
        let word = told.split_once(before).and_then(|(_, rest)| rest.split([' ', '\n', '[']).next());
        // Debian puts its own name before wrk's.
        let version = word.and_then(|word| word.find(|c: char| c.is_ascii_digit()).map(|at| &word[at..]));
        if let Some(version) = version {
            versions.insert((*program).to_owned(), version.to_owned());
        }
    }
    versions
}

/// All that it says; nothing if it cannot be started.
fn output(program: &Path, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    done.map_or_else(
        |_| String::new(),
        |done| String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr),
    )
}
