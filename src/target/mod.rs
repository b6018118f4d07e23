//! The built-in server: a hello-world on the same ring, so that something fast enough to measure a client is always at hand.
//!
//! One thread per CPU, each with a ring and a listening socket of its own on the same port.

mod answers;
mod requests;
mod serve;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::{fmt, io};

use socket2::{Domain, Protocol, Socket, Type};

use crate::ring::{Config, Endpoints, Idle, SetupError};

/// Connections waiting to be accepted, at most (bounded by net.core.somaxconn too).
const BACKLOG: i32 = 4096;

/// The server could not start.
#[derive(Debug)]
pub enum StartError {
    /// The address cannot be listened on.
    Bind(SocketAddr, io::Error),
    /// No ring could be had.
    Ring(SetupError),
    /// A thread could not be started.
    Thread(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Bind(address, error) => {
                write!(f, "cannot listen on {address}: {error}; choose another --port or --bind")
            }
            StartError::Ring(error) => error.fmt(f),
            StartError::Thread(error) => write!(f, "cannot start a server thread: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// What a server did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    /// Requests read whole and answered.
    pub requests: u64,
    /// Connections accepted.
    pub connections: u64,
}

/// A running server. Dropping it stops it.
pub struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Served>>,
}

impl Server {
    /// Starts one thread per CPU of `cpus` (empty: one thread, not pinned) listening on `bind`; port 0 means a free one.
    ///
    /// # Errors
    /// The address is taken, or no ring can be had.
    pub fn start(bind: SocketAddr, cpus: &[usize]) -> Result<Server, StartError> {
        let places: Vec<Option<usize>> =
            if cpus.is_empty() { vec![None] } else { cpus.iter().copied().map(Some).collect() };
        let first = listen(bind, places.len() > 1).map_err(|error| StartError::Bind(bind, error))?;
        let address = first.local_addr().map_err(|error| StartError::Bind(bind, error))?;
        let mut server = Server { address, stop: Arc::default(), threads: Vec::new() };
        let mut listener = Some(first);
        for cpu in places {
            let listener = match listener.take() {
                Some(first) => first,
                None => listen(address, true).map_err(|error| StartError::Bind(address, error))?,
            };
            server.spawn(listener, cpu)?;
        }
        Ok(server)
    }

    fn spawn(&mut self, listener: TcpListener, cpu: Option<usize>) -> Result<(), StartError> {
        let config = Config { slots: 0, ..Config::for_slots(0) };
        let idle = Idle::build(config, 0, Arc::from([]), Endpoints::default()).map_err(StartError::Ring)?;
        let stop = Arc::clone(&self.stop);
        let thread = std::thread::Builder::new()
            .name("server".into())
            .spawn(move || serve::run(idle, listener, cpu, &stop))
            .map_err(StartError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops, and tells what was done.
    pub fn stop(mut self) -> Served {
        self.halt()
    }

    fn halt(&mut self) -> Served {
        self.stop.store(true, Ordering::Relaxed);
        let mut served = Served::default();
        for thread in self.threads.drain(..) {
            let part = thread.join().unwrap_or_default();
            served.requests += part.requests;
            served.connections += part.connections;
        }
        served
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.halt();
    }
}

fn listen(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
