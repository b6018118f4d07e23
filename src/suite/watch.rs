//! What the processes of a group use, from /proc.

use std::fs;

use nix::unistd::{SysconfVar, sysconf};

use crate::result::suite::Watched;

/// Groups that are watched.
pub(super) struct Watch {
    groups: Vec<One>,
    ticks_per_s: f64,
    page_bytes: u64,
}

struct One {
    group: i32,
    /// CPU time at the beginning, and at the last look, in ticks.
    began: u64,
    now: u64,
    most: Watched,
}

/// A line of /proc/PID/stat.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    group: i32,
    /// User's and kernel's, its own and of children it has waited for.
    ticks: u64,
    threads: u64,
    pages: u64,
}

impl Watch {
    /// Watches process groups from now on.
    pub(super) fn new(groups: &[i32]) -> Watch {
        let conf = |var| sysconf(var).ok().flatten().and_then(|value| u64::try_from(value).ok());
        let one = |group: &i32| One { group: *group, began: 0, now: 0, most: Watched::default() };
        let mut watch = Watch {
            groups: groups.iter().map(one).collect(),
            ticks_per_s: conf(SysconfVar::CLK_TCK).unwrap_or(100) as f64,
            page_bytes: conf(SysconfVar::PAGE_SIZE).unwrap_or(4096),
        };
        watch.look();
        watch.groups.iter_mut().for_each(|one| one.began = one.now);
        watch
    }

    /// Looks once more.
    pub(super) fn look(&mut self) {
        if self.groups.is_empty() {
            return;
        }
        let stats = stats();
        for one in &mut self.groups {
            let mut seen = Watched::default();
            let mut ticks = 0;
            for stat in stats.iter().filter(|stat| stat.group == one.group) {
                ticks += stat.ticks;
                seen.rss_bytes += stat.pages * self.page_bytes;
                seen.threads += stat.threads;
                seen.processes += 1;
            }
            // A group that has ended has used what it had used before.
            one.now = one.now.max(ticks);
            let most = &mut one.most;
            most.rss_bytes = most.rss_bytes.max(seen.rss_bytes);
            most.threads = most.threads.max(seen.threads);
            most.processes = most.processes.max(seen.processes);
        }
    }

    /// What each group has used since the beginning, in their order.
    pub(super) fn end(mut self) -> Vec<Watched> {
        self.look();
        let used = |one: &One| Watched { cpu_s: (one.now - one.began) as f64 / self.ticks_per_s, ..one.most };
        self.groups.iter().map(used).collect()
    }
}

fn stats() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let is_process = |name: &std::ffi::OsStr| name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
    let of = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("stat")).ok();
        text.filter(|_| is_process(&entry.file_name())).and_then(|text| parse(&text))
    };
    entries.filter_map(|entry| of(entry.ok()?)).collect()
}

/// See proc_pid_stat(5). The name is in parentheses and may have anything in it.
fn parse(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // The first behind the name is the third.
    let number = |nth: usize| fields.get(nth - 3)?.parse::<u64>().ok();
    Some(Stat {
        group: fields.get(5 - 3)?.parse().ok()?,
        ticks: number(14)? + number(15)? + number(16)? + number(17)?,
        threads: number(20)?,
        pages: number(24)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat() {
        let text =
            "4711 (a) b (c) S 1 4700 4700 0 -1 4194560 1 2 3 4 10 20 3 4 20 0 7 0 123 1000000 55 18446744073709551615";
        assert_eq!(parse(text), Some(Stat { group: 4700, ticks: 37, threads: 7, pages: 55 }));
        assert_eq!(parse("4711 (a) S 1"), None);
    }

    #[test]
    fn a_busy_group_is_seen() {
        let own = nix::unistd::getpgrp().as_raw();
        let watch = Watch::new(&[own, -5]);
        let mut sum = 0u64;
        while watch_ticks() < watch.groups[0].began + 3 {
            sum = (0..1_000_000u64).fold(sum, |sum, n| sum.wrapping_mul(31).wrapping_add(n));
        }
        let [used, nobody] = watch.end()[..] else { panic!("two groups") };
        assert!(used.cpu_s >= 0.02 && used.threads >= 1 && used.rss_bytes > 1 << 20, "{used:?} {sum}");
        assert_eq!(nobody, Watched::default());
    }

    fn watch_ticks() -> u64 {
        let own = nix::unistd::getpgrp().as_raw();
        stats().iter().filter(|stat| stat.group == own).map(|stat| stat.ticks).sum()
    }
}
