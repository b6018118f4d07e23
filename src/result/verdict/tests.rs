#![allow(clippy::unwrap_used)]

use crate::result::{AtEnd, Bound, Ceiling, CpuUse, Evidence, Process, RunResult, Worker, samples};

/// A worker by shares in percent: on CPU, queued, waited.
fn worker(cpu: u32, queued: u32, waited: u32) -> Worker {
    let share = |percent: u32| f64::from(percent) / 100.0;
    let evidence = Evidence {
        span_s: 10.0,
        cpu_share: share(cpu),
        queued_share: Some(share(queued)),
        waited_share: share(waited),
        in_flight: 64.0,
        cpu: Some(CpuUse { id: 0, idle_share: share(waited), ..CpuUse::default() }),
        ..Evidence::default()
    };
    Worker { evidence: Some(evidence), ..Worker::default() }
}

fn closed(workers: &[Worker]) -> RunResult {
    let mut result = samples::good();
    (result.workers, result.target.process) = (workers.to_vec(), None);
    result
}

fn open(workers: &[Worker]) -> RunResult {
    let mut result = samples::open();
    result.workers = workers.to_vec();
    result
}

fn judged(mut result: RunResult) -> (Bound, String) {
    result.judge();
    let verdict = result.verdict.unwrap();
    (verdict.bound, verdict.because.join("; "))
}

fn target(busiest: f64, cpus: &[usize]) -> Option<Process> {
    Some(Process { busiest_thread_share: busiest, cpus: cpus.to_vec(), name: "nginx".into(), ..Process::default() })
}

#[test]
fn a_closed_loop_is_judged_by_who_had_time_left() {
    let table = [
        ("all busy", vec![worker(98, 0, 2)], Bound::Client),
        ("just busy", vec![worker(97, 1, 2), worker(98, 0, 2)], Bound::Client),
        ("not quite", vec![worker(95, 0, 5)], Bound::Unclear),
        ("nearly idle enough", vec![worker(89, 0, 11)], Bound::Unclear),
        ("idle enough", vec![worker(88, 0, 12)], Bound::Server),
        ("clearly idle", vec![worker(5, 0, 95)], Bound::Server),
        ("one busy, one idle", vec![worker(99, 0, 1), worker(30, 0, 70)], Bound::Unclear),
        ("kept from its CPU and never asleep", vec![worker(50, 49, 1)], Bound::Client),
        ("kept from its CPU for longer than asleep", vec![worker(40, 40, 20)], Bound::Client),
        ("kept from its CPU, for less", vec![worker(40, 20, 40)], Bound::Unclear),
        ("hardly kept from it", vec![worker(40, 9, 51)], Bound::Server),
    ];
    for (name, workers, bound) in table {
        let (is, because) = judged(closed(&workers));
        assert_eq!(is, bound, "{name}: {because}");
    }
}

#[test]
fn the_figures_are_named() {
    let (_, because) = judged(closed(&[worker(30, 8, 62)]));
    assert_eq!(because, "the worker waited 62% of the time (on CPU 30%); disturbed: 8% ready to run without a CPU");
    let mut stolen = closed(&[worker(60, 0, 10)]);
    stolen.workers[0].evidence.as_mut().unwrap().cpu.as_mut().unwrap().steal_share = 0.3;
    let (bound, because) = judged(stolen);
    assert!(bound == Bound::Client && because.contains("disturbed: 30% with the CPU stolen"), "{because}");
}

#[test]
fn the_targets_own_cpu_decides_where_the_clients_does_not() {
    let with = |workers: &[Worker], process| {
        let mut result = closed(workers);
        result.target.process = process;
        judged(result)
    };
    assert_eq!(with(&[worker(92, 0, 8)], target(0.96, &[1])).0, Bound::Server);
    assert_eq!(with(&[worker(92, 0, 8)], target(0.94, &[1])).0, Bound::Unclear);
    let (bound, because) = with(&[worker(98, 0, 2)], target(0.98, &[1]));
    assert_eq!(bound, Bound::Client);
    assert!(because.contains("the target's busiest thread was on CPU 98%"), "both are told: {because}");
    let (_, because) = with(&[worker(50, 40, 10)], target(0.5, &[0]));
    assert!(because.ends_with("the target ran on the client's CPU 0"), "{because}");
}

#[test]
fn an_open_loop_is_judged_by_the_rate_first() {
    let (bound, because) = judged(open(&[worker(2, 0, 98)]));
    assert_eq!(bound, Bound::Offered);
    assert_eq!(because, "2.00k/s of the offered 2.00k/s achieved (100.0%); send lag p50 10.00us");
    let busy = judged(open(&[worker(99, 0, 1)]));
    assert_eq!(busy.0, Bound::Offered, "busy, and it came to what was asked for: {}", busy.1);

    type Spoil = fn(&mut RunResult);
    let missed: Spoil = |r| r.rate.achieved_per_s = 0.98 * r.rate.offered_per_s.unwrap();
    let late: Spoil = |r| r.send_lag_ns.as_mut().unwrap().percentiles.p50 = Some(1_500_000);
    let table = [
        ("just reached", worker(5, 0, 95), (|r| r.rate.achieved_per_s *= 0.99) as Spoil, Bound::Offered),
        ("missed by a busy client", worker(99, 0, 1), missed, Bound::Client),
        ("missed by a client kept from its CPU", worker(30, 60, 10), missed, Bound::Client),
        ("missed by an idle client", worker(5, 0, 95), missed, Bound::Server),
        ("missed, and nobody had much time", worker(93, 0, 7), missed, Bound::Unclear),
        ("reached late by an idle client", worker(5, 0, 95), late, Bound::Server),
        ("reached late by a busy client", worker(99, 0, 1), late, Bound::Client),
    ];
    for (name, worker, spoil, bound) in table {
        let mut result = open(&[worker]);
        spoil(&mut result);
        let (is, because) = judged(result);
        assert_eq!(is, bound, "{name}: {because}");
    }
    let mut full = open(&[worker(93, 0, 7)]);
    missed(&mut full);
    full.connections.requested = 64;
    let (bound, because) = judged(full);
    assert!(bound == Bound::Server && because.contains("64.0 of 64 places in flight taken"), "{because}");
}

#[test]
fn spinning_is_no_work() {
    let mut result = open(&[worker(99, 0, 1)]);
    result.rate.achieved_per_s *= 0.9;
    result.workers[0].evidence.as_mut().unwrap().spun_share = Some(0.6);
    let (bound, because) = judged(result);
    assert_eq!(bound, Bound::Server);
    assert!(because.contains("waited 61% of the time (on CPU 99%, 60% of it spinning)"), "{because}");
}

#[test]
fn too_little_is_not_judged() {
    type Spoil = fn(&mut RunResult);
    let table: [(Spoil, &str); 5] = [
        (|r| r.requests.completed = 0, "not one response came"),
        (|r| r.requests.completed = 99, "99 answers are too few to tell"),
        (|r| r.elapsed_s = 0.19, "190.00ms are too short to tell"),
        (|r| r.requests.failed = r.requests.sent / 5, "20% of the requests failed"),
        (|r| r.workers.clear(), "the workers' time was not accounted for"),
    ];
    for (spoil, why) in table {
        let mut result = closed(&[worker(5, 0, 95)]);
        spoil(&mut result);
        assert_eq!(judged(result), (Bound::Unclear, why.to_owned()));
    }
    for mut result in [samples::interrupted(), RunResult::new()] {
        result.judge();
        assert_eq!(result.verdict.unwrap().bound, Bound::Unclear);
    }
}

#[test]
fn a_ceiling_found_later_is_held_against_the_rate() {
    let mut result = closed(&[worker(95, 0, 5)]);
    result.judge();
    assert_eq!(result.verdict.as_ref().unwrap().bound, Bound::Unclear);
    result.ceiling = Some(Ceiling { rate_per_s: result.rate.achieved_per_s / 0.81, ..Ceiling::default() });
    let (bound, because) = judged(result.clone());
    assert_eq!(bound, Bound::Unclear);
    assert!(because.ends_with("74.88k/s is 81% of this client's calibrated ceiling of 92.44k/s"), "{because}");
    result.ceiling.as_mut().unwrap().rate_per_s = result.rate.achieved_per_s;
    assert_eq!(judged(result.clone()).0, Bound::Client, "as fast as it can be");
    result.target.process = target(0.97, &[1]);
    let (bound, because) = judged(result);
    assert!(bound == Bound::Unclear && because.contains("both sides are near their limits"), "{because}");
}

#[test]
fn a_ceiling_that_the_run_exceeds_decides_nothing() {
    for share in [1.001, 1.05, 4.86] {
        let mut result = closed(&[worker(95, 0, 5)]);
        result.ceiling = Some(Ceiling { rate_per_s: result.rate.achieved_per_s / share, ..Ceiling::default() });
        let (bound, because) = judged(result.clone());
        assert_eq!(bound, Bound::Unclear, "{because}");
        assert!(
            because.contains("74.88k/s exceeds the calibrated ceiling of ") && because.ends_with(": calibrate again")
        );
        result.ceiling = None;
        assert_eq!(judged(result).0, Bound::Unclear, "as without one");
    }
}

#[test]
fn a_target_that_was_away_is_not_merely_slow() {
    let away = |down_s: f64| {
        let mut result = closed(&[worker(5, 0, 95)]);
        result.connections.failed.refused = 10;
        result.connections.down_ns = (down_s * 1e9) as u64;
        judged(result)
    };
    assert_eq!(away(6.5), (Bound::Unclear, "the target was away for 65% of the time".into()));
    assert_eq!(away(1.1).0, Bound::Unclear);
    let mut both = closed(&[worker(5, 0, 95)]);
    (both.connections.failed.refused, both.connections.down_ns) = (10, 6_500_000_000);
    let evidence = both.workers[0].evidence.as_mut().unwrap();
    (evidence.stopped_ns, evidence.stopped_longest_ns) = (Some(2_000_000_000), Some(1_000_000_000));
    let because = "the target was away for 65% of the time; the client stood still for 20% of the time";
    assert_eq!(judged(both.clone()), (Bound::Unclear, because.into()));
    both.connections.failed.no_local_port = 20;
    let (bound, because) = judged(both);
    assert!(bound == Bound::Client && because.starts_with("20 connects found no local port; "), "{because}");
    let (bound, because) = away(0.5);
    assert!(bound == Bound::Server && because.ends_with("; the target was away for 5% of the time"), "{because}");
    let mut silent = closed(&[worker(5, 0, 95)]);
    silent.at_end = Some(AtEnd { last_answer_s: Some(7.0), owed_since_s: Some(0.0), away: true, ..AtEnd::default() });
    assert_eq!(judged(silent), (Bound::Unclear, "nothing was answered after 7.00s of 10.00s".into()));
}

#[test]
fn steps_are_judged_together_and_that_is_said() {
    let mut result = closed(&[worker(5, 0, 95)]);
    result.plan.steps = Some(3);
    let (bound, because) = judged(result);
    assert!(bound == Bound::Server && because.starts_with("all steps together; "), "{because}");
}

#[test]
fn shares_are_rounded_to_the_end_only_when_they_are_there() {
    let words = [0.0, 0.004, 0.5, 0.994, 0.999, 1.0].map(super::percent);
    assert_eq!(words, ["0%", "0.4%", "50%", "99.4%", "99.9%", "100%"]);
}
