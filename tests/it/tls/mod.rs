//! Over TLS: real servers with all sorts of settings, every workload, and each way in which it fails.

mod failures;
mod identities;
mod loads;
mod peers;

use crate::support::saturing::{Ended, run};
use saturing::result::{RunResult, Tls};

/// So many requests on four connections, with JSON.
fn ask(url: &str, options: &[&str]) -> Ended {
    run(&[&["--json", "-"], options, &usual(options), &[url]].concat())
}

/// What is asked for unless it stands in `options`.
fn usual(options: &[&str]) -> Vec<&'static str> {
    let usual = [("-c", "4"), ("-T", "50s")];
    usual.into_iter().filter(|(name, _)| !options.contains(name)).flat_map(|(name, value)| [name, value]).collect()
}

/// The same of a run that must end well.
fn asked(url: &str, options: &[&str]) -> RunResult {
    let ended = ask(url, options);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{url} {options:?}: {}", ended.stdout);
    ended.result()
}

fn tls(result: &RunResult) -> &Tls {
    result.tls.as_ref().expect("TLS")
}
