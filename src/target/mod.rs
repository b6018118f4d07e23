//! The built-in server: a hello-world on the same engines, so that something fast enough to measure a client is always at hand.
//!
//! One thread per CPU, each with an engine and a listening socket of its own on the same port. Asked to, it takes a known time for
//! each answer and logs it (`truth`).

mod answers;
mod listen;
pub mod outlet;
mod requests;
mod routes;
mod serve;
mod tls;
mod truth;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::{fmt, io};

use socket2::Socket;

use crate::engine::{EngineChoice, EngineOptions, Name, Service as Serve, SetupError};
use crate::ring::{Acceptor, BlockSizes, cpu};
pub use listen::Listen;
pub use routes::{Route, Routes};
pub use tls::ServerIdentity;
pub use truth::{Behaviour, Pause, Service, Truth};

/// The server could not start.
#[derive(Debug)]
pub enum StartError {
    /// The address cannot be listened on.
    Bind(Listen, io::Error),
    /// No engine could be had.
    Engine(SetupError),
    /// The log cannot be opened.
    Log(PathBuf, io::Error),
    /// A thread could not be started.
    Thread(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Bind(listen, error) => {
                write!(f, "cannot listen on {listen}: {error}; {}", listen.cure(error))
            }
            StartError::Engine(error) => error.fmt(f),
            StartError::Log(path, error) => write!(f, "--log {}: {error}", path.display()),
            StartError::Thread(error) => write!(f, "cannot start a server thread: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// What a server did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    /// Requests read whole and answered.
    pub requests: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Of those, how many each route answered, and how many none.
    pub by_route: Vec<u64>,
    /// Lines of the log could not be written.
    pub log_failed: bool,
}

impl Served {
    fn of(routes: Option<&Routes>) -> Served {
        let by_route = routes.map_or_else(Vec::new, |routes| vec![0; routes.all().len() + 1]);
        Served { by_route, ..Served::default() }
    }

    #[inline]
    fn count(&mut self, kind: answers::Kind, count: u32) {
        self.requests += u64::from(count);
        if let answers::Kind::Routed(route, _) = kind {
            self.by_route[usize::from(route)] += u64::from(count);
        }
    }
}

/// A running server. Dropping it stops it.
pub struct Server {
    listen: Listen,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Served>>,
    truth: Option<Arc<truth::Shared>>,
    routes: Option<Arc<Routes>>,
    tls: Option<ServerIdentity>,
}

/// What a server does beside saying hello.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions<'a> {
    /// It takes a known time.
    pub truth: Option<&'a Truth>,
    /// It answers by method and path.
    pub routes: Option<Arc<Routes>>,
    /// It speaks TLS.
    pub tls: Option<ServerIdentity>,
}

impl Server {
    /// Starts one thread per CPU of `cpus` (empty: one thread, not pinned) listening on `bind`; port 0 means a free one.
    ///
    /// # Errors
    /// The address is taken, or no engine can be had.
    pub fn start(bind: SocketAddr, cpus: &[usize]) -> Result<Server, StartError> {
        Server::start_as(&Listen::Tcp(bind), cpus, Name::Auto, ServerOptions::default())
    }

    /// As [`Server::start`], on a given engine (any but [`Name::TokioUring`], which is taken for [`Name::Epoll`]), and with what is
    /// wanted beside.
    ///
    /// # Errors
    /// As [`Server::start`], or the log cannot be opened.
    pub fn start_as(
        bind: &Listen,
        cpus: &[usize],
        engine: Name,
        wanted: ServerOptions<'_>,
    ) -> Result<Server, StartError> {
        let ServerOptions { truth, routes, tls } = wanted;
        // Only the server with a timetable lets answers wait.
        let waits = || routes.as_ref().is_some_and(|routes| routes.all().iter().any(|route| !route.delay.is_zero()));
        let timed = Truth::default();
        let truth = truth.or_else(|| waits().then_some(&timed));
        let shared = truth.map(truth::Shared::new).transpose();
        let truth = shared.map_err(|(path, error)| StartError::Log(path, error))?.map(Arc::new);
        let engine = EngineOptions { name: engine, ..EngineOptions::default() }.choose().map_err(StartError::Engine)?;
        let places: Vec<Option<usize>> =
            if cpus.is_empty() { vec![None] } else { cpus.iter().copied().map(Some).collect() };
        let (listeners, listen) = bind.open(places.len()).map_err(|error| StartError::Bind(bind.clone(), error))?;
        let mut server = Server { listen, stop: Arc::default(), threads: Vec::new(), truth, routes, tls };
        for (listener, cpu) in listeners.into_iter().zip(places) {
            server.spawn(&engine, listener, cpu)?;
        }
        Ok(server)
    }

    fn spawn(&mut self, engine: &EngineChoice, listener: Socket, cpu: Option<usize>) -> Result<(), StartError> {
        let blocks = self.tls.as_ref().map_or_else(BlockSizes::default, |_| tls::BLOCKS);
        let engine = engine.build_serving(blocks).map_err(StartError::Engine)?;
        let truth = self.truth.clone().map(|truth| (truth, self.threads.len() as u64));
        let (stop, routes, tls) = (Arc::clone(&self.stop), self.routes.clone(), self.tls.clone());
        let thread_of = ServerThread { listener, stop, truth, routes, tls };
        let body = move || {
            if let Some(cpu) = cpu {
                cpu::pin(cpu);
            }
            let served = engine.serve(thread_of);
            served.unwrap_or_else(|error| {
                eprintln!("saturing: server: {error}");
                Served::default()
            })
        };
        let thread = std::thread::Builder::new().name("server".into()).spawn(body).map_err(StartError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }

    /// Where it listens.
    pub fn listen(&self) -> &Listen {
        &self.listen
    }

    /// The same of a server on TCP.
    ///
    /// # Panics
    /// If it is on a unix socket.
    pub fn address(&self) -> SocketAddr {
        match &self.listen {
            Listen::Tcp(address) => *address,
            Listen::Unix(path) => panic!("{} is no address", path.display()),
        }
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
            served.by_route.resize(served.by_route.len().max(part.by_route.len()), 0);
            served.by_route.iter_mut().zip(&part.by_route).for_each(|(all, one)| *all += one);
        }
        self.listen.remove();
        served.log_failed = self.truth.as_ref().is_some_and(|truth| truth.log_failed());
        served
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.halt();
    }
}

/// What a server's thread has beside its engine.
struct ServerThread {
    listener: Socket,
    stop: Arc<AtomicBool>,
    /// The known behaviour, and the thread's number.
    truth: Option<(Arc<truth::Shared>, u64)>,
    routes: Option<Arc<Routes>>,
    tls: Option<ServerIdentity>,
}

impl Serve for ServerThread {
    type Outcome = Served;

    fn serve<R: Acceptor>(self, mut engine: R) -> Served {
        let ServerThread { listener, stop, truth, routes, tls } = self;
        if let Err(error) = engine.listen(listener) {
            eprintln!("saturing: server: {error}");
            return Served::default();
        }
        match tls {
            None => run(engine, &stop, truth, routes),
            Some(identity) => run(tls::TlsAcceptor::new(engine, &identity), &stop, truth, routes),
        }
    }
}

fn run<R: Acceptor>(
    engine: R,
    stop: &AtomicBool,
    truth: Option<(Arc<truth::Shared>, u64)>,
    routes: Option<Arc<Routes>>,
) -> Served {
    match truth {
        None => serve::run(engine, stop, routes),
        Some((truth, number)) => truth::run(engine, stop, (&truth, number), routes),
    }
}
