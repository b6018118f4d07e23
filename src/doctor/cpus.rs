//! Clocks and sleep of the workers' CPUs, where they are, and who else uses them.

use super::Case;
use crate::plan::cpus::format_list;
use crate::plan::nic;
use crate::result::diagnosis::{Area, Finding};

/// A share of stolen time from which on it is worth a word.
const STOLEN: f64 = 0.01;
/// Waking up that takes longer than this shows in latencies, us.
const DEEP_SLEEP_US: u64 = 50;

const CPU: &str = "/sys/devices/system/cpu";

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    vec![
        placement(case),
        governor(case),
        turbo(case),
        idle(case),
        smt(case),
        numa(case),
        isolated(case),
        machine(case),
        clocksource(case),
        encryption(case),
        mitigations(case),
    ]
}

fn fine(name: &str, value: impl Into<String>, why: &str) -> Finding {
    Finding::fine(Area::Cpus, name, value, why)
}

/// `CPU 3` or `CPUs 0-3`.
fn named(cpus: &[usize]) -> String {
    format!("CPU{} {}", if cpus.len() == 1 { "" } else { "s" }, format_list(cpus))
}

fn placement(case: &Case<'_>) -> Finding {
    let why = "A worker and the server, or two workers, on one CPU take turns: each waits for the other.";
    let placement = &case.plan.placement;
    let cpus = case.worker_cpus();
    let plural = if case.workers() == 1 { "" } else { "s" };
    let server = match placement.server_cpus.as_slice() {
        [] => String::new(),
        server => format!(", the built-in server on {}", named(server)),
    };
    let found = fine("placement", format!("{} worker{plural} on {}{server}", case.workers(), named(&cpus)), why);
    if placement.shared {
        return found.prevents("a second CPU for this process, or a server on another host");
    }
    if cpus.len() < case.workers() { found.prevents(format!("--threads {}", cpus.len())) } else { found }
}

fn governor(case: &Case<'_>) -> Finding {
    let why = "A clock that has to rise first makes the beginning of a run, and every lull in it, slower.";
    let read = |cpu: &usize, name: &str| case.files.text(&format!("{CPU}/cpu{cpu}/cpufreq/{name}"));
    let cpus = case.worker_cpus();
    let governors: Vec<(usize, String)> =
        cpus.iter().filter_map(|cpu| Some((*cpu, read(cpu, "scaling_governor")?))).collect();
    let Some((_, first)) = governors.first() else {
        return fine("governor", "no cpufreq here: the host, or the firmware, decides", why);
    };
    let slow: Vec<usize> = governors.iter().filter(|(_, name)| name != "performance").map(|(cpu, _)| *cpu).collect();
    let Some(one) = slow.first() else {
        return fine("governor", format!("{first} on {}", named(&cpus)), why);
    };
    let name = governors.iter().find(|(cpu, _)| cpu == one).map_or("", |(_, name)| name);
    let driver = read(one, "scaling_driver").unwrap_or_default();
    let found = fine("governor", format!("{name} on {} (driver {driver})", named(&slow)), why);
    let command = format!("cpupower -c {} frequency-set -g performance", format_list(&slow));
    // These drivers leave the clock to the processor, where powersave is but a preference.
    let adapts = ["intel_pstate", "amd-pstate-epp"].contains(&driver.as_str());
    match name {
        "powersave" if !adapts => {
            let why = "With this driver powersave keeps the lowest clock there is.".to_owned();
            Finding { why, ..found }.prevents(command)
        }
        _ => found.better(command),
    }
}

fn turbo(case: &Case<'_>) -> Finding {
    let why = "Without it the clock stays at its nominal rate; with it runs vary with heat and with busy neighbours.";
    let switches = [("intel_pstate/no_turbo", 1, "0"), ("cpufreq/boost", 0, "1")];
    let found = switches.iter().find_map(|(file, off, on)| {
        let path = format!("{CPU}/{file}");
        Some((case.files.number(&path)? == *off, path, *on))
    });
    match found {
        None => fine("turbo", "no switch here: the host, or the firmware, decides", why),
        Some((false, ..)) => fine("turbo", "on", why),
        Some((true, path, on)) => fine("turbo", "off", why).better(format!("echo {on} > {path}")),
    }
}

fn idle(case: &Case<'_>) -> Finding {
    let why = "A CPU that slept deep wakes late: at low rates that is part of every latency.";
    let Some(cpu) = case.worker_cpus().first().copied() else { return fine("idle states", "unknown", why) };
    let folder = format!("{CPU}/cpu{cpu}/cpuidle");
    let usable = |state: &String| case.files.number(&format!("{folder}/{state}/disable")) != Some(1);
    let states = case.files.names(&folder).into_iter().filter(|name| name.starts_with("state")).filter(usable);
    let deepest = states
        .filter_map(|state| {
            let latency = case.files.number(&format!("{folder}/{state}/latency"))?;
            Some((latency, case.files.text(&format!("{folder}/{state}/name")).unwrap_or(state)))
        })
        .max();
    match deepest {
        None => fine("idle states", "none here: the host, or the firmware, decides", why),
        Some((us, name)) => {
            let found = fine("idle states", format!("the deepest, {name}, takes {us} us to leave"), why);
            let command = format!("cpupower -c {} idle-set -D {DEEP_SLEEP_US}", format_list(&case.worker_cpus()));
            if us > DEEP_SLEEP_US { found.better(command) } else { found }
        }
    }
}

fn smt(case: &Case<'_>) -> Finding {
    let why = "Two busy siblings share one core: each does some 60 % of what it does alone.";
    let (topology, placement) = (case.topology, &case.plan.placement);
    let (cores, width) = (topology.cores().len(), topology.smt_width());
    let plural = if cores == 1 { "" } else { "s" };
    let map = match width {
        1 => format!("{cores} core{plural} with one CPU each"),
        _ => {
            let example = topology.cores().iter().find(|core| core.cpus.len() == width);
            let example = example.map_or_else(String::new, |core| format_list(&core.cpus));
            format!("{cores} core{plural} with up to {width} CPUs (siblings as {example})")
        }
    };
    let busy = [&placement.cpus[..], &placement.server_cpus].concat();
    let crowded = |core: &&crate::plan::cpus::Core| core.cpus.iter().filter(|cpu| busy.contains(cpu)).count() > 1;
    let crowded: Vec<usize> =
        topology.cores().iter().filter(crowded).flat_map(|core| core.cpus.iter().copied()).collect();
    match crowded.as_slice() {
        [] => fine("SMT", map, why),
        crowded => fine("SMT", format!("{map}; siblings are both in use on {}", named(crowded)), why)
            .better("fewer --threads, or --threads-per-core 1"),
    }
}

fn numa(case: &Case<'_>) -> Finding {
    let why = "Packets and memory that cross between nodes cost more; workers belong on the network card's node.";
    let mut nodes: Vec<usize> = case.topology.cores().iter().filter_map(|core| core.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let count = match nodes.len() {
        0 | 1 => "one node".to_owned(),
        several => format!("{several} nodes"),
    };
    let Some(nic) = case.nic.as_ref().filter(|_| !case.plan.target.local) else {
        return fine("NUMA", format!("{count}; this host is the target, no card in between"), why);
    };
    let Some(near) = nic::node(&case.files.path("/sys"), &nic.interface).filter(|_| nodes.len() > 1) else {
        return fine("NUMA", format!("{count}; {} has none of its own", nic.interface), why);
    };
    let cpus = case.worker_cpus();
    let on_node = |cpu: &&usize| case.topology.core_of(**cpu).is_some_and(|core| core.node == Some(near));
    let there = cpus.iter().filter(on_node).count();
    let found = fine(
        "NUMA",
        format!("{count}; {} is on node {near}, with {there} of {} worker CPUs", nic.interface, cpus.len()),
        why,
    );
    let cores: Vec<usize> =
        case.topology.cores().iter().filter(|core| core.node == Some(near)).map(|core| core.cpus[0]).collect();
    match (there == cpus.len(), cores.as_slice()) {
        (true, _) => found,
        (false, []) => {
            found.better(format!("allow this process CPUs of node {near}: taskset, or the container's cpuset"))
        }
        (false, cores) => found.better(format!("--cpus {}", format_list(cores))),
    }
}

fn isolated(case: &Case<'_>) -> Finding {
    let why =
        "isolcpus, nohz_full and rcu_nocbs keep others off a CPU; saturing uses such CPUs where affinity allows them.";
    let read = |name: &str| case.files.cpus(&format!("{CPU}/{name}")).filter(|cpus| !cpus.is_empty());
    let (isolated, tickless) = (read("isolated"), read("nohz_full"));
    let Some(isolated) = isolated else { return fine("isolated CPUs", "none", why) };
    let workers = case.worker_cpus();
    let there = workers.iter().filter(|cpu| isolated.contains(cpu)).count();
    let tickless = tickless.map_or_else(String::new, |cpus| format!(", nohz_full {}", format_list(&cpus)));
    let value = format!("{}{tickless}; {there} of {} worker CPUs", format_list(&isolated), workers.len());
    let found = fine("isolated CPUs", value, why);
    let command = format!("taskset -c {0} saturing --cpus {0} ...", format_list(&isolated));
    if there < workers.len() { found.better(command) } else { found }
}

fn machine(case: &Case<'_>) -> Finding {
    let why = "On a virtual machine time can be stolen by other guests, and timers and wake-ups leave the guest.";
    let cpuinfo = case.files.text("/proc/cpuinfo").unwrap_or_default();
    let mut flags = cpuinfo.lines().filter(|line| line.starts_with("flags")).flat_map(str::split_whitespace);
    let guest = flags.any(|flag| flag == "hypervisor") || case.files.text("/sys/hypervisor/type").is_some();
    let dmi = ["sys_vendor", "product_name"].map(|name| case.files.text(&format!("/sys/class/dmi/id/{name}")));
    let dmi = dmi.into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
    let dmi = if dmi.is_empty() { dmi } else { format!(" ({dmi})") };
    if !guest {
        return fine("machine", format!("no sign of a virtual machine{dmi}"), why);
    }
    let stolen = stolen(&case.files.text("/proc/stat").unwrap_or_default());
    let share = stolen
        .map_or_else(|| "steal unknown".to_owned(), |share| format!("{:.2} % of busy time stolen", share * 100.0));
    let found = fine("machine", format!("a virtual machine{dmi}, {share} since it started"), why);
    match stolen.is_some_and(|share| share >= STOLEN) {
        true => found.better("a larger or a dedicated instance; and --repeat, to see how much figures move"),
        false => found,
    }
}

/// The share of the time in which CPUs wanted to run that others had, from /proc/stat.
fn stolen(stat: &str) -> Option<f64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
    // User, nice, system, idle, iowait, irq, softirq, steal.
    let &[user, nice, system, _, _, irq, softirq, steal, ..] = ticks.as_slice() else { return None };
    let wanted = user + nice + system + irq + softirq + steal;
    (wanted > 0).then(|| steal as f64 / wanted as f64)
}

fn clocksource(case: &Case<'_>) -> Finding {
    let why = "Two stamps are taken in every turn: from a slow source each is a system call and a device's answer.";
    let folder = "/sys/devices/system/clocksource/clocksource0";
    let Some(current) = case.files.text(&format!("{folder}/current_clocksource")) else {
        return fine("clocksource", "unknown", why);
    };
    let fast = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", "timebase", "riscv_clocksource"];
    let found = fine("clocksource", current.clone(), why);
    if fast.contains(&current.as_str()) {
        return found;
    }
    let has_tsc = case.files.text(&format!("{folder}/available_clocksource")).is_some_and(|all| all.contains("tsc"));
    match has_tsc {
        true => found.better(format!("echo tsc > {folder}/current_clocksource")),
        false => found.better("boot with tsc=reliable, if the machine's time stamp counter is sound"),
    }
}

/// Whether TLS is cheap here.
fn encryption(case: &Case<'_>) -> Finding {
    let why =
        "Over https all that is sent and received is encrypted: AES without instructions of its own costs a multiple.";
    let text = case.files.text("/proc/cpuinfo").unwrap_or_default();
    let named = |line: &&str| line.starts_with("flags") || line.starts_with("Features");
    let Some((_, flags)) = text.lines().find(named).and_then(|line| line.split_once(':')) else {
        return fine("AES", "unknown", why);
    };
    let known = ["aes", "pclmulqdq", "pmull", "vaes", "vpclmulqdq"];
    let found: Vec<&str> =
        known.into_iter().filter(|name| flags.split_whitespace().any(|flag| flag == *name)).collect();
    let has = |name: &str| found.contains(&name);
    if has("aes") && (has("pclmulqdq") || has("pmull")) {
        return fine("AES", format!("in instructions ({})", found.join(", ")), why);
    }
    fine("AES", "no instructions", why).better("--ciphers TLS_CHACHA20_POLY1305_SHA256, for https URLs")
}

fn mitigations(case: &Case<'_>) -> Finding {
    let why = "They make every system call and interrupt dearer, the server's too: leave them as the server has them.";
    let folder = format!("{CPU}/vulnerabilities");
    let all = case.files.names(&folder);
    let on = all.iter().filter(|name| {
        let text = case.files.text(&format!("{folder}/{name}")).unwrap_or_default();
        text.starts_with("Mitigation")
    });
    let names: Vec<&str> = on.map(String::as_str).collect();
    let value = match (all.is_empty(), names.as_slice()) {
        (true, _) => "unknown".to_owned(),
        (false, []) => "none in force".to_owned(),
        (false, names) => format!("{} in force ({})", names.len(), names.join(", ")),
    };
    fine("mitigations", value, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steal_is_a_share_of_the_time_wanted() {
        let share = stolen("cpu  100 0 50 9999 5 10 15 25 0 0\ncpu0 1 2 3\n");
        assert_eq!(share, Some(0.125));
        for text in ["", "cpu  0 0 0 1 0 0 0 0 0 0", "cpu  1 2"] {
            assert_eq!(stolen(text), None, "{text}");
        }
    }
}
