//! CPUs: lists of them, which are allowed to this process, and which share a physical core.

use super::error::Error;
use std::path::Path;

const SYSFS: &str = "/sys/devices/system/cpu";

/// A physical core, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Core {
    /// Its allowed CPUs, the siblings of simultaneous multithreading; never empty.
    pub cpus: Vec<usize>,
    /// The number of its package (socket); `None` where the kernel does not tell.
    pub package: Option<usize>,
    /// The number of its NUMA node; `None` where there are none.
    pub node: Option<usize>,
    /// What it can do beside the strongest core, which has 1024: efficiency cores have less. `None` where all are alike.
    pub capacity: Option<usize>,
}

impl Core {
    fn read(cpu: usize, allowed: &[usize], sysfs: &Path) -> Core {
        let folder = sysfs.join(format!("cpu{cpu}"));
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
        let count = |name: &str| text(name).and_then(|text| text.trim().parse().ok());
        let siblings = text("topology/thread_siblings_list").and_then(|text| parse_list(text.trim()));
        let mut cpus = siblings.unwrap_or_default();
        cpus.retain(|sibling| *sibling != cpu && allowed.contains(sibling));
        cpus.insert(0, cpu);
        Core {
            cpus,
            package: count("topology/physical_package_id"),
            node: node(&folder),
            capacity: count("cpu_capacity"),
        }
    }
}

/// The NUMA node of a CPU: its folder holds a link to the node's.
fn node(folder: &Path) -> Option<usize> {
    let names = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.file_name());
    let mut numbers = names.filter_map(|name| number(name.to_str()?.strip_prefix("node")?));
    numbers.next()
}

/// The CPUs allowed to this process, grouped by physical core.
///
/// Allowed is what the affinity mask says: without offline CPUs, within a container's set, and isolated CPUs (`isolcpus`) only where
/// somebody put this process on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// At least one, in the order of their first CPUs.
    cores: Vec<Core>,
}

impl Topology {
    /// Asks the kernel.
    ///
    /// # Errors
    /// The kernel does not say which CPUs are allowed.
    pub fn read() -> Result<Topology, Error> {
        let allowed: Vec<usize> =
            core_affinity::get_core_ids().unwrap_or_default().iter().map(|core| core.id).collect();
        Topology::group(&allowed, Path::new(SYSFS))
            .ok_or_else(|| Error::Start("cannot tell which CPUs are allowed (sched_getaffinity)".to_owned()))
    }

    /// Groups `allowed` by the physical cores that `sysfs` tells of. A CPU that it does not know
    /// counts as a core of its own. `None` when no CPU is allowed.
    pub fn group(allowed: &[usize], sysfs: &Path) -> Option<Topology> {
        let mut cores: Vec<Core> = Vec::new();
        for &cpu in allowed {
            if !cores.iter().any(|core| core.cpus.contains(&cpu)) {
                cores.push(Core::read(cpu, allowed, sysfs));
            }
        }
        (!cores.is_empty()).then_some(Topology { cores })
    }

    /// The physical cores, those with the lowest CPU first.
    pub fn cores(&self) -> &[Core] {
        &self.cores
    }

    /// Every allowed CPU, ascending.
    pub fn allowed(&self) -> Vec<usize> {
        let mut allowed: Vec<usize> = self.cores.iter().flat_map(|core| core.cpus.iter().copied()).collect();
        allowed.sort_unstable();
        allowed
    }

    /// The core that `cpu` belongs to.
    pub fn core_of(&self, cpu: usize) -> Option<&Core> {
        self.cores.iter().find(|core| core.cpus.contains(&cpu))
    }

    /// How many allowed CPUs the widest core has.
    pub fn smt_width(&self) -> usize {
        self.cores.iter().map(|core| core.cpus.len()).max().unwrap_or(1)
    }

    /// The cores, best first for a worker: strong ones before weak ones, then those on NUMA node `near`, then those of its package.
    pub(super) fn ranked(&self, near: Option<usize>) -> Vec<&Core> {
        let package = near.and_then(|node| self.cores.iter().find(|core| core.node == Some(node))?.package);
        let mut ranked: Vec<&Core> = self.cores.iter().collect();
        ranked.sort_by_key(|core| {
            let capacity = std::cmp::Reverse(core.capacity.unwrap_or(1024));
            let elsewhere = near.is_some() && core.node != near;
            (capacity, elsewhere, package.is_some() && core.package != package)
        });
        ranked
    }
}

/// The CPUs of `cores`, best first: one of each core, then the second of each, and so on.
pub(super) fn spread(cores: &[&Core]) -> Vec<usize> {
    let deepest = cores.iter().map(|core| core.cpus.len()).max().unwrap_or(0);
    (0..deepest).flat_map(|nth| cores.iter().filter_map(move |core| core.cpus.get(nth).copied())).collect()
}

/// Reads a list such as `0,2-5`, in the order given, each CPU once. `None` if it is no such list.
pub fn parse_list(text: &str) -> Option<Vec<usize>> {
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return None;
        }
        for cpu in first..=last {
            if !cpus.contains(&cpu) {
                cpus.push(cpu);
            }
        }
    }
    Some(cpus)
}

/// A CPU's number: digits alone, and small enough that no range is huge.
fn number(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse::<u16>().ok().filter(|cpu| digits && *cpu < 8192).map(usize::from)
}

/// Writes `cpus` as a list such as `0,2-5`, ascending.
pub fn format_list(cpus: &[usize]) -> String {
    let mut sorted = cpus.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let runs = sorted.chunk_by(|before, after| before + 1 == *after);
    let parts: Vec<String> = runs
        .map(|run| match run {
            [one] => one.to_string(),
            more => format!("{}-{}", more[0], more[more.len() - 1]),
        })
        .collect();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        for (text, cpus) in
            [("0", vec![0]), ("0,2-5", vec![0, 2, 3, 4, 5]), ("3,1,1-3", vec![3, 1, 2]), ("7-7", vec![7])]
        {
            assert_eq!(parse_list(text), Some(cpus), "{text}");
        }
        for text in ["", ",", "0,", "a", "-1", "1-", "5-2", "0-99999", "8192", "+1", " 1", "1 ", "0x1", "1-2-3"] {
            assert_eq!(parse_list(text), None, "{text}");
        }
    }

    #[test]
    fn lists_and_back() {
        for (cpus, text) in
            [(&[0][..], "0"), (&[5, 2, 0, 3, 4], "0,2-5"), (&[0, 1], "0-1"), (&[1, 3, 1], "1,3"), (&[], "")]
        {
            assert_eq!(format_list(cpus), text);
        }
    }

    /// A sysfs of `groups` of siblings, as the kernel writes it.
    fn sysfs(name: &str, groups: &[&str]) -> std::path::PathBuf {
        let root = std::env::temp_dir().join(format!("saturing-{name}-{}", std::process::id()));
        for group in groups {
            for cpu in parse_list(group).expect("a list") {
                let folder = root.join(format!("cpu{cpu}/topology"));
                std::fs::create_dir_all(&folder).expect("a folder");
                std::fs::write(folder.join("thread_siblings_list"), format!("{group}\n")).expect("a file");
            }
        }
        root
    }

    #[test]
    fn cores_from_sysfs() {
        let root = sysfs("topology", &["0,4", "1,5", "2-3"]);
        let cores = |found: Topology| found.cores.into_iter().map(|core| core.cpus).collect::<Vec<_>>();
        let group = |allowed: &[usize]| Topology::group(allowed, &root).map(cores);
        assert_eq!(group(&[0, 1, 2, 3, 4, 5]), Some(vec![vec![0, 4], vec![1, 5], vec![2, 3]]), "siblings are grouped");
        assert_eq!(group(&[3, 4, 5]), Some(vec![vec![3], vec![4], vec![5]]), "only allowed ones");
        assert_eq!(group(&[0, 9]), Some(vec![vec![0], vec![9]]), "an unknown CPU is a core");
        assert_eq!(group(&[]), None);
        std::fs::remove_dir_all(root).expect("removed");
    }

    #[test]
    fn this_machine_has_the_cpus_that_are_allowed() {
        let allowed = Topology::read().expect("a topology").allowed();
        let status = std::fs::read_to_string("/proc/thread-self/status").expect("procfs");
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        assert_eq!(Some(format_list(&allowed).as_str()), line.map(str::trim));
    }

    #[test]
    fn spread_takes_one_of_each_core_first() {
        let core = |cpus: &[usize]| Core { cpus: cpus.to_vec(), package: None, node: None, capacity: None };
        let cores = [core(&[0, 4]), core(&[1, 5]), core(&[2])];
        assert_eq!(spread(&cores.iter().collect::<Vec<_>>()), [0, 1, 2, 4, 5]);
        assert!(spread(&[]).is_empty());
    }

    #[test]
    fn where_a_core_is() {
        let root = sysfs("places", &["0,2", "1", "3"]);
        for (name, content) in [
            ("cpu0/topology/physical_package_id", "0\n"),
            ("cpu0/node1/cpulist", ""),
            ("cpu0/cpu_capacity", "1024\n"),
            ("cpu1/topology/physical_package_id", "-1\n"),
            ("cpu1/node/cpulist", ""),
            ("cpu1/cpu_capacity", "512\n"),
        ] {
            let file = root.join(name);
            std::fs::create_dir_all(file.parent().expect("below the root")).expect("a folder");
            std::fs::write(file, content).expect("a file");
        }
        let topology = Topology::group(&[0, 1, 2, 3], &root).expect("CPUs");
        let core = |cpus: &[usize], package, node, capacity| Core { cpus: cpus.to_vec(), package, node, capacity };
        let expected = [
            core(&[0, 2], Some(0), Some(1), Some(1024)),
            core(&[1], None, None, Some(512)),
            core(&[3], None, None, None),
        ];
        assert_eq!(topology.cores(), expected);
        assert_eq!((topology.smt_width(), topology.core_of(2)), (2, expected.first()));
        assert_eq!(topology.ranked(None), [&expected[0], &expected[2], &expected[1]], "the weak one last");
        std::fs::remove_dir_all(root).expect("removed");
    }
}
