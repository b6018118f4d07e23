//! A suite's result with everything that reports show, and names that need escaping.

use std::collections::BTreeMap;

use crate::measure::histogram::{Histogram, LatencyKind, Summary};
use crate::result::suite::{Kind, NotRun, Outcome, Plateau, Row, Several, SuiteResult, Test, Then};
use crate::result::{Anomalies, Host, Percentiles, SCHEMA};

/// Over five runs, with an interval of a twentieth either way.
fn several(mean: f64) -> Option<Several> {
    let (low, high) = (Some(mean * 0.95), Some(mean * 1.05));
    Some(Several { runs: 5, mean, median: mean * 0.99, min: mean * 0.94, max: mean * 1.06, low, high })
}

fn single(mean: f64) -> Option<Several> {
    Some(Several { runs: 1, mean, median: mean, min: mean, max: mean, low: None, high: None })
}

/// 10,000 latencies between half and five times `p50_ms`.
fn latency(p50_ms: f64) -> Option<Summary> {
    let mut times = Histogram::new();
    for at in 0..10_000 {
        let rest = 1.0 - f64::from(at) / 10_000.0;
        times.record_n((p50_ms * 1e6 * (0.5 - 0.5 * rest.log2())).min(p50_ms * 5e6) as u64, 1);
    }
    times.summary(Some(LatencyKind::Service))
}

fn row(id: &str, group: &str, rate: f64, p50_ms: f64) -> Row {
    Row {
        id: id.into(),
        case: id.split(['/', '@', '+']).next().unwrap_or(id).into(),
        group: group.into(),
        about: format!("{group}, \"Hello World!\""),
        request: "GET".into(),
        load: "wrk".into(),
        client: "saturing".into(),
        topology: "lan".into(),
        connections: 50,
        runs: 5,
        rate: several(rate),
        p50_ns: several(p50_ms * 1e6),
        p99_ns: several(p50_ms * 4e6),
        errors: several(0.0),
        server_cpu_ns: several(0.9e9 / rate),
        server_rss_bytes: several(41.5 * 1_048_576.0),
        client_cpu_ns: several(8_100.0),
        fairness: several(0.97),
        latency_ns: latency(p50_ms),
        expected_status: 200,
        completed: 50_000,
        status: BTreeMap::from([(200, 50_000)]),
        bounds: BTreeMap::from([("server".into(), 5)]),
        ..Row::default()
    }
}

fn then(mean: f64, errors: Option<f64>) -> Option<Then> {
    let (max, min) = (Some(mean * 1.1), Some(mean * 0.9));
    Some(Then { mean, max, min, runs: Some(4), client: Some("wrk".into()), errors })
}

fn alone() -> Vec<Row> {
    let flask = Row { then: then(1_930.0, None), ..row("tornado_lan_flask_hw", "Tornado", 2_512.4, 19.8) };
    let sock = Row {
        then: then(5_724.0, None),
        anomalies: Anomalies { excess_bytes: 12, reset_after_response: 31_200, close_unannounced: 4 },
        ..row("tornado_lan_sock_hw", "Tornado", 16_600.0, 2.9)
    };
    let plateau = Row {
        then: then(883.0, None),
        plateau: Some(Plateau { at_ns: 44.1e6, share: 0.962 }),
        ..row("gevent_lan_flask_stock", "gevent", 1_130.0, 44.1)
    };
    let odd = Row {
        about: "</script><b>&\" | `odd`".into(),
        fairness: several(0.02),
        warnings: vec!["<i>the</i> clock & \"the rest\"".into()],
        ..row("odd<b>&\"'|name", "gevent", 4_200.0, 11.0)
    };
    let failing = Row {
        errors: several(0.134),
        status: BTreeMap::from([(200, 43_300), (500, 6_700)]),
        bounds: BTreeMap::from([("server".into(), 4), ("unclear".into(), 1)]),
        backend_cpu_ns: several(310_000.0),
        ..row("gevent_virt_lan/POST", "gevent", 401.0, 120.0)
    };
    let bound =
        Row { bounds: BTreeMap::from([("client".into(), 5)]), ..row("builtin+saturing", "Ceiling", 212_345.6, 0.21) };
    let wrk = Row {
        client: "wrk".into(),
        latency_ns: None,
        runs: 1,
        rate: single(180_400.0),
        p99_ns: None,
        fairness: None,
        percentiles_ns: Some(Percentiles {
            p50: Some(240_000),
            p90: Some(390_000),
            p99: Some(900_000),
            ..Percentiles::default()
        }),
        bounds: BTreeMap::from([("unclear".into(), 1)]),
        ..row("builtin+wrk", "Ceiling", 180_400.0, 0.24)
    };
    let silent = Row {
        runs: 0,
        completed: 0,
        rate: None,
        p50_ns: None,
        p99_ns: None,
        errors: None,
        server_cpu_ns: None,
        server_rss_bytes: None,
        client_cpu_ns: None,
        fairness: None,
        latency_ns: None,
        status: BTreeMap::new(),
        bounds: BTreeMap::new(),
        ..row("nginx+h2load", "Ceiling", 1.0, 1.0)
    };
    vec![flask, sock, plateau, odd, failing, bound, wrk, silent]
}

fn sweeps() -> Vec<Row> {
    let mut all = Vec::new();
    for (connections, rate, earlier) in [(10, 462.0, 896.0), (20, 446.0, 899.0), (50, 256.0, 852.0)] {
        let failed = (connections == 50).then_some(0.21);
        all.push(Row {
            series: Some("tornado_inc_load".into()),
            connections,
            then: then(earlier, failed),
            ..row(&format!("tornado_inc_load@c{connections}"), "Tornado", rate, connections as f64 / rate * 1e3)
        });
    }
    for (rate, achieved, p50_ms, errors) in
        [(400.0, 400.0, 1.2, 0.0), (2_000.0, 1_998.0, 2.5, 0.0), (8_000.0, 5_100.0, 900.0, 0.3)]
    {
        all.push(Row {
            series: Some("gevent_pure_wsgi:rates".into()),
            rate_per_s: Some(rate),
            errors: several(errors),
            ..row(&format!("gevent_pure_wsgi:rates@r{rate}"), "gevent", achieved, p50_ms)
        });
    }
    all
}

fn outcome(id: &str, kind: Kind, holds: Option<bool>) -> Outcome {
    Outcome {
        test: Test { by: 1.05, ..Test::default() },
        id: id.into(),
        kind,
        says: format!("Tornado answers more than gevent <{id}>."),
        why: (kind == Kind::Reading).then(|| "Head and body go apart with Nagle's algorithm on.".into()),
        rows: vec!["tornado_lan_flask_hw".into(), "gevent_lan_flask_stock".into()],
        holds,
        because: "2,512 against 1,130 requests a second".into(),
    }
}

pub(super) fn full() -> SuiteResult {
    let missed =
        |case: &str, round, why: &str, impossible| NotRun { case: case.into(), round, why: why.into(), impossible };
    SuiteResult {
        schema: SCHEMA,
        version: "0.1.0".into(),
        command: ["/opt/bin/saturing", "suite", "run", "--repeat", "5", "it's"].map(str::to_owned).to_vec(),
        name: "seed".into(),
        title: "Tornado <or> gevent & \"then\"?".into(),
        about: "The study of 2013, run again: </title> on *today's* software.".into(),
        repeat: 5,
        started_unix_s: 1_700_000_000.0,
        elapsed_s: 4_210.0,
        host: Host {
            kernel: "6.18.0".into(),
            cpu: "AMD EPYC".into(),
            cpus_online: 2,
            hostname: "bench".into(),
            cpu_pressure_share: None,
        },
        versions: BTreeMap::from([("tornado".into(), "6.6.1".into()), ("CPython".into(), "3.11.2".into())]),
        rows: [alone(), sweeps()].concat(),
        not_run: vec![
            missed("tornado_virt_s1s2_pycurl", None, "network namespaces need root: run it as root", true),
            missed("gevent_virt_lan/DELETE", Some(3), "the server was <gone> after 812 answers", false),
        ],
        statements: vec![
            outcome("faster", Kind::Study, Some(true)),
            outcome("steadier", Kind::Study, Some(false)),
            outcome("client", Kind::Study, None),
            outcome("nagle", Kind::Reading, Some(true)),
        ],
        ..SuiteResult::default()
    }
}

/// One round of small loads, ended by a signal.
pub(super) fn quick() -> SuiteResult {
    let row = Row { runs: 1, rate: single(2_500.0), ..row("tornado_lan_flask_hw", "Tornado", 2_500.0, 19.8) };
    let bare = SuiteResult { rows: vec![row], not_run: vec![], statements: vec![], ..full() };
    SuiteResult { quick: true, repeat: 1, interrupted: true, elapsed_s: 3.26, versions: BTreeMap::new(), ..bare }
}
