//! What a client can do on this host, and what each of its parts costs.

use serde::{Deserialize, Serialize};

use super::{Ceiling, Engine, Estimate, Host, RunResult, SCHEMA};

/// Enough of the best to be called as good, as a share of it.
pub const ENOUGH: f64 = 0.95;
/// A client less busy than this was held up by the built-in server: its rate is no ceiling.
const BUSY: f64 = 0.95;

/// A calibration, against the built-in server on CPUs of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Version of this structure, that of the result's schema.
    pub schema: u32,
    /// Version of the program that calibrated.
    pub version: String,
    /// The command line, program name first.
    pub command: Vec<String>,
    /// True if a signal ended it before it was whole.
    pub interrupted: bool,
    /// The machine.
    pub host: Host,
    /// What the workers ran on.
    pub engine: Engine,
    /// What was spoken on the connections, which were kept: `http/1.1`, as in calibrations that do not say.
    #[serde(default = "http_1_1")]
    pub protocol: String,
    /// The CPU of each worker.
    pub cpus: Vec<usize>,
    /// The CPUs of the built-in server.
    pub server_cpus: Vec<usize>,
    /// When it began, seconds since 1970-01-01 UTC.
    pub calibrated_unix_s: f64,
    /// Length of each run's window, seconds.
    pub window_s: f64,
    /// Closed loops: one worker at all connections and pipelines, then all workers together where there are several.
    pub points: Vec<Point>,
    /// What each part that the engine adds to the floor costs, by leaving it out.
    pub costs: Vec<Cost>,
    /// How late the engine knows of an answer.
    pub lateness: Vec<Late>,
    /// How late requests of an open loop leave.
    pub send_lag: Vec<Lag>,
    /// The highest rates; absent where nothing was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Highest>,
    /// What follows for `-t` and `-c`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
    /// What a reader should know, a sentence each.
    pub notes: Vec<String>,
}

/// A closed loop by the floor and by the engine, in turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Workers.
    pub workers: usize,
    /// Connections of each.
    pub connections_per_worker: u64,
    /// Requests in flight on a connection.
    pub pipeline: u32,
    /// The same loop, which parses, stamps and records nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<Figures>,
    /// The engine, as every run has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<Figures>,
    /// CPU of the engine over that of the floor, per request: the median of the rounds' ratios.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_ratio: Option<f64>,
}

/// Figures of a closed loop: medians of its rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Rounds.
    pub rounds: usize,
    /// Requests per second, all workers together.
    pub rate_per_s: f64,
    /// Client CPU of a request, ns.
    pub cpu_ns: f64,
    /// The part of it in user space.
    pub user_ns: f64,
    /// The part of it in the kernel.
    pub sys_ns: f64,
    /// Requests by enters.
    pub requests_per_enter: f64,
    /// Share of the workers' time in which they were busy, 0 to 1.
    pub busy_share: f64,
}

/// What one part of the engine costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Which.
    pub part: Part,
    /// Connections of one worker.
    pub connections: u64,
    /// Requests in flight on a connection.
    pub pipeline: u32,
    /// Time that the loop spends between enters per request, with all parts less without this one, ns; rounds in turn. The kernel's
    /// time, which scatters by more than all of these, is not in it. Below 0 where it is lost in the noise.
    pub per_request_ns: Estimate,
}

/// What the engine adds to the floor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Parsing answers.
    #[default]
    Parse,
    /// A second reading of the clock in each turn, and the stamps of what is in flight.
    Stamps,
    /// Recording times.
    Histogram,
}

impl Part {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Parse => "parse",
            Part::Stamps => "stamps",
            Part::Histogram => "histogram",
        }
    }
}

/// The engine's error in time: from the kernel's receive stamp of an answer's last segment to the engine's own instant for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Late {
    /// Connections of one worker.
    pub connections: u64,
    /// Answers that were sampled.
    pub samples: u64,
    /// Half of them are later by no more, ns.
    pub p50_ns: u64,
    /// 99 of 100 are later by no more, ns.
    pub p99_ns: u64,
    /// How wrong these may be, ns: the kernel stamps by the wall clock.
    pub within_ns: u64,
}

/// An open loop at a constant rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lag {
    /// Requests per second asked for, of one worker.
    pub rate_per_s: f64,
    /// Requests per second completed.
    pub achieved_per_s: f64,
    /// Connections.
    pub connections: u64,
    /// Half of the requests left later than intended by no more, ns.
    pub p50_ns: u64,
    /// 99 of 100 did, ns.
    pub p99_ns: u64,
}

/// The highest rates of the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Highest {
    /// Of one worker, without pipelining.
    pub one_worker_per_s: f64,
    /// Of one worker, whatever the pipeline.
    pub one_worker_pipelined_per_s: f64,
    /// Of all workers, without pipelining; absent where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_workers_per_s: Option<f64>,
    /// Of all workers, whatever the pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_workers_pipelined_per_s: Option<f64>,
    /// False where the client was less than busy at one of these: the built-in server was the limit, the client can do more.
    pub client_bound: bool,
}

/// What to ask for, without pipelining.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// The fewest workers with 95 % of the highest rate.
    pub threads: usize,
    /// The fewest connections of each with 95 % of the highest rate.
    pub connections_per_worker: u64,
}

/// What calibrations over TLS have for their protocol.
pub const HTTPS: &str = "https/1.1";

fn http_1_1() -> String {
    "http/1.1".to_owned()
}

impl Calibration {
    /// An empty one of this program and schema version.
    #[must_use]
    pub fn new() -> Calibration {
        Calibration {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: http_1_1(),
            ..Calibration::default()
        }
    }

    /// Draws what follows from the points: ceiling and advice.
    pub fn conclude(&mut self) {
        (self.ceiling, self.advice) = (self.highest(), self.advice());
    }

    fn engines(&self) -> impl Iterator<Item = (&Point, Figures)> {
        self.points.iter().filter_map(|point| Some((point, point.engine?)))
    }

    fn most_workers(&self) -> usize {
        self.engines().map(|(point, _)| point.workers).max().unwrap_or(0)
    }

    /// The best of those that `fits`.
    fn best(&self, fits: impl Fn(&Point) -> bool) -> Option<Figures> {
        let all = self.engines().filter(|(point, _)| fits(point)).map(|(_, figures)| figures);
        all.max_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s))
    }

    fn highest(&self) -> Option<Highest> {
        let most = self.most_workers();
        let of = |workers: usize, pipelined: bool| {
            self.best(|point| point.workers == workers && (pipelined || point.pipeline == 1))
        };
        let one = (of(1, false)?, of(1, true)?);
        let all = if most > 1 { of(most, false).zip(of(most, true)) } else { None };
        let bests = [Some(one.0), Some(one.1), all.map(|all| all.0), all.map(|all| all.1)];
        Some(Highest {
            one_worker_per_s: one.0.rate_per_s,
            one_worker_pipelined_per_s: one.1.rate_per_s,
            all_workers_per_s: all.map(|all| all.0.rate_per_s),
            all_workers_pipelined_per_s: all.map(|all| all.1.rate_per_s),
            client_bound: bests.iter().flatten().all(|best| best.busy_share >= BUSY),
        })
    }

    fn advice(&self) -> Option<Advice> {
        let plain = |workers: usize| move |point: &Point| point.workers == workers && point.pipeline == 1;
        let most = self.most_workers();
        let enough = self.best(|point| point.pipeline == 1)?.rate_per_s * ENOUGH;
        let reaches = |workers: usize| self.best(plain(workers)).is_some_and(|best| best.rate_per_s >= enough);
        let threads = if reaches(1) { 1 } else { most };
        let enough = self.best(plain(threads))?.rate_per_s * ENOUGH;
        let all = self.engines().filter(|(point, _)| plain(threads)(point));
        let good = all.filter(|(_, figures)| figures.rate_per_s >= enough);
        let connections_per_worker = good.map(|(point, _)| point.connections_per_worker).min()?;
        Some(Advice { threads, connections_per_worker })
    }

    /// What this client can do at most in a run such as `result`; its connections for each worker are interpolated between those
    /// calibrated. `None` where it was not calibrated: on another host or with other CPUs, another engine, protocol or pipeline, a number
    /// of workers that was not measured together, and runs that do more than send and receive on connections that stay.
    #[must_use]
    pub fn ceiling_of(&self, result: &RunResult) -> Option<Ceiling> {
        let plan = &result.plan;
        let host = |host: &Host| (host.hostname.clone(), host.kernel.clone(), host.cpu.clone(), host.cpus_online);
        let engine = |engine: &Engine| (engine.name.clone(), engine.level.clone());
        let same = host(&self.host) == host(&result.host) && engine(&self.engine) == engine(&result.engine);
        // Also where it is the server that ends them.
        let stay =
            plan.requests_per_connection.is_none() && result.connections.reconnects * 100 <= result.requests.completed;
        let plain = stay && result.connections.completed.is_some();
        if self.interrupted || self.schema != SCHEMA || !same || self.protocol != result.protocol() || !plain {
            return None;
        }
        self.at(plan.threads, plan.connections as f64 / plan.threads.max(1) as f64, plan.pipeline)
    }

    fn at(&self, workers: usize, connections_per_worker: f64, pipeline: u32) -> Option<Ceiling> {
        let mut row: Vec<(f64, Figures)> = self
            .engines()
            .filter(|(point, _)| (point.workers, point.pipeline) == (workers, pipeline))
            .map(|(point, figures)| ((point.connections_per_worker as f64).log2(), figures))
            .collect();
        row.sort_by(|a, b| a.0.total_cmp(&b.0));
        let at = connections_per_worker.max(1.0).log2();
        let after = row.iter().find(|(x, _)| *x >= at).or(row.last())?;
        let before = row.iter().rev().find(|(x, _)| *x <= at).or(row.first())?;
        let share = if after.0 > before.0 { (at - before.0) / (after.0 - before.0) } else { 0.0 };
        let between = |pick: fn(&Figures) -> f64| pick(&before.1) + share * (pick(&after.1) - pick(&before.1));
        Some(Ceiling {
            rate_per_s: between(|figures| figures.rate_per_s),
            cpu_ns_per_request: between(|figures| figures.cpu_ns),
            connections_per_worker: connections_per_worker.round() as u64,
            pipeline,
            calibrated_unix_s: self.calibrated_unix_s,
        })
    }
}

impl RunResult {
    /// What was spoken on the connections.
    #[must_use]
    pub fn protocol(&self) -> &'static str {
        // TLS costs work of its own.
        if self.target.url.starts_with("https:") { HTTPS } else { "http/1.1" }
    }
}

#[cfg(test)]
mod tests;
