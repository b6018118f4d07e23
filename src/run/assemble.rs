//! From the workers' tallies to the result.

use std::collections::BTreeMap;

use super::{Home, host};
use crate::http::response::ProtocolError;
use crate::measure::counters::{self, Tally};
use crate::measure::histogram::{Histogram, LatencyKind};
use crate::plan::Plan;
use crate::result::{
    Client, ConnectFailures, Connections, Engine, PlanEcho, Rate, Ring, RunResult, Spread, Target, Worker,
};
use crate::ring::{Counters, cpu};

/// Merges what the workers brought home.
pub(super) fn assemble(plan: &Plan, command: Vec<String>, interrupted: bool, mut homes: Vec<Home>) -> RunResult {
    let workers: Vec<Worker> = homes.iter().map(worker).collect();
    let elapsed_s = homes.iter().map(|home| home.done.elapsed_ns).max().unwrap_or(0) as f64 / 1e9;
    let engine = Engine {
        name: "uring".into(),
        level: homes.first().map_or("", |home| home.level).into(),
        why: homes.first().map_or_else(String::new, |home| home.why.clone()),
    };
    let mut notes = plan.notes.clone();
    if homes.iter().any(|home| home.cpu.is_none()) {
        notes.push("the system refused to pin a worker to its CPU: figures may scatter".into());
    }
    let mut reasons: Vec<String> = homes.iter().filter_map(|home| home.done.cut_short.clone()).collect();
    reasons.dedup();
    notes.extend(reasons.into_iter().map(|reason| format!("ended early: {reason}")));
    let mut rings = Counters::default();
    let mut tally = Tally::new();
    for home in &mut homes {
        tally.merge(&mut home.done.tally);
        add(&mut rings, home.done.ring);
    }
    let completed = tally.requests.completed;
    RunResult {
        command,
        interrupted,
        target: target(plan),
        plan: echo(plan, &homes),
        host: host::describe(),
        engine,
        elapsed_s,
        requests: tally.requests,
        rate: Rate {
            offered_per_s: None,
            achieved_per_s: if elapsed_s > 0.0 { completed as f64 / elapsed_s } else { 0.0 },
            per_worker: spread(&tally.rates),
        },
        bytes: tally.bytes,
        status: counted(tally.status.iter().enumerate().map(|(code, &count)| (code as u16, count))),
        errors: tally.errors,
        protocol_errors: counted(
            ProtocolError::ALL.iter().map(|error| (error.reason().to_owned(), tally.protocol_reasons[error.index()])),
        ),
        anomalies: tally.anomalies,
        connections: connections(plan, tally.connections),
        latency_ns: tally.latencies.service().summary(Some(LatencyKind::Service)),
        connect_ns: tally.connect.summary(None),
        first_byte_ns: tally.latencies.first_byte().summary(None),
        client: Some(client(&homes, completed, elapsed_s)),
        ring: Some(ring(rings, completed)),
        notes,
        workers,
        ..RunResult::new()
    }
}

fn worker(home: &Home) -> Worker {
    Worker {
        cpu: home.cpu,
        connections: home.connections as u64,
        requests: home.done.tally.requests,
        user_s: home.used.user_s,
        sys_s: home.used.system_s,
        ring: Some(ring(home.done.ring, home.done.tally.requests.completed)),
    }
}

fn target(plan: &Plan) -> Target {
    let addresses: Vec<String> = plan.target.addresses.iter().map(ToString::to_string).collect();
    Target {
        url: plan.target.url.clone(),
        address: addresses.first().cloned().unwrap_or_default(),
        addresses,
        method: plan.target.method.clone(),
    }
}

fn echo(plan: &Plan, homes: &[Home]) -> PlanEcho {
    let load = &plan.load;
    PlanEcho {
        threads: homes.len(),
        connections: load.connections as u64,
        pipeline: load.pipeline as u32,
        duration_s: load.until.duration.map(|span| span.as_secs_f64()),
        requests: load.until.requests,
        requests_per_connection: load.requests_per_connection,
        timeout_ms: load.timeout.as_secs_f64() * 1e3,
        drain_ms: Some(load.drain().as_secs_f64() * 1e3),
        cpus: homes.iter().filter_map(|home| home.cpu).collect(),
        ..PlanEcho::default()
    }
}

fn connections(plan: &Plan, counted: counters::Connections) -> Connections {
    Connections {
        requested: plan.load.connections as u64,
        established: counted.established,
        answered: counted.answered,
        reconnects: counted.reconnects,
        failed: ConnectFailures {
            refused: counted.refused,
            timeout: counted.timeout,
            no_local_port: counted.no_local_port,
            other: counted.other,
        },
        completed: None,
    }
}

fn client(homes: &[Home], completed: u64, elapsed_s: f64) -> Client {
    let user_s: f64 = homes.iter().map(|home| home.used.user_s).sum();
    let sys_s: f64 = homes.iter().map(|home| home.used.system_s).sum();
    let available_s = elapsed_s * homes.len() as f64;
    Client {
        user_s,
        sys_s,
        cpu_ns_per_request: (completed > 0).then(|| (user_s + sys_s) * 1e9 / completed as f64),
        busy_share: (available_s > 0.0).then(|| ((user_s + sys_s) / available_s).min(1.0)),
        spin_s: None,
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

fn add(to: &mut Counters, from: Counters) {
    to.enters += from.enters;
    to.sqes += from.sqes;
    to.cqes += from.cqes;
    to.cq_overflows += from.cq_overflows;
    to.recv_starved += from.recv_starved;
    to.rearms += from.rearms;
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
fn counted<K: Ord>(entries: impl Iterator<Item = (K, u64)>) -> BTreeMap<K, u64> {
    entries.filter(|&(_, count)| count > 0).collect()
}
