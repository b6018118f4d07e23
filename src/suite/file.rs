//! What a suite's TOML may say: names, types, and nothing of what they mean.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::result::suite::{Kind, Then};

/// A suite as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuiteFile {
    /// As in `seed`.
    pub(crate) name: String,
    /// A line.
    pub(crate) title: String,
    /// A paragraph.
    pub(crate) about: String,
    /// What cases do not say themselves.
    #[serde(default)]
    pub(crate) defaults: CaseDefaults,
    /// What `--quick` makes of every load.
    #[serde(default)]
    pub(crate) quick: Quick,
    /// Loads by name.
    pub(crate) load: BTreeMap<String, Spanned<LoadFile>>,
    /// Programs that servers ask, by name.
    #[serde(default)]
    pub(crate) backend: BTreeMap<String, Spanned<BackendFile>>,
    /// Servers under load, in the order in which they run and are shown.
    pub(crate) case: Vec<Spanned<CaseFile>>,
    /// What the rows are to show.
    #[serde(default)]
    pub(crate) statement: Vec<Spanned<StatementFile>>,
}

/// What holds for all cases that do not say otherwise.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseDefaults {
    /// Rounds, 1 to 1000 (3).
    pub(crate) repeat: Option<u32>,
    /// How long a server or backend may take to answer, in seconds (20).
    pub(crate) ready_s: Option<f64>,
    /// Names of loads.
    #[serde(default)]
    pub(crate) loads: Vec<String>,
    /// CPUs of each side; `auto`, or absent: cores of their own as far as there are enough.
    #[serde(default)]
    pub(crate) cpus: CpusFile,
    /// Working directory, below the folder above the suite's (that folder).
    pub(crate) dir: Option<String>,
    /// Variables for server and backends.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
}

/// CPU sets, as in `0,2-5`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CpusFile {
    pub(crate) client: Option<String>,
    pub(crate) server: Option<String>,
    pub(crate) backend: Option<String>,
}

/// The most that a load keeps under `--quick`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Quick {
    pub(crate) requests: u64,
    pub(crate) duration_s: f64,
    pub(crate) warmup_s: f64,
    /// Points of a sweep: its ends, if 2.
    pub(crate) points: usize,
}

impl Default for Quick {
    fn default() -> Quick {
        Quick { requests: 300, duration_s: 0.5, warmup_s: 0.1, points: 2 }
    }
}

/// A load. One of `requests` and `duration_s`; or `steps`, which has both connections and requests.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoadFile {
    /// 1 to 1M.
    pub(crate) connections: Option<u64>,
    /// The client's threads (1); saturing has no more of them than its CPUs.
    pub(crate) threads: Option<usize>,
    pub(crate) requests: Option<u64>,
    pub(crate) duration_s: Option<f64>,
    /// A sweep over connections, as `saturing --steps` takes it: `10..50+10x10000`, `1,8,64x5s`.
    pub(crate) steps: Option<String>,
    /// Open loop, requests per second; a list is a sweep.
    pub(crate) rate_per_s: Option<Rates>,
    /// `constant` or `poisson`.
    pub(crate) arrivals: Option<String>,
    /// Load before the window, in seconds (0).
    pub(crate) warmup_s: Option<f64>,
    /// Requests in flight on a connection (1).
    pub(crate) pipeline: Option<u32>,
    /// `false`: a new connection for each request.
    pub(crate) keepalive: Option<bool>,
    /// How long an answer may take, in seconds (10).
    pub(crate) timeout_s: Option<f64>,
    /// For the client locust: its file, below the folder above the suite's. `connections` are its users.
    pub(crate) locustfile: Option<String>,
    /// What makes the load, where the command line does not say (saturing).
    #[serde(default)]
    pub(crate) clients: Vec<String>,
}

/// One rate, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Rates {
    One(f64),
    Several(Vec<f64>),
}

/// A program that a server asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackendFile {
    /// Program and arguments, with placeholders: see [`super::words`].
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// Ready once this path answers with status 200; without it, once it takes a connection.
    pub(crate) ready_path: Option<String>,
    pub(crate) ready_s: Option<f64>,
    /// What stands before its address where `{NAME}` asks for it, as in `redis://`.
    pub(crate) scheme: Option<String>,
}

/// A server under load.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseFile {
    /// Letters, digits, `_` and `-`; unlike all others.
    pub(crate) name: String,
    /// Cases shown together.
    pub(crate) group: String,
    /// What answers, in a few words.
    pub(crate) about: String,
    /// Program and arguments, with placeholders: see [`super::words`].
    pub(crate) server: Vec<String>,
    pub(crate) dir: Option<String>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// Names of backends, started in this order before the server.
    #[serde(default)]
    pub(crate) backends: Vec<String>,
    /// `lan` (all on this host) or `s1s2` (client, server and backend in network namespaces of their own).
    pub(crate) topology: Option<String>,
    /// Of the server's namespace, in `s1s2`.
    #[serde(default)]
    pub(crate) sysctl: BTreeMap<String, String>,
    pub(crate) ready_s: Option<f64>,
    /// Asked until it answers with 200, in place of the first request.
    pub(crate) ready_path: Option<String>,
    #[serde(default)]
    pub(crate) cpus: CpusFile,
    pub(crate) repeat: Option<u32>,
    /// Names of loads.
    #[serde(default)]
    pub(crate) loads: Vec<String>,
    /// What is asked, and what has to be the answer.
    pub(crate) request: Vec<RequestFile>,
    /// Figures of an earlier study, for the first request under the first load.
    pub(crate) then: Option<Then>,
    /// The same for each point of a sweep.
    #[serde(default)]
    pub(crate) then_points: Vec<Then>,
}

/// A request and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestFile {
    /// As in `GET`, which is also what it is without one.
    pub(crate) name: Option<String>,
    /// `GET`.
    pub(crate) method: Option<String>,
    /// `/`.
    pub(crate) path: Option<String>,
    /// Each as in `Accept: text/html`.
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    pub(crate) body: Option<String>,
    /// 200.
    pub(crate) status: Option<u16>,
    /// The whole body, byte for byte; one of this and `answer_file`.
    pub(crate) answer: Option<String>,
    /// A file with it, below the folder above the suite's.
    pub(crate) answer_file: Option<String>,
    /// Bytes after the answer's end that the server sends beside.
    pub(crate) excess: Option<String>,
    /// Loads of this request alone, in place of the case's.
    #[serde(default)]
    pub(crate) loads: Vec<String>,
}

/// A statement about rows: `a` is more or less than `b`, or than a number, by a factor; or like it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatementFile {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) kind: Kind,
    /// A sentence that is true or false.
    pub(crate) says: String,
    /// Why it is so, or what follows: a sentence.
    pub(crate) why: Option<String>,
    /// What is compared.
    pub(crate) figure: FigureFile,
    /// A row's id.
    pub(crate) a: String,
    /// Another's; one of this and `than`.
    pub(crate) b: Option<String>,
    /// A number, in the figure's unit.
    pub(crate) than: Option<f64>,
    pub(crate) is: OrderFile,
    /// Factor (1.05): `more`: a > by x b; `less`: a < b / by; `alike`: within the factor either way.
    pub(crate) by: Option<f64>,
}

/// What is compared, in what unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FigureFile {
    /// Requests per second.
    Rate,
    /// Median latency, milliseconds.
    P50Ms,
    /// 99th percentile, milliseconds.
    P99Ms,
    /// Share of failures, 0 to 1.
    Errors,
    /// CPU of the server per request, microseconds.
    ServerCpuUs,
    /// CPU of the client per request, microseconds.
    ClientCpuUs,
    /// The server's memory, MiB.
    ServerMib,
    /// Answers of the worst-served tenth by those of the median connection, 0 to 1.
    Fairness,
    /// Share of whole answers followed by a reset, 0 to 1.
    ResetShare,
    /// Share of whole answers followed by a close that was not announced, 0 to 1.
    CloseShare,
    /// Share of answers in a plateau near 40 ms, 0 to 1.
    PlateauShare,
}

/// How two figures are to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrderFile {
    More,
    Less,
    Alike,
}
