//! Ports, queues of the kernel, and the network card.

use super::Case;
use crate::plan::nic;
use crate::result::diagnosis::{Area, Finding};

/// What the range of ports can be widened to, and how many that are.
const WIDEST: (&str, u64) = ("1024 65535", 64_512);

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    vec![ports(case), time_wait(case), listen_queue(case), tracking(case), congestion(case), queues(case)]
}

fn fine(name: &str, value: impl Into<String>, why: &str) -> Finding {
    Finding::fine(Area::Network, name, value, why)
}

/// Connections end by design, and each leaves its port behind for a minute.
fn is_short_lived(case: &Case<'_>) -> bool {
    case.plan.load.requests_per_connection.is_some()
}

/// How many ports there are for one source and one destination.
fn range(case: &Case<'_>) -> Option<u64> {
    let text = case.files.text("/proc/sys/net/ipv4/ip_local_port_range")?;
    let (low, high) = text.split_once(char::is_whitespace)?;
    let (low, high): (u64, u64) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    let reserved = case.files.text("/proc/sys/net/ipv4/ip_local_reserved_ports").unwrap_or_default();
    let taken = reserved.split(',').filter_map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        (last.min(high) + 1).checked_sub(first.max(low))
    });
    (high + 1).checked_sub(low)?.checked_sub(taken.sum())
}

fn ports(case: &Case<'_>) -> Finding {
    let why = "Each connection needs a port of its own towards the same address, from each source address anew.";
    let target = &case.plan.target;
    let pairs = (target.sources.len().max(1) * target.addresses.len()) as u64;
    let connections = case.plan.load.connections as u64;
    let Some(each) = range(case) else { return fine("local ports", "range unknown", why) };
    let times = if pairs > 1 { format!(" x {pairs} pairs of addresses") } else { String::new() };
    let found = fine("local ports", format!("{each}{times} for {connections} connections"), why);
    if connections <= each * pairs {
        return found;
    }
    let widened = connections <= WIDEST.1 * pairs;
    found.prevents(match widened {
        true => format!("sysctl -w net.ipv4.ip_local_port_range=\"{}\"", WIDEST.0),
        false => {
            let needed = connections.div_ceil(each.max(1) * target.addresses.len() as u64);
            format!("--source-address with {needed} addresses of this host (ip address add ... dev ...)")
        }
    })
}

fn time_wait(case: &Case<'_>) -> Finding {
    let why = "A closed connection keeps its port for 60 s unless that may be used again: a bound on new connections per second.";
    let Some(value) = case.files.number("/proc/sys/net/ipv4/tcp_tw_reuse") else {
        return fine("tcp_tw_reuse", "unknown", why);
    };
    let loopback = case.plan.target.addresses.iter().all(|address| address.ip().is_loopback());
    let (used, words) = match value {
        0 => (false, "0, never"),
        2 => (loopback, "2, on loopback"),
        _ => (true, "1, everywhere"),
    };
    let what = if is_short_lived(case) { "" } else { "; connections are kept, so it does not matter" };
    let found = fine("tcp_tw_reuse", format!("{words}{what}"), why);
    if is_short_lived(case) && !used { found.better("sysctl -w net.ipv4.tcp_tw_reuse=1") } else { found }
}

fn listen_queue(case: &Case<'_>) -> Finding {
    let why = "Connections that come while the server's queue is full wait a second for a repeated SYN.";
    if !case.plan.target.local {
        return fine("somaxconn", "the other host's matters, not this one's", why);
    }
    let connections = case.plan.load.connections as u64;
    match case.files.number("/proc/sys/net/core/somaxconn") {
        None => fine("somaxconn", "unknown", why),
        Some(most) => {
            let found = fine("somaxconn", format!("{most} for {connections} connections"), why);
            let command = format!("sysctl -w net.core.somaxconn={connections}, and the server's backlog");
            if most < connections { found.better(command) } else { found }
        }
    }
}

fn tracking(case: &Case<'_>) -> Finding {
    let why = "A firewall that tracks connections drops new ones when its table is full.";
    let folder = "/proc/sys/net/netfilter";
    let Some(most) = case.files.number(&format!("{folder}/nf_conntrack_max")) else {
        return fine("connection tracking", "not loaded", why);
    };
    let used = case.files.number(&format!("{folder}/nf_conntrack_count")).unwrap_or(0);
    let connections = case.plan.load.connections as u64;
    let found = fine("connection tracking", format!("{used} of {most} in use, {connections} to come"), why);
    match used + connections > most {
        true => found.prevents(format!("sysctl -w net.netfilter.nf_conntrack_max={}", (used + connections) * 2)),
        false => found,
    }
}

fn congestion(case: &Case<'_>) -> Finding {
    let why = "bbr paces what it sends: reno took 3 % less CPU per request (measured on loopback).";
    let Some(name) = case.files.text("/proc/sys/net/ipv4/tcp_congestion_control") else {
        return fine("congestion control", "unknown", why);
    };
    let found = fine("congestion control", name.clone(), why);
    match name.starts_with("bbr") {
        true => found.better("sysctl -w net.ipv4.tcp_congestion_control=reno"),
        false => found,
    }
}

fn queues(case: &Case<'_>) -> Finding {
    let why = "Each receive queue interrupts one CPU: with fewer queues than workers some CPUs do the card's work for others.";
    if case.plan.target.local {
        return fine("network card", "none in between: this host is the target", why);
    }
    let Some(nic) = &case.nic else { return fine("network card", "no way to the target", why).better("ip route") };
    let card = nic::card(&case.files.path("/sys"), &nic.interface);
    let Some(name) = card.as_ref().and_then(|card| card.file_name()?.to_str()) else {
        return fine("network card", format!("{} is no card: the host decides", nic.interface), why);
    };
    let all = case.files.names(&format!("/sys/class/net/{name}/queues"));
    let count = all.iter().filter(|queue| queue.starts_with("rx-")).count();
    let via = if name == nic.interface { String::new() } else { format!(", below {}", nic.interface) };
    let workers = case.workers();
    let plural = if count == 1 { "" } else { "s" };
    let found = fine("network card", format!("{name}{via}: {count} receive queue{plural} for {workers} workers"), why);
    match count < workers {
        true => found
            .better(format!("ethtool -L {name} combined {workers}, as far as the card has them (ethtool -l {name})")),
        false => found,
    }
}
