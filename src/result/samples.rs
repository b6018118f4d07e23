//! Fixed results for the tests of this module and of the reports.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use super::calibration::{Calibration, Cost, Figures, Lag, Late, Part, Point};
use super::*;

/// Every sample with the name of its golden files.
pub(crate) fn all() -> [(&'static str, RunResult); 7] {
    [
        ("good", good()),
        ("open", open()),
        ("failing", failing()),
        ("interrupted", interrupted()),
        ("outage", outage()),
        ("steps", steps()),
        ("mix", mix()),
    ]
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
        evidence: Some(Evidence {
            span_s: 10.0003,
            cpu_share: 0.195,
            queued_share: Some(0.004),
            waited_share: 0.78,
            in_enter_share: 0.97,
            spun_share: None,
            stopped_ns: Some(0),
            stopped_longest_ns: Some(0),
            in_flight: 39.4,
            voluntary_switches: 16_000,
            involuntary_switches: 12,
            cpu: Some(CpuUse {
                id: cpu,
                idle_share: 0.78,
                softirq_share: 0.05,
                irq_share: 0.0,
                steal_share: 0.002,
                others_share: 0.02,
                governor: Some("performance".into()),
                siblings: Vec::new(),
            }),
        }),
    });
    let process = Process {
        pids: vec![4711],
        name: "nginx".into(),
        cpu_s: 9.9,
        busy_threads: 1,
        busiest_thread_share: 0.99,
        cpus: vec![2],
    };
    let mut result = RunResult {
        target: Target { process: Some(process), ..base().target },
        host: Host { cpu_pressure_share: Some(0.01), ..base().host },
        plan: PlanEcho { duration_s: Some(10.0), drain_ms: Some(100.0), ..plan() },
        elapsed_s: 10.0003,
        requests: requests(748_868, 748_804, 0, 0, 64),
        rate: Rate {
            achieved_per_s: 74_878.15,
            per_worker: Some(Spread { mean: 37_443.0, stdev: 1_210.5, max: 39_120.0, within_stdev: 71.5 }),
            ..Rate::default()
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
            sqpoll_s: None,
            max_rss_bytes: Some(9_437_184),
        }),
        ring: Some(ring(33_420, 748_804)),
        little: Some(Little { in_flight: 78.8, rate_times_mean: 78.62 }),
        workers: workers.to_vec(),
        ..base()
    };
    result.judge();
    result
}

/// An open loop in two stages against a healthy server.
pub(crate) fn open() -> RunResult {
    let stage = |name: &str, start_s, count, per_s| Stage {
        name: name.into(),
        connections: 128,
        start_s,
        elapsed_s: 5.0,
        requests: intended(count),
        rate: Rate { offered_per_s: Some(per_s), achieved_per_s: per_s, ..Rate::default() },
        latency_ns: Some(summary(count, 2_000, Some(LatencyKind::Response))),
        at_end: None,
    };
    let interval = |start_s, completed, p50_ns: u64| Interval {
        start_s,
        length_s: 1.0,
        completed,
        status: Classes { success: completed, ..Classes::default() },
        connections_open: Some(128),
        p50_ns: NonZeroU64::new(p50_ns),
        p90_ns: NonZeroU64::new(p50_ns * 2),
        p99_ns: NonZeroU64::new(p50_ns * 3),
        max_ns: NonZeroU64::new(p50_ns * 4),
        ..Interval::default()
    };
    RunResult {
        plan: PlanEcho {
            duration_s: Some(10.0),
            rate_per_s: Some(1_000.0),
            rate_to_per_s: Some(3_000.0),
            arrivals: Some("poisson".into()),
            seed: Some(1),
            spin: Some(true),
            interval_s: Some(1.0),
            ..plan()
        },
        elapsed_s: 10.0,
        requests: intended(20_000),
        rate: Rate {
            offered_per_s: Some(2_000.0),
            achieved_per_s: 2_000.0,
            received_per_s: Some(262_000.0),
            per_worker: None,
        },
        bytes: Bytes { sent: 820_000, received: 2_620_000, body: 260_000 },
        status: BTreeMap::from([(200, 20_000)]),
        connections: Connections {
            requested: 128,
            established: 128,
            answered: 128,
            completed: Some(Fairness { min: 150, slowest_tenth: 151.5, median: 156, max: 160 }),
            ..Connections::default()
        },
        latency_ns: Some(summary(20_000, 2_000, Some(LatencyKind::Response))),
        service_ns: Some(summary(20_000, 1_950, None)),
        send_lag_ns: Some(summary(20_000, 10, None)),
        connect_ns: Some(summary(128, 250, None)),
        first_byte_ns: Some(summary(20_000, 1_940, None)),
        client: Some(Client {
            user_s: 0.05,
            sys_s: 0.2,
            cpu_ns_per_request: Some(12_500.0),
            busy_share: Some(0.0125),
            spin_s: Some(0.04),
            sqpoll_s: Some(0.03),
            max_rss_bytes: Some(9_437_184),
        }),
        ring: Some(ring(19_000, 20_000)),
        stages: vec![stage("1000/s", 0.0, 5_000, 1_000.0), stage("3000/s", 5.0, 15_000, 3_000.0)],
        intervals: vec![interval(0.0, 1_000, 2_000_000), interval(1.0, 1_001, 2_100_000)],
        started_unix_s: Some(1_700_000_000.25),
        ..base()
    }
}

/// An open loop against a server that does everything wrong.
pub(crate) fn failing() -> RunResult {
    let mut result = RunResult {
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
        requests: Requests {
            open: Some(Intended { intended: 5_054, shed: 30, unsent: 10, sent_late: 5 }),
            begun: 5,
            ..requests(5_020, 4_990, 16, 6, 8)
        },
        rate: Rate {
            offered_per_s: Some(2_013.55),
            achieved_per_s: 1_986.06,
            // Five answers came while draining.
            received_per_s: Some(260_173.7),
            per_worker: None,
        },
        bytes: Bytes { sent: 205_820, received: 653_690, body: 64_870 },
        status: BTreeMap::from([(200, 4_900), (404, 80), (503, 10)]),
        errors: Errors { reset: 4, eof_mid_response: 2, timeout: 3, protocol: 6, check: 0, tls: 0, other: 1 },
        protocol_errors: BTreeMap::from([("bad_status_line".into(), 5), ("head_too_large".into(), 1)]),
        anomalies: Anomalies { excess_bytes: 2, reset_after_response: 1, close_unannounced: 7 },
        connections: Connections {
            requested: 128,
            established: 127,
            answered: 126,
            reconnects: 49,
            failed: ConnectFailures { refused: 3, timeout: 1, no_local_port: 2, no_descriptor: 1, tls: 0, other: 1 },
            idle_closed: 5,
            down_ns: 250_000_000,
            not_begun: 0,
            unfinished: 1,
            completed: Some(Fairness { min: 0, slowest_tenth: 2.5, median: 39, max: 44 }),
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
            sqpoll_s: None,
            max_rss_bytes: None,
        }),
        ring: Some(Ring { cq_overflows: 3, recv_starved: 12, ..ring(4_100, 4_990) }),
        verdict: Some(Verdict { bound: Bound::Offered, because: vec!["achieved 98.6% of the offered rate".into()] }),
        slo: Some(vec![
            Clause { clause: "p99<5ms".into(), figure: "6.00ms".into(), value: Some(6e6), held: false },
            Clause { clause: "rate>1k".into(), figure: "1.99k/s".into(), value: Some(1_986.06), held: true },
        ]),
        notes: vec!["2 of 4 threads used: only 2 CPUs are allowed.".into()],
        ..base()
    };
    result.warn();
    result
}

/// Stopped by a signal before anything answered.
pub(crate) fn interrupted() -> RunResult {
    RunResult {
        interrupted: true,
        outcome: Outcome::Interrupted,
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

/// A closed loop whose server was killed at 0.7 of 2 s, held against `errors<0.1%,p99<1s,rate>1k`.
pub(crate) fn outage() -> RunResult {
    let interval = |start_s, completed, failed, down_ms: u64| Interval {
        start_s,
        length_s: 1.0,
        completed,
        failed,
        down_ns: down_ms * 1_000_000,
        ..Interval::default()
    };
    let good = good();
    let mut result = RunResult {
        last_answer_s: Some(0.708),
        at_end: Some(AtEnd {
            last_answer_s: Some(0.708),
            owed_since_s: Some(0.0),
            losses: 64,
            lost: 8,
            longest_ns: 1_400_055,
            away: true,
            ..AtEnd::default()
        }),
        plan: PlanEcho { connections: 8, duration_s: Some(2.0), ..good.plan.clone() },
        elapsed_s: 2.0,
        requests: requests(52_408, 52_400, 8, 0, 0),
        errors: Errors { reset: 8, ..Errors::default() },
        rate: Rate { achieved_per_s: 26_200.0, ..Rate::default() },
        bytes: Bytes { sent: 2_148_728, received: 6_864_400, body: 681_200 },
        status: BTreeMap::from([(200, 52_400)]),
        connections: Connections {
            requested: 8,
            established: 8,
            answered: 8,
            failed: ConnectFailures { refused: 56, ..ConnectFailures::default() },
            down_ns: 1_290_000_000,
            ..Connections::default()
        },
        latency_ns: Some(summary(52_400, 100, Some(LatencyKind::Service))),
        connect_ns: Some(summary(8, 250, None)),
        first_byte_ns: Some(summary(52_400, 99, None)),
        ring: Some(ring(20_000, 52_400)),
        little: None,
        intervals: vec![interval(0.0, 52_400, 8, 290), interval(1.0, 0, 0, 1_000)],
        slo: Some(vec![
            Clause {
                clause: "errors<0.1%".into(),
                figure: "64.500% (no connection open for 1.29s of 2.00s)".into(),
                value: Some(0.645),
                held: false,
            },
            Clause { clause: "p99<1s".into(), figure: "0.30ms".into(), value: Some(300_000.0), held: true },
        ]),
        ..good
    };
    result.outcome = result.outcome();
    result.warn();
    result.judge();
    result
}

/// A closed loop of a list with more kinds of request than the report has rows, one of which is not answered as expected.
pub(crate) fn mix() -> RunResult {
    let (good, wrong) = (good(), 1_000);
    let kinds = 22;
    let each = (good.requests.completed - wrong) / kinds;
    let kind = |index: u64| {
        // The last has what is left over.
        let right = if index + 1 < kinds { each } else { good.requests.completed - wrong - each * (kinds - 1) };
        let failed = if index == 1 { wrong } else { 0 };
        let in_flight = if index == 0 { good.requests.in_flight_at_end } else { 0 };
        mix::Kind {
            name: if index == 0 {
                "home".into()
            } else {
                format!("GET /items/{index}/of-a-list-with-long-names?sort=up")
            },
            method: "GET".into(),
            path: if index == 0 { "/".into() } else { format!("/items/{index}") },
            weight: 1,
            requests: requests(right + failed + in_flight, right, failed, 0, in_flight),
            status: BTreeMap::from([(200, right)]),
            expected_status: BTreeMap::new(),
            errors: Errors { check: failed, ..Errors::default() },
            bytes: mix::KindBytes { body: right * 13 },
            latency_ns: Some(summary(right, 100 + index, Some(LatencyKind::Service))),
            service_ns: None,
        }
    };
    let completed = good.requests.completed - wrong;
    let mut result = RunResult {
        requests: requests(good.requests.sent, completed, wrong, 0, good.requests.in_flight_at_end),
        status: BTreeMap::from([(200, completed)]),
        errors: Errors { check: wrong, ..Errors::default() },
        latency_ns: Some(summary(completed, 104, Some(LatencyKind::Service))),
        first_byte_ns: Some(summary(completed, 104, None)),
        mix: (0..kinds).map(kind).collect(),
        differing: vec![mix::Differing {
            name: "GET /items/1/of-a-list-with-long-names?sort=up".into(),
            status: 200,
            body_bytes: 300,
            body: "{\"items\": []}\n".into(),
        }],
        seq_past_width: 12,
        slo: Some(vec![Clause {
            clause: "p99[home]<5ms".into(),
            figure: "0.30ms".into(),
            value: Some(300_000.0),
            held: true,
        }]),
        ..good
    };
    result.outcome = result.outcome();
    result.warn();
    result.judge();
    result
}

/// A closed loop in three steps, the last of them with errors.
pub(crate) fn steps() -> RunResult {
    let step = |connections: u64, start_s, completed: u64, failed, p50_us| Stage {
        name: format!("{connections} connections"),
        connections,
        start_s,
        elapsed_s: 0.2,
        requests: requests(completed + failed, completed, failed, 0, 0),
        rate: Rate { achieved_per_s: completed as f64 / 0.2, ..Rate::default() },
        latency_ns: Some(summary(completed, p50_us, Some(LatencyKind::Service))),
        at_end: None,
    };
    let good = good();
    let mut result = RunResult {
        plan: PlanEcho { connections: 8, duration_s: None, steps: Some(3), ..good.plan.clone() },
        elapsed_s: 0.6,
        requests: requests(14_092, 14_090, 2, 0, 0),
        errors: Errors { timeout: 2, ..Errors::default() },
        rate: Rate { achieved_per_s: 14_090.0 / 0.6, ..Rate::default() },
        bytes: Bytes { sent: 577_772, received: 1_845_790, body: 183_170 },
        status: BTreeMap::from([(200, 14_090)]),
        connections: Connections { requested: 13, established: 13, answered: 13, ..Connections::default() },
        latency_ns: Some(summary(14_090, 90, Some(LatencyKind::Service))),
        connect_ns: Some(summary(13, 250, None)),
        first_byte_ns: Some(summary(14_090, 89, None)),
        ring: Some(ring(9_000, 14_090)),
        little: None,
        stages: vec![step(1, 0.0, 90, 0, 2_200), step(4, 0.2, 6_000, 0, 130), step(8, 0.4, 8_000, 2, 190)],
        ..good
    };
    result.warn();
    result.judge();
    result
}

fn base() -> RunResult {
    RunResult {
        version: "0.1.0".into(),
        command: vec!["saturing".into(), "http://localhost:8080/".into()],
        target: Target {
            url: "http://localhost:8080/".into(),
            address: "127.0.0.1:8080".into(),
            addresses: vec!["127.0.0.1:8080".into()],
            unix_socket: None,
            unanswered: Vec::new(),
            method: "GET".into(),
            wants_tls: false,
            process: None,
        },
        host: Host {
            kernel: "6.18.0".into(),
            cpu: "AMD EPYC".into(),
            cpus_online: 2,
            hostname: "bench".into(),
            cpu_pressure_share: None,
        },
        engine: Engine { name: "io_uring".into(), level: "A+".into(), why: "this kernel has all that is used".into() },
        ..RunResult::new()
    }
}

fn plan() -> PlanEcho {
    PlanEcho { threads: 2, connections: 128, pipeline: 1, timeout_ms: 2_000.0, cpus: vec![0, 1], ..PlanEcho::default() }
}

fn requests(sent: u64, completed: u64, failed: u64, discarded: u64, in_flight_at_end: u64) -> Requests {
    Requests { sent, completed, failed, discarded, in_flight_at_end, ..Requests::default() }
}

fn intended(count: u64) -> Requests {
    Requests { open: Some(Intended { intended: count, ..Intended::default() }), ..requests(count, count, 0, 0, 0) }
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
    let at = |needed, ns| (count >= needed).then_some(ns);
    Summary {
        kind,
        count,
        min: p50 / 20,
        mean: p50 as f64 * 1.05,
        stdev: p50 as f64 * 0.25,
        max: p50 * 14 + 55,
        within_stdev: 93.69,
        percentiles: Percentiles {
            p50: at(2, p50),
            p75: at(4, p50 * 5 / 4),
            p90: at(10, p50 * 3 / 2),
            p95: at(20, p50 * 2),
            p99: at(100, p50 * 3),
            p99_9: at(1_000, p50 * 6),
            p99_99: at(10_000, p50 * 9),
            p99_999: at(100_000, p50 * 12),
        },
        histogram: "HISTFAAA".into(),
    }
}

/// A calibration of two workers.
pub(crate) fn calibration() -> Calibration {
    let figures = |rate_per_s: f64, user_ns: f64, sys_ns: f64| Figures {
        rounds: 3,
        rate_per_s,
        cpu_ns: user_ns + sys_ns,
        user_ns,
        sys_ns,
        requests_per_enter: rate_per_s / 20e3,
        busy_share: 0.987,
    };
    let point = |workers: usize, connections_per_worker, pipeline, floor: f64, engine: f64| Point {
        workers,
        connections_per_worker,
        pipeline,
        floor: Some(figures(floor, 21.0, 1e9 / floor)),
        engine: Some(figures(engine, 48.2, 1e9 / engine)),
        cpu_ratio: Some(1.0),
    };
    let cost = |part, median| Cost {
        part,
        connections: 64,
        pipeline: 16,
        per_request_ns: Estimate { median, low: median - 2.5, high: median + 3.0, confidence: 0.96 },
    };
    let unmeasured = Point { engine: None, cpu_ratio: None, ..point(2, 64, 16, 5.1e6, 5e6) };
    let mut found = Calibration {
        version: "1.2.3".into(),
        command: vec!["saturing".into(), "calibrate".into()],
        host: good().host,
        engine: Engine { name: "uring".into(), level: "A+".into(), why: "this kernel has all that is used".into() },
        cpus: vec![0, 1],
        server_cpus: vec![2, 3],
        calibrated_unix_s: 1_700_000_000.5,
        window_s: 0.25,
        points: vec![
            point(1, 1, 1, 19_000.0, 18_500.0),
            point(1, 64, 1, 180_000.0, 178_123.0),
            point(1, 64, 16, 2.8e6, 2.7e6),
            point(2, 64, 1, 350_000.0, 340_000.0),
            unmeasured,
        ],
        costs: vec![cost(Part::Parse, 5.25), cost(Part::Stamps, 2.0), cost(Part::Histogram, -0.5)],
        lateness: vec![Late { connections: 64, samples: 20_480, p50_ns: 31_000, p99_ns: 88_000, within_ns: 40 }],
        send_lag: vec![Lag { rate_per_s: 50e3, achieved_per_s: 50e3, connections: 64, p50_ns: 12_000, p99_ns: 34_000 }],
        notes: vec!["client and server share a physical core (CPUs 0-1)".into()],
        ..Calibration::new()
    };
    found.conclude();
    found
}
