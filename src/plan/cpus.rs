//! CPUs: lists of them, which are allowed to this process, and which share a physical core.

use super::error::Error;
use std::path::Path;

const SYSFS: &str = "/sys/devices/system/cpu";

/// The CPUs allowed to this process, grouped by physical core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// For each physical core its allowed CPUs; no group is empty, and there is at least one.
    cores: Vec<Vec<usize>>,
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
        let mut cores: Vec<Vec<usize>> = Vec::new();
        for &cpu in allowed {
            if cores.iter().flatten().any(|&known| known == cpu) {
                continue;
            }
            let file = sysfs.join(format!("cpu{cpu}/topology/thread_siblings_list"));
            let siblings = std::fs::read_to_string(file).ok().and_then(|text| parse_list(text.trim()));
            let mut core = siblings.unwrap_or_default();
            core.retain(|sibling| *sibling != cpu && allowed.contains(sibling));
            core.insert(0, cpu);
            cores.push(core);
        }
        (!cores.is_empty()).then_some(Topology { cores })
    }

    /// For each physical core its allowed CPUs.
    pub fn cores(&self) -> &[Vec<usize>] {
        &self.cores
    }

    /// Every allowed CPU, ascending.
    pub fn allowed(&self) -> Vec<usize> {
        let mut allowed = self.cores.concat();
        allowed.sort_unstable();
        allowed
    }
}

/// The CPUs of `cores`, best first: one of each core, then the second of each, and so on.
pub(super) fn spread(cores: &[Vec<usize>]) -> Vec<usize> {
    let deepest = cores.iter().map(Vec::len).max().unwrap_or(0);
    (0..deepest).flat_map(|nth| cores.iter().filter_map(move |core| core.get(nth).copied())).collect()
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
        let group = |allowed: &[usize]| Topology::group(allowed, &root).map(|found| found.cores);
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
        assert_eq!(spread(&[vec![0, 4], vec![1, 5], vec![2]]), [0, 1, 2, 4, 5]);
        assert!(spread(&[]).is_empty());
    }
}
