//! What a suite's TOML may say: names, types, and nothing of what they mean.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::result::suite::{Figure, Kind, Order, Then};

/// A suite as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SuiteFile {
    /// As in `seed`.
    pub(super) name: String,
    /// A line.
    pub(super) title: String,
    /// A paragraph.
    pub(super) about: String,
    /// What cases do not say themselves.
    #[serde(default)]
    pub(super) defaults: CaseDefaults,
    /// What `--quick` makes of every load.
    #[serde(default)]
    pub(super) quick: Quick,
    /// Loads by name.
    pub(super) load: BTreeMap<String, Spanned<LoadFile>>,
    /// Programs that servers ask, by name.
    #[serde(default)]
    pub(super) backend: BTreeMap<String, Spanned<BackendFile>>,
    /// Servers under load, in the order in which they run and are shown.
    pub(super) case: Vec<Spanned<CaseFile>>,
    /// What the rows are to show.
    #[serde(default)]
    pub(super) statement: Vec<Spanned<StatementFile>>,
}

/// What holds for all cases that do not say otherwise.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseDefaults {
    /// Rounds, 1 to 1000 (3).
    pub(super) repeat: Option<u32>,
    /// How long a server or backend may take to answer, in seconds (20).
    pub(super) ready_s: Option<f64>,
    /// Names of loads.
    #[serde(default)]
    pub(super) loads: Vec<String>,
    /// CPUs of each side; `auto`, or absent: cores of their own as far as there are enough.
    #[serde(default)]
    pub(super) cpus: CpusFile,
    /// Working directory, below the folder above the suite's (that folder).
    pub(super) dir: Option<String>,
    /// Variables for server and backends.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
}

/// CPU sets, as in `0,2-5`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CpusFile {
    pub(super) client: Option<String>,
    pub(super) server: Option<String>,
    pub(super) backend: Option<String>,
}

/// The most that a load keeps under `--quick`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Quick {
    pub(super) requests: u64,
    pub(super) duration_s: f64,
    pub(super) warmup_s: f64,
    /// Points of a sweep: its ends, if 2.
    pub(super) points: usize,
}

impl Default for Quick {
    fn default() -> Quick {
        Quick { requests: 300, duration_s: 0.5, warmup_s: 0.1, points: 2 }
    }
}

/// A load. One of `requests` and `duration_s`; or `steps`, which has both connections and requests.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadFile {
    /// 1 to 1M.
    pub(super) connections: Option<u64>,
    /// The client's threads (1); saturing has no more of them than its CPUs.
    pub(super) threads: Option<usize>,
    pub(super) requests: Option<u64>,
    pub(super) duration_s: Option<f64>,
    /// A sweep over connections, as `saturing --steps` takes it: `10..50+10x10000`, `1,8,64x5s`.
    pub(super) steps: Option<String>,
    /// Open loop, requests per second; a list is a sweep.
    pub(super) rate_per_s: Option<Rates>,
    /// `constant` or `poisson`.
    pub(super) arrivals: Option<String>,
    /// Load before the window, in seconds (0).
    pub(super) warmup_s: Option<f64>,
    /// Requests in flight on a connection (1).
    pub(super) pipeline: Option<u32>,
    /// `false`: a new connection for each request.
    pub(super) keepalive: Option<bool>,
    /// How long an answer may take, in seconds (10).
    pub(super) timeout_s: Option<f64>,
    /// Its duration under `--quick`, in seconds, where the suite's would be too short to see anything.
    pub(super) quick_s: Option<f64>,
    /// For the client locust: its file, below the folder above the suite's. `connections` are its users.
    pub(super) locustfile: Option<String>,
    /// What makes the load, where the command line does not say (saturing).
    #[serde(default)]
    pub(super) clients: Vec<String>,
}

/// One rate, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Rates {
    One(f64),
    Several(Vec<f64>),
}

/// A program that a server asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BackendFile {
    /// Program and arguments, with placeholders: see [`super::words`].
    pub(super) command: Vec<String>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Ready once this path answers with status 200; without it, once it takes a connection.
    pub(super) ready_path: Option<String>,
    pub(super) ready_s: Option<f64>,
    /// What stands before its address where `{NAME}` asks for it, as in `redis://`.
    pub(super) scheme: Option<String>,
}

/// A server under load.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    /// Letters, digits, `_` and `-`; unlike all others.
    pub(super) name: String,
    /// Cases shown together.
    pub(super) group: String,
    /// What answers, in a few words.
    pub(super) about: String,
    /// Program and arguments, with placeholders: see [`super::words`].
    pub(super) server: Vec<String>,
    pub(super) dir: Option<String>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Names of backends, started in this order before the server.
    #[serde(default)]
    pub(super) backends: Vec<String>,
    /// `lan` (all on this host) or `s1s2` (client, server and backend in network namespaces of their own).
    pub(super) topology: Option<String>,
    /// Of the server's namespace, in `s1s2`.
    #[serde(default)]
    pub(super) sysctl: BTreeMap<String, String>,
    pub(super) ready_s: Option<f64>,
    /// Asked until it answers with 200, in place of the first request.
    pub(super) ready_path: Option<String>,
    #[serde(default)]
    pub(super) cpus: CpusFile,
    pub(super) repeat: Option<u32>,
    /// Names of loads.
    #[serde(default)]
    pub(super) loads: Vec<String>,
    /// What is asked, and what has to be the answer.
    pub(super) request: Vec<RequestFile>,
    /// Figures of an earlier study, for the first request under the first load.
    pub(super) then: Option<Then>,
    /// The same for each point of a sweep.
    #[serde(default)]
    pub(super) then_points: Vec<Then>,
}

/// A request and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestFile {
    /// As in `GET`, which is also what it is without one.
    pub(super) name: Option<String>,
    /// `GET`.
    pub(super) method: Option<String>,
    /// `/`.
    pub(super) path: Option<String>,
    /// Each as in `Accept: text/html`.
    #[serde(default)]
    pub(super) headers: Vec<String>,
    pub(super) body: Option<String>,
    /// 200.
    pub(super) status: Option<u16>,
    /// The whole body, byte for byte; one of this and `answer_file`.
    pub(super) answer: Option<String>,
    /// A file with it, below the folder above the suite's.
    pub(super) answer_file: Option<String>,
    /// Bytes after the answer's end that the server sends beside.
    pub(super) excess: Option<String>,
    /// Loads of this request alone, in place of the case's.
    #[serde(default)]
    pub(super) loads: Vec<String>,
}

/// A statement about rows: `a` is more or less than `b`, or than a number, by a factor; or like it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementFile {
    pub(super) id: String,
    #[serde(default)]
    pub(super) kind: Kind,
    /// A sentence that is true or false.
    pub(super) says: String,
    /// Why it is so, or what follows: a sentence.
    pub(super) why: Option<String>,
    /// What is compared.
    pub(super) figure: Figure,
    /// A row's id.
    pub(super) a: String,
    /// Another's; one of this and `than`.
    pub(super) b: Option<String>,
    /// A number, in the figure's unit.
    pub(super) than: Option<f64>,
    pub(super) is: Order,
    /// Factor (1.05): `more`: a > by x b; `less`: a < b / by; `alike`: within the factor either way.
    pub(super) by: Option<f64>,
}
