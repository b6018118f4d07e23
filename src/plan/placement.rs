//! Which CPU each worker gets, and which are left to the built-in server.

use super::cpus::{Topology, format_list, spread};
use super::error::Error;

/// The most workers one run may have.
pub const MAX_THREADS: usize = 1024;
/// Connections for each worker unless told otherwise.
pub const CONNECTIONS_PER_WORKER: usize = 64;

/// Which CPUs do the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The CPU of each worker: as many as there are workers, never empty.
    pub cpus: Vec<usize>,
    /// The CPUs of the built-in server; empty when the target is another one.
    pub server_cpus: Vec<usize>,
    /// Whether the built-in server and a worker share a CPU.
    pub shared: bool,
}

/// What was asked about workers and CPUs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// `--threads`: the number of workers.
    pub threads: Option<usize>,
    /// `--connections`: connections in all.
    pub connections: Option<usize>,
    /// `--cpus`: the CPUs of the workers.
    pub cpus: Option<Vec<usize>>,
}

/// Where the server is, as far as placing workers goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// The built-in one, which needs CPUs of its own.
    BuiltIn,
    /// Somebody's on this host, which should have half of it.
    ThisHost,
    /// On another host.
    Elsewhere,
}

/// A placement and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Which CPUs do the work.
    pub placement: Placement,
    /// Connections in all, as asked or [`CONNECTIONS_PER_WORKER`] for each worker.
    pub connections: usize,
    /// What was decided otherwise than asked, or is worth knowing.
    pub notes: Vec<String>,
}

impl Ask {
    /// Holds the number of threads against its rule.
    ///
    /// # Errors
    /// It is outside 1 to [`MAX_THREADS`].
    pub fn check(&self) -> Result<(), Error> {
        match self.threads {
            Some(given) if !(1..=MAX_THREADS).contains(&given) => {
                Err(Error::argument("--threads", format!("must be 1 to {MAX_THREADS}"), given))
            }
            _ => Ok(()),
        }
    }
}

/// Decides how many workers there are and where, and what is left to the built-in server.
///
/// One worker for each physical core, for half of them (at least one) when the server is on this
/// host; never more workers than connections. Only the built-in server is placed as well, on the
/// cores that are left over.
///
/// # Errors
/// `--threads` is out of range, or `--cpus` names a CPU that is not allowed to this process.
pub fn place(topology: &Topology, ask: &Ask, server: Server) -> Result<Placed, Error> {
    ask.check()?;
    let mut notes = Vec::new();
    let workers = workers(topology, ask, server, &mut notes);
    let (candidates, server_cpus) = match &ask.cpus {
        Some(cpus) => {
            check_allowed(topology, cpus)?;
            (cpus.clone(), if server == Server::BuiltIn { beside(topology, cpus) } else { vec![] })
        }
        None if server == Server::BuiltIn => divide(topology, workers),
        None => (spread(topology.cores()), vec![]),
    };
    if workers > candidates.len() {
        let (plural, list) = (if candidates.len() == 1 { "" } else { "s" }, format_list(&candidates));
        notes.push(format!("{workers} workers share CPU{plural} {list}"));
    }
    let cpus: Vec<usize> = candidates.iter().copied().cycle().take(workers).collect();
    let shared = cpus.iter().any(|cpu| server_cpus.contains(cpu));
    notes.extend(sharing(topology, &cpus, &server_cpus));
    Ok(Placed {
        connections: ask.connections.unwrap_or(workers * CONNECTIONS_PER_WORKER),
        placement: Placement { cpus, server_cpus, shared },
        notes,
    })
}

/// The CPUs of the built-in server when it runs alone: `cpus`, or one of each physical core.
///
/// # Errors
/// `cpus` names a CPU that is not allowed to this process.
pub fn serving(topology: &Topology, cpus: Option<&[usize]>) -> Result<Vec<usize>, Error> {
    match cpus {
        Some(cpus) => check_allowed(topology, cpus).map(|()| cpus.to_vec()),
        None => Ok(firsts(topology.cores())),
    }
}

/// The number of workers: as asked, else what the cores suggest; at most one for a connection.
fn workers(topology: &Topology, ask: &Ask, server: Server, notes: &mut Vec<String>) -> usize {
    let cores = topology.cores().len();
    let (wanted, by) = match (ask.threads, &ask.cpus) {
        (Some(threads), _) => (threads, Some("--threads")),
        (None, Some(cpus)) => (cpus.len(), Some("--cpus")),
        (None, None) if server == Server::Elsewhere => (cores, None),
        (None, None) => ((cores / 2).max(1), None),
    };
    let workers = wanted.min(ask.connections.unwrap_or(usize::MAX)).max(1);
    if let Some(argument) = by.filter(|_| workers < wanted) {
        notes.push(format!("{workers} of the {wanted} workers that {argument} asks for: each needs a connection"));
    }
    workers
}

fn check_allowed(topology: &Topology, cpus: &[usize]) -> Result<(), Error> {
    let allowed = topology.allowed();
    match cpus.iter().find(|cpu| !allowed.contains(cpu)) {
        None => Ok(()),
        Some(cpu) => {
            let rule = format!("must be CPUs allowed to this process ({})", format_list(&allowed));
            Err(Error::argument("--cpus", rule, cpu))
        }
    }
}

/// Candidates for workers, and the server's CPUs: whole cores for each as long as there are two.
fn divide(topology: &Topology, workers: usize) -> (Vec<usize>, Vec<usize>) {
    match topology.cores() {
        [] => (vec![], vec![]),
        // Two CPUs of one core beat taking turns on one CPU.
        [only] => (only[..1].to_vec(), vec![only[only.len().min(2) - 1]]),
        cores => {
            let (client, server) = cores.split_at(workers.min(cores.len() - 1));
            (spread(client), firsts(server))
        }
    }
}

/// The server's CPUs beside the workers' `cpus`: those on cores no worker is on, else those that
/// no worker is on, else the same ones.
fn beside(topology: &Topology, cpus: &[usize]) -> Vec<usize> {
    let free = |core: &&Vec<usize>| !core.iter().any(|cpu| cpus.contains(cpu));
    let whole: Vec<usize> = topology.cores().iter().filter(free).map(|core| core[0]).collect();
    if !whole.is_empty() {
        return whole;
    }
    let mut left = topology.allowed();
    left.retain(|cpu| !cpus.contains(cpu));
    if left.is_empty() { cpus.to_vec() } else { left }
}

/// One CPU of each core.
fn firsts(cores: &[Vec<usize>]) -> Vec<usize> {
    cores.iter().filter_map(|core| core.first().copied()).collect()
}

/// What client and built-in server share, in words: it bends every figure of the run.
fn sharing(topology: &Topology, client: &[usize], server: &[usize]) -> Option<String> {
    let common: Vec<usize> = client.iter().copied().filter(|cpu| server.contains(cpu)).collect();
    if let [first, rest @ ..] = common.as_slice() {
        let plural = if rest.iter().any(|cpu| cpu != first) { "s" } else { "" };
        return Some(format!("client and server share CPU{plural} {}", format_list(&common)));
    }
    let on = |core: &[usize], cpus: &[usize]| core.iter().any(|cpu| cpus.contains(cpu));
    let core = topology.cores().iter().find(|core| on(core, client) && on(core, server))?;
    Some(format!("client and server share a physical core (CPUs {})", format_list(core)))
}

#[cfg(test)]
mod tests;
