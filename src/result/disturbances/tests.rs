#![allow(clippy::unwrap_used)]

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
        assert_eq!(result.disturbances(), Vec::<String>::new(), "number {number}");
    }
    let disturbed: [(Spoil, &str); 12] = [
        (|r| process(r).cpus = vec![1, 2], "the target (nginx) ran on the client's CPU 1: each slows the other down"),
        (|r| cpu(r).siblings = vec![1], "workers share a physical core (CPUs 0,1, SMT)"),
        (|r| cpu(r).siblings = vec![2], "client and target share a physical core (CPUs 0,2, SMT)"),
        (
            |r| cpu(r).governor = Some("powersave".into()),
            "the client's CPUs change their frequency (governor powersave,",
        ),
        (|r| cpu(r).steal_share = 0.011, "the hypervisor took 1% of CPU 0 for others (steal)"),
        (|r| cpu(r).others_share = 0.3, "others used 30% of the client's CPU 0"),
        (
            |r| {
                r.target.address = "10.0.0.7:80".into();
                (cpu(r).others_share, cpu(r).softirq_share) = (0.4, 0.38);
            },
            "interrupts took 40% of the client's CPU 0 beside its own time",
        ),
        (|r| evidence(r).queued_share = Some(0.06), "worker 0 was ready to run and had no CPU for 6% of the time"),
        (|r| r.host.cpu_pressure_share = Some(0.5), "threads of this host waited for a CPU in 50% of the time (PSI)"),
        (
            |r| r.little = Some(Little { in_flight: 64.0, rate_times_mean: 50.0 }),
            "64.0 requests were in flight on average, but rate times mean time is 50.0",
        ),
        (|r| r.ring.as_mut().unwrap().cq_overflows = 2, "2 completion queue overflows"),
        (|r| r.ring.as_mut().unwrap().recv_starved = 2, "2 receives met an empty buffer group"),
    ];
    for (spoil, begins) in disturbed {
        let mut result = samples::good();
        spoil(&mut result);
        let found = result.doubts();
        assert!(found.len() == 1 && found[0].starts_with(begins), "{begins}: {found:?}");
    }
}

#[test]
fn on_a_shared_cpu_the_other_is_the_target() {
    let mut result = samples::good();
    process(&mut result).cpus = vec![0];
    cpu(&mut result).others_share = 0.5;
    let found = result.disturbances();
    assert!(found.len() == 1 && found[0].contains("the target (nginx)"), "{found:?}");
}

#[test]
fn littles_law_has_some_slack() {
    for (in_flight, rate_times_mean) in [(64.0, 58.0), (1.0, 0.2), (0.0, 0.0)] {
        let mut result = samples::good();
        result.little = Some(Little { in_flight, rate_times_mean });
        assert_eq!(result.disturbances(), Vec::<String>::new(), "{in_flight} {rate_times_mean}");
    }
    assert_eq!(Little { in_flight: 64.0, rate_times_mean: 48.0 }.gap(), 0.25);
}
