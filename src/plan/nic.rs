//! The network card that the way to a target leaves through, and where it sits.

use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use nix::ifaddrs::getifaddrs;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// Its name, as in `eth0`.
    pub interface: String,
    /// The NUMA node of the card; `None` where there is one node, or no card below the interface.
    pub node: Option<usize>,
}

impl Nic {
    /// The interface that packets from `source` (or the kernel's choice) to `target` leave through. Asks the kernel's routing
    /// table; nothing is sent. `None` where there is no way.
    pub fn towards(target: SocketAddr, source: Option<IpAddr>) -> Option<Nic> {
        let any = if target.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
        let socket = UdpSocket::bind((source.unwrap_or(any), 0)).ok()?;
        socket.connect(target).ok()?;
        let local = socket.local_addr().ok()?.ip();
        let owns = |address: &nix::sys::socket::SockaddrStorage| {
            let v4 = address.as_sockaddr_in().map(|own| IpAddr::from(own.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|own| IpAddr::from(own.ip()))) == Some(local)
        };
        let interface = getifaddrs().ok()?.find(|one| one.address.as_ref().is_some_and(owns))?.interface_name;
        Some(Nic { node: node(Path::new("/sys"), &interface), interface })
    }
}

/// The NUMA node of the card below `interface`, as the tree at `sysfs` has it.
pub fn node(sysfs: &Path, interface: &str) -> Option<usize> {
    let text = fs::read_to_string(card(sysfs, interface)?.join("device/numa_node")).ok()?;
    // -1 where the firmware does not say.
    text.trim().parse().ok()
}

/// The folder of the card itself: a bond, VLAN or bridge has others below it, of which the first counts.
pub fn card(sysfs: &Path, interface: &str) -> Option<PathBuf> {
    let mut folder = sysfs.join("class/net").join(interface);
    // Deeper than anybody stacks them, and an end where links go round.
    for _ in 0..8 {
        if folder.join("device").exists() {
            return Some(folder);
        }
        let names = fs::read_dir(&folder).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let lower = names.filter_map(|name| name.strip_prefix("lower_").map(str::to_owned)).min()?;
        folder = sysfs.join("class/net").join(lower);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_loopback_is_loopback() {
        for target in ["127.0.0.1:80", "127.9.9.9:1"] {
            let nic = Nic::towards(target.parse().expect("an address"), None);
            // 127.9.9.9 is nobody's address by itself, the route's preferred source is.
            assert_eq!(nic, Some(Nic { interface: "lo".to_owned(), node: None }), "{target}");
        }
    }

    #[test]
    fn the_card_below_an_interface() {
        let root = std::env::temp_dir().join(format!("saturing-nic-{}", std::process::id()));
        for (file, content) in [
            ("class/net/ens1/device/numa_node", "1\n"),
            ("class/net/eth0/device/numa_node", "-1\n"),
            ("class/net/lo/mtu", "65536\n"),
            ("class/net/bond0/lower_ens1/mtu", ""),
            ("class/net/bond0/lower_ens2/mtu", ""),
            ("class/net/vlan7/lower_bond0/mtu", ""),
            ("class/net/a/lower_a/mtu", ""),
        ] {
            let file = root.join(file);
            fs::create_dir_all(file.parent().expect("below the root")).expect("a folder");
            fs::write(file, content).expect("a file");
        }
        for (interface, expected) in [
            ("ens1", Some(1)),
            ("bond0", Some(1)),
            ("vlan7", Some(1)),
            ("eth0", None),
            ("lo", None),
            ("a", None),
            ("none", None),
        ] {
            assert_eq!(node(&root, interface), expected, "{interface}");
        }
        fs::remove_dir_all(root).expect("removed");
    }
}
