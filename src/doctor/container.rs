//! What the control group allows, in either version, itself and every group above it.

use super::Case;
use crate::plan::cpus::format_list;
use crate::result::diagnosis::{Area, Finding};
use crate::result::units::binary;

/// What a run takes, about: the process, each worker, each connection with its socket. Bytes.
const BASE: u64 = 16 << 20;
const PER_WORKER: u64 = 3 << 20;
const PER_CONNECTION: u64 = 4 << 10;

/// Larger than any memory: how the first version spells "none".
const NO_LIMIT: u64 = 1 << 60;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    vec![quota(case), memory(case), allowed(case)]
}

/// The folders of the group that `controller` counts this process in, the innermost first; and whether it is of version 2.
fn folders(case: &Case<'_>, controller: &str) -> Vec<(String, bool)> {
    let groups = case.files.text("/proc/self/cgroup").unwrap_or_default();
    let mounts = case.files.text("/proc/self/mountinfo").unwrap_or_default();
    let mut all = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        let second = controllers.is_empty();
        if !second && !controllers.split(',').any(|one| one == controller) {
            continue;
        }
        let Some((root, point)) = mounts.lines().find_map(|mount| mounted(mount, (!second).then_some(controller)))
        else {
            continue;
        };
        // Where a container sees a part of the tree only, paths are told from the tree's root or from the container's.
        let below = group.strip_prefix(root.trim_end_matches('/')).unwrap_or(group);
        let mut folder = below.trim_matches('/');
        loop {
            all.push((format!("{point}/{folder}"), second));
            match folder.rsplit_once('/') {
                Some((above, _)) => folder = above,
                None if folder.is_empty() => break,
                None => folder = "",
            }
        }
    }
    all
}

/// Root and mount point of a line of mountinfo, if it is that of version 2 or of `controller`.
fn mounted<'a>(line: &'a str, controller: Option<&str>) -> Option<(&'a str, &'a str)> {
    let (front, back) = line.split_once(" - ")?;
    let mut back = back.split(' ');
    let (kind, options) = (back.next()?, back.nth(1)?);
    let fits = match controller {
        None => kind == "cgroup2",
        Some(controller) => kind == "cgroup" && options.split(',').any(|option| option == controller),
    };
    let mut front = front.split(' ').skip(3);
    front.next().zip(front.next()).filter(|_| fits)
}

fn quota(case: &Case<'_>) -> Finding {
    let why = "What is over the quota stands still until the next period: pauses of up to 100 ms in every latency.";
    let finding = |value: String| Finding::fine(Area::Limits, "CPU quota", value, why);
    let of_folder = |(folder, second): &(String, bool)| {
        let number = |name: &str| case.files.number(&format!("{folder}/{name}"));
        let (quota, period) = if *second {
            let text = case.files.text(&format!("{folder}/cpu.max"))?;
            let (quota, period) = text.split_once(' ')?;
            (quota.parse().ok()?, period.parse().ok()?)
        } else {
            // -1 is none, and no such number.
            (number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
        };
        Some((quota as f64 / (period as f64).max(1.0), folder.clone(), *second))
    };
    let least = folders(case, "cpu").iter().filter_map(of_folder).min_by(|a, b| a.0.total_cmp(&b.0));
    let Some((cpus, folder, second)) = least else { return finding("none".to_owned()) };
    // Threads beyond one a CPU never run at the same time.
    let mut busy = [&case.plan.placement.cpus[..], &case.plan.placement.server_cpus].concat();
    busy.sort_unstable();
    busy.dedup();
    let found = finding(format!("{cpus:.2} CPUs, {} to be busy", busy.len()));
    let (file, none) = if second { ("cpu.max", "max") } else { ("cpu.cfs_quota_us", "-1") };
    let folder = folder.trim_end_matches('/');
    match cpus < busy.len() as f64 {
        true => found.prevents(format!("docker run --cpus {} ..., or echo {none} > {folder}/{file}", busy.len())),
        false => found,
    }
}

fn memory(case: &Case<'_>) -> Finding {
    let needed = BASE + case.workers() as u64 * PER_WORKER + case.plan.load.connections as u64 * PER_CONNECTION;
    let why = "Sockets count too: at the limit the kernel takes memory back, and then ends a process.";
    let bytes = |bytes: u64| format!("{}B", binary(bytes as f64));
    let finding = |value: String| Finding::fine(Area::Limits, "memory limit", value, why);
    let of_folder = |(folder, second): &(String, bool)| {
        let name = if *second { "memory.max" } else { "memory.limit_in_bytes" };
        case.files.number(&format!("{folder}/{name}")).filter(|limit| *limit < NO_LIMIT)
    };
    match folders(case, "memory").iter().filter_map(of_folder).min() {
        None => finding(format!("none; about {} needed", bytes(needed))),
        Some(limit) => {
            let found = finding(format!("{} allowed, about {} needed", bytes(limit), bytes(needed)));
            let command = format!("docker run --memory {}m ..., or a smaller -c", needed.div_ceil(1 << 20));
            if limit < needed { found.prevents(command) } else { found }
        }
    }
}

fn allowed(case: &Case<'_>) -> Finding {
    let why = "The affinity mask, which containers and taskset narrow, says where workers may run.";
    let (allowed, online) = (case.topology.allowed(), case.files.cpus("/sys/devices/system/cpu/online"));
    let value = match online {
        Some(online) if online.len() > allowed.len() => {
            format!("{} of {} online", format_list(&allowed), format_list(&online))
        }
        Some(_) => format!("{}, all that are online", format_list(&allowed)),
        None => format_list(&allowed),
    };
    Finding::fine(Area::Limits, "CPUs allowed", value, why)
}
