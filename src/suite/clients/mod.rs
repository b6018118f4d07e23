//! Other load generators: one load as their command line, and their figures as a result of ours.
//!
//! A figure that a client does not tell is absent, or 0 with a note where the schema must have one. None tells single status codes
//! but oha: whoever wants errors holds `status[expected]` against `completed`.

use std::fs;
use std::path::{Path, PathBuf};

use super::process::is_there;
use crate::plan::cpus;
use crate::result::{Connections, Engine, LatencyKind, Percentiles, PlanEcho, Requests, RunResult, Summary, Target};

mod figures;
mod h2load;
mod locust;
mod oha;
mod saturing;
#[cfg(test)]
mod tests;
mod wrk;

/// How long a client that stops only by time loads, where the load is a count: seconds.
const IN_PLACE_OF_A_COUNT_S: f64 = 5.0;

/// What makes a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    /// This program.
    Saturing,
    /// wrk: closed loop, stops by time.
    Wrk,
    /// h2load, speaking HTTP/1.1.
    H2load,
    /// weighttp: closed loop, stops by count.
    Weighttp,
    /// weighttp where it is installed, else h2load, which took over its options.
    WeighttpLike,
    /// oha.
    Oha,
    /// locust: users with a behaviour of their own, from a file.
    Locust,
}

/// One load.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// With `http://`, host and port.
    pub(crate) url: String,
    pub(crate) method: String,
    /// Each as in `Accept: text/html`.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Option<String>,
    pub(crate) connections: u64,
    pub(crate) threads: usize,
    /// One of this and `duration_s`.
    pub(crate) requests: Option<u64>,
    pub(crate) duration_s: Option<f64>,
    pub(crate) rate_per_s: Option<f64>,
    pub(crate) arrivals: Option<String>,
    pub(crate) warmup_s: f64,
    pub(crate) pipeline: u32,
    pub(crate) keepalive: bool,
    pub(crate) timeout_s: f64,
    /// Empty: all.
    pub(crate) cpus: Vec<usize>,
    pub(crate) locustfile: Option<PathBuf>,
    pub(crate) python: Option<PathBuf>,
    pub(crate) saturing: PathBuf,
    /// A folder for the files it reads and writes.
    pub(crate) out: PathBuf,
    pub(crate) expect_status: u16,
}

const ALL: [Client; 7] = [
    Client::Saturing,
    Client::Wrk,
    Client::H2load,
    Client::Weighttp,
    Client::WeighttpLike,
    Client::Oha,
    Client::Locust,
];

impl Client {
    /// The client of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Client> {
        ALL.into_iter().find(|client| client.name() == name)
    }

    /// All names, as part of a sentence.
    #[must_use]
    pub fn names() -> String {
        ALL.map(Client::name).join(", ")
    }

    /// As it is asked for.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Client::Saturing => "saturing",
            Client::Wrk => "wrk",
            Client::H2load => "h2load",
            Client::Weighttp => "weighttp",
            Client::WeighttpLike => "weighttp-like",
            Client::Oha => "oha",
            Client::Locust => "locust",
        }
    }

    /// The program to look for on PATH; `None` if it comes with us, or with [`Wanted::python`].
    pub(crate) fn program(self) -> Option<&'static str> {
        match self.itself() {
            Client::Saturing | Client::Locust => None,
            client => Some(client.name()),
        }
    }

    /// The command for a load. Files that it needs are written to [`Wanted::out`].
    ///
    /// # Errors
    /// What this client cannot express, a sentence part.
    pub(crate) fn command(self, wanted: &Wanted) -> Result<Vec<String>, String> {
        let command = match self.itself() {
            Client::Saturing => return saturing::command(wanted),
            Client::Wrk => wrk::command(wanted),
            Client::H2load => h2load::command(wanted),
            Client::Weighttp | Client::WeighttpLike => h2load::weighttp_command(wanted),
            Client::Oha => oha::command(wanted),
            Client::Locust => locust::command(wanted),
        }?;
        Ok(pinned(&wanted.cpus, command))
    }

    /// What it said on standard output, as a result.
    ///
    /// # Errors
    /// It is not what this client prints; a sentence part.
    pub(crate) fn read(self, wanted: &Wanted, stdout: &str) -> Result<RunResult, String> {
        let client = self.itself();
        let result = match client {
            Client::Saturing => return saturing::read(wanted),
            Client::Wrk => wrk::read(wanted, stdout),
            Client::H2load => h2load::read(wanted, stdout),
            Client::Weighttp | Client::WeighttpLike => h2load::weighttp_read(wanted, stdout),
            Client::Oha => oha::read(wanted, stdout),
            Client::Locust => locust::read(wanted, stdout),
        };
        let mut result = result.map_err(|what| format!("{}'s output: {what}", client.name()))?;
        if client != self && client == Client::H2load {
            result.notes.push(format!("{} in place of weighttp, which is not installed", client.name()));
        }
        result.engine.name = client.name().to_owned();
        result.command = self.command(wanted).unwrap_or_default();
        Ok(result)
    }

    /// What `weighttp-like` is here.
    fn itself(self) -> Client {
        match self {
            Client::WeighttpLike if is_there(Path::new("weighttp")) => Client::Weighttp,
            Client::WeighttpLike => Client::H2load,
            client => client,
        }
    }
}

impl Wanted {
    /// No more threads than connections.
    fn threads(&self) -> usize {
        self.threads.clamp(1, usize::try_from(self.connections).unwrap_or(usize::MAX).max(1))
    }

    /// Whole seconds, at least one, for clients that stop by time and know no parts of a second.
    fn whole_seconds(&self) -> u64 {
        self.duration_s.unwrap_or(IN_PLACE_OF_A_COUNT_S).ceil().max(1.0) as u64
    }

    /// What [`whole_seconds`](Self::whole_seconds) makes of the load, where that is something else.
    fn note_of_time(&self, client: &str) -> Option<String> {
        let lasts = self.whole_seconds();
        match (self.duration_s, self.requests) {
            (Some(asked), _) => (asked != lasts as f64)
                .then(|| format!("{client} takes whole seconds only: {lasts} s in place of {asked} s")),
            (None, Some(requests)) => {
                Some(format!("{client} stops by time: {lasts} s in place of {requests} requests"))
            }
            (None, None) => Some(format!("{client} stops by time: {lasts} s")),
        }
    }

    /// The note of a client that has no warm-up.
    fn note_of_warmup(&self, client: &str) -> Option<String> {
        (self.warmup_s > 0.0).then(|| format!("{client} has no warm-up here: {} s of it were left out", self.warmup_s))
    }

    /// Refuses what a client of closed loops cannot do.
    fn closed_loop(&self, client: &str) -> Result<(), String> {
        match self.rate_per_s {
            Some(_) => Err(format!("{client} cannot hold a rate over all connections")),
            None => Ok(()),
        }
    }

    fn one_at_a_time(&self, client: &str) -> Result<(), String> {
        if self.pipeline > 1 { Err(format!("{client} sends one request at a time on a connection")) } else { Ok(()) }
    }

    /// The headers, and where connections are to close the one that says so.
    fn all_headers(&self) -> impl Iterator<Item = String> + '_ {
        let close = (!self.keepalive).then(|| "Connection: close".to_owned());
        self.headers.iter().cloned().chain(close)
    }

    /// Writes a file for the client; its path.
    fn file(&self, name: &str, text: &str) -> Result<String, String> {
        let path = self.out.join(name);
        fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(path.display().to_string())
    }

    /// A result with what was asked for, and none of what was seen.
    fn result(&self) -> RunResult {
        let authority = self.url.split("://").last().and_then(|rest| rest.split('/').next()).unwrap_or_default();
        RunResult {
            target: Target {
                url: self.url.clone(),
                address: authority.to_owned(),
                addresses: vec![authority.to_owned()],
                unix_socket: None,
                unanswered: Vec::new(),
                method: self.method.clone(),
                wants_tls: false,
                process: None,
            },
            plan: PlanEcho {
                threads: self.threads(),
                connections: self.connections,
                pipeline: self.pipeline,
                duration_s: self.duration_s,
                requests: self.requests,
                rate_per_s: self.rate_per_s,
                arrivals: self.arrivals.clone(),
                timeout_ms: self.timeout_s * 1e3,
                cpus: self.cpus.clone(),
                ..PlanEcho::default()
            },
            engine: Engine { why: "another client".to_owned(), ..Engine::default() },
            connections: Connections { requested: self.connections, ..Connections::default() },
            ..RunResult::new()
        }
    }

    /// The answers that had the expected status, of `completed`, where a client tells classes of them or fewer: those of the expected
    /// status's class count as expected.
    fn statuses(&self, expected: u64, completed: u64, result: &mut RunResult) {
        if expected > 0 {
            result.status.insert(self.expect_status, expected);
        }
        if completed > expected {
            let others = completed - expected;
            result
                .notes
                .push(format!("{others} answers had another status than {}: which is not told", self.expect_status));
        }
    }
}

/// Outcomes of a client that tells answers and failures only: whatever was sent was either.
fn outcomes(completed: u64, failed: u64) -> Requests {
    Requests { sent: completed + failed, completed, failed, ..Requests::default() }
}

/// A summary without a histogram.
fn summary(kind: LatencyKind, count: u64, ns: [f64; 4], percentiles: Percentiles) -> Summary {
    let [min, mean, stdev, max] = ns;
    Summary {
        kind: Some(kind),
        count,
        min: min.round() as u64,
        mean,
        stdev,
        max: max.round() as u64,
        within_stdev: 0.0,
        percentiles,
        histogram: String::new(),
    }
}

fn pinned(cpus: &[usize], command: Vec<String>) -> Vec<String> {
    if cpus.is_empty() {
        return command;
    }
    words(["taskset", "-c", &cpus::format_list(cpus)]).chain(command).collect()
}

fn words<const N: usize>(words: [&str; N]) -> impl Iterator<Item = String> {
    words.map(str::to_owned).into_iter()
}

/// As h2load and oha take times.
fn milliseconds(s: f64) -> String {
    format!("{}ms", (s * 1e3).ceil().max(1.0))
}
