//! What on this machine bends the figures, found in the evidence.

use super::verdict::{list, percent};
use super::{CpuUse, RunResult};

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

impl RunResult {
    /// A sentence for each.
    pub(super) fn disturbances(&self) -> Vec<String> {
        let mut found = Vec::new();
        let shared = self.cpus_of_both();
        if !shared.is_empty() {
            let name = self.target.process.as_ref().map_or("", |process| &process.name);
            found.push(format!(
                "the target ({name}) ran on the client's CPU {}: each slows the other down; keep them apart (--cpus, taskset)",
                list(&shared)
            ));
        }
        found.extend(self.shared_cores());
        let mut governors: Vec<&str> = self.cpus().filter_map(|cpu| cpu.governor.as_deref()).collect();
        governors.retain(|governor| *governor != "performance");
        governors.sort_unstable();
        governors.dedup();
        if !governors.is_empty() {
            found.push(format!(
                "the client's CPUs change their frequency (governor {}, not performance): figures scatter",
                governors.join(", ")
            ));
        }
        for (index, worker) in self.workers.iter().enumerate() {
            let Some(evidence) = &worker.evidence else { continue };
            if let Some(share) = evidence.queued_share.filter(|share| *share > QUEUED) {
                let share = percent(share);
                found.push(format!("worker {index} was ready to run and had no CPU for {share} of the time"));
            }
            found.extend(evidence.cpu.iter().flat_map(|cpu| self.of_cpu(cpu, shared.contains(&cpu.id))));
        }
        if let Some(share) = self.host.cpu_pressure_share.filter(|share| *share > PRESSURE) {
            found.push(format!("threads of this host waited for a CPU in {} of the time (PSI)", percent(share)));
        }
        found.extend(self.little_disagrees());
        found.dedup();
        found
    }

    fn of_cpu(&self, cpu: &CpuUse, is_targets_too: bool) -> Vec<String> {
        let mut found = Vec::new();
        let id = cpu.id;
        if cpu.steal_share > STEAL {
            let share = percent(cpu.steal_share);
            found.push(format!("the hypervisor took {share} of CPU {id} for others (steal)"));
        }
        let interrupts = cpu.irq_share + cpu.softirq_share;
        if cpu.others_share > OTHERS {
            let share = percent(cpu.others_share);
            if interrupts < cpu.others_share / 2.0 {
                if !is_targets_too {
                    found.push(format!("others used {share} of the client's CPU {id}"));
                }
            } else if !self.is_on_loopback() {
                // On loopback those are mostly the client's own sends.
                found.push(format!(
                    "interrupts took {share} of the client's CPU {id} beside its own time (IRQ affinity)"
                ));
            }
        }
        found
    }

    /// Client and client, or client and target, on two CPUs of one physical core.
    fn shared_cores(&self) -> Vec<String> {
        let clients: Vec<usize> = self.cpus().map(|cpu| cpu.id).collect();
        let targets = self.target.process.as_ref().map_or(&[][..], |process| &process.cpus);
        let mut found = Vec::new();
        for cpu in self.cpus() {
            for sibling in &cpu.siblings {
                if clients.contains(sibling) && cpu.id < *sibling {
                    found.push(format!("workers share a physical core (CPUs {},{sibling}, SMT)", cpu.id));
                }
                if targets.contains(sibling) && !clients.contains(sibling) {
                    found.push(format!("client and target share a physical core (CPUs {},{sibling}, SMT)", cpu.id));
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

    fn little_disagrees(&self) -> Option<String> {
        let little = self.little.as_ref()?;
        let (share, least) = LITTLE;
        let apart = (little.in_flight - little.rate_times_mean).abs();
        (little.gap() > share && apart > least).then(|| {
            format!(
                "{:.1} requests were in flight on average, but rate times mean time is {:.1} (Little's law): the figures do not fit together",
                little.in_flight, little.rate_times_mean
            )
        })
    }
}

#[cfg(test)]
mod tests;
