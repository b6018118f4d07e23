//! What the kernel tells in files, below a root: that of this host, or a copy of another's.

use std::fs;
use std::path::{Path, PathBuf};

use crate::plan::cpus::parse_list;

/// The files of a host.
#[derive(Debug, Clone)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    /// This host's.
    pub fn of_this_host() -> Files {
        Files::below(Path::new("/"))
    }

    /// Those of a host whose /proc and /sys are below `root`.
    pub fn below(root: &Path) -> Files {
        Files { root: root.to_owned() }
    }

    /// Where `path`, written from the host's own root, is.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// What stands in a file, without white space around it; `None` if it cannot be read.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok().map(|text| text.trim().to_owned())
    }

    /// The number in a file.
    pub(super) fn number(&self, path: &str) -> Option<u64> {
        self.text(path)?.parse().ok()
    }

    /// A list of CPUs in a file; an empty one is one too.
    pub(super) fn cpus(&self, path: &str) -> Option<Vec<usize>> {
        let text = self.text(path)?;
        if text.is_empty() { Some(Vec::new()) } else { parse_list(&text) }
    }

    /// The names in a folder, sorted; none where there is no such folder.
    pub(super) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }

    /// What follows `name` in /proc/self/status.
    pub(super) fn status(&self, name: &str) -> Option<String> {
        let status = self.text("/proc/self/status")?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().to_owned())
    }

    /// Soft and hard limit of /proc/self/limits; `u64::MAX` for none.
    pub(super) fn limit(&self, name: &str) -> Option<(u64, u64)> {
        let limits = self.text("/proc/self/limits")?;
        let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
        let mut numbers = line.split_whitespace().map(|word| word.parse().unwrap_or(u64::MAX));
        numbers.next().zip(numbers.next())
    }
}
