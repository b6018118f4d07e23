//! Which CPU each worker gets, and which are left to the built-in server.

use super::cpus::{Core, Topology, format_list, spread};
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
    /// `--threads-per-core`: workers on each physical core, on its siblings.
    pub threads_per_core: Option<usize>,
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
    /// On another host, and the way there leaves through a network card on this NUMA node.
    Elsewhere {
        /// `None` where that is not known, or means nothing.
        nic_node: Option<usize>,
    },
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
    /// Holds the numbers of threads against their rules, but for what a physical core has.
    ///
    /// # Errors
    /// `threads` is outside 1 to [`MAX_THREADS`], or `threads_per_core` is given beside `cpus`.
    pub fn check(&self) -> Result<(), Error> {
        match (self.threads, self.threads_per_core) {
            (Some(given), _) if !(1..=MAX_THREADS).contains(&given) => {
                Err(Error::argument("--threads", format!("must be 1 to {MAX_THREADS}"), given))
            }
            (_, Some(given)) if self.cpus.is_some() => {
                Err(Error::argument("--threads-per-core", "cannot be used with --cpus, which names each CPU", given))
            }
            _ => Ok(()),
        }
    }

    /// The same for what a physical core of `topology` has.
    fn check_width(&self, topology: &Topology) -> Result<(), Error> {
        let width = topology.smt_width();
        match self.threads_per_core {
            Some(given) if !(1..=width).contains(&given) => {
                let rule = match width {
                    1 => "must be 1, as a physical core has one CPU that is allowed".to_owned(),
                    _ => format!("must be 1 to {width}, the CPUs of a physical core that are allowed"),
                };
                Err(Error::argument("--threads-per-core", rule, given))
            }
            _ => Ok(()),
        }
    }
}

/// Decides how many workers there are and where, and what is left to the built-in server.
///
/// One worker for each physical core (or as many as [`Ask::threads_per_core`] says), for half of them (at least one) when the
/// server is on this host; never more workers than connections. Physical cores come before siblings and, on the way to another
/// host, those of the network card's NUMA node before others. Only the built-in server is placed as well, on the cores that are
/// left over.
///
/// # Errors
/// `--threads` or `--threads-per-core` is out of range, or `--cpus` names a CPU that is not allowed to this process.
pub fn place(topology: &Topology, ask: &Ask, server: Server) -> Result<Placed, Error> {
    ask.check()?;
    ask.check_width(topology)?;
    let mut notes = Vec::new();
    let near = match server {
        Server::Elsewhere { nic_node } => nic_node,
        Server::BuiltIn | Server::ThisHost => None,
    };
    let cores = topology.ranked(near);
    let workers = workers(&cores, ask, server, &mut notes);
    let (candidates, server_cpus) = match &ask.cpus {
        Some(cpus) => {
            check_allowed(topology, cpus)?;
            (cpus.clone(), if server == Server::BuiltIn { beside(topology, cpus) } else { vec![] })
        }
        None if server == Server::BuiltIn => divide(&cores, workers, ask.threads_per_core),
        None => (on_cores(&cores, ask.threads_per_core), vec![]),
    };
    if workers > candidates.len() {
        let (plural, list) = (if candidates.len() == 1 { "" } else { "s" }, format_list(&candidates));
        notes.push(format!("{workers} workers share CPU{plural} {list}"));
    }
    let cpus: Vec<usize> = candidates.iter().copied().cycle().take(workers).collect();
    let shared = cpus.iter().any(|cpu| server_cpus.contains(cpu));
    notes.extend(sharing(topology, &cpus, &server_cpus));
    notes.extend(near.and_then(|near| nearness(topology, &cpus, near)));
    Ok(Placed {
        connections: ask.connections.unwrap_or(workers * CONNECTIONS_PER_WORKER),
        placement: Placement { cpus, server_cpus, shared },
        notes,
    })
}

/// The CPUs of `cores` for workers, best first: physical cores before siblings or, where that is said, so many of each core.
fn on_cores(cores: &[&Core], each: Option<usize>) -> Vec<usize> {
    match each {
        None => spread(cores),
        Some(each) => cores.iter().flat_map(|core| core.cpus.iter().copied().take(each)).collect(),
    }
}

/// The CPUs of the built-in server when it runs alone: `cpus`, or one of each physical core.
///
/// # Errors
/// `cpus` names a CPU that is not allowed to this process.
pub fn serving(topology: &Topology, cpus: Option<&[usize]>) -> Result<Vec<usize>, Error> {
    match cpus {
        Some(cpus) => check_allowed(topology, cpus).map(|()| cpus.to_vec()),
        None => Ok(firsts(&topology.ranked(None))),
    }
}

/// The number of workers: as asked, else what the cores suggest; at most one for a connection.
fn workers(cores: &[&Core], ask: &Ask, server: Server, notes: &mut Vec<String>) -> usize {
    let (wanted, by) = match (ask.threads, &ask.cpus) {
        (Some(threads), _) => (threads, Some("--threads")),
        (None, Some(cpus)) => (cpus.len(), Some("--cpus")),
        (None, None) => {
            let ours = match server {
                Server::Elsewhere { .. } => cores.len(),
                Server::BuiltIn | Server::ThisHost => (cores.len() / 2).max(1),
            };
            let each = ask.threads_per_core.unwrap_or(1);
            (on_cores(&cores[..ours], Some(each)).len(), ask.threads_per_core.map(|_| "--threads-per-core"))
        }
    };
    let workers = wanted.min(ask.connections.unwrap_or(usize::MAX)).clamp(1, MAX_THREADS);
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
fn divide(cores: &[&Core], workers: usize, each: Option<usize>) -> (Vec<usize>, Vec<usize>) {
    match cores {
        [] => (vec![], vec![]),
        // Two CPUs of one core beat taking turns on one CPU.
        [only] => (only.cpus[..1].to_vec(), vec![only.cpus[only.cpus.len().min(2) - 1]]),
        cores => {
            let (client, server) = cores.split_at(workers.div_ceil(each.unwrap_or(1)).min(cores.len() - 1));
            (on_cores(client, each), firsts(server))
        }
    }
}

/// The server's CPUs beside the workers' `cpus`: those on cores no worker is on, else those that
/// no worker is on, else the same ones.
fn beside(topology: &Topology, cpus: &[usize]) -> Vec<usize> {
    let free = |core: &&Core| !core.cpus.iter().any(|cpu| cpus.contains(cpu));
    let whole: Vec<usize> = topology.cores().iter().filter(free).map(|core| core.cpus[0]).collect();
    if !whole.is_empty() {
        return whole;
    }
    let mut left = topology.allowed();
    left.retain(|cpu| !cpus.contains(cpu));
    if left.is_empty() { cpus.to_vec() } else { left }
}

/// One CPU of each core.
fn firsts(cores: &[&Core]) -> Vec<usize> {
    cores.iter().filter_map(|core| core.cpus.first().copied()).collect()
}

/// Where workers are as seen from the network card, if there is more than one place to be.
fn nearness(topology: &Topology, cpus: &[usize], near: usize) -> Option<String> {
    if topology.cores().iter().all(|core| core.node == Some(near)) {
        return None;
    }
    let on_node = |cpu: &&usize| topology.core_of(**cpu).is_some_and(|core| core.node == Some(near));
    let there = cpus.iter().filter(on_node).count();
    let card = format!("NUMA node {near}, where the network card towards the target is");
    Some(match there {
        all if all == cpus.len() => format!("all workers are on {card}"),
        0 => format!("no worker is on {card}: packets cross between nodes"),
        some => format!("{some} of {} workers are on {card}: packets of the others cross between nodes", cpus.len()),
    })
}

/// What client and built-in server share, in words: it bends every figure of the run.
fn sharing(topology: &Topology, client: &[usize], server: &[usize]) -> Option<String> {
    let common: Vec<usize> = client.iter().copied().filter(|cpu| server.contains(cpu)).collect();
    if let [first, rest @ ..] = common.as_slice() {
        let plural = if rest.iter().any(|cpu| cpu != first) { "s" } else { "" };
        return Some(format!("client and server share CPU{plural} {}", format_list(&common)));
    }
    let on = |core: &Core, cpus: &[usize]| core.cpus.iter().any(|cpu| cpus.contains(cpu));
    let core = topology.cores().iter().find(|core| on(core, client) && on(core, server))?;
    Some(format!("client and server share a physical core (CPUs {})", format_list(&core.cpus)))
}

#[cfg(test)]
mod tests;
