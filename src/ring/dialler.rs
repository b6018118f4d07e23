//! Opening sockets, the same way under every engine.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, RawFd};

use nix::sys::socket::{MsgFlags, send, setsockopt, sockopt};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::error::SetupError;
use super::sockets::{Endpoint, Endpoints};

/// Opens a run's sockets: where they go, where from, and what is set on them.
pub struct Dialler {
    endpoints: Endpoints,
    remotes: Vec<SockAddr>,
    /// The run's number of slot 0.
    first: usize,
    kind: Type,
    busy_poll_us: Option<u32>,
}

/// Sends what fits now. A peer that is gone already misses nothing.
pub fn say_goodbye(socket: RawFd, bytes: &[u8]) {
    let _ = send(socket, bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL);
}

impl Dialler {
    /// For blocking sockets; `first` is the run's number of slot 0.
    ///
    /// # Panics
    /// If the path of a unix socket is longer than an address can hold.
    pub fn new(endpoints: Endpoints, first: usize) -> Dialler {
        let address = |endpoint: &Endpoint| match endpoint {
            Endpoint::Tcp(address) => (*address).into(),
            Endpoint::Unix(path) => SockAddr::unix(path).expect("a path of at most 107 bytes"),
        };
        let remotes = endpoints.remotes.iter().map(address).collect();
        Dialler { endpoints, remotes, first, kind: Type::STREAM, busy_poll_us: None }
    }

    /// The same for sockets that never block.
    pub fn nonblocking(self) -> Dialler {
        Dialler { kind: self.kind.nonblocking(), ..self }
    }

    /// The same for sockets that poll the card's queue for this long before they sleep, in microseconds.
    pub fn busy_polling(self, busy_poll_us: Option<u32>) -> Dialler {
        Dialler { busy_poll_us, ..self }
    }

    /// The `remote`-th address, in memory that stays put.
    pub fn remote(&self, remote: usize) -> &SockAddr {
        &self.remotes[remote]
    }

    /// A socket ready to connect from `slot` to the `remote`-th address.
    ///
    /// # Errors
    /// Descriptors or ports are used up, or the source address is not this host's.
    pub fn open(&self, slot: u32, remote: usize) -> io::Result<Socket> {
        let to = match &self.endpoints.remotes[remote] {
            Endpoint::Tcp(address) => *address,
            Endpoint::Unix(_) => return Socket::new(Domain::UNIX, self.kind, None),
        };
        let socket = Socket::new(Domain::for_address(to), self.kind, Some(Protocol::TCP))?;
        socket.set_tcp_nodelay(true)?;
        if let Some(us) = self.busy_poll_us {
            socket.set_busy_poll(us)?;
        }
        if let Some(from) = self.source(slot, to) {
            // The port is then chosen at connect time, from the four-tuple: 28,000 connections per source and destination
            // rather than per source.
            setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
            socket.bind(&SocketAddr::new(from, 0).into())?;
        }
        Ok(socket)
    }

    /// Whether connections end by a reset.
    #[inline]
    pub fn resets(&self) -> bool {
        self.endpoints.resets
    }

    /// Resets a connection, also one that an operation under way holds open: that ends with an error. What close does with SO_LINGER, it does at
    /// once (connect(2), AF_UNSPEC).
    pub fn reset(&self, socket: impl AsFd) {
        // An error means that the peer was faster.
        let _ = rustix::net::connect_unspec(socket);
    }

    fn source(&self, slot: u32, to: SocketAddr) -> Option<IpAddr> {
        let usable = || self.endpoints.sources.iter().filter(|from| from.is_ipv4() == to.is_ipv4());
        usable().nth((self.first + slot as usize) % usable().count().max(1)).copied()
    }
}

/// Whether sockets of this process may poll for `us` microseconds.
///
/// # Errors
/// They may not; the message names the cause and the cure.
pub fn may_busy_poll(us: u32) -> Result<(), SetupError> {
    let set = || Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?.set_busy_poll(us);
    let advice = "more than net.core.busy_read needs CAP_NET_ADMIN: run as root, or raise that sysctl";
    set().map_err(|error| SetupError::of("--busy-poll", "setting SO_BUSY_POLL", error, advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_opened_as_asked() {
        let (v4, v6) = (IpAddr::from([127, 0, 0, 2]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]));
        let sources = vec![v4, v6, IpAddr::from([127, 0, 0, 3])];
        let remotes = vec![Endpoint::Tcp(SocketAddr::from(([127, 0, 0, 1], 1)))];
        let dialler = Dialler::new(Endpoints { remotes, sources, resets: false }, 1).nonblocking();
        let bound = |slot| {
            let socket = dialler.open(slot, 0).expect("a socket");
            assert!(socket.tcp_nodelay().expect("an option") && socket.nonblocking().expect("a flag"));
            socket.local_addr().expect("bound").as_socket().expect("an address")
        };
        // Slot 0 is the run's number 1, and the IPv6 address is no use to an IPv4 one.
        assert_eq!(
            [0, 1, 2].map(bound).map(|address| address.ip().to_string()),
            ["127.0.0.3", "127.0.0.2", "127.0.0.3"]
        );
    }

    #[test]
    fn busy_polling_is_set_or_refused_with_the_cure() {
        match may_busy_poll(50) {
            Ok(()) => {
                let remotes = vec![Endpoint::Tcp(SocketAddr::from(([127, 0, 0, 1], 1)))];
                let dialler =
                    Dialler::new(Endpoints { remotes, sources: vec![], resets: false }, 0).busy_polling(Some(50));
                assert_eq!(dialler.open(0, 0).expect("a socket").busy_poll().expect("an option"), 50);
            }
            Err(error) => assert!(error.to_string().contains("CAP_NET_ADMIN"), "{error}"),
        }
    }
}
