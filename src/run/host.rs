//! What this machine is.

use std::fs;

use crate::result::Host;

/// Asks the kernel; what it does not tell stays empty.
pub(super) fn describe() -> Host {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    Host {
        kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
        cpu: cpu_model(&text("/proc/cpuinfo")),
        cpus_online: thread_count(&text("/proc/cpuinfo")),
        hostname: text("/proc/sys/kernel/hostname").trim().to_owned(),
        cpu_pressure_share: None,
    }
}

fn cpu_model(cpuinfo: &str) -> String {
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(String::new, |(_, name)| name.trim().to_owned())
}

fn thread_count(cpuinfo: &str) -> usize {
    cpuinfo.lines().filter(|line| line.starts_with("processor")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpuinfo_is_read() {
        let text = "processor\t: 0\nmodel name\t: Fast CPU @ 3 GHz\n\nprocessor\t: 1\nmodel name\t: Fast CPU @ 3 GHz\n";
        assert_eq!((cpu_model(text).as_str(), thread_count(text)), ("Fast CPU @ 3 GHz", 2));
        assert_eq!((cpu_model("").as_str(), thread_count("")), ("", 0));
    }
}
