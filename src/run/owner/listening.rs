//! Which TCP sockets listen, asked of the kernel through netlink (sock_diag(7)). The tables in /proc/net tell the same and more: to read
//! their first line the kernel walks over the table of all connections, which takes milliseconds where that is large.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

const AF_NETLINK: i32 = 16;
const NETLINK_SOCK_DIAG: i32 = 4;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
/// Bit 10 of `idiag_states`: TCP_LISTEN.
const LISTEN: u32 = 1 << 10;
/// Bytes of `nlmsghdr`, of `inet_diag_req_v2`, and of `inet_diag_msg`.
const HEADER: usize = 16;
const REQUEST: usize = 56;
const MESSAGE: usize = 72;

/// Bytes of an answer at a time: the kernel fills at most a page or two.
const READ: usize = 32 * 1024;

/// The addresses that are listened on, each with its socket's inode.
///
/// # Errors
/// The kernel does not tell: no such socket may be made here, or it has no such module.
pub(super) fn all() -> io::Result<Vec<(SocketAddr, u64)>> {
    let mut found = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        of_family(family as u8, &mut found)?;
    }
    Ok(found)
}

fn of_family(family: u8, found: &mut Vec<(SocketAddr, u64)>) -> io::Result<()> {
    let mut socket = Socket::new(Domain::from(AF_NETLINK), Type::DGRAM, Some(Protocol::from(NETLINK_SOCK_DIAG)))?;
    socket.set_read_timeout(Some(std::time::Duration::from_secs(1)))?;
    let mut request = [0; HEADER + REQUEST];
    request[..4].copy_from_slice(&((HEADER + REQUEST) as u32).to_ne_bytes());
    request[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    request[HEADER] = family;
    request[HEADER + 1] = libc::IPPROTO_TCP as u8;
    request[HEADER + 4..HEADER + 8].copy_from_slice(&LISTEN.to_ne_bytes());
    socket.write_all(&request)?;
    let mut bytes = vec![0; READ];
    loop {
        let length = socket.read(&mut bytes)?;
        if messages(&bytes[..length], found)? {
            return Ok(());
        }
    }
}

/// Takes what stands in one read; true: that was all.
fn messages(mut bytes: &[u8], found: &mut Vec<(SocketAddr, u64)>) -> io::Result<bool> {
    while let Some(header) = bytes.get(..HEADER) {
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        let Some(message) = bytes.get(HEADER..length) else { return Err(io::ErrorKind::InvalidData.into()) };
        match kind {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => {
                let code = message.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code));
                return Err(io::Error::from_raw_os_error(-code));
            }
            _ => found.extend(listener(message)),
        }
        // Messages begin at multiples of four.
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// An `inet_diag_msg`: family at 0, port at 4 and address at 8 in network order, inode at 68.
fn listener(message: &[u8]) -> Option<(SocketAddr, u64)> {
    let message = message.get(..MESSAGE)?;
    let port = u16::from_be_bytes([message[4], message[5]]);
    let ip = match i32::from(message[0]) {
        libc::AF_INET => IpAddr::from(Ipv4Addr::from(*message[8..].first_chunk::<4>()?)),
        libc::AF_INET6 => IpAddr::from(Ipv6Addr::from(*message[8..].first_chunk::<16>()?)),
        _ => return None,
    };
    let inode = u32::from_ne_bytes(*message[68..].first_chunk()?);
    Some((SocketAddr::new(ip, port), u64::from(inode)))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn listeners_of_both_families_are_told_with_their_inodes() {
        for bind in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(bind) else { continue };
            let address = listener.local_addr().expect("bound");
            let link = std::fs::read_link(format!("/proc/self/fd/{}", listener.as_raw_fd())).expect("its link");
            let found = all().expect("the kernel tells");
            let inode = found.iter().find(|(at, _)| *at == address).map(|(_, inode)| *inode);
            assert_eq!(link.to_str(), inode.map(|inode| format!("socket:[{inode}]")).as_deref(), "{found:?}");
        }
    }

    #[test]
    fn whatever_the_kernel_says_is_read_within_its_bounds() {
        let mut done = vec![0; 20];
        done[..4].copy_from_slice(&20u32.to_ne_bytes());
        done[4..6].copy_from_slice(&NLMSG_DONE.to_ne_bytes());
        for (bytes, whole) in
            [(vec![], Some(false)), (done.clone(), Some(true)), (vec![0; 16], None), (vec![255; 40], None)]
        {
            let mut found = Vec::new();
            assert_eq!(messages(&bytes, &mut found).ok(), whole, "{bytes:?}");
            assert!(found.is_empty());
        }
        let mut error = done;
        error[4..6].copy_from_slice(&NLMSG_ERROR.to_ne_bytes());
        error[16..].copy_from_slice(&(-libc::EPERM).to_ne_bytes());
        let told = messages(&error, &mut Vec::new()).expect_err("an error");
        assert_eq!(told.raw_os_error(), Some(libc::EPERM));
    }
}
