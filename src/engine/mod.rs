//! The engines a worker can run on: which one it gets, and why.
//!
//! Each is a [`Ring`](crate::ring::Ring), so that the loop, the connections, the schedule and the histograms are the same code
//! under all of them. What was asked for is decided once for a run ([`Ask::choose`]); each worker then builds its own on its
//! own CPU ([`Chosen::build`]), so that the memory is near it.

use std::fmt;
use std::sync::Arc;

use crate::ring::{Config, Idle, Uring};
pub use crate::ring::{Endpoints, Feature, Level, SetupError, Sqpoll, features};

/// What was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ask {
    /// `--engine`.
    pub name: Name,
    /// `--uring-level`: io_uring as kernels of that level have it, and nothing richer.
    pub level: Option<Level>,
    /// `--sqpoll`: a kernel thread submits.
    pub sqpoll: Option<Sqpoll>,
    /// `--napi`: io_uring polls the network card's queues for this long before it sleeps, in microseconds.
    pub napi_us: Option<u32>,
    /// `--busy-poll`: sockets poll the card's queue for this long before they sleep (SO_BUSY_POLL), in microseconds.
    pub busy_poll_us: Option<u32>,
}

/// The engines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Name {
    /// io_uring where it can be had, else epoll.
    #[default]
    Auto,
    /// io_uring, on a loop of our own.
    Uring,
    /// Readiness and plain system calls.
    Epoll,
    /// io_uring under an async runtime, a task for each connection.
    TokioUring,
}

impl Name {
    /// All, as they are typed and printed.
    pub const ALL: [Name; 4] = [Name::Auto, Name::Uring, Name::Epoll, Name::TokioUring];

    /// As it is typed and printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Name::Auto => "auto",
            Name::Uring => "uring",
            Name::Epoll => "epoll",
            Name::TokioUring => "tokio-uring",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a run will use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Never [`Name::Auto`].
    pub name: Name,
    ask: Ask,
}

/// What an engine is built for.
#[derive(Debug, Clone)]
pub struct Order {
    /// Connections at a time.
    pub slots: usize,
    /// The run's number of slot 0: workers together use all source addresses in turn.
    pub first: usize,
    /// The memory that sends come from.
    pub payload: Arc<[u8]>,
    /// Where connections go, and from where.
    pub endpoints: Endpoints,
}

/// An engine, ready on this thread.
pub enum Engine {
    /// io_uring.
    Uring(Box<Uring>),
}

impl Ask {
    /// Decides for all workers of a run.
    ///
    /// # Errors
    /// What was asked for cannot be had; the message names the cause and the cure.
    pub fn choose(&self) -> Result<Chosen, SetupError> {
        Ok(Chosen { name: Name::Uring, ask: *self })
    }
}

impl Chosen {
    /// Builds it for the calling thread, which alone may use it.
    ///
    /// # Errors
    /// The kernel refused; the message names the cause and the cure.
    pub fn build(&self, order: Order) -> Result<Engine, SetupError> {
        let Order { slots, first, payload, endpoints } = order;
        let Ask { level, sqpoll, napi_us, .. } = self.ask;
        let config = Config { level, sqpoll, napi_us, ..Config::for_slots(slots) };
        Ok(Engine::Uring(Box::new(Idle::build(config, first, payload, endpoints)?.enable()?)))
    }
}

impl Engine {
    /// Which it is.
    pub fn name(&self) -> Name {
        match self {
            Engine::Uring(_) => Name::Uring,
        }
    }

    /// The level of features it runs at; empty where there is only one.
    pub fn level(&self) -> &'static str {
        match self {
            Engine::Uring(ring) => ring.level(),
        }
    }

    /// Why this engine and level.
    pub fn why(&self) -> String {
        match self {
            Engine::Uring(ring) => ring.why().to_owned(),
        }
    }
}

/// Memory that the ring of one worker locks, in bytes: what `ulimit -l` is held against.
pub fn locked_bytes() -> usize {
    Config::for_slots(1).locked_bytes()
}
