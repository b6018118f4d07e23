//! What this machine allows, and what will be used of it, for a run that is planned. Changes nothing.
//!
//! What *prevents* full speed: no io_uring, or one below level A, unless that was asked for; limits that keep the run from starting or
//! shrink its rings (locked memory, open files, ports, tracked connections, memory); fewer CPUs, or less of them in the container's quota, than
//! workers; a governor that keeps worker CPUs at their lowest clock. Everything else that costs something *could be better*.

mod container;
mod cpus;
mod engine;
mod files;
mod limits;
mod network;
#[cfg(test)]
mod tests;

pub use engine::{EngineChoice, Offer};
pub use files::Files;

use crate::plan::Plan;
use crate::plan::cpus::Topology;
use crate::plan::nic::Nic;
use crate::result::diagnosis::{Diagnosis, Finding, Status};

/// All that is looked at.
#[derive(Debug)]
pub struct Case<'a> {
    /// The run.
    pub plan: &'a Plan,
    /// The CPUs allowed.
    pub topology: &'a Topology,
    /// The interface towards the target; `None` where there is no way.
    pub nic: Option<Nic>,
    /// What engines can be had.
    pub offer: Offer,
    /// The host's files.
    pub files: Files,
}

impl<'a> Case<'a> {
    /// The run on this host. Engines are tried, and let go again.
    pub fn here(plan: &'a Plan, topology: &'a Topology) -> Case<'a> {
        let nic = Nic::towards(plan.target.addresses[0], plan.target.sources.first().copied());
        Case { plan, topology, nic, offer: Offer::here(&plan.engine), files: Files::of_this_host() }
    }

    /// Looks at everything.
    pub fn examine(&self) -> Diagnosis {
        let parts: [fn(&Case<'_>) -> Vec<Finding>; 5] =
            [engine::findings, limits::findings, container::findings, cpus::findings, network::findings];
        let findings: Vec<Finding> = parts.iter().flat_map(|part| part(self)).collect();
        let placement = &self.plan.placement;
        Diagnosis {
            schema: 1,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: Vec::new(),
            url: placement.server_cpus.is_empty().then(|| self.plan.target.url.clone()),
            cpus: placement.cpus.clone(),
            server_cpus: placement.server_cpus.clone(),
            connections: self.plan.load.connections,
            full_speed: findings.iter().all(|finding| finding.status != Status::Prevents),
            notes: self.plan.notes.clone(),
            findings,
        }
    }

    fn workers(&self) -> usize {
        self.plan.placement.cpus.len()
    }

    /// The workers' CPUs, each once, ascending.
    fn worker_cpus(&self) -> Vec<usize> {
        let mut cpus = self.plan.placement.cpus.clone();
        cpus.sort_unstable();
        cpus.dedup();
        cpus
    }
}
