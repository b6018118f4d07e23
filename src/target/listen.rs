//! Where the server listens: a TCP port, or a unix socket.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Connections waiting to be accepted, at most (bounded by net.core.somaxconn too).
const BACKLOG: i32 = 4096;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and port; port 0 is a free one.
    Tcp(SocketAddr),
    /// A unix socket, made by the server and removed at its end.
    Unix(PathBuf),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => address.fmt(f),
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Listen {
    /// A listener for each of so many threads, and where they listen.
    ///
    /// # Errors
    /// The address or the path cannot be had.
    pub(super) fn open(&self, threads: usize) -> io::Result<(Vec<Socket>, Listen)> {
        match self {
            Listen::Tcp(address) => {
                // Listeners that share a port are this process's own: another one would get a part of the load.
                if threads > 1 && address.port() != 0 {
                    drop(tcp(*address, false)?);
                }
                let first = tcp(*address, threads > 1)?;
                let address = first.local_addr()?.as_socket().unwrap_or(*address);
                let mut all = vec![first];
                while all.len() < threads {
                    all.push(tcp(address, true)?);
                }
                Ok((all, Listen::Tcp(address)))
            }
            Listen::Unix(path) => {
                let first = unix(path)?;
                let others = (1..threads).map(|_| first.try_clone()).collect::<io::Result<Vec<Socket>>>()?;
                Ok((std::iter::once(first).chain(others).collect(), self.clone()))
            }
        }
    }

    /// Takes away what the server made.
    pub(super) fn remove(&self) {
        if let Listen::Unix(path) = self {
            // It may be gone already.
            let _ = std::fs::remove_file(path);
        }
    }

    /// Why it cannot be listened on, and what to do.
    pub(super) fn cure(&self, error: &io::Error) -> String {
        let (ip, port) = match self {
            Listen::Tcp(address) => (address.ip(), address.port()),
            Listen::Unix(_) => return of_unix(error).to_owned(),
        };
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another process has that port: choose another one with --port (0: a free one), or another address with --host".into()
            }
            io::ErrorKind::PermissionDenied => format!(
                "port {port} is below net.ipv4.ip_unprivileged_port_start (1024 as a rule) and takes CAP_NET_BIND_SERVICE: choose \
                 a higher --port"
            ),
            io::ErrorKind::AddrNotAvailable => {
                format!("this host has no address {ip}: choose one that it has with --host, as `ip address` lists them")
            }
            _ => "choose another --port or --host".to_owned(),
        }
    }
}

fn of_unix(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another process listens there: choose another path with --unix-socket",
        io::ErrorKind::AlreadyExists => "choose another path with --unix-socket, or move the file away",
        io::ErrorKind::NotFound => "make its folder first, or choose another path with --unix-socket",
        io::ErrorKind::PermissionDenied => "choose a folder that this user may write to",
        _ => "choose another path with --unix-socket, of at most 107 bytes",
    }
}

fn tcp(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// A socket that nobody listens on is left over from a server that died, and is replaced; anything else is not.
fn unix(path: &Path) -> io::Result<Socket> {
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file of that name, and it is no socket",
            ));
        }
        match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
            _ => return Err(io::Error::from_raw_os_error(libc::EADDRINUSE)),
        }
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}
