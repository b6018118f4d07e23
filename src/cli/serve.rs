//! `saturing serve`: the built-in server alone.

use std::io::Write;
use std::time::Duration;

use super::failure::{DONE, Failure, NO_RUN};
use super::signals::Signal;
use super::typed::TypedServe;
use crate::plan::cpus::Topology;
use crate::target::{Route, Server, ServerOptions};

/// Serves until a signal comes, then says how much was served.
pub(super) fn serve(typed: &TypedServe) -> Result<i32, Failure> {
    let cpus = typed.cpus(&Topology::read()?)?;
    let tls = typed.identity()?;
    let wanted = ServerOptions { truth: typed.truth.as_ref(), routes: typed.routes.clone(), tls: tls.clone() };
    let server = Server::start_as(&typed.listen, &cpus, typed.engine, wanted);
    let server = server.map_err(|error| Failure::no_run(error.to_string()))?;
    let signal = Signal::listen().map_err(|error| Failure::no_run(format!("signals: {error}")))?;
    say(&server.listen().to_string());
    if let Some(identity) = &tls {
        say(&format!("TLS, certificate SHA-256 {}", identity.fingerprint()));
    }
    while signal.exit_code().is_none() {
        // A signal ends the sleep early.
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let served = server.stop();
    say(&format!("served {} requests on {} connections", served.requests, served.connections));
    if let Some(routes) = &typed.routes {
        let names = routes.all().iter().map(Route::name).chain(["no route".to_owned()]);
        let rows: Vec<(String, &u64)> = names.zip(&served.by_route).collect();
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        rows.iter().for_each(|(name, count)| say(&format!("  {name:<width$} {count:>12}")));
    }
    Ok(if served.log_failed { NO_RUN } else { DONE })
}

/// A line on standard output, at once, as whoever started the server waits for it; that nobody reads is no failure.
fn say(line: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
