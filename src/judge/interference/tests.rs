#![allow(clippy::unwrap_used)]

use super::Interference;
use crate::judge::Warning;
use crate::result::{CpuUse, Evidence, Little, Process, RunResult, samples};

fn evidence(result: &mut RunResult) -> &mut Evidence {
    result.workers[0].evidence.as_mut().unwrap()
}

fn cpu(result: &mut RunResult) -> &mut CpuUse {
    evidence(result).cpu.as_mut().unwrap()
}

fn process(result: &mut RunResult) -> &mut Process {
    result.target.process.as_mut().unwrap()
}

/// Each side of each threshold; the sample runs on CPUs 0 and 1, its target on 2.
#[test]
fn each_disturbance_has_its_threshold() {
    type Spoil = fn(&mut RunResult);
    let sound: [Spoil; 8] = [
        |_| (),
        |r| cpu(r).steal_share = 0.01,
        |r| cpu(r).others_share = 0.05,
        |r| evidence(r).queued_share = Some(0.05),
        |r| evidence(r).queued_share = None,
        |r| r.host.cpu_pressure_share = Some(0.2),
        |r| cpu(r).governor = None,
        // The client's own sends, on a kernel that does not count them as its time.
        |r| (cpu(r).others_share, cpu(r).softirq_share) = (0.4, 0.38),
    ];
    for (number, spoil) in sound.into_iter().enumerate() {
        let mut result = samples::good();
        spoil(&mut result);
        assert_eq!(result.interference(), [], "number {number}");
    }
    let disturbed: [(Spoil, Interference); 10] = [
        (|r| process(r).cpus = vec![1, 2], Interference::SharedCpu { target: "nginx".into(), cpus: vec![1] }),
        (|r| cpu(r).siblings = vec![1], Interference::SharedCore(0, 1)),
        (|r| cpu(r).siblings = vec![2], Interference::CoreOfTarget(0, 2)),
        (|r| cpu(r).governor = Some("powersave".into()), Interference::Governors(vec!["powersave".into()])),
        (|r| cpu(r).steal_share = 0.011, Interference::Steal { cpu: 0, share: 0.011 }),
        (|r| cpu(r).others_share = 0.3, Interference::Others { cpu: 0, share: 0.3 }),
        (
            |r| {
                r.target.address = "10.0.0.7:80".into();
                (cpu(r).others_share, cpu(r).softirq_share) = (0.4, 0.38);
            },
            Interference::Interrupts { cpu: 0, share: 0.4 },
        ),
        (|r| evidence(r).queued_share = Some(0.06), Interference::Queued { worker: 0, share: 0.06 }),
        (|r| r.host.cpu_pressure_share = Some(0.5), Interference::CpuPressure(0.5)),
        (
            |r| r.little = Some(Little { in_flight: 64.0, rate_times_mean: 50.0 }),
            Interference::Little { in_flight: 64.0, rate_times_mean: 50.0 },
        ),
    ];
    for (spoil, found) in disturbed {
        let mut result = samples::good();
        spoil(&mut result);
        assert_eq!(result.findings(), [Warning::Interference(found)]);
    }
}

#[test]
fn on_a_shared_cpu_the_other_is_the_target() {
    let mut result = samples::good();
    process(&mut result).cpus = vec![0];
    cpu(&mut result).others_share = 0.5;
    assert_eq!(result.interference(), [Interference::SharedCpu { target: "nginx".into(), cpus: vec![0] }]);
}

#[test]
fn littles_law_has_some_slack() {
    for (in_flight, rate_times_mean) in [(64.0, 58.0), (1.0, 0.2), (0.0, 0.0)] {
        let mut result = samples::good();
        result.little = Some(Little { in_flight, rate_times_mean });
        assert_eq!(result.interference(), [], "{in_flight} {rate_times_mean}");
    }
    assert_eq!(Little { in_flight: 64.0, rate_times_mean: 48.0 }.gap(), 0.25);
}
