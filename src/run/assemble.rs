//! From the workers' tallies to the result.

use std::collections::BTreeMap;
use std::time::Duration;

use super::evidence::HostUsage;
use super::owner::Owner;
use super::pool::WorkerOutput;
use super::{Passed, findings, host, mix, outcome, stages, tls};
use crate::judge::Warning;
use crate::measure::counters::{self, Requests};
use crate::measure::histogram::Histogram;
use crate::measure::outage::Gaps;
use crate::plan::Plan;
use crate::protocol::h1::response::ProtocolError;
use crate::result::{
    AtEnd, Client, Connections, Engine, Evidence, Fairness, Host, Interval, PlanEcho, Rate, Ring, RunResult, Spread,
    Target, Worker,
};
use crate::ring::Counters;
use crate::ring::cpu::{self, CpuTime};
use crate::worker::Usage;
use crate::worker::stats::WorkerStats;
use crate::workload::Layout;

impl Passed {
    /// The window's length in seconds: that of the worker whose lasted longest.
    fn elapsed_s(&self) -> f64 {
        self.outputs.iter().map(|output| output.done.elapsed_ns).max().unwrap_or(0) as f64 / 1e9
    }

    /// Answers that came inside the window, those to a warm-up's backlog left out. Of all workers together: what one has at the
    /// window's ends chance may have put on the other side for the next.
    pub(super) fn inside(&self) -> u64 {
        let sum = |of: fn(&WorkerOutput) -> u64| self.outputs.iter().map(of).sum::<u64>();
        sum(|output| output.done.inside).min(sum(|output| output.done.inside_at_most))
    }

    /// Bytes that came inside the window, also those of answers to a warm-up's backlog.
    pub(super) fn received_inside(&self) -> u64 {
        self.outputs.iter().map(|output| output.done.received_inside).sum()
    }
}

/// All passes together.
#[derive(Default)]
struct Sum {
    stats: WorkerStats,
    elapsed_s: f64,
    inside: u64,
    received_inside: u64,
    used: CpuTime,
    ring: Counters,
    spun_ns: u64,
    stages: Vec<crate::result::Stage>,
    down_ns: u64,
    last_answer_s: Option<f64>,
    at_end: Option<AtEnd>,
    workers: Vec<Part>,
    /// Answers by connection, of all workers one after the other; `None` where passes differ in their number.
    by_connection: Option<Vec<u64>>,
    /// Of the connections, those of the window in which the fewest were established, and so on for each count.
    worst: Option<counters::Connections>,
    host_usage: HostUsage,
}

/// One worker over all passes.
#[derive(Default)]
struct Part {
    cpu: Option<usize>,
    connections: usize,
    requests: Requests,
    used: CpuTime,
    ring: Counters,
    usage: Usage,
    spun_ns: u64,
}

/// Merges what the workers brought.
pub(super) fn assemble(
    plan: &Plan,
    interrupted: bool,
    started: Duration,
    passed: Vec<Passed>,
    mut intervals: Vec<Interval>,
    owner: Option<Owner>,
    layout: &Layout,
) -> RunResult {
    let notes = notes(plan, &passed);
    let engine = engine(&passed);
    let ended_early = outcome::ended_early(&passed);
    let interruption = passed.last().filter(|_| interrupted).map(outcome::interruption);
    let reached = passed.iter().flat_map(|one| &one.outputs).map(|output| output.done.reached.as_slice());
    let unanswered = outcome::unanswered(&plan.target.addresses, reached);
    let passes_of = passed.len();
    // Windows repeat the same connections; steps are others each.
    let of_one_window = plan.load.repeat > 1;
    let asked = passed.iter().map(|one| one.pass.connections as u64);
    let requested = if of_one_window { asked.max().unwrap_or(0) } else { asked.sum() };
    let echo = echo(plan, &passed);
    let mut sum = Sum::default();
    let first_begins_at = passed.first().map_or(0, |first| first.begins_at);
    passed.into_iter().for_each(|one| sum.add(one, first_begins_at, &mut intervals));
    let mut passes = std::mem::take(&mut sum.stages);
    let Sum { stats, elapsed_s, .. } = &sum;
    let completed = stats.requests.completed;
    let latencies = &stats.latencies;
    let is_open = stats.requests.open.is_some();
    let mut all_stages = stages::of_rate(plan, &stats.segments, *elapsed_s);
    all_stages.append(&mut passes);
    let mut result = RunResult {
        interrupted,
        interruption,
        ended_early,
        last_answer_s: sum.last_answer_s,
        at_end: sum.at_end.filter(|_| passes_of == 1),
        target: Target {
            process: owner.map(|owner| findings::process(owner, &sum.host_usage)),
            unanswered,
            wants_tls: stats.saw_tls_port,
            ..target(plan)
        },
        plan: echo,
        host: Host { cpu_pressure_share: findings::pressure(&sum.host_usage), ..host::describe() },
        engine,
        elapsed_s: *elapsed_s,
        requests: stats.requests,
        rate: Rate {
            per_worker: spread(&stats.rates),
            ..stages::rate(&stats.requests, sum.inside, Some(sum.received_inside), *elapsed_s)
        },
        bytes: stats.bytes,
        status: counted(stats.status.iter().enumerate().map(|(code, &count)| (code as u16, count))),
        expected_status: stats.expected.clone(),
        errors: stats.errors,
        protocol_errors: counted(
            ProtocolError::ALL.iter().map(|error| (error.reason().to_owned(), stats.protocol_reasons[error.index()])),
        ),
        anomalies: stats.anomalies,
        connections: connections(&sum, requested, of_one_window.then_some(sum.worst).flatten()),
        tls: plan.target.tls.as_ref().zip(stats.tls.as_deref()).map(|(setup, stats)| tls::of(setup, stats)),
        latency_ns: stages::latency(stats).summary(Some(stages::kind(stats))),
        service_ns: latencies.service().summary(None).filter(|_| is_open),
        send_lag_ns: latencies.lag.summary(None),
        connect_ns: stats.connect.summary(None),
        first_byte_ns: latencies.first_byte().summary(None),
        client: Some(client(plan, &sum, completed)),
        ring: Some(ring(sum.ring, completed)),
        repeated: (plan.load.repeat > 1).then(|| stages::repeated(&all_stages)).flatten(),
        stages: all_stages,
        mix: mix::of(layout.set(), stats),
        differing: mix::differing(layout.set(), stats),
        seq_past_width: layout.past_width(),
        intervals,
        started_unix_s: Some(started.as_secs_f64()),
        notes,
        workers: workers(&sum, plan),
        ..RunResult::new()
    };
    result.little = findings::little(&result);
    result.outcome = result.outcome();
    result.warn();
    let of_requests = layout.set().faults.iter().cloned();
    let of_requests = of_requests.map(|(name, fault)| Warning::RawRequest { name, fault });
    result.warnings.extend(of_requests.map(|warning| warning.to_string()));
    result.judge();
    result
}

impl Sum {
    fn add(&mut self, mut passed: Passed, first_begins_at: u64, intervals: &mut [Interval]) {
        let mut stats = WorkerStats::new();
        let mut by_connection = Vec::with_capacity(passed.pass.connections);
        for (index, output) in passed.outputs.iter_mut().enumerate() {
            if self.workers.len() <= index {
                self.workers.push(Part { cpu: output.cpu, ..Part::default() });
            }
            let part = &mut self.workers[index];
            part.connections = part.connections.max(output.connections);
            part.requests += output.done.stats.requests;
            part.used += output.done.used;
            part.ring += output.done.ring;
            part.usage += output.done.usage;
            part.spun_ns += output.done.spun_ns;
            self.used += output.done.used;
            self.ring += output.done.ring;
            self.spun_ns += output.done.spun_ns;
            by_connection.append(&mut output.done.completed_by_slot);
            stats.merge(&mut output.done.stats);
        }
        let elapsed_s = passed.elapsed_s();
        let offset_ns = passed.begins_at - first_begins_at;
        let (at_end, gaps) = (outcome::at_end(&passed, &stats), outcome::gaps(&mut passed));
        self.down_ns += gaps.total_ns();
        let last_answer_s = at_end.last_answer_s.map(|at| at + offset_ns as f64 / 1e9);
        self.last_answer_s = last_answer_s.or(self.last_answer_s);
        self.at_end = Some(at_end);
        self.stages.extend(stages::of_pass(&passed, &stats, elapsed_s, first_begins_at, at_end));
        down(&mut intervals[passed.intervals.clone()], &gaps, passed.begins_at, offset_ns);
        self.by_connection = match self.by_connection.take() {
            _ if self.elapsed_s == 0.0 => Some(by_connection),
            Some(mut all) if all.len() == by_connection.len() => {
                all.iter_mut().zip(by_connection).for_each(|(all, one)| *all += one);
                Some(all)
            }
            _ => None,
        };
        let counted = stats.connections;
        self.worst = Some(self.worst.map_or(counted, |before| counters::Connections {
            established: before.established.min(counted.established),
            answered: before.answered.min(counted.answered),
            not_begun: before.not_begun.max(counted.not_begun),
            unfinished: before.unfinished.max(counted.unfinished),
            ..counted
        }));
        self.inside += passed.inside();
        self.received_inside += passed.received_inside();
        self.host_usage += passed.host_usage.take().unwrap_or_default();
        self.elapsed_s += elapsed_s;
        self.stats.merge(&mut stats);
    }
}

/// How long each interval of a pass was without a connection.
fn down(intervals: &mut [Interval], gaps: &Gaps, begins_at: u64, offset_ns: u64) {
    for interval in intervals {
        let at = |s: f64| begins_at + ((s * 1e9).round() as u64).saturating_sub(offset_ns);
        interval.down_ns = gaps.within_ns(at(interval.start_s), at(interval.start_s + interval.length_s));
    }
}

fn notes(plan: &Plan, passed: &[Passed]) -> Vec<String> {
    let outputs = || passed.iter().flat_map(|one| &one.outputs);
    let mut notes = plan.notes.clone();
    if outputs().any(|output| output.cpu.is_none()) {
        notes.push("the system refused to pin a worker to its CPU: figures may scatter".into());
    }
    notes
}

fn engine(passed: &[Passed]) -> Engine {
    let first: Option<&WorkerOutput> = passed.first().and_then(|one| one.outputs.first());
    Engine {
        name: first.map_or("", |output| output.engine.as_str()).into(),
        level: first.map_or("", |output| output.level).into(),
        why: first.map_or_else(String::new, |output| output.why.clone()),
    }
}

fn workers(sum: &Sum, plan: &Plan) -> Vec<Worker> {
    let spins = plan.load.open.as_ref().is_some_and(|open| open.spin);
    let evidence = |part: &Part| {
        let on_cpu = |other: &&Part| other.cpu.is_some() && other.cpu == part.cpu;
        let all_cpu_ns = sum.workers.iter().filter(on_cpu).map(|other| other.usage.thread.cpu_ns).sum();
        let spun_ns = spins.then_some(part.spun_ns);
        findings::evidence(&part.usage, part.cpu, spun_ns, all_cpu_ns, &sum.host_usage)
    };
    sum.workers.iter().map(|part| worker(part, evidence(part))).collect()
}

fn worker(part: &Part, evidence: Option<Evidence>) -> Worker {
    Worker {
        evidence,
        cpu: part.cpu,
        connections: part.connections as u64,
        requests: part.requests,
        user_s: part.used.user_s,
        sys_s: part.used.system_s,
        ring: Some(ring(part.ring, part.requests.completed)),
    }
}

fn target(plan: &Plan) -> Target {
    let unix_socket = plan.target.unix_socket.as_ref().map(|path| path.display().to_string());
    let addresses: Vec<String> = match &unix_socket {
        Some(path) => vec![format!("unix:{path}")],
        None => plan.target.addresses.iter().map(ToString::to_string).collect(),
    };
    Target {
        url: plan.target.url.clone(),
        address: addresses.first().cloned().unwrap_or_default(),
        addresses,
        unix_socket,
        unanswered: Vec::new(),
        method: plan.target.method.clone(),
        wants_tls: false,
        process: None,
    }
}

fn echo(plan: &Plan, passed: &[Passed]) -> PlanEcho {
    let load = &plan.load;
    let open = load.open.as_ref();
    let (rate_per_s, rate_to_per_s) = open.map_or((None, None), stages::asked);
    let outputs = passed.iter().map(|one| &one.outputs).max_by_key(|outputs| outputs.len());
    let outputs: &[WorkerOutput] = outputs.map_or(&[], Vec::as_slice);
    PlanEcho {
        threads: outputs.len(),
        connections: load.connections as u64,
        pipeline: load.pipeline as u32,
        duration_s: load.until.duration.map(|span| span.as_secs_f64()),
        requests: load.until.requests,
        requests_per_connection: load.requests_per_connection,
        reset: load.resets,
        rate_per_s,
        rate_to_per_s,
        arrivals: open.map(|open| open.arrivals.name().into()),
        seed: open.filter(|open| stages::is_drawn(open)).map(|open| open.seed),
        deadline_ms: open.and_then(|open| open.deadline).map(|span| span.as_secs_f64() * 1e3),
        spin: open.map(|open| open.spin),
        warmup_s: (!load.warmup.is_zero()).then_some(load.warmup.as_secs_f64()),
        repeat: (load.repeat > 1).then_some(load.repeat),
        steps: (!load.steps.is_empty()).then_some(load.steps.len()),
        interval_s: Some(load.interval.as_secs_f64()),
        timeout_ms: load.timeout.as_secs_f64() * 1e3,
        drain_ms: Some(load.drain().as_secs_f64() * 1e3),
        patience_ms: load.patience(load.until).map(|span| span.as_secs_f64() * 1e3),
        cpus: outputs.iter().filter_map(|output| output.cpu).collect(),
    }
}

/// `worst`: of several windows with the same connections, how many each had at least.
fn connections(sum: &Sum, requested: u64, worst: Option<counters::Connections>) -> Connections {
    let counted = sum.stats.connections;
    let here = worst.unwrap_or(counted);
    Connections {
        requested,
        established: here.established,
        answered: here.answered,
        reconnects: counted.reconnects,
        failed: counted.failed,
        not_begun: here.not_begun,
        unfinished: here.unfinished,
        idle_closed: counted.idle_closed,
        down_ns: sum.down_ns,
        completed: sum.by_connection.as_ref().and_then(|counts| Fairness::of(counts)),
    }
}

fn client(plan: &Plan, sum: &Sum, completed: u64) -> Client {
    let CpuTime { user_s, system_s: sys_s } = sum.used;
    let available_s = sum.elapsed_s * sum.workers.len() as f64;
    let spins = plan.load.open.as_ref().is_some_and(|open| open.spin);
    Client {
        user_s,
        sys_s,
        cpu_ns_per_request: (completed > 0).then(|| (user_s + sys_s) * 1e9 / completed as f64),
        busy_share: (available_s > 0.0).then(|| ((user_s + sys_s) / available_s).min(1.0)),
        spin_s: spins.then(|| sum.spun_ns as f64 / 1e9),
        sqpoll_s: plan.engine.sqpoll.map(|_| sum.ring.sqpoll_ns as f64 / 1e9),
        max_rss_bytes: cpu::max_resident_bytes(),
    }
}

fn ring(counted: Counters, completed: u64) -> Ring {
    Ring {
        enters: counted.enters,
        sqes: counted.sqes,
        cqes: counted.cqes,
        requests_per_enter: (counted.enters > 0).then(|| completed as f64 / counted.enters as f64),
        cq_overflows: counted.cq_overflows,
        recv_starved: counted.recv_starved,
        rearms: counted.rearms,
    }
}

fn spread(rates: &Histogram) -> Option<Spread> {
    let summary = rates.summary(None)?;
    Some(Spread {
        mean: summary.mean,
        stdev: summary.stdev,
        max: summary.max as f64,
        within_stdev: summary.within_stdev,
    })
}

/// The entries that are not 0.
pub(super) fn counted<K: Ord>(entries: impl Iterator<Item = (K, u64)>) -> BTreeMap<K, u64> {
    entries.filter(|&(_, count)| count > 0).collect()
}
