//! Three hosts on one machine: network namespaces for client, server and backend, joined by pairs of virtual Ethernet cards. The
//! client's knows only the server's, the backend's only the server's; none has a way out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, setns};
use nix::unistd::Uid;

/// What namespaces are called: this, the process's id, the host.
const PREFIX: &str = "saturing-";
const HOSTS: [&str; 3] = ["client", "srv1", "srv2"];

/// Of the block for benchmarks between networks (RFC 2544).
const SERVER: &str = "198.18.1.2";
const BACKEND: &str = "198.18.2.2";

/// The three hosts. Dropped, they are gone.
#[derive(Debug)]
pub(super) struct Hosts {
    names: [String; 3],
}

impl Hosts {
    /// Makes them; `sysctl` are the server's.
    ///
    /// # Errors
    /// What this machine does not allow, and what would.
    pub(super) fn make(sysctl: &BTreeMap<String, String>) -> Result<Hosts, String> {
        if !Uid::effective().is_root() {
            return Err("network namespaces take root: run the suite as root".to_owned());
        }
        remove_stale();
        let names = HOSTS.map(|host| format!("{PREFIX}{}-{host}", std::process::id()));
        let hosts = Hosts { names };
        let [client, srv1, srv2] = &hosts.names;
        for name in &hosts.names {
            ip(&format!("netns add {name}"))?;
            ip(&format!("-n {name} link set lo up"))?;
        }
        for (near, near_ip, far, far_ip, card) in
            [(client, "198.18.1.1", srv1, SERVER, "web"), (srv1, "198.18.2.1", srv2, BACKEND, "db")]
        {
            ip(&format!("link add {card} netns {near} type veth peer name {card} netns {far}"))?;
            for (name, address) in [(near, near_ip), (far, far_ip)] {
                ip(&format!("-n {name} address add {address}/24 dev {card}"))?;
                ip(&format!("-n {name} link set {card} up"))?;
            }
        }
        hosts.inside(1, || set(sysctl))??;
        Ok(hosts)
    }

    pub(super) fn client(&self) -> &str {
        &self.names[0]
    }

    /// The server's namespace and address.
    pub(super) fn server(&self) -> (&str, &'static str) {
        (&self.names[1], SERVER)
    }

    /// The backend's.
    pub(super) fn backend(&self) -> (&str, &'static str) {
        (&self.names[2], BACKEND)
    }

    /// Does something as a process of the client's host would.
    pub(super) fn on_client<T: Send>(&self, act: impl FnOnce() -> T + Send) -> Result<T, String> {
        self.inside(0, act)
    }

    /// Does something as a process of the server's host would.
    pub(super) fn on_server<T: Send>(&self, act: impl FnOnce() -> T + Send) -> Result<T, String> {
        self.inside(1, act)
    }

    fn inside<T: Send>(&self, host: usize, act: impl FnOnce() -> T + Send) -> Result<T, String> {
        let path = format!("/run/netns/{}", self.names[host]);
        let enter = || {
            let file = File::open(&path).map_err(|error| format!("{path}: {error}"))?;
            setns(file, CloneFlags::CLONE_NEWNET).map_err(|error| format!("{path}: {error}"))?;
            Ok(act())
        };
        // A namespace is a thread's: one that ends takes it along.
        thread::scope(|scope| scope.spawn(enter).join()).unwrap_or_else(|_| Err(format!("{path}: a panic")))
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = ip(&format!("netns delete {name}"));
        }
    }
}

/// Namespaces of runs that were killed.
fn remove_stale() {
    for entry in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !fs::exists(format!("/proc/{pid}")).unwrap_or(true)) {
            let _ = ip(&format!("netns delete {name}"));
        }
    }
}

fn set(sysctl: &BTreeMap<String, String>) -> Result<(), String> {
    for (name, value) in sysctl {
        if !name.starts_with("net.") {
            return Err(format!("sysctl {name}: only net.* is a namespace's own"));
        }
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        fs::write(&path, value).map_err(|error| format!("{path} = {value}: {error}"))?;
    }
    Ok(())
}

fn ip(words: &str) -> Result<(), String> {
    let done = Command::new("ip").args(words.split(' ')).output();
    let done = done.map_err(|error| format!("ip: {error}; it is in the package iproute2 (bench/setup.sh)"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("ip {words}: {}", String::from_utf8_lossy(&done.stderr).trim()))
}
