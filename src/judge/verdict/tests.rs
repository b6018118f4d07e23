#![allow(clippy::unwrap_used)]

use super::Judgement;
use crate::judge::{ClientFault, Reason, Silence};
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

fn judged(result: &RunResult) -> (Bound, Vec<Reason>) {
    let Judgement { bound, because } = result.judgement();
    (bound, because)
}

fn near(is: f64, should: f64) -> bool {
    (is - should).abs() < 1e-9
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
        let (is, because) = judged(&closed(&workers));
        assert_eq!(is, bound, "{name}: {because:?}");
    }
}

#[test]
fn the_figures_are_told() {
    let (_, because) = judged(&closed(&[worker(30, 8, 62)]));
    let workers = Reason::Workers { workers: 1, waited: 0.62, cpu: 0.3, spun: 0.0 };
    assert_eq!(because, [workers, Reason::Disturbed { queued: 0.08, stolen: 0.0 }]);
    let mut stolen = closed(&[worker(60, 0, 10)]);
    stolen.workers[0].evidence.as_mut().unwrap().cpu.as_mut().unwrap().steal_share = 0.3;
    let (bound, because) = judged(&stolen);
    assert_eq!((bound, because.last()), (Bound::Client, Some(&Reason::Disturbed { queued: 0.0, stolen: 0.3 })));
}

#[test]
fn the_targets_own_cpu_decides_where_the_clients_does_not() {
    let with = |workers: &[Worker], process| {
        let mut result = closed(workers);
        result.target.process = process;
        judged(&result)
    };
    assert_eq!(with(&[worker(92, 0, 8)], target(0.96, &[1])).0, Bound::Server);
    assert_eq!(with(&[worker(92, 0, 8)], target(0.94, &[1])).0, Bound::Unclear);
    let (bound, because) = with(&[worker(98, 0, 2)], target(0.98, &[1]));
    assert_eq!(bound, Bound::Client);
    assert!(because.contains(&Reason::TargetBusy(0.98)), "both are told: {because:?}");
    let (_, because) = with(&[worker(50, 40, 10)], target(0.5, &[0]));
    assert_eq!(because.last(), Some(&Reason::SharedCpu(vec![0])));
}

#[test]
fn an_open_loop_is_judged_by_the_rate_first() {
    let (bound, because) = judged(&open(&[worker(2, 0, 98)]));
    assert_eq!(bound, Bound::Offered);
    assert_eq!(because, [Reason::Achieved(2_000.0, 2_000.0), Reason::SendLag(10_000)]);
    let busy = judged(&open(&[worker(99, 0, 1)]));
    assert_eq!(busy.0, Bound::Offered, "busy, and it came to what was asked for: {:?}", busy.1);

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
        let (is, because) = judged(&result);
        assert_eq!(is, bound, "{name}: {because:?}");
    }
    let mut full = open(&[worker(93, 0, 7)]);
    missed(&mut full);
    full.connections.requested = 64;
    let (bound, because) = judged(&full);
    let full = Reason::Full { in_flight: 64.0, places: 64.0 };
    assert!(bound == Bound::Server && because.contains(&full), "{because:?}");
}

#[test]
fn spinning_is_no_work() {
    let mut result = open(&[worker(99, 0, 1)]);
    result.rate.achieved_per_s *= 0.9;
    result.workers[0].evidence.as_mut().unwrap().spun_share = Some(0.6);
    let (bound, because) = judged(&result);
    assert_eq!(bound, Bound::Server);
    let told = |one: &Reason| matches!(one, Reason::Workers { waited, cpu, spun, .. } if near(*waited, 0.61) && near(*cpu, 0.99) && near(*spun, 0.6));
    assert!(because.iter().any(told), "{because:?}");
}

#[test]
fn too_little_is_not_judged() {
    type Spoil = fn(&mut RunResult);
    let table: [(Spoil, Reason); 5] = [
        (|r| r.requests.completed = 0, Reason::NoAnswers),
        (|r| r.requests.completed = 99, Reason::TooFew(99)),
        (|r| r.elapsed_s = 0.19, Reason::TooShort(0.19)),
        (|r| (r.requests.sent, r.requests.failed) = (1_000, 200), Reason::Failed(0.2)),
        (|r| r.workers.clear(), Reason::NotAccounted),
    ];
    for (spoil, why) in table {
        let mut result = closed(&[worker(5, 0, 95)]);
        spoil(&mut result);
        assert_eq!(judged(&result), (Bound::Unclear, vec![why]));
    }
    for result in [samples::interrupted(), RunResult::new()] {
        assert_eq!(result.judgement().bound, Bound::Unclear);
    }
}

#[test]
fn a_ceiling_found_later_is_held_against_the_rate() {
    let mut result = closed(&[worker(95, 0, 5)]);
    assert_eq!(result.judgement().bound, Bound::Unclear);
    result.ceiling = Some(Ceiling { rate_per_s: result.rate.achieved_per_s / 0.81, ..Ceiling::default() });
    let (bound, because) = judged(&result);
    assert_eq!(bound, Bound::Unclear);
    let rate = result.rate.achieved_per_s;
    assert_eq!(because.last(), Some(&Reason::OfCeiling(rate, rate / 0.81)));
    result.ceiling.as_mut().unwrap().rate_per_s = result.rate.achieved_per_s;
    assert_eq!(judged(&result).0, Bound::Client, "as fast as it can be");
    result.target.process = target(0.97, &[1]);
    let (bound, because) = judged(&result);
    assert!(bound == Bound::Unclear && because.contains(&Reason::BothNearLimits), "{because:?}");
}

#[test]
fn a_ceiling_that_the_run_exceeds_decides_nothing() {
    for share in [1.001, 1.05, 4.86] {
        let mut result = closed(&[worker(95, 0, 5)]);
        result.ceiling = Some(Ceiling { rate_per_s: result.rate.achieved_per_s / share, ..Ceiling::default() });
        let (bound, because) = judged(&result);
        assert_eq!(bound, Bound::Unclear, "{because:?}");
        let rate = result.rate.achieved_per_s;
        assert_eq!(because.last(), Some(&Reason::AboveCeiling(rate, rate / share)));
        result.ceiling = None;
        assert_eq!(judged(&result).0, Bound::Unclear, "as without one");
    }
}

#[test]
fn a_target_that_was_away_is_not_merely_slow() {
    let away = |down_s: f64| {
        let mut result = closed(&[worker(5, 0, 95)]);
        (result.elapsed_s, result.connections.failed.refused) = (10.0, 10);
        result.connections.down_ns = (down_s * 1e9) as u64;
        judged(&result)
    };
    let down = |share| Reason::Down { share, of_the_client: false };
    assert_eq!(away(6.5), (Bound::Unclear, vec![down(0.65)]));
    assert_eq!(away(1.1).0, Bound::Unclear);
    let mut both = closed(&[worker(5, 0, 95)]);
    (both.elapsed_s, both.connections.failed.refused, both.connections.down_ns) = (10.0, 10, 6_500_000_000);
    let evidence = both.workers[0].evidence.as_mut().unwrap();
    (evidence.stopped_ns, evidence.stopped_longest_ns) = (Some(2_000_000_000), Some(1_000_000_000));
    let still = Reason::Client(ClientFault::StoodStill { share: 0.2, of_s: 10.0, longest_s: 1.0 });
    assert_eq!(judged(&both), (Bound::Unclear, vec![down(0.65), still]));
    both.connections.failed.no_local_port = 20;
    let (bound, because) = judged(&both);
    let ports = Reason::Client(ClientFault::NoLocalPort { connects: 20, decides: true });
    assert_eq!((bound, because.first()), (Bound::Client, Some(&ports)));
    let (bound, because) = away(0.5);
    assert_eq!((bound, because.last()), (Bound::Server, Some(&down(0.05))));
    let mut silent = closed(&[worker(5, 0, 95)]);
    silent.at_end = Some(AtEnd { last_answer_s: Some(7.0), owed_since_s: Some(0.0), away: true, ..AtEnd::default() });
    let silence = Silence { part: None, since_s: 7.0, of_s: 10.0003, lost: 0 };
    assert_eq!(judged(&silent), (Bound::Unclear, vec![Reason::Silent(silence)]));
}

#[test]
fn steps_are_judged_together_and_that_is_said() {
    let mut result = closed(&[worker(5, 0, 95)]);
    result.plan.steps = Some(3);
    let (bound, because) = judged(&result);
    assert_eq!((bound, because.first()), (Bound::Server, Some(&Reason::AllSteps)));
}
