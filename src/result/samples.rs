//! Fixed results for the tests of this module and of the reports.

use std::collections::BTreeMap;

use super::*;

/// Every sample with the name of its golden files.
pub(crate) fn all() -> [(&'static str, RunResult); 3] {
    [("good", good()), ("failing", failing()), ("interrupted", interrupted())]
}

/// A closed loop against a healthy server.
pub(crate) fn good() -> RunResult {
    let workers = [0, 1].map(|cpu| Worker {
        cpu: Some(cpu),
        connections: 64,
        requests: requests(374_434, 374_402, 0, 0, 32),
        user_s: 0.375,
        sys_s: 1.575,
        ring: Some(ring(16_710, 374_402)),
    });
    RunResult {
        plan: PlanEcho { duration_s: Some(10.0), drain_ms: Some(100.0), ..plan() },
        elapsed_s: 10.0003,
        requests: requests(748_868, 748_804, 0, 0, 64),
        rate: Rate {
            achieved_per_s: 74_878.15,
            per_worker: Some(Spread { mean: 37_443.0, stdev: 1_210.5, max: 39_120.0, within_stdev: 71.5 }),
            offered_per_s: None,
        },
        bytes: Bytes { sent: 30_703_588, received: 98_093_324, body: 9_734_452 },
        status: BTreeMap::from([(200, 748_804)]),
        connections: Connections { requested: 128, established: 128, answered: 128, ..Connections::default() },
        latency_ns: Some(summary(748_804, 1_000, Some(LatencyKind::Service))),
        connect_ns: Some(summary(128, 250, None)),
        first_byte_ns: Some(summary(748_804, 990, None)),
        client: Some(Client {
            user_s: 0.75,
            sys_s: 3.15,
            cpu_ns_per_request: Some(5_208.3),
            busy_share: Some(0.982),
            spin_s: None,
            max_rss_bytes: Some(9_437_184),
        }),
        ring: Some(ring(33_420, 748_804)),
        workers: workers.to_vec(),
        ..base()
    }
}

/// An open loop against a server that does everything wrong.
pub(crate) fn failing() -> RunResult {
    RunResult {
        target: Target { addresses: vec!["127.0.0.1:8080".into(), "[::1]:8080".into()], ..base().target },
        plan: PlanEcho {
            requests: Some(5_020),
            requests_per_connection: Some(100),
            rate_per_s: Some(2_000.0),
            arrivals: Some("constant".into()),
            warmup_s: Some(1.0),
            pipeline: 4,
            ..plan()
        },
        elapsed_s: 2.51,
        requests: requests(5_020, 4_990, 16, 6, 8),
        rate: Rate { offered_per_s: Some(2_000.0), achieved_per_s: 1_988.05, per_worker: None },
        bytes: Bytes { sent: 205_820, received: 653_690, body: 64_870 },
        status: BTreeMap::from([(200, 4_900), (404, 80), (503, 10)]),
        errors: Errors { reset: 4, eof_mid_response: 2, timeout: 3, protocol: 6, other: 1 },
        protocol_errors: BTreeMap::from([("bad_status_line".into(), 5), ("head_too_large".into(), 1)]),
        anomalies: Anomalies { excess_bytes: 2, reset_after_response: 1, close_unannounced: 7 },
        connections: Connections {
            requested: 128,
            established: 127,
            answered: 126,
            reconnects: 49,
            failed: ConnectFailures { refused: 3, timeout: 1, no_local_port: 2, other: 1 },
            completed: None,
        },
        latency_ns: Some(summary(4_990, 2_000, Some(LatencyKind::Response))),
        service_ns: Some(summary(4_990, 1_500, None)),
        send_lag_ns: Some(summary(5_020, 10, None)),
        connect_ns: Some(summary(176, 250, None)),
        first_byte_ns: Some(summary(4_995, 1_490, None)),
        client: Some(Client {
            user_s: 0.01,
            sys_s: 0.05,
            cpu_ns_per_request: Some(12_024.0),
            busy_share: None,
            spin_s: None,
            max_rss_bytes: None,
        }),
        ring: Some(Ring { cq_overflows: 3, recv_starved: 12, ..ring(4_100, 4_990) }),
        verdict: Some(Verdict { bound: Bound::Offered, because: vec!["achieved 99.4% of the offered rate".into()] }),
        notes: vec!["2 of 4 threads used: only 2 CPUs are allowed.".into()],
        ..base()
    }
}

/// Stopped by a signal before anything answered.
pub(crate) fn interrupted() -> RunResult {
    RunResult {
        interrupted: true,
        plan: PlanEcho { duration_s: Some(90.0), cpus: Vec::new(), ..plan() },
        elapsed_s: 3.2,
        requests: requests(128, 0, 128, 0, 0),
        errors: Errors { timeout: 128, ..Errors::default() },
        bytes: Bytes { sent: 5_248, ..Bytes::default() },
        connections: Connections { requested: 128, established: 128, ..Connections::default() },
        connect_ns: Some(summary(128, 250, None)),
        client: Some(Client { user_s: 0.001, sys_s: 0.002, ..Client::default() }),
        ring: Some(Ring { requests_per_enter: None, ..ring(40, 0) }),
        ..base()
    }
}

fn base() -> RunResult {
    RunResult {
        version: "0.1.0".into(),
        command: vec!["saturing".into(), "http://localhost:8080/".into()],
        target: Target {
            url: "http://localhost:8080/".into(),
            address: "127.0.0.1:8080".into(),
            addresses: vec!["127.0.0.1:8080".into()],
            method: "GET".into(),
        },
        host: Host { kernel: "6.18.0".into(), cpu: "AMD EPYC".into(), cpus_online: 2, hostname: "bench".into() },
        engine: Engine { name: "io_uring".into(), level: "A+".into(), why: "this kernel has all that is used".into() },
        ..RunResult::new()
    }
}

fn plan() -> PlanEcho {
    PlanEcho { threads: 2, connections: 128, pipeline: 1, timeout_ms: 2_000.0, cpus: vec![0, 1], ..PlanEcho::default() }
}

fn requests(sent: u64, completed: u64, failed: u64, discarded: u64, in_flight_at_end: u64) -> Requests {
    Requests { sent, completed, failed, discarded, in_flight_at_end, open: None }
}

fn ring(enters: u64, completed: u64) -> Ring {
    Ring {
        enters,
        sqes: completed + 200,
        cqes: completed + 128,
        requests_per_enter: Some(completed as f64 / enters as f64),
        ..Ring::default()
    }
}

/// Made by hand, so that a new version of a compressor does not change the golden files.
fn summary(count: u64, p50_us: u64, kind: Option<LatencyKind>) -> Summary {
    let p50 = p50_us * 1_000;
    Summary {
        kind,
        count,
        min: p50 / 20,
        mean: p50 as f64 * 1.05,
        stdev: p50 as f64 * 0.25,
        max: p50 * 14 + 55,
        within_stdev: 93.69,
        percentiles: Percentiles {
            p50,
            p75: p50 * 5 / 4,
            p90: p50 * 3 / 2,
            p95: p50 * 2,
            p99: p50 * 3,
            p99_9: p50 * 6,
            p99_99: p50 * 9,
            p99_999: p50 * 12,
        },
        histogram: "HISTFAAA".into(),
    }
}
