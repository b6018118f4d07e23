//! A case set up: its backends and its server run and answer.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use super::case::{Case, Request, Suite, Topology};
use super::hosts::Hosts;
use super::process::{Program, Start, last_words, told};
use super::words::Words;
use crate::measure::clock::{Clock, Monotonic};
use crate::plan::{RequestsSpec, Target, TargetSpec, TlsOptions};
use crate::run::ask::{Asked, ask};

/// Between two questions whether a program is ready.
const POLL: Duration = Duration::from_millis(10);
/// How long one such question may take.
const QUESTION: Duration = Duration::from_secs(5);
/// In namespaces of their own every port is free.
const SERVER_PORT: u16 = 8000;
const BACKEND_PORT: u16 = 9000;
/// Elsewhere they are looked for among so many.
const PORTS: u16 = 4_000;

/// Why a case is not set up.
pub(super) enum Fault {
    /// It was tried, and failed; or this machine does not allow it.
    NotSet { why: String, impossible: bool },
    /// A signal came meanwhile.
    Halted,
}

impl From<String> for Fault {
    fn from(why: String) -> Fault {
        Fault::NotSet { why, impossible: false }
    }
}

/// What runs, in the order of its start: backends, then the server. Dropped, it is ended, the server first.
pub(super) struct Stage<'a> {
    case: &'a Case,
    running: Vec<Running>,
    /// After the programs: they are in there.
    pub(super) hosts: Option<Hosts>,
    server: SocketAddr,
    words: Words,
}

struct Running {
    name: String,
    program: Program,
    shown: String,
    log: PathBuf,
}

/// Where things are on this machine.
pub(super) struct Places<'a> {
    pub(super) suite: &'a Suite,
    /// For logs.
    pub(super) logs: PathBuf,
    /// What placeholders stand for in every case.
    pub(super) words: &'a Words,
    /// Not 0 once a signal came.
    pub(super) halt: &'a AtomicUsize,
}

impl<'a> Stage<'a> {
    /// Starts everything, one after the other, each as soon as the one before is ready.
    pub(super) fn set(case: &'a Case, places: &Places<'_>, tag: &str) -> Result<Stage<'a>, Fault> {
        let hosts = match case.topology {
            Topology::Lan => None,
            Topology::S1s2 => Some(Hosts::make(&case.sysctl).map_err(|why| Fault::NotSet { why, impossible: true })?),
        };
        let server_ip = hosts.as_ref().map_or("127.0.0.1", |hosts| hosts.server().1);
        let port = if hosts.is_some() { SERVER_PORT } else { free_port()? };
        let server = format!("{server_ip}:{port}").parse().map_err(|error| format!("{server_ip}: {error}"))?;
        let mut stage = Stage { case, running: Vec::new(), hosts, server, words: places.words.clone() };
        for (nth, name) in case.backends.iter().enumerate() {
            stage.start_backend(nth, name, places, tag)?;
        }
        stage.start_server(places, tag)?;
        Ok(stage)
    }

    fn start_backend(&mut self, nth: usize, name: &str, places: &Places<'_>, tag: &str) -> Result<(), Fault> {
        let backend = &places.suite.backends[name];
        let (namespace, ip) = match &self.hosts {
            Some(hosts) => (Some(hosts.backend().0.to_owned()), hosts.backend().1),
            None => (None, "127.0.0.1"),
        };
        let port = |n: u16| if namespace.is_some() { Ok(BACKEND_PORT + 2 * nth as u16 + n) } else { free_port() };
        let (port, port2) = (port(0)?, port(1)?);
        let mut words = places.words.clone();
        words.set("host", ip);
        words.set("port", port);
        words.set("port2", port2);
        words.set("cores", self.case.cpus.backend.len());
        let start = Start {
            words: words.fill_all(&backend.command)?,
            env: filled(&words, &backend.env)?,
            dir: places.suite.root.clone(),
            cpus: self.case.cpus.backend.clone(),
            namespace,
        };
        self.words.set(name, format!("{}{ip}:{port}", backend.scheme));
        self.words.set(format!("{name}.host"), ip);
        self.words.set(format!("{name}.port"), port);
        self.run(name, &start, places, tag)?;
        let address = format!("{ip}:{port}").parse().map_err(|error| format!("{ip}: {error}"))?;
        let wanted = backend.ready_path.as_deref().map(|path| target(address, "GET", path, &[], b"")).transpose()?;
        self.await_ready(backend.ready, places.halt, || match &wanted {
            None => TcpStream::connect_timeout(&address, QUESTION).map(drop).map_err(|error| error.to_string()),
            Some(wanted) => ready(wanted, 200),
        })
    }

    fn start_server(&mut self, places: &Places<'_>, tag: &str) -> Result<(), Fault> {
        let case = self.case;
        let namespace = self.hosts.as_ref().map(|hosts| hosts.server().0.to_owned());
        self.words.set("host", self.server.ip());
        self.words.set("port", self.server.port());
        self.words.set("cores", case.cpus.server.len());
        let start = Start {
            words: self.words.fill_all(&case.server)?,
            env: filled(&self.words, &case.env)?,
            dir: case.dir.clone(),
            cpus: case.cpus.server.clone(),
            namespace,
        };
        self.run("server", &start, places, tag)?;
        let (wanted, status) = match &case.ready_path {
            Some(path) => (target(self.server, "GET", path, &[], b"")?, 200),
            None => (self.target(&case.requests[0])?, case.requests[0].status),
        };
        self.await_ready(case.ready, places.halt, || ready(&wanted, status))
    }

    fn run(&mut self, name: &str, start: &Start, places: &Places<'_>, tag: &str) -> Result<(), Fault> {
        let log = places.logs.join(format!("{tag}-{name}.log"));
        let program = Program::start(start, &log, None)?;
        self.running.push(Running { name: name.to_owned(), program, shown: start.shown(), log });
        Ok(())
    }

    /// Asks the program started last whether it is ready until it says so.
    fn await_ready(
        &mut self,
        limit: Duration,
        halt: &AtomicUsize,
        question: impl Fn() -> Result<(), String> + Sync,
    ) -> Result<(), Fault> {
        let ends_at = Monotonic.now() + limit.as_nanos() as u64;
        let last = self.running.len() - 1;
        loop {
            let answer = match &self.hosts {
                None => question(),
                // The server knows both sides.
                Some(hosts) => hosts.on_server(&question)?,
            };
            let Err(why) = answer else { return Ok(()) };
            let Running { name, program, log, .. } = &mut self.running[last];
            if let Some(status) = program.ended() {
                return Err(format!("{name} ended before it was ready: {}{}", told(status), last_words(log)).into());
            }
            if halt.load(Relaxed) != 0 {
                return Err(Fault::Halted);
            }
            if Monotonic.now() > ends_at {
                return Err(format!("{name} was not ready within {limit:?}: {why}{}", last_words(log)).into());
            }
            thread::sleep(POLL);
        }
    }

    /// The request as it goes to this server.
    pub(super) fn target(&self, request: &Request) -> Result<Target, String> {
        let body = self.body(request)?.unwrap_or_default();
        target(self.server, &request.method, &request.path, &request.headers, body.as_bytes())
    }

    /// Its body, filled in.
    pub(super) fn body(&self, request: &Request) -> Result<Option<String>, String> {
        request.body.as_deref().map(|body| self.words.fill(body)).transpose()
    }

    /// Where the request goes.
    pub(super) fn url(&self, request: &Request) -> String {
        format!("http://{}{}", self.server, request.path)
    }

    /// The server, for a client that knows paths of its own.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.server)
    }

    /// The case's request of that index.
    pub(super) fn request(&self, index: usize) -> &'a Request {
        &self.case.requests[index]
    }

    /// Asks as the client's host would, and holds the answer against what it has to be, byte for byte.
    pub(super) fn check(&self, request: &Request) -> Result<(), String> {
        let wanted = self.target(request)?;
        let question = || ask(&wanted, QUESTION.max(self.case.ready));
        let answer = match &self.hosts {
            None => question(),
            Some(hosts) => hosts.on_client(question)?,
        };
        let told = |error: String| format!("{} {}: {error}", request.method, request.path);
        let Asked { status, body, excess, .. } = answer.map_err(told)?;
        if status != request.status {
            return Err(told(format!(
                "must be answered with status {}, got {status}: {}",
                request.status,
                quoted(&body)
            )));
        }
        differs("body", &request.answer, &body)
            .or_else(|| differs("excess", &request.excess, &excess))
            .map_or(Ok(()), |why| Err(told(why)))
    }

    /// What runs: name and command, in the order of their start.
    pub(super) fn commands(&self) -> BTreeMap<String, String> {
        self.running.iter().map(|one| (one.name.clone(), one.shown.clone())).collect()
    }

    /// Names and process groups, likewise.
    pub(super) fn groups(&self) -> Vec<(String, i32)> {
        self.running.iter().map(|one| (one.name.clone(), one.program.group())).collect()
    }

    /// What has ended although it should run.
    pub(super) fn lost(&mut self) -> Option<String> {
        self.running.iter_mut().find_map(|one| {
            let status = one.program.ended()?;
            Some(format!("{} ended while it was under load: {}{}", one.name, told(status), last_words(&one.log)))
        })
    }

    /// Ends everything; tells what did not end by itself.
    pub(super) fn end(mut self) -> Vec<String> {
        let mut forced = Vec::new();
        while let Some(mut one) = self.running.pop() {
            if !one.program.stop() {
                forced.push(format!("{} did not end within 5 s of SIGTERM and was killed", one.name));
            }
        }
        forced
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        while self.running.pop().is_some() {}
    }
}

fn filled(words: &Words, env: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    env.iter().map(|(name, value)| Ok((name.clone(), words.fill(value)?))).collect()
}

fn target(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Target, String> {
    let url = format!("http://{address}{path}");
    let spec = TargetSpec {
        urls: &[url],
        requests: &RequestsSpec::one(method, headers, body),
        unix_socket: None,
        sources: &[],
        tls: &TlsOptions::default(),
    };
    Target::resolve(&spec, &mut Vec::new()).map_err(|error| error.to_string())
}

fn ready(wanted: &Target, status: u16) -> Result<(), String> {
    let answer = ask(wanted, QUESTION)?;
    if answer.status == status {
        Ok(())
    } else {
        Err(format!("answers with status {}: {}", answer.status, quoted(&answer.body)))
    }
}

/// A port of loopback that nobody listens on, below those that the kernel gives to outgoing connections: one of these might take it
/// before the program does that it is for.
fn free_port() -> Result<u16, String> {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let lowest =
        range.split_whitespace().next().and_then(|low| low.parse().ok()).unwrap_or(32_768u16).max(PORTS + 1_024);
    // Suites that run at the same time begin in different places.
    let first = u16::try_from(std::process::id() % u32::from(PORTS)).unwrap_or(0);
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut ports = (0..PORTS).map(|_| lowest - PORTS + first.wrapping_add(TRIED.fetch_add(1, Relaxed)) % PORTS);
    ports.find(free).ok_or_else(|| format!("no free port from {} to {}", lowest - PORTS, lowest - 1))
}

/// How `got` differs from what it has to be.
fn differs(what: &str, must: &[u8], got: &[u8]) -> Option<String> {
    if must == got {
        return None;
    }
    let same = must.iter().zip(got).take_while(|(must, got)| must == got).count();
    let (lengths, at) = (format!("{} bytes", must.len()), same.saturating_sub(10));
    Some(format!(
        "wrong {what}: must be {lengths}, got {}; they differ from byte {same} on: must be {}, got {}",
        got.len(),
        quoted(&must[at.min(must.len())..]),
        quoted(&got[at.min(got.len())..])
    ))
}

/// The beginning of some bytes, readable.
fn quoted(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
    format!("{text:?}{}", if bytes.len() > 60 { "..." } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_answers_differ() {
        assert_eq!(differs("body", b"same", b"same"), None);
        for (must, got, told) in [
            (
                "Hello",
                "Hellish",
                "wrong body: must be 5 bytes, got 7; they differ from byte 4 on: must be \"Hello\", got \"Hellish\"",
            ),
            (
                "Hello",
                "",
                "wrong body: must be 5 bytes, got 0; they differ from byte 0 on: must be \"Hello\", got \"\"",
            ),
            (
                "",
                "\r\n",
                "wrong body: must be 0 bytes, got 2; they differ from byte 0 on: must be \"\", got \"\\r\\n\"",
            ),
        ] {
            assert_eq!(differs("body", must.as_bytes(), got.as_bytes()).as_deref(), Some(told));
        }
    }
}
