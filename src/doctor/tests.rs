//! Hosts as trees of files, what is found on each, and how that reads.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::engine::{self, Feature, Level, Name};
use crate::plan::{Ask, Load, RequestsSpec, Server, Target, TargetSpec, TlsOptions, Until, place};
use crate::report::doctor as report;
use crate::report::tests::golden;

/// A host, and the run that is planned on it.
#[derive(Clone)]
struct Host {
    files: BTreeMap<String, String>,
    allowed: Vec<usize>,
    /// `None`: the built-in server.
    url: Option<&'static str>,
    ask: Ask,
    engine: engine::EngineOptions,
    requests_per_connection: Option<u64>,
    nic: Option<&'static str>,
    offer: Offer,
}

const CPU: &str = "/sys/devices/system/cpu";

const FEATURES: [(&str, &str, &str, Option<Level>); 6] = [
    ("operations", "5.6", "connect, send, receive", Some(Level::C)),
    ("buffer ring", "5.19", "memory is taken when bytes are there", Some(Level::B)),
    ("multishot receive", "6.0", "one serves a connection for its life", Some(Level::AMinus)),
    ("DEFER_TASKRUN", "6.1", "completions are worked off when asked for", Some(Level::A)),
    ("min_wait", "6.12", "batches with a bound", Some(Level::APlus)),
    ("SEND_ZC", "6.0", "sends without a copy; not used", None),
];

/// io_uring at `level`, the best this host has; `None`: none, for the reason `why`.
fn offer(level: Option<Level>, why: &str) -> Offer {
    let feature = |(name, since, what, needs): (&'static str, &'static str, &'static str, Option<Level>)| {
        // A poorer level is the greater one.
        let available = level.is_some_and(|best| needs.is_some_and(|needs| needs >= best));
        let why = if available { String::new() } else { why.to_owned() };
        Feature { name, since, what, level: needs, available, why }
    };
    let chosen = match level {
        Some(level) => EngineChoice { name: Name::Uring, level: level.as_str().to_owned(), why: why.to_owned() },
        None => EngineChoice { name: Name::Epoll, level: String::new(), why: why.to_owned() },
    };
    Offer { features: FEATURES.map(feature).to_vec(), chosen: Ok(chosen), locked_bytes: 100 << 10 }
}

fn limits(files: (u64, u64), locked: u64) -> String {
    format!(
        "Limit  Soft Limit  Hard Limit  Units\nMax open files  {}  {}  files\nMax locked memory  {locked}  {locked}  bytes\n",
        files.0, files.1
    )
}

impl Host {
    /// A guest with two CPUs, where the host decides most: nothing is wrong.
    fn vm() -> Host {
        let host = Host {
            files: BTreeMap::new(),
            allowed: vec![0, 1],
            url: None,
            ask: Ask::default(),
            engine: engine::EngineOptions::default(),
            requests_per_connection: None,
            nic: Some("lo"),
            offer: offer(Some(Level::APlus), "this kernel has all that is used"),
        };
        host.cores(&[(0, "0", 0), (1, "1", 0)])
            .with("/proc/sys/kernel/osrelease", "6.18.5")
            .with("/proc/sys/kernel/io_uring_disabled", "0")
            .with("/proc/sys/kernel/io_uring_group", "-1")
            .with("/proc/self/status", "Name:\tsaturing\nCapEff:\t0000000000000000\nSeccomp:\t0\n")
            .with("/proc/self/limits", &limits((1024, 524_288), 8 << 20))
            .with("/proc/self/cgroup", "0::/user.slice/session-1.scope\n")
            .with("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
            .with("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc hypervisor lahf_lm\n")
            .with("/proc/stat", "cpu  1000 0 500 90000 5 10 15 2 0 0\n")
            .with("/sys/devices/system/cpu/online", "0-1")
            .with("/sys/devices/system/cpu/isolated", "")
            .with("/sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm-clock")
            .with("/sys/class/dmi/id/sys_vendor", "QEMU")
            .with("/sys/class/net/lo/mtu", "65536")
            .with("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999")
            .with("/proc/sys/net/ipv4/tcp_tw_reuse", "2")
            .with("/proc/sys/net/ipv4/tcp_congestion_control", "cubic")
            .with("/proc/sys/net/core/somaxconn", "4096")
    }

    /// Two sockets of four cores with two threads each, and the card on the second. Ubuntu as it comes.
    fn xeon() -> Host {
        let mut host = Host::vm();
        let cores: Vec<(usize, String, usize)> =
            (0..16).map(|cpu| (cpu, format!("{},{}", cpu % 8, cpu % 8 + 8), cpu % 8 / 4)).collect();
        let cores: Vec<(usize, &str, usize)> = cores.iter().map(|(cpu, list, node)| (*cpu, &list[..], *node)).collect();
        host.allowed = (0..16).collect();
        host.url = Some("http://198.51.100.7:8080/");
        host.ask.connections = Some(10_000);
        host.nic = Some("ens1f0");
        host.offer = offer(Some(Level::A), "this kernel lacks min_wait (6.12)");
        host = host
            .cores(&cores)
            .with("/proc/sys/kernel/osrelease", "6.8.0-45-generic")
            .with("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc constant_tsc\n")
            .with("/sys/devices/system/cpu/online", "0-15")
            .with("/sys/devices/system/cpu/intel_pstate/no_turbo", "0")
            .with("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc")
            .with("/sys/devices/system/cpu/vulnerabilities/spectre_v2", "Mitigation: Enhanced IBRS")
            .with("/sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected")
            .with("/sys/class/dmi/id/sys_vendor", "Dell Inc.")
            .with("/sys/class/dmi/id/product_name", "PowerEdge R750")
            .with("/sys/class/net/ens1f0/device/numa_node", "1");
        // Those of the workers; more files make the tests slow.
        for cpu in 0..8 {
            host = host
                .with(&format!("{CPU}/cpu{cpu}/cpufreq/scaling_governor"), "powersave")
                .with(&format!("{CPU}/cpu{cpu}/cpufreq/scaling_driver"), "intel_pstate");
        }
        host = host
            .with(&format!("{CPU}/cpu0/cpuidle/state0/latency"), "0")
            .with(&format!("{CPU}/cpu0/cpuidle/state3/latency"), "133")
            .with(&format!("{CPU}/cpu0/cpuidle/state3/name"), "C6");
        (0..8).fold(host, |host, queue| host.with(&format!("/sys/class/net/ens1f0/queues/rx-{queue}/rps_cpus"), "0"))
    }

    /// A container with Docker's defaults and tight limits.
    fn container() -> Host {
        let mut host = Host::vm();
        host.allowed = vec![4, 5, 6, 7];
        host.url = Some("http://198.51.100.7/");
        host.ask.connections = Some(30_000);
        host.nic = Some("eth0");
        host.offer = offer(None, "io_uring: set-up failed: Operation not permitted (os error 1)");
        let cores = [(4, "4,20", 0), (5, "5,21", 0), (6, "6,22", 0), (7, "7,23", 0)];
        host.cores(&cores)
            .with("/proc/self/status", "Seccomp:\t2\nCapEff:\t00000000a80425fb\n")
            .with("/proc/self/limits", &limits((1024, 4096), 64 << 10))
            .with("/proc/self/cgroup", "0::/\n")
            .with("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n")
            .with("/sys/fs/cgroup/cpu.max", "150000 100000")
            .with("/sys/fs/cgroup/memory.max", "67108864")
            .with("/sys/devices/system/cpu/online", "0-31")
            .with("/sys/class/net/eth0/mtu", "1500")
            .with("/proc/sys/net/netfilter/nf_conntrack_max", "8192")
            .with("/proc/sys/net/netfilter/nf_conntrack_count", "100")
    }

    /// A kernel before io_uring's good years, on hardware of its age.
    fn old() -> Host {
        let mut host = Host::vm();
        host.url = Some("http://127.0.0.1:8080/");
        host.ask.connections = Some(500);
        host.requests_per_connection = Some(1);
        host.offer = offer(Some(Level::C), "this kernel lacks buffer rings (5.19)");
        host.without("/proc/sys/kernel/io_uring_disabled")
            .with("/proc/sys/kernel/osrelease", "5.15.0-91-generic")
            .with("/proc/self/limits", &limits((1024, 4096), 64 << 10))
            .with("/proc/self/cgroup", "4:memory:/box\n3:cpu,cpuacct:/box/one\n")
            .with(
                "/proc/self/mountinfo",
                "31 2 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
                 32 2 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
            )
            .with("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "50000")
            .with("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000")
            .with("/sys/fs/cgroup/cpu/box/one/cpu.cfs_quota_us", "-1")
            .with("/sys/fs/cgroup/cpu/box/one/cpu.cfs_period_us", "100000")
            .with("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712")
            .with("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave")
            .with("/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver", "acpi-cpufreq")
            .with("/sys/devices/system/cpu/cpufreq/boost", "0")
            .with("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet")
            .with("/sys/devices/system/clocksource/clocksource0/available_clocksource", "hpet acpi_pm")
            .with("/proc/sys/net/ipv4/tcp_tw_reuse", "0")
            .with("/proc/sys/net/core/somaxconn", "128")
    }

    fn with(mut self, path: &str, content: &str) -> Host {
        self.files.insert(path.to_owned(), content.to_owned());
        self
    }

    fn without(mut self, path: &str) -> Host {
        assert!(self.files.remove(path).is_some(), "{path} is there to be taken away");
        self
    }

    /// CPUs with their siblings and nodes.
    fn cores(mut self, cpus: &[(usize, &str, usize)]) -> Host {
        for (cpu, siblings, node) in cpus {
            self = self
                .with(&format!("{CPU}/cpu{cpu}/topology/thread_siblings_list"), siblings)
                .with(&format!("{CPU}/cpu{cpu}/topology/physical_package_id"), &node.to_string())
                .with(&format!("{CPU}/cpu{cpu}/node{node}/cpulist"), "");
        }
        self
    }

    fn examine(&self) -> Diagnosis {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Many small files: in memory where that goes.
        let memory = std::path::PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let root = folder.join(format!("saturing-doctor-{}-{number}", std::process::id()));
        for (path, content) in &self.files {
            let file = root.join(path.trim_start_matches('/'));
            fs::create_dir_all(file.parent().expect("below the root")).expect("a folder");
            fs::write(file, format!("{content}\n")).expect("a file");
        }
        let topology = Topology::group(&self.allowed, &root.join("sys/devices/system/cpu")).expect("CPUs");
        let nic = self
            .nic
            .map(|name| Nic { interface: name.to_owned(), node: crate::plan::nic::node(&root.join("sys"), name) });
        let plan = self.plan(&topology, nic.as_ref().and_then(|nic| nic.node));
        let files = Files::below(&root);
        let found = Case { plan: &plan, topology: &topology, nic, offer: self.offer.clone(), files }.examine();
        fs::remove_dir_all(root).expect("removed");
        found
    }

    fn plan(&self, topology: &Topology, nic_node: Option<usize>) -> Plan {
        let url = self.url.unwrap_or("http://127.0.0.1:80/");
        let spec = TargetSpec {
            urls: &[url.to_owned()],
            requests: &RequestsSpec::one("GET", &[], b""),
            unix_socket: None,
            sources: &[],
            tls: &TlsOptions::default(),
        };
        let target = Target::resolve(&spec, &mut Vec::new()).expect("a target");
        let server = match self.url {
            None => Server::BuiltIn,
            Some(_) if target.local => Server::ThisHost,
            Some(_) => Server::Elsewhere { nic_node },
        };
        let placed = place(topology, &self.ask, server).expect("placed");
        let load = Load {
            connections: placed.connections,
            pipeline: 1,
            until: Until { duration: Some(Duration::from_secs(1)), requests: None },
            requests_per_connection: self.requests_per_connection,
            resets: false,
            timeout: Duration::from_secs(2),
            drain: None,
            patience: None,
            open: None,
            warmup: Duration::ZERO,
            repeat: 1,
            steps: vec![],
            interval: Duration::from_secs(1),
        };
        Plan { target, load, placement: placed.placement, engine: self.engine, notes: placed.notes }
    }
}

fn finding<'a>(found: &'a Diagnosis, name: &str) -> &'a Finding {
    let mut all = found.findings.iter().filter(|finding| finding.name == name);
    let one = all.next().unwrap_or_else(|| panic!("{name} is looked at"));
    assert!(all.next().is_none(), "{name} once");
    one
}

#[test]
fn reports_equal_their_golden_files() {
    for (name, host, full_speed) in [
        ("vm", Host::vm(), true),
        ("xeon", Host::xeon(), true),
        ("container", Host::container(), false),
        ("old", Host::old(), false),
    ] {
        let found = host.examine();
        assert_eq!(found.full_speed, full_speed, "{name}");
        golden(&format!("doctor-{name}.txt"), &report::render(&found, false));
        golden(&format!("doctor-{name}.json"), &crate::report::json::render(&found).expect("JSON"));
    }
    golden("doctor-container-colour.txt", &report::render(&Host::container().examine(), true));
}

#[test]
fn every_finding_says_why_and_what_is_not_fine_how_to_change_it() {
    for host in [Host::vm(), Host::xeon(), Host::container(), Host::old()] {
        let found = host.examine();
        for finding in &found.findings {
            assert!(!finding.value.is_empty() && finding.why.ends_with('.'), "{finding:?}");
            assert_eq!(finding.command.is_some(), finding.status != Status::Fine, "{finding:?}");
        }
        let text = report::render(&found, false);
        let shown = found.findings.iter().filter(|one| one.status != Status::Fine).count();
        assert_eq!(text.matches("Change: ").count(), shown, "{text}");
        let json = crate::report::json::render(&found).expect("JSON");
        assert_eq!(serde_json::from_str::<Diagnosis>(&json).expect("read back"), found);
    }
}

/// What is changed of a host, and what is then found under a name.
type Row = (&'static str, fn(Host) -> Host, Status, &'static str);

fn hold(host: fn() -> Host, rows: &[Row]) {
    for (name, change, status, value) in rows {
        let found = change(host()).examine();
        let finding = finding(&found, name);
        assert!(finding.status == *status && finding.value.contains(value), "{name} {status:?} {value:?}: {finding:?}");
        let prevented = found.findings.iter().any(|one| one.status == Status::Prevents);
        assert_eq!(found.full_speed, !prevented, "{name}");
    }
}

use Status::{Better, Fine, Prevents};

#[test]
fn engines() {
    const SWITCH: &str = "/proc/sys/kernel/io_uring_disabled";
    fn none(mut host: Host) -> Host {
        host.offer = offer(None, "why");
        host
    }
    fn at(mut host: Host, level: Level) -> Host {
        host.offer = offer(Some(level), "why");
        host
    }
    fn seccomp(host: Host) -> Host {
        host.with("/proc/self/status", "Seccomp:\t2\n")
    }
    hold(
        Host::vm,
        &[
            ("engine", |host| host, Fine, "uring A+: this kernel"),
            ("engine", |host| at(host, Level::A), Fine, "uring A: why"),
            ("engine", |host| at(host, Level::AMinus), Prevents, "uring A-: why"),
            ("engine", none, Prevents, "epoll: why"),
            (
                "engine",
                |mut host| {
                    host.engine.level = Some(Level::B);
                    at(host, Level::B)
                },
                Better,
                "uring B",
            ),
            (
                "engine",
                |mut host| {
                    host.engine.name = Name::Epoll;
                    none(host)
                },
                Better,
                "epoll: why",
            ),
            (
                "engine",
                |mut host| {
                    host.offer.chosen = Err("no such thing".to_owned());
                    host
                },
                Prevents,
                "none: no such thing",
            ),
            ("io_uring_disabled", |host| host, Fine, "0"),
            ("io_uring_disabled", |host| host.without(SWITCH), Fine, "no such switch"),
            ("io_uring_disabled", |host| host.with(SWITCH, "1"), Fine, "this process is allowed"),
            ("io_uring_disabled", |host| none(host.with(SWITCH, "1")), Prevents, "1"),
            (
                "io_uring_disabled",
                |host| none(host.with(SWITCH, "1").with("/proc/sys/kernel/io_uring_group", "27")),
                Prevents,
                "1, io_uring_group 27",
            ),
            ("io_uring_disabled", |host| none(host.with(SWITCH, "2")), Prevents, "2"),
            (
                "io_uring_disabled",
                |mut host| {
                    host.engine.name = Name::Epoll;
                    none(host.with(SWITCH, "2"))
                },
                Better,
                "2",
            ),
            ("seccomp", seccomp, Fine, "lets io_uring pass"),
            ("seccomp", |host| none(seccomp(host)), Prevents, "cannot be had"),
            ("seccomp", |host| none(seccomp(host).with(SWITCH, "2")), Better, "besides"),
            ("seccomp", |host| host.without("/proc/self/status"), Fine, "no filter"),
            ("io_uring features", none, Prevents, "no: why"),
            ("min_wait", |host| at(host, Level::A), Better, "no (Linux 6.12): batches with a bound; why"),
            ("DEFER_TASKRUN", |host| at(host, Level::AMinus), Prevents, "no (Linux 6.1)"),
            ("DEFER_TASKRUN", |host| host, Fine, "yes (Linux 6.1)"),
            ("SEND_ZC", |host| host, Fine, "no, nor needed"),
            (
                "buffer ring",
                |mut host| {
                    host.offer.features[1].available = false;
                    host.offer.features[1].why = std::io::Error::from_raw_os_error(12).to_string();
                    host
                },
                Better,
                "could not be tried",
            ),
        ],
    );
}

#[test]
fn limits_of_process_and_container() {
    const LIMITS: &str = "/proc/self/limits";
    fn connections(mut host: Host, count: usize) -> Host {
        host.ask.connections = Some(count);
        host
    }
    fn short(host: Host) -> Host {
        host.with(LIMITS, &limits((1024, 4096), 64 << 10))
    }
    hold(
        Host::vm,
        &[
            ("locked memory", |host| host, Fine, "100.00KB needed for 1 worker, 8.00MB allowed"),
            ("locked memory", short, Prevents, "64.00KB allowed"),
            (
                "locked memory",
                |mut host| {
                    host.engine.name = Name::Epoll;
                    short(host)
                },
                Better,
                "64.00KB allowed",
            ),
            ("locked memory", |host| short(host).with("/proc/sys/kernel/osrelease", "6.8.0-1"), Fine, "does not count"),
            (
                "locked memory",
                |host| short(host).with("/proc/self/status", "CapEff:\t0000000000004000\n"),
                Fine,
                "CAP_IPC_LOCK",
            ),
            ("locked memory", |host| host.without(LIMITS), Fine, "limit unknown"),
            (
                "locked memory",
                |host| host.with(LIMITS, "Max locked memory  unlimited  unlimited  bytes"),
                Fine,
                "unlimited",
            ),
            ("open files", |host| host, Fine, "168 needed for 64 connections, 1024 allowed"),
            ("open files", |host| connections(host, 1000), Fine, "raises that by itself, up to 524288"),
            ("open files", |host| short(connections(host, 3000)), Prevents, "6040 needed"),
            ("open files", |host| host.without(LIMITS), Fine, "limit unknown"),
            ("CPU quota", |host| host, Fine, "none"),
            ("CPU quota", |host| host.with("/sys/fs/cgroup/cpu.max", "max 100000"), Fine, "none"),
            ("CPU quota", |host| host.with("/sys/fs/cgroup/cpu.max", "200000 100000"), Fine, "2.00 CPUs"),
            (
                "CPU quota",
                |host| {
                    host.with("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000")
                        .with("/sys/fs/cgroup/user.slice/session-1.scope/cpu.max", "400000 100000")
                },
                Prevents,
                "1.50 CPUs, 2 to be busy",
            ),
            ("memory limit", |host| host, Fine, "none; about 19.25MB needed"),
            ("memory limit", |host| host.with("/sys/fs/cgroup/memory.max", "max"), Fine, "none"),
            ("memory limit", |host| host.with("/sys/fs/cgroup/memory.max", "536870912"), Fine, "512.00MB allowed"),
            ("memory limit", |host| host.with("/sys/fs/cgroup/memory.max", "9000000"), Prevents, "8.58MB allowed"),
            ("CPUs allowed", |host| host, Fine, "0-1, all"),
            ("CPUs allowed", |host| host.with(&format!("{CPU}/online"), "0-3"), Fine, "0-1 of 0-3 online"),
            ("CPUs allowed", |host| host.without(&format!("{CPU}/online")), Fine, "0-1"),
        ],
    );
    // Version 1, as a container without a namespace of its own sees it.
    let old = Host::old()
        .with("/proc/self/cgroup", "3:cpu,cpuacct:/docker/abc\n")
        .with("/proc/self/mountinfo", "31 2 0:28 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n")
        .with("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "25000")
        .with("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
    let quota = old.examine();
    assert!(finding(&quota, "CPU quota").value.starts_with("0.25 CPUs"), "{quota:?}");
}

#[test]
fn cpus_and_clocks() {
    fn governor(mut host: Host, name: &str, driver: &str) -> Host {
        for cpu in 0..8 {
            host = host
                .with(&format!("{CPU}/cpu{cpu}/cpufreq/scaling_governor"), name)
                .with(&format!("{CPU}/cpu{cpu}/cpufreq/scaling_driver"), driver);
        }
        host
    }
    fn cpus(mut host: Host, cpus: &[usize]) -> Host {
        host.ask.cpus = Some(cpus.to_vec());
        host
    }
    const CLOCK: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    hold(
        Host::xeon,
        &[
            ("governor", |host| host, Better, "powersave on CPUs 0-7 (driver intel_pstate)"),
            ("governor", |host| governor(host, "powersave", "intel_cpufreq"), Prevents, "powersave"),
            ("governor", |host| governor(host, "schedutil", "intel_cpufreq"), Better, "schedutil"),
            ("governor", |host| governor(host, "performance", "intel_pstate"), Fine, "performance on CPUs 0-7"),
            ("turbo", |host| host, Fine, "on"),
            ("turbo", |host| host.with(&format!("{CPU}/intel_pstate/no_turbo"), "1"), Better, "off"),
            ("turbo", |host| host.without(&format!("{CPU}/intel_pstate/no_turbo")), Fine, "no switch here"),
            ("idle states", |host| host, Better, "the deepest, C6, takes 133 us"),
            ("idle states", |host| host.with(&format!("{CPU}/cpu0/cpuidle/state3/disable"), "1"), Fine, "state0"),
            ("SMT", |host| host, Fine, "8 cores with up to 2 CPUs (siblings as 0,8)"),
            ("SMT", |host| cpus(host, &[0, 8]), Better, "both in use on CPUs 0,8"),
            ("NUMA", |host| host, Better, "2 nodes; ens1f0 is on node 1, with 4 of 8 worker CPUs"),
            ("NUMA", |host| cpus(host, &[4, 5]), Fine, "with 2 of 2 worker CPUs"),
            ("NUMA", |host| host.with("/sys/class/net/ens1f0/device/numa_node", "-1"), Fine, "none of its own"),
            ("NUMA", |host| Host { nic: Some("none"), ..host }, Fine, "none of its own"),
            ("isolated CPUs", |host| host, Fine, "none"),
            ("isolated CPUs", |host| host.with(&format!("{CPU}/isolated"), "4-7"), Better, "4-7; 4 of 8 worker CPUs"),
            (
                "isolated CPUs",
                |host| {
                    let host = host.with(&format!("{CPU}/isolated"), "4-7").with(&format!("{CPU}/nohz_full"), "4-7");
                    cpus(host, &[4, 5])
                },
                Fine,
                "4-7, nohz_full 4-7; 2 of 2 worker CPUs",
            ),
            ("machine", |host| host, Fine, "no sign of a virtual machine (Dell Inc. PowerEdge R750)"),
            ("clocksource", |host| host, Fine, "tsc"),
            ("clocksource", |host| host.with(CLOCK, "acpi_pm"), Better, "acpi_pm"),
            ("clocksource", |host| host.without(CLOCK), Fine, "unknown"),
            ("mitigations", |host| host, Fine, "1 in force (spectre_v2)"),
        ],
    );
    hold(
        Host::vm,
        &[
            ("placement", |host| host, Fine, "1 worker on CPU 0, the built-in server on CPU 1"),
            (
                "placement",
                |host| Host { allowed: vec![1], ..host },
                Prevents,
                "1 worker on CPU 1, the built-in server on CPU 1",
            ),
            (
                "placement",
                |mut host| {
                    host.ask.threads = Some(3);
                    host
                },
                Prevents,
                "3 workers on CPU 0",
            ),
            ("governor", |host| host, Fine, "no cpufreq here"),
            ("idle states", |host| host, Fine, "none here"),
            ("NUMA", |host| host, Fine, "this host is the target"),
            ("machine", |host| host, Fine, "a virtual machine (QEMU), 0.13 % of busy time stolen"),
            ("machine", |host| host.with("/proc/stat", "cpu  100 0 50 90 5 10 15 25 0 0"), Better, "12.50 %"),
            ("machine", |host| host.without("/proc/stat"), Fine, "steal unknown"),
            ("mitigations", |host| host, Fine, "unknown"),
        ],
    );
}

#[test]
fn networks() {
    const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
    const REUSE: &str = "/proc/sys/net/ipv4/tcp_tw_reuse";
    const TABLE: &str = "/proc/sys/net/netfilter/nf_conntrack_max";
    fn connections(mut host: Host, count: usize) -> Host {
        host.ask.connections = Some(count);
        host
    }
    fn short_lived(host: Host) -> Host {
        Host { requests_per_connection: Some(1), ..host }
    }
    hold(
        Host::xeon,
        &[
            ("local ports", |host| host, Fine, "28232 for 10000 connections"),
            ("local ports", |host| connections(host, 40_000), Prevents, "28232 for 40000 connections"),
            ("local ports", |host| host.with(RANGE, "1024 5023"), Prevents, "4000 for"),
            (
                "local ports",
                |host| host.with("/proc/sys/net/ipv4/ip_local_reserved_ports", "80,32768-42767,60990-65000"),
                Fine,
                "18222 for",
            ),
            ("local ports", |host| host.without(RANGE), Fine, "range unknown"),
            ("tcp_tw_reuse", |host| host, Fine, "does not matter"),
            ("tcp_tw_reuse", short_lived, Better, "2, on loopback"),
            ("tcp_tw_reuse", |host| short_lived(host.with(REUSE, "1")), Fine, "1, everywhere"),
            ("tcp_tw_reuse", |host| host.without(REUSE), Fine, "unknown"),
            ("somaxconn", |host| host, Fine, "the other host's"),
            ("connection tracking", |host| host, Fine, "not loaded"),
            ("connection tracking", |host| host.with(TABLE, "262144"), Fine, "0 of 262144"),
            ("connection tracking", |host| host.with(TABLE, "8192"), Prevents, "10000 to come"),
            ("congestion control", |host| host, Fine, "cubic"),
            ("congestion control", |host| host.with("/proc/sys/net/ipv4/tcp_congestion_control", "bbr"), Better, "bbr"),
            ("network card", |host| host, Fine, "ens1f0: 8 receive queues for 8 workers"),
            (
                "network card",
                |mut host| {
                    host.ask.threads = Some(9);
                    host
                },
                Better,
                "8 receive queues for 9 workers",
            ),
            (
                "network card",
                |host| Host { nic: Some("bond0"), ..host.with("/sys/class/net/bond0/lower_ens1f0/mtu", "") },
                Fine,
                "ens1f0, below bond0: 8",
            ),
            ("network card", |host| Host { nic: Some("eth9"), ..host }, Fine, "eth9 is no card"),
            ("network card", |host| Host { nic: None, ..host }, Better, "no way to the target"),
        ],
    );
    hold(
        Host::vm,
        &[
            ("somaxconn", |host| host, Fine, "4096 for 64 connections"),
            ("somaxconn", |host| connections(host, 5_000), Better, "4096 for 5000 connections"),
            ("somaxconn", |host| host.without("/proc/sys/net/core/somaxconn"), Fine, "unknown"),
            ("tcp_tw_reuse", short_lived, Fine, "2, on loopback"),
            ("tcp_tw_reuse", |host| short_lived(host.with(REUSE, "0")), Better, "0, never"),
            ("network card", |host| host, Fine, "none in between"),
        ],
    );
}
