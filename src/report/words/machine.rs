//! What the client lacked, what on its machine was in the way, and what else a target speaks.

use std::fmt::{Display, Formatter, Result};

use super::times::seconds;
use super::{list, percent};
use crate::judge::{ClientFault, Interference, OtherProtocol};

/// Cause and cure; a verdict needs the cause alone.
impl Display for ClientFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let short = because(self);
        match *self {
            ClientFault::NoLocalPort { .. } => write!(
                f,
                "{short}: each connection to an address needs a port of its own, and keeps it for 60 s when the client closes \
                 it; keep connections alive, spread them over more of --source-address or of the target's addresses, widen \
                 net.ipv4.ip_local_port_range, or set net.ipv4.tcp_tw_reuse=1"
            ),
            ClientFault::NoDescriptor { .. } => write!(
                f,
                "{short}: raise the limit of open files (ulimit -n, or fs.file-max for the whole host), or use fewer connections"
            ),
            ClientFault::StoodStill { share, of_s, longest_s } => {
                let [stood, window, longest] = [share * of_s, of_s, longest_s].map(seconds);
                write!(
                    f,
                    "the client stood still for {stood} of {window}, the longest time {longest}: it was stopped, suspended or kept from \
                     its CPU; its rate and times are not the server's"
                )
            }
            ClientFault::NoTurn { .. } => {
                write!(f, "{short}: too many for so short a run; use a longer -d, a --warmup, or fewer connections")
            }
        }
    }
}

/// The cause alone.
pub(super) fn because(fault: &ClientFault) -> String {
    let connects = |count: u64| if count == 1 { "1 connect".to_owned() } else { format!("{count} connects") };
    match *fault {
        ClientFault::NoLocalPort { connects: count, .. } => format!("{} found no local port", connects(count)),
        ClientFault::NoDescriptor { connects: count, .. } => {
            format!("{} found no free file descriptor", connects(count))
        }
        ClientFault::StoodStill { share, .. } => format!("the client stood still for {} of the time", percent(share)),
        ClientFault::NoTurn { waiting, requested, .. } => {
            format!("{waiting} of {requested} connections never got their turn")
        }
    }
}

impl Display for Interference {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Interference::SharedCpu { target, cpus } => write!(
                f,
                "the target ({target}) ran on the client's CPU {}: each slows the other down; keep them apart (--cpus, taskset)",
                list(cpus)
            ),
            Interference::SharedCore(one, other) => {
                write!(f, "workers share a physical core (CPUs {one},{other}, SMT)")
            }
            Interference::CoreOfTarget(client, target) => {
                write!(f, "client and target share a physical core (CPUs {client},{target}, SMT)")
            }
            Interference::Governors(governors) => write!(
                f,
                "the client's CPUs change their frequency (governor {}, not performance): figures scatter",
                governors.join(", ")
            ),
            Interference::Queued { worker, share } => {
                write!(f, "worker {worker} was ready to run and had no CPU for {} of the time", percent(*share))
            }
            Interference::Steal { cpu, share } => {
                write!(f, "the hypervisor took {} of CPU {cpu} for others (steal)", percent(*share))
            }
            Interference::Others { cpu, share } => {
                write!(f, "others used {} of the client's CPU {cpu}", percent(*share))
            }
            Interference::Interrupts { cpu, share } => write!(
                f,
                "interrupts took {} of the client's CPU {cpu} beside its own time (IRQ affinity)",
                percent(*share)
            ),
            Interference::CpuPressure(share) => {
                write!(f, "threads of this host waited for a CPU in {} of the time (PSI)", percent(*share))
            }
            Interference::Little { in_flight, rate_times_mean } => write!(
                f,
                "{in_flight:.1} requests were in flight on average, but rate times mean time is {rate_times_mean:.1} (Little's law): \
                 the figures do not fit together"
            ),
        }
    }
}

impl Display for OtherProtocol {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match *self {
            OtherProtocol::Tls { alerts, records, says_so } => {
                let seen: Vec<String> = [(alerts, "TLS alerts"), (records, "TLS records")]
                    .into_iter()
                    .filter(|(count, _)| *count > 0)
                    .map(|(count, what)| format!("{count} requests got {what} for an answer"))
                    .chain(says_so.then(|| "an answer of status 400 says that this port is for TLS".to_owned()))
                    .collect();
                write!(f, "the server speaks TLS: {}; it needs an https:// URL", seen.join(", "))
            }
            OtherProtocol::Http2 { frames } => write!(
                f,
                "the server speaks HTTP/2 only: {frames} requests got its frames for an answer; it needs HTTP/2 (--http2), \
                 which saturing {} does not have yet",
                env!("CARGO_PKG_VERSION")
            ),
        }
    }
}
