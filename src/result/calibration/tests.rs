//! What follows from the points.

use super::*;
use crate::result::{Fairness, samples};

fn point(workers: usize, connections_per_worker: u64, pipeline: u32, rate_per_s: f64) -> Point {
    let figures = Figures { rounds: 3, rate_per_s, cpu_ns: 1e9 / rate_per_s, busy_share: 0.99, ..Figures::default() };
    Point { workers, connections_per_worker, pipeline, engine: Some(figures), ..Point::default() }
}

fn calibration(points: Vec<Point>) -> Calibration {
    let mut all = Calibration { points, ..Calibration::new() };
    all.conclude();
    all
}

/// One worker and two of them.
fn two() -> Calibration {
    let one = [(1, 1, 20e3), (16, 1, 150e3), (64, 1, 196e3), (256, 1, 200e3), (64, 16, 2e6)];
    let both = [(1, 1, 40e3), (16, 1, 280e3), (64, 1, 350e3), (256, 1, 300e3), (64, 16, 3e6)];
    let of = |workers| move |(c, p, rate)| point(workers, c, p, rate);
    calibration(one.into_iter().map(of(1)).chain(both.into_iter().map(of(2))).collect())
}

#[test]
fn advice_is_the_least_that_is_enough() {
    let rates = |rates: &[(u64, f64)]| rates.iter().map(|&(c, rate)| point(1, c, 1, rate)).collect::<Vec<_>>();
    for (points, advice) in [
        (vec![], None),
        (rates(&[(1, 20e3), (16, 150e3), (64, 196e3), (256, 200e3)]), Some((1, 64))),
        (rates(&[(1, 20e3), (16, 191e3), (64, 196e3), (256, 200e3)]), Some((1, 16))),
        (rates(&[(1, 20e3), (16, 150e3), (64, 180e3), (256, 200e3)]), Some((1, 256))),
        (rates(&[(1, 20e3)]), Some((1, 1))),
        (two().points, Some((2, 64))),
        // The second worker brings nothing.
        (vec![point(1, 64, 1, 100e3), point(2, 64, 1, 104e3)], Some((1, 64))),
        // Pipelining does not count.
        (vec![point(1, 16, 1, 100e3), point(1, 64, 16, 1e6)], Some((1, 16))),
        (vec![point(1, 64, 16, 1e6)], None),
    ] {
        let advice = advice.map(|(threads, connections_per_worker)| Advice { threads, connections_per_worker });
        assert_eq!(calibration(points.clone()).advice, advice, "{points:?}");
    }
}

#[test]
fn the_ceiling_is_the_highest_and_says_whether_the_client_was_the_limit() {
    let highest = two().ceiling.expect("points");
    assert_eq!((highest.one_worker_per_s, highest.one_worker_pipelined_per_s), (200e3, 2e6));
    assert_eq!((highest.all_workers_per_s, highest.all_workers_pipelined_per_s), (Some(350e3), Some(3e6)));
    assert!(highest.client_bound);
    let mut idle = two();
    idle.points[3].engine.as_mut().expect("an engine").busy_share = 0.9;
    idle.conclude();
    assert!(!idle.ceiling.expect("points").client_bound, "at the highest the server was the limit");
    assert_eq!(calibration(vec![]).ceiling, None);
}

#[test]
fn a_runs_ceiling_is_that_of_its_pipeline_workers_and_connections() {
    let all = two();
    for (workers, connections, pipeline, rate) in [
        (1, 64, 1, Some(196e3)),
        (1, 1, 1, Some(20e3)),
        // Half way between 16 and 64, by the logarithm.
        (1, 32, 1, Some(173e3)),
        (1, 4, 1, Some(85e3)),
        (1, 10_000, 1, Some(200e3)),
        (1, 64, 16, Some(2e6)),
        (2, 128, 1, Some(350e3)),
        // Another pipeline is another load, whichever is nearest.
        (1, 64, 2, None),
        (1, 64, 15, None),
        (1, 1, 64, None),
        // Not measured together.
        (3, 192, 1, None),
    ] {
        let found = all
            .at(workers, f64::from(connections) / workers as f64, pipeline)
            .map(|ceiling| ceiling.rate_per_s.round());
        assert_eq!(found, rate, "{workers} workers, {connections} connections, pipeline {pipeline}");
    }
    assert_eq!(calibration(vec![point(1, 64, 16, 1e6)]).at(1, 64.0, 1), None, "nothing at or below this pipeline");
}

#[test]
fn only_runs_like_the_calibrated_ones_have_a_ceiling() {
    let mut run = samples::good();
    run.connections.completed = Some(Fairness::default());
    let mut all = two();
    (all.host, all.engine) = (run.host.clone(), run.engine.clone());
    assert!(all.ceiling_of(&run).is_some());
    type Change = fn(&mut Calibration, &mut RunResult);
    let changes: [(&str, Change); 13] = [
        ("another kernel", |all, _| all.host.kernel.push('x')),
        ("another CPU", |all, _| all.host.cpu.push('x')),
        ("another host", |all, _| all.host.hostname.push('x')),
        ("more CPUs", |_, run| run.host.cpus_online += 1),
        ("another protocol", |all, _| all.protocol = "http/2".into()),
        ("TLS", |_, run| run.target.url = "https://localhost/".into()),
        ("another pipeline", |_, run| run.plan.pipeline = 2),
        ("another engine", |_, run| run.engine.name.push('x')),
        ("another level", |_, run| run.engine.level.push('x')),
        ("short connections", |_, run| run.plan.requests_per_connection = Some(1)),
        ("connections that the server ends", |_, run| run.connections.reconnects = run.requests.completed / 50),
        ("steps of connections", |_, run| run.connections.completed = None),
        ("half a calibration", |all, _| all.interrupted = true),
    ];
    for (what, change) in changes {
        let (mut all, mut run) = (all.clone(), run.clone());
        change(&mut all, &mut run);
        assert_eq!(all.ceiling_of(&run), None, "{what}");
    }
}

#[test]
fn a_calibration_of_before_is_of_http_1_1() {
    let mut old = serde_json::to_value(two()).expect("JSON");
    old.as_object_mut().expect("an object").remove("protocol").expect("the key");
    let old: Calibration = serde_json::from_value(old).expect("a calibration");
    assert_eq!(old, two());
}
