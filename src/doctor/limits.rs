//! What the process may use.

use super::Case;
use super::engine::lacks;
use crate::result::diagnosis::{Area, Finding};
use crate::result::units::binary;
use crate::run;

/// The bit of CAP_IPC_LOCK, which lifts the limit of locked memory.
const CAP_IPC_LOCK: u64 = 1 << 14;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    vec![locked_memory(case), open_files(case)]
}

fn locked_memory(case: &Case<'_>) -> Finding {
    let needed = (case.offer.locked_bytes * case.workers()) as u64;
    let why = "Rings count as locked memory of the user (not in Linux 5.12 to 6.13): if it is short they are smaller, or fail.";
    let bytes = |bytes: u64| format!("{}B", binary(bytes as f64));
    let limit = case.files.limit("Max locked memory");
    let allowed = match limit {
        Some((u64::MAX, _)) => "unlimited".to_owned(),
        Some((soft, _)) => format!("{} allowed", bytes(soft)),
        None => "limit unknown".to_owned(),
    };
    let workers = case.workers();
    let plural = if workers == 1 { "" } else { "s" };
    let need = format!("{} needed for {workers} worker{plural}, {allowed}", bytes(needed));
    let finding = |value| Finding::fine(Area::Limits, "locked memory", value, why);
    let effective = case.files.status("CapEff").and_then(|bits| u64::from_str_radix(&bits, 16).ok());
    match limit {
        Some((soft, _)) if soft < needed && effective.is_some_and(|bits| bits & CAP_IPC_LOCK != 0) => {
            finding(format!("{need}; CAP_IPC_LOCK lifts the limit"))
        }
        Some((soft, _)) if soft < needed && !counts_rings(case) => {
            finding(format!("{need}; this kernel does not count rings"))
        }
        Some((soft, _)) if soft < needed => {
            let kib = needed.div_ceil(1024);
            let command =
                format!("ulimit -l {kib} (as root, or LimitMEMLOCK= of the service, or memlock in limits.conf)");
            lacks(case, finding(need), &command)
        }
        _ => finding(need),
    }
}

/// Whether the kernel counts rings against the limit. This cannot be tried, as the user's other rings count too.
fn counts_rings(case: &Case<'_>) -> bool {
    let release = case.files.text("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(u32::MAX), numbers.next().unwrap_or(0));
    !((5, 12)..(6, 14)).contains(&version)
}

fn open_files(case: &Case<'_>) -> Finding {
    let needed = run::open_files_needed(case.plan);
    let why = "Each connection is an open file, and with the built-in server so is its other end.";
    let finding = |value| Finding::fine(Area::Limits, "open files", value, why);
    let need = format!("{needed} needed for {} connections", case.plan.load.connections);
    match case.files.limit("Max open files") {
        None => finding(format!("{need}, limit unknown")),
        Some((_, hard)) if needed > hard => finding(format!("{need}, {hard} allowed")).prevents(format!(
            "ulimit -Hn {needed} (as root, or LimitNOFILE= of the service, or nofile in limits.conf), or a smaller -c"
        )),
        Some((soft, hard)) if needed > soft => {
            finding(format!("{need}, {soft} allowed; saturing raises that by itself, up to {hard}"))
        }
        Some((soft, _)) => finding(format!("{need}, {soft} allowed")),
    }
}
