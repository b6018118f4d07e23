//! Suites as they are run: checked, with everything filled in that their files leave out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::clients::Client;
use super::file::Quick;
use crate::plan::Until;
use crate::result::suite::{Outcome, Then};

/// A suite, checked.
#[derive(Debug)]
pub struct Suite {
    /// As in `seed`.
    pub name: String,
    /// A line.
    pub title: String,
    /// A paragraph.
    pub about: String,
    /// Its file.
    pub path: PathBuf,
    /// The file's text.
    pub(super) text: String,
    /// The folder that relative paths begin in: the one above the suites'.
    pub(super) root: PathBuf,
    pub(super) backends: BTreeMap<String, Backend>,
    /// In the order of the file.
    pub cases: Vec<Case>,
    pub(super) statements: Vec<Outcome>,
    pub(super) quick: Quick,
}

/// A program that servers ask.
#[derive(Debug, Clone)]
pub(super) struct Backend {
    pub(super) command: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) ready_path: Option<String>,
    pub(super) ready: Duration,
    pub(super) scheme: String,
    pub(super) line: usize,
}

/// A server under load.
#[derive(Debug, Clone)]
pub struct Case {
    /// Unlike all others.
    pub name: String,
    /// Cases shown together.
    pub group: String,
    /// What answers, in a few words.
    pub about: String,
    pub(super) server: Vec<String>,
    pub(super) dir: PathBuf,
    pub(super) env: BTreeMap<String, String>,
    pub(super) backends: Vec<String>,
    pub(super) topology: Topology,
    pub(super) sysctl: BTreeMap<String, String>,
    pub(super) ready: Duration,
    pub(super) ready_path: Option<String>,
    pub(super) cpus: Cpus,
    pub(super) repeat: u32,
    pub(super) requests: Vec<Request>,
    pub(super) then: Vec<Then>,
    pub(super) line: usize,
}

/// Where client, server and backend are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topology {
    /// All on this host.
    Lan,
    /// Each in a network namespace of its own.
    S1s2,
}

impl Topology {
    /// All on this host, where nothing is said.
    pub(super) fn parse(text: Option<&str>) -> Result<Topology, String> {
        match text {
            None | Some("lan") => Ok(Topology::Lan),
            Some("s1s2") => Ok(Topology::S1s2),
            Some(other) => Err(format!("topology must be lan or s1s2, got {other:?}")),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Topology::Lan => "lan",
            Topology::S1s2 => "s1s2",
        }
    }
}

/// CPU sets, as in `0,2-5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cpus {
    pub(super) client: Vec<usize>,
    pub(super) server: Vec<usize>,
    pub(super) backend: Vec<usize>,
}

/// A request and what has to answer it.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) name: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
    pub(super) status: u16,
    pub(super) answer: Vec<u8>,
    pub(super) excess: Vec<u8>,
    pub(super) loads: Vec<Load>,
}

/// How a request is repeated.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) name: String,
    pub(super) points: Vec<Point>,
    pub(super) threads: usize,
    pub(super) arrivals: Option<String>,
    pub(super) warmup: Duration,
    pub(super) pipeline: u32,
    pub(super) keepalive: bool,
    pub(super) timeout: Duration,
    /// Its duration under `--quick`, in place of the suite's.
    pub(super) quick: Option<Duration>,
    pub(super) locustfile: Option<PathBuf>,
    pub(super) clients: Vec<Client>,
}

/// A load, or a point of a sweep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) connections: u64,
    pub(super) rate_per_s: Option<f64>,
    pub(super) until: Until,
}

impl Load {
    /// What sets a point of a sweep apart from the others, as in `@c20` or `@r400`; nothing for a load that is none.
    pub(super) fn mark(&self, point: &Point) -> String {
        let differs = |pick: fn(&Point) -> Option<f64>| self.points.iter().any(|other| pick(other) != pick(point));
        let connections = if differs(|point| Some(point.connections as f64)) {
            format!("@c{}", point.connections)
        } else {
            String::new()
        };
        match point.rate_per_s {
            Some(rate) if differs(|point| point.rate_per_s) => format!("{connections}@r{rate}"),
            _ => connections,
        }
    }

    /// The load as `--quick` has it: little of it, and of a sweep its ends.
    pub(super) fn reduced(&self, quick: &Quick) -> Load {
        let longest = self.quick.unwrap_or(Duration::from_secs_f64(quick.duration_s));
        let less = |point: Point| Point {
            until: Until {
                duration: point.until.duration.map(|duration| duration.min(longest)),
                requests: point.until.requests.map(|requests| requests.min(quick.requests)),
            },
            ..point
        };
        let last = self.points.len() - 1;
        let kept = (0..quick.points.min(self.points.len())).map(|n| match quick.points {
            1 => 0,
            of => n * last / (of.min(self.points.len()) - 1).max(1),
        });
        Load {
            points: kept.map(|n| less(self.points[n])).collect(),
            warmup: self.warmup.min(Duration::from_secs_f64(quick.warmup_s)),
            ..self.clone()
        }
    }
}
