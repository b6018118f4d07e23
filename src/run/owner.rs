//! Who listens at the target's addresses, if that is a process of this host: from the listening socket's inode to the
//! processes that hold it. All of them: workers forked from one parent share a socket, others have one each (SO_REUSEPORT).

mod listening;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::plan::Target;

/// The processes behind a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) pids: Vec<u32>,
    pub(super) name: String,
}

/// A thread as it was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Thread {
    pub(super) cpu_ns: u64,
    /// The CPU it ran on last.
    pub(super) cpu: usize,
}

/// By thread id.
pub(super) type Threads = BTreeMap<u32, Thread>;

/// The name of the built-in server's threads: in our own process only they are the target's.
const BUILT_IN: &str = "server";
/// In this form TCP's tables write the state of a socket that listens.
const LISTENS: &str = "0A";

impl Owner {
    /// Looks for it; `None` if nobody is found, or nobody who may be looked at.
    pub(super) fn find(target: &Target) -> Option<Owner> {
        match &target.unix_socket {
            Some(path) => Owner::of_unix(path),
            None => Owner::of_tcp(&target.addresses),
        }
    }

    fn of_unix(path: &Path) -> Option<Owner> {
        let table = File::open("/proc/net/unix").ok()?;
        Owner::of(&unix_listeners(BufReader::new(table), &path.to_string_lossy()))
    }

    fn of_tcp(addresses: &[SocketAddr]) -> Option<Owner> {
        let inodes = listening::all().map(|all| of_listeners(all, addresses));
        Owner::of(&inodes.unwrap_or_else(|_| of_tables(addresses)))
    }

    /// Who holds these sockets.
    fn of(inodes: &BTreeSet<u64>) -> Option<Owner> {
        if inodes.is_empty() {
            return None;
        }
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let mut pids: Vec<u32> = ids.filter(|pid| holds(*pid, inodes)).collect();
        pids.sort_unstable();
        let name = text(&format!("/proc/{}/comm", pids.first()?)).trim().to_owned();
        Some(Owner { pids, name })
    }

    /// All threads of all its processes.
    pub(super) fn threads(&self) -> Threads {
        let mut threads = Threads::new();
        for pid in &self.pids {
            let is_own = *pid == std::process::id();
            let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
            for task in tasks.flatten() {
                let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
                let id = task.file_name().to_str().and_then(|name| name.parse().ok());
                let seen = thread(&read("stat"), &read("schedstat"));
                if let (Some(id), Some((name, thread))) = (id, seen)
                    && (!is_own || name == BUILT_IN)
                {
                    threads.insert(id, thread);
                }
            }
        }
        threads
    }
}

/// The inodes of those that listen at one of `addresses`.
fn of_listeners(all: Vec<(SocketAddr, u64)>, addresses: &[SocketAddr]) -> BTreeSet<u64> {
    let takes = |bound: SocketAddr, wanted: &SocketAddr| {
        bound.port() == wanted.port() && (bound.ip() == wanted.ip() || is_for_all(bound.ip(), wanted.ip()))
    };
    let is_it = |bound: SocketAddr| addresses.iter().any(|wanted| takes(bound, wanted));
    all.into_iter().filter(|(bound, inode)| *inode != 0 && is_it(*bound)).map(|(_, inode)| inode).collect()
}

/// The same from the tables in /proc, where the kernel tells it in no other way.
fn of_tables(addresses: &[SocketAddr]) -> BTreeSet<u64> {
    let listeners = |table: &str| File::open(table).map(|file| listeners(BufReader::new(file))).unwrap_or_default();
    let all = ["/proc/net/tcp", "/proc/net/tcp6"].map(listeners).concat();
    of_listeners(all, addresses)
}

/// The sockets in a table of TCP's that listen. They come first in it: what follows is not even read, as it may be tens of thousands of
/// connections that have ended.
fn listeners(table: impl BufRead) -> Vec<(SocketAddr, u64)> {
    let mut found = Vec::new();
    for line in table.lines().skip(1).map_while(Result::ok) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (Some(local), Some(&LISTENS), Some(inode)) = (words.get(1), words.get(3), words.get(9)) else { break };
        found.extend(address(local).zip(inode.parse::<u64>().ok()));
    }
    found
}

/// Bound to all addresses of a family that takes `wanted`: IPv6 takes both, unless told otherwise.
fn is_for_all(bound: IpAddr, wanted: IpAddr) -> bool {
    bound.is_unspecified() && (bound.is_ipv6() || wanted.is_ipv4())
}

/// `0100007F:1F90`: words of 32 bits in the host's order.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match ip.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (at, part) in bytes.chunks_exact_mut(4).enumerate() {
                part.copy_from_slice(&word(at)?);
            }
            IpAddr::from(Ipv6Addr::from(bytes)).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Inodes of the listening sockets of this path, as the server wrote it. Lines are `slot: references protocol flags type state inode path`,
/// and flag 0x10000 (`__SO_ACCEPTCON`) is that of those that listen.
fn unix_listeners(table: impl BufRead, path: &str) -> BTreeSet<u64> {
    let inode = |line: String| {
        let (mut rest, mut words) = (line.as_str(), [""; 7]);
        for word in &mut words {
            rest = rest.trim_start();
            (*word, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        }
        let flags = u32::from_str_radix(words[3], 16).ok()?;
        let is_it = flags & 0x10000 != 0 && rest.strip_prefix(' ') == Some(path);
        is_it.then(|| words[6].parse().ok()).flatten()
    };
    table.lines().skip(1).map_while(Result::ok).filter_map(inode).collect()
}

fn holds(pid: u32, inodes: &BTreeSet<u64>) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let mut links = files.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.any(|link| link.to_str().and_then(inode).is_some_and(|inode| inodes.contains(&inode)))
}

/// `socket:[1491]`.
fn inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// A thread's name, CPU time and CPU from its stat and schedstat.
fn thread(stat: &str, schedstat: &str) -> Option<(String, Thread)> {
    // The name may hold anything, brackets too.
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    // The first word of the tail is field 3 of proc_pid_stat(5); the CPU is field 39.
    let cpu = tail.split_ascii_whitespace().nth(36)?.parse().ok()?;
    let cpu_ns = schedstat.split_ascii_whitespace().next()?.parse().ok()?;
    Some((name, Thread { cpu_ns, cpu }))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1491 1 0000000094987ed1 100 0 0 10 0\n\
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22 1 0 100 0 0 10 0\n\
   2: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 23 1 0 100 0 0 10 0\n\
   3: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 24 1 0 100 0 0 10 0\n";
    const TCP6: &str = "  sl  local_address\n\
   0: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 31 1 0\n\
   1: 00000000000000000000000001000000:1F92 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 32 1 0\n";

    #[cfg(target_endian = "little")]
    #[test]
    fn tables_of_tcp_are_read() {
        let of = |table: &str, address: &str| -> Vec<u64> {
            of_listeners(listeners(table.as_bytes()), &[address.parse().expect("an address")]).into_iter().collect()
        };
        assert_eq!(of(TCP, "127.0.0.1:8080"), [22, 23], "all that listen there, and no connection");
        assert_eq!(of(TCP, "10.1.2.3:2024"), [1491], "one for all addresses");
        assert_eq!(of(TCP, "127.0.0.2:8080"), [0; 0]);
        assert_eq!(of(TCP, "[::1]:2024"), [0; 0]);
        assert_eq!(of(TCP6, "127.0.0.1:8081"), [31]);
        assert_eq!(of(TCP6, "[::1]:8081"), [31]);
        assert_eq!(of(TCP6, "[::1]:8082"), [32]);
        assert_eq!(of(TCP6, "127.0.0.1:8082"), [0; 0]);
    }

    #[test]
    fn threads_are_read() {
        let stat = "27618 (a (b) c) R 27601 27601 23880 0 -1 4194304 117 0 0 0 0 0 0 0 20 0 1 0 303685 3133440 402 \
                    18446744073709551615 94902282051464 94902282071465 140723412333968 0 0 0 0 0 0 0 0 0 17 5 0 0 0 0 0\n";
        assert_eq!(thread(stat, "126533 0 1\n"), Some(("a (b) c".into(), Thread { cpu_ns: 126_533, cpu: 5 })));
        assert_eq!((thread(stat, ""), thread("", "1 2 3")), (None, None));
        assert_eq!((inode("socket:[1491]"), inode("pipe:[3]"), inode("/dev/null")), (Some(1491), None, None));
    }

    #[test]
    fn a_listener_of_this_process_is_found_and_its_threads_are_not_the_targets() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let owner = Owner::of_tcp(&[address]).expect("this process");
        // A test that starts a process at this moment may lend it the socket until it has become another program.
        assert!(owner.pids.contains(&std::process::id()), "{owner:?}");
        let other = Owner { pids: vec![std::process::id()], ..owner };
        assert!(other.threads().len() < fs::read_dir("/proc/self/task").expect("procfs").count());
        drop(listener);
        assert!(Owner::of_tcp(&[address]).is_none_or(|owner| !owner.pids.contains(&std::process::id())));
    }

    #[test]
    fn the_listener_of_a_unix_socket_is_found_by_its_path() {
        let table = "Num       RefCount Protocol Flags    Type St Inode Path\n\
             0000000000000000: 00000003 00000000 00000000 0001 03  1057\n\
             0000000000000000: 00000002 00000000 00010000 0001 01  1058 /run/a b.sock\n\
             0000000000000000: 00000003 00000000 00000000 0001 03  1059 /run/a b.sock\n\
             0000000000000000: 00000002 00000000 00010000 0001 01 21060 /run/other.sock\n";
        assert_eq!(unix_listeners(table.as_bytes(), "/run/a b.sock"), BTreeSet::from([1058]));
        let path = std::env::temp_dir().join(format!("saturing-owner-{}.sock", std::process::id()));
        let listener = UnixListener::bind(&path).expect("a socket");
        let found = Owner::of_unix(&path).expect("this process");
        let _ = fs::remove_file(&path);
        assert_eq!(found.pids, [std::process::id()]);
        drop(listener);
    }
}
