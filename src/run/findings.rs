//! From what was counted to shares of the window: the evidence as the result has it.

use super::evidence::{HostUsage, governor, siblings};
use super::owner::Owner;
use crate::result::{CpuUse, Evidence, Little, Process, RunResult};
use crate::worker::Usage;

/// /proc/stat counts in steps of 10 ms: over less than this its shares say nothing, ns.
const TELLING_NS: u64 = 200_000_000;

/// One worker's, on `cpu` if it was pinned; all workers there used `all_cpu_ns` together.
pub(super) fn evidence(
    usage: &Usage,
    cpu: Option<usize>,
    spun_ns: Option<u64>,
    all_cpu_ns: u64,
    host_usage: &HostUsage,
) -> Option<Evidence> {
    let span_ns = Some(usage.span_ns).filter(|span| *span > 0)?;
    let share = |ns: u64| (ns as f64 / span_ns as f64).min(1.0);
    let cpu = cpu.and_then(|cpu| cpu_use(cpu, all_cpu_ns, span_ns, host_usage));
    let (cpu_share, queued_share) = (share(usage.thread.cpu_ns), usage.thread.queued_ns.map(share));
    Some(Evidence {
        span_s: span_ns as f64 / 1e9,
        cpu_share,
        queued_share,
        waited_share: waited(cpu_share, queued_share.unwrap_or(0.0), cpu.as_ref()),
        in_enter_share: share(usage.entered_ns),
        spun_share: spun_ns.map(share),
        stopped_ns: Some(usage.stopped_ns),
        stopped_longest_ns: Some(usage.stopped_longest_ns),
        in_flight: usage.in_flight_ns as f64 / span_ns as f64,
        voluntary_switches: usage.thread.voluntary,
        involuntary_switches: usage.thread.involuntary,
        cpu,
    })
}

/// Asleep: neither on a CPU nor kept from one. Some kernels count interrupts as a thread's own time and some do not, so what is
/// left is less their share and what was stolen, but no less than the time in which its CPU was idle: then nobody wanted it.
fn waited(cpu_share: f64, queued_share: f64, cpu: Option<&CpuUse>) -> f64 {
    let most = (1.0 - cpu_share - queued_share).max(0.0);
    let Some(cpu) = cpu else { return most };
    (most - cpu.irq_share - cpu.softirq_share - cpu.steal_share).max(cpu.idle_share).min(most)
}

fn cpu_use(id: usize, all_cpu_ns: u64, span_ns: u64, host_usage: &HostUsage) -> Option<CpuUse> {
    let ticks = host_usage.cpus.get(&id).filter(|ticks| ticks.total > 0 && host_usage.span_ns >= TELLING_NS)?;
    let share = |part: u64| part as f64 / ticks.total as f64;
    let (idle_share, steal_share) = (share(ticks.idle), share(ticks.steal));
    Some(CpuUse {
        id,
        idle_share,
        softirq_share: share(ticks.softirq),
        irq_share: share(ticks.irq),
        steal_share,
        others_share: (1.0 - idle_share - steal_share - all_cpu_ns as f64 / span_ns as f64).max(0.0),
        governor: governor(id),
        siblings: siblings(id),
    })
}

/// The target's processes.
pub(super) fn process(owner: Owner, host_usage: &HostUsage) -> Process {
    let threads = host_usage.target_ns.values().copied();
    let busiest = threads.clone().max().unwrap_or(0);
    let mut cpus = host_usage.target_cpus.clone();
    cpus.sort_unstable();
    cpus.dedup();
    Process {
        pids: owner.pids,
        name: owner.name,
        cpu_s: threads.clone().sum::<u64>() as f64 / 1e9,
        busy_threads: threads.count(),
        busiest_thread_share: (busiest as f64 / host_usage.span_ns.max(1) as f64).min(1.0),
        cpus,
    }
}

/// Share of the window in which a thread of this host waited for a CPU.
pub(super) fn pressure(host_usage: &HostUsage) -> Option<f64> {
    let (us, span_ns) = (host_usage.pressure_us?, Some(host_usage.span_ns).filter(|span| *span > 0)?);
    Some((us as f64 * 1e3 / span_ns as f64).min(1.0))
}

/// Little's law, where it has to hold: one number of connections, all answered, and a window long against an answer.
pub(super) fn little(result: &RunResult) -> Option<Little> {
    let requests = &result.requests;
    let late = requests.open.is_some_and(|open| open.sent_late > 0);
    if requests.failed + requests.discarded > 0 || late {
        return None;
    }
    let service = result.service_ns.as_ref().or(result.latency_ns.as_ref())?;
    let workers = result.workers.iter().filter_map(|worker| worker.evidence.as_ref());
    let in_flight: f64 =
        workers.clone().map(|one| one.in_flight * one.span_s).sum::<f64>() / result.elapsed_s.max(1e-9);
    // What is in flight at the window's ends is on one side only: no longer than the longest answer.
    let long = 20.0 * service.max as f64 / 1e9;
    let windows = result.plan.repeat.unwrap_or(1).max(1);
    (service.count > 0 && result.elapsed_s / f64::from(windows) >= long)
        .then(|| Little { in_flight, rate_times_mean: result.rate.achieved_per_s * service.mean / 1e9 })
}

#[cfg(test)]
mod tests {
    use super::super::evidence::Ticks;
    use super::*;
    use crate::result::samples;
    use crate::ring::cpu::Thread;

    const SECOND: u64 = 1_000_000_000;

    /// CPU 0 over a second, in hundredths.
    fn host_usage(idle: u64, softirq: u64, steal: u64) -> HostUsage {
        let ticks = Ticks { idle, irq: 0, softirq, steal, total: 100 };
        HostUsage { span_ns: SECOND, cpus: [(0, ticks)].into(), ..HostUsage::default() }
    }

    fn usage(cpu: u64, queued: Option<u64>) -> Usage {
        let percent = SECOND / 100;
        let thread =
            Thread { cpu_ns: cpu * percent, queued_ns: queued.map(|n| n * percent), voluntary: 5, involuntary: 6 };
        Usage {
            span_ns: SECOND,
            entered_ns: SECOND / 2,
            in_flight_ns: u128::from(64 * SECOND),
            stopped_ns: 3,
            stopped_longest_ns: 2,
            thread,
        }
    }

    #[test]
    fn waiting_is_what_is_left_for_nobody_wanted_the_cpu() {
        // cpu, queued, then of its CPU idle, softirq, steal; what was waited.
        let table = [
            ("alone and half idle", (50, Some(0)), (48, 20, 0), 48),
            ("a hog beside a client that sleeps", (10, Some(5)), (0, 1, 0), 84),
            ("a hog beside one that wants to run", (50, Some(49)), (0, 0, 0), 1),
            ("interrupts not counted as its own", (60, Some(0)), (0, 40, 0), 0),
            ("stolen", (60, Some(0)), (10, 0, 30), 10),
            ("no account of queues", (99, None), (0, 0, 0), 1),
            ("clocks that disagree", (100, Some(10)), (30, 0, 0), 0),
        ];
        for (name, (cpu, queued), (idle, softirq, steal), waited) in table {
            let found = evidence(&usage(cpu, queued), Some(0), None, 0, &host_usage(idle, softirq, steal)).expect(name);
            assert!((found.waited_share - f64::from(waited) / 100.0).abs() < 1e-9, "{name}: {found:?}");
        }
        let found = evidence(&usage(30, Some(0)), None, Some(SECOND / 4), 0, &host_usage(0, 0, 0)).expect("a worker");
        assert_eq!((found.cpu, found.waited_share, found.spun_share), (None, 0.7, Some(0.25)));
        assert_eq!((found.in_flight, found.in_enter_share, found.involuntary_switches), (64.0, 0.5, 6));
        assert_eq!(evidence(&Usage::default(), None, None, 0, &HostUsage::default()), None);
    }

    #[test]
    fn others_are_who_is_neither_idle_nor_a_worker() {
        let found = cpu_use(0, SECOND / 2, SECOND, &host_usage(20, 5, 10)).expect("its CPU");
        assert!((found.others_share - 0.2).abs() < 1e-9, "{found:?}");
        assert_eq!(cpu_use(1, 0, SECOND, &host_usage(20, 5, 10)), None, "no such CPU");
        let short = HostUsage { span_ns: TELLING_NS - 1, ..host_usage(20, 5, 10) };
        assert_eq!(cpu_use(0, 0, SECOND, &short), None, "too short to tell");
    }

    #[test]
    fn the_target_is_summed_over_its_threads() {
        let host_usage = HostUsage {
            target_ns: [(1, SECOND / 2), (2, SECOND / 4)].into(),
            target_cpus: vec![3, 1, 3],
            pressure_us: Some(250_000),
            ..host_usage(0, 0, 0)
        };
        let found = process(Owner { pids: vec![7], name: "nginx".into() }, &host_usage);
        assert_eq!((found.cpu_s, found.busy_threads, found.busiest_thread_share), (0.75, 2, 0.5));
        assert_eq!((found.cpus, pressure(&host_usage)), (vec![1, 3], Some(0.25)));
        assert_eq!(pressure(&HostUsage::default()), None);
    }

    #[test]
    fn littles_law_is_held_against_what_it_holds_for() {
        let with = |spoil: fn(&mut RunResult)| {
            let mut result = samples::good();
            spoil(&mut result);
            little(&result)
        };
        let sound = with(|_| ()).expect("a sound run");
        let expected = samples::good().rate.achieved_per_s * 1.05e-3;
        assert!((sound.rate_times_mean - expected).abs() < 1e-6, "{sound:?}");
        assert_eq!(with(|r| r.requests.failed = 1), None);
        assert_eq!(with(|r| r.elapsed_s = 0.02), None, "short against an answer");
        assert_eq!(with(|r| r.latency_ns = None), None);
    }
}
