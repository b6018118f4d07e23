//! The host's side of the evidence: what CPUs, scheduler and the target did between two looks, one at either end of a window.

use std::collections::BTreeMap;
use std::fs;

use super::owner::{Owner, Threads};
use crate::measure::clock::{Clock, Monotonic};
use crate::plan::cpus::parse_list;

/// A CPU's time so far, in clock ticks of /proc/stat.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Ticks {
    pub(super) idle: u64,
    pub(super) irq: u64,
    pub(super) softirq: u64,
    pub(super) steal: u64,
    pub(super) total: u64,
}

impl Ticks {
    fn since(self, start: Ticks) -> Ticks {
        // Some of them are known to run backwards.
        Ticks {
            idle: self.idle.saturating_sub(start.idle),
            irq: self.irq.saturating_sub(start.irq),
            softirq: self.softirq.saturating_sub(start.softirq),
            steal: self.steal.saturating_sub(start.steal),
            total: self.total.saturating_sub(start.total),
        }
    }
}

impl std::ops::AddAssign for Ticks {
    fn add_assign(&mut self, other: Ticks) {
        self.idle += other.idle;
        self.irq += other.irq;
        self.softirq += other.softirq;
        self.steal += other.steal;
        self.total += other.total;
    }
}

/// What was there at one instant.
struct Look {
    at: u64,
    cpus: BTreeMap<usize, Ticks>,
    pressure_us: Option<u64>,
    target: Threads,
}

/// What happened on the host within the windows of a run.
#[derive(Debug, Default)]
pub(super) struct HostUsage {
    /// Time watched, ns.
    pub(super) span_ns: u64,
    pub(super) cpus: BTreeMap<usize, Ticks>,
    /// Time in which a thread waited for a CPU, us.
    pub(super) pressure_us: Option<u64>,
    /// CPU time of each of the target's threads, ns.
    pub(super) target_ns: BTreeMap<u32, u64>,
    /// Where those were seen that used a share worth telling.
    pub(super) target_cpus: Vec<usize>,
}

/// A target's thread that used less than this share of the window is not said to be on a CPU.
const SEEN: f64 = 0.01;

/// Looks at the host when a window begins and when it ends.
pub(super) struct Watcher<'a> {
    owner: Option<&'a Owner>,
    begin: Option<Look>,
    host_usage: Option<HostUsage>,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(owner: Option<&'a Owner>) -> Watcher<'a> {
        Watcher { owner, begin: None, host_usage: None }
    }

    /// The window has begun; only the first call counts.
    pub(super) fn begin(&mut self) {
        if self.begin.is_none() {
            self.begin = Some(self.look());
        }
    }

    /// It has ended, if it ever began; only the first call counts.
    pub(super) fn end(&mut self) {
        let (Some(begin), None) = (&self.begin, &self.host_usage) else { return };
        let end = self.look();
        self.host_usage = Some(between(begin, &end));
    }

    pub(super) fn host_usage(self) -> Option<HostUsage> {
        self.host_usage
    }

    fn look(&self) -> Look {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Look {
            at: Monotonic.now(),
            cpus: cpus(&text("/proc/stat")),
            pressure_us: pressure_us(&text("/proc/pressure/cpu")),
            target: self.owner.map(Owner::threads).unwrap_or_default(),
        }
    }
}

fn between(begin: &Look, end: &Look) -> HostUsage {
    let span_ns = end.at.saturating_sub(begin.at);
    let passed = |(cpu, ticks): (&usize, &Ticks)| Some((*cpu, ticks.since(*begin.cpus.get(cpu)?)));
    let mut host_usage = HostUsage {
        span_ns,
        cpus: end.cpus.iter().filter_map(passed).collect(),
        pressure_us: end.pressure_us.zip(begin.pressure_us).map(|(end, begin)| end.saturating_sub(begin)),
        ..HostUsage::default()
    };
    for (id, thread) in &end.target {
        // One that came later began with nothing.
        let before = begin.target.get(id);
        let used = thread.cpu_ns.saturating_sub(before.map_or(0, |before| before.cpu_ns));
        if used as f64 > SEEN * span_ns as f64 {
            host_usage.target_cpus.extend(before.into_iter().chain([thread]).map(|thread| thread.cpu));
        }
        if used > 0 {
            host_usage.target_ns.insert(*id, used);
        }
    }
    host_usage
}

impl std::ops::AddAssign for HostUsage {
    fn add_assign(&mut self, other: HostUsage) {
        self.span_ns += other.span_ns;
        for (cpu, ticks) in other.cpus {
            *self.cpus.entry(cpu).or_default() += ticks;
        }
        self.pressure_us = match (self.pressure_us, other.pressure_us) {
            (Some(one), Some(two)) => Some(one + two),
            (one, two) => one.or(two),
        };
        for (id, ns) in other.target_ns {
            *self.target_ns.entry(id).or_default() += ns;
        }
        self.target_cpus.extend(other.target_cpus);
    }
}

/// The lines of /proc/stat for single CPUs: user nice system idle iowait irq softirq steal, of which guests are part of user.
fn cpus(stat: &str) -> BTreeMap<usize, Ticks> {
    let line = |line: &str| {
        // The first line is of all together and has no number.
        let numbered = line.strip_prefix("cpu").filter(|rest| !rest.starts_with(' '))?;
        let mut words = numbered.split_ascii_whitespace();
        let id = words.next()?.parse().ok()?;
        let n: Vec<u64> = words.take(8).map_while(|word| word.parse().ok()).collect();
        let [_, _, _, idle, iowait, irq, softirq, steal] = n[..] else { return None };
        // A wait for the ring counts as iowait on some kernels: the CPU is idle in it.
        Some((id, Ticks { idle: idle + iowait, irq, softirq, steal, total: n.iter().sum() }))
    };
    stat.lines().filter_map(line).collect()
}

/// The total of `some` in /proc/pressure/cpu, us.
fn pressure_us(pressure: &str) -> Option<u64> {
    let line = pressure.lines().find(|line| line.starts_with("some "))?;
    line.split_once("total=")?.1.trim().parse().ok()
}

/// The frequency governor of a CPU, if there is one.
pub(super) fn governor(cpu: usize) -> Option<String> {
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
    Some(fs::read_to_string(path).ok()?.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The other CPUs of its physical core.
pub(super) fn siblings(cpu: usize) -> Vec<usize> {
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
    let mut all = fs::read_to_string(path).ok().and_then(|text| parse_list(text.trim())).unwrap_or_default();
    all.retain(|sibling| *sibling != cpu);
    all
}

#[cfg(test)]
mod tests {
    use super::super::owner::Thread;
    use super::*;

    const STAT: &str = "cpu  66325 0 30866 385044 98630 0 12431 121 0 0\n\
                        cpu0 100 1 50 1000 200 3 30 4 7 0\n\
                        cpu12 1 2 3 4 5 6 7 8 9 10\n\
                        intr 1 2\nctxt 9\n";

    #[test]
    fn proc_stat_is_read() {
        let read = cpus(STAT);
        assert_eq!(read.len(), 2, "single CPUs only");
        assert_eq!(read[&0], Ticks { idle: 1_200, irq: 3, softirq: 30, steal: 4, total: 1_388 });
        assert_eq!(read[&12].total, 36, "guests are in user already");
        assert!(cpus("cpu0 1 2 3\ncpux 1\n").is_empty());
        assert!(!cpus(&fs::read_to_string("/proc/stat").expect("procfs")).is_empty());
    }

    #[test]
    fn pressure_is_read() {
        let text = "some avg10=0.00 avg60=0.00 avg300=0.04 total=128203279\nfull avg10=0.00 total=7\n";
        assert_eq!((pressure_us(text), pressure_us("")), (Some(128_203_279), None));
    }

    #[test]
    fn what_happened_is_the_difference_of_two_looks() {
        let look = |at, scale: u64, target: &[(u32, u64, usize)]| Look {
            at,
            cpus: [(3, Ticks { idle: 10 * scale, irq: 0, softirq: scale, steal: 2, total: 20 * scale })].into(),
            pressure_us: Some(scale),
            target: target.iter().map(|&(id, cpu_ns, cpu)| (id, Thread { cpu_ns, cpu })).collect(),
        };
        let begin = look(1_000, 1, &[(7, 500, 1), (8, 100, 5)]);
        let end = look(11_000, 4, &[(7, 9_500, 2), (8, 110, 5), (9, 300, 6)]);
        let mut host_usage = between(&begin, &end);
        assert_eq!(host_usage.span_ns, 10_000);
        assert_eq!(host_usage.cpus[&3], Ticks { idle: 30, irq: 0, softirq: 3, steal: 0, total: 60 });
        assert_eq!(host_usage.pressure_us, Some(3));
        assert_eq!(host_usage.target_ns, [(7, 9_000), (8, 10), (9, 300)].into());
        assert_eq!(host_usage.target_cpus, [1, 2, 6], "thread 8 was hardly there");
        host_usage += between(&begin, &end);
        assert_eq!((host_usage.span_ns, host_usage.cpus[&3].total, host_usage.target_ns[&7]), (20_000, 120, 18_000));
        let backwards = between(&end, &begin);
        assert_eq!((backwards.span_ns, backwards.cpus[&3].idle), (0, 0));
    }

    #[test]
    fn a_window_that_never_began_has_no_evidence() {
        let mut watcher = Watcher::new(None);
        watcher.end();
        assert!(watcher.host_usage().is_none());
        let mut watcher = Watcher::new(None);
        watcher.begin();
        watcher.end();
        assert!(watcher.host_usage().is_some_and(|host_usage| !host_usage.cpus.is_empty()));
    }
}
