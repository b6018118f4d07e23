//! What on this machine bends the figures, found in the evidence.

use crate::result::{CpuUse, RunResult};

/// A CPU that the hypervisor takes for more than this share.
const STEAL: f64 = 0.01;
/// Others on a client's CPU, of a share of its time.
const OTHERS: f64 = 0.05;
/// A worker kept from its CPU for this share of its time.
const QUEUED: f64 = 0.05;
/// Threads of this host that wait for a CPU, for a share of the time.
const PRESSURE: f64 = 0.20;
/// Little's law: apart by this share, and by so many requests.
const LITTLE: (f64, f64) = (0.10, 1.0);

/// Something on this machine that bends the figures. Shares are of the time, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub enum Interference {
    /// The target ran on CPUs of the client.
    SharedCpu {
        /// The target's name.
        target: String,
        /// Which CPUs.
        cpus: Vec<usize>,
    },
    /// Two workers run on CPUs of one physical core.
    SharedCore(usize, usize),
    /// The client, on the first CPU, and the target, on the second, share a physical core.
    CoreOfTarget(usize, usize),
    /// The client's CPUs are under these frequency governors.
    Governors(Vec<String>),
    /// A worker was ready to run and had no CPU.
    Queued {
        /// Its index.
        worker: usize,
        /// For how long.
        share: f64,
    },
    /// The hypervisor took a CPU for others.
    Steal {
        /// Which.
        cpu: usize,
        /// For how long.
        share: f64,
    },
    /// Others ran on the client's CPU.
    Others {
        /// Which.
        cpu: usize,
        /// For how long.
        share: f64,
    },
    /// Interrupts took the client's CPU.
    Interrupts {
        /// Which.
        cpu: usize,
        /// For how long.
        share: f64,
    },
    /// Threads of this host waited for a CPU (PSI), for this share of the time.
    CpuPressure(f64),
    /// Little's law does not hold.
    Little {
        /// Requests in flight, counted over time.
        in_flight: f64,
        /// The rate times the mean time.
        rate_times_mean: f64,
    },
}

impl RunResult {
    /// All of it.
    pub(super) fn interference(&self) -> Vec<Interference> {
        let mut found = Vec::new();
        let cpus = self.cpus_of_both();
        if !cpus.is_empty() {
            let target = self.target.process.as_ref().map_or_else(String::new, |process| process.name.clone());
            found.push(Interference::SharedCpu { target, cpus: cpus.clone() });
        }
        found.extend(self.shared_cores());
        let mut governors: Vec<String> = self.cpus().filter_map(|cpu| cpu.governor.clone()).collect();
        governors.retain(|governor| governor != "performance");
        governors.sort_unstable();
        governors.dedup();
        found.extend((!governors.is_empty()).then_some(Interference::Governors(governors)));
        for (worker, of) in self.workers.iter().enumerate() {
            let Some(evidence) = &of.evidence else { continue };
            let queued = evidence.queued_share.filter(|share| *share > QUEUED);
            found.extend(queued.map(|share| Interference::Queued { worker, share }));
            found.extend(evidence.cpu.iter().flat_map(|cpu| self.of_cpu(cpu, cpus.contains(&cpu.id))));
        }
        let pressure = self.host.cpu_pressure_share.filter(|share| *share > PRESSURE);
        found.extend(pressure.map(Interference::CpuPressure));
        found.extend(self.little_disagrees());
        found.dedup();
        found
    }

    fn of_cpu(&self, of: &CpuUse, is_targets_too: bool) -> Vec<Interference> {
        let mut found = Vec::new();
        let cpu = of.id;
        if of.steal_share > STEAL {
            found.push(Interference::Steal { cpu, share: of.steal_share });
        }
        let share = of.others_share;
        if share > OTHERS {
            let mostly_interrupts = of.irq_share + of.softirq_share >= share / 2.0;
            // On loopback those are mostly the client's own sends.
            match (mostly_interrupts, is_targets_too, self.is_on_loopback()) {
                (false, false, _) => found.push(Interference::Others { cpu, share }),
                (true, _, false) => found.push(Interference::Interrupts { cpu, share }),
                _ => {}
            }
        }
        found
    }

    /// Client and client, or client and target, on two CPUs of one physical core.
    fn shared_cores(&self) -> Vec<Interference> {
        let clients: Vec<usize> = self.cpus().map(|cpu| cpu.id).collect();
        let targets = self.target.process.as_ref().map_or(&[][..], |process| &process.cpus);
        let mut found = Vec::new();
        for cpu in self.cpus() {
            for sibling in &cpu.siblings {
                if clients.contains(sibling) && cpu.id < *sibling {
                    found.push(Interference::SharedCore(cpu.id, *sibling));
                }
                if targets.contains(sibling) && !clients.contains(sibling) {
                    found.push(Interference::CoreOfTarget(cpu.id, *sibling));
                }
            }
        }
        found
    }

    /// CPUs that workers were pinned to and the target was seen on.
    pub(super) fn cpus_of_both(&self) -> Vec<usize> {
        let targets = self.target.process.as_ref().map_or(&[][..], |process| &process.cpus);
        let mut both: Vec<usize> = self.cpus().map(|cpu| cpu.id).filter(|id| targets.contains(id)).collect();
        both.sort_unstable();
        both.dedup();
        both
    }

    fn cpus(&self) -> impl Iterator<Item = &CpuUse> {
        self.workers.iter().filter_map(|worker| worker.evidence.as_ref()?.cpu.as_ref())
    }

    fn is_on_loopback(&self) -> bool {
        let address = self.target.address.parse::<std::net::SocketAddr>();
        address.is_ok_and(|address| address.ip().is_loopback())
    }

    fn little_disagrees(&self) -> Option<Interference> {
        let little = self.little.as_ref()?;
        let (share, least) = LITTLE;
        let apart = (little.in_flight - little.rate_times_mean).abs();
        let (in_flight, rate_times_mean) = (little.in_flight, little.rate_times_mean);
        (little.gap() > share && apart > least).then_some(Interference::Little { in_flight, rate_times_mean })
    }
}

#[cfg(test)]
mod tests;
