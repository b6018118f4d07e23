//! The engines a worker can run on: which one it gets, and why.
//!
//! Each is a [`Ring`](crate::ring::Ring), so that the loop, the connections, the schedule and the histograms are the same code
//! under all of them. What was asked for is decided once for a run ([`EngineOptions::choose`]); each worker then builds its own on its
//! own CPU ([`EngineChoice::build`]), so that the memory is near it.

mod epoll;
mod tokio_uring;

use std::fmt;
use std::sync::Arc;

use crate::ring::{Acceptor, Config, Dialler, Idle, Uring, level_here, may_busy_poll};
pub use crate::ring::{BlockSizes, Endpoint, Endpoints, Feature, Level, SetupError, Sqpoll, features};
pub use epoll::Epoll;
pub use tokio_uring::TokioUring;

/// What was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineOptions {
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
pub struct EngineChoice {
    /// Never [`Name::Auto`].
    pub name: Name,
    /// Why not io_uring, or that it was asked for; of io_uring the ring itself says it.
    why: String,
    ask: EngineOptions,
}

/// What an engine is built for.
#[derive(Debug, Clone, Default)]
pub struct EngineConfig {
    /// Connections at a time.
    pub slots: usize,
    /// The run's number of slot 0: workers together use all source addresses in turn.
    pub first: usize,
    /// The memory that sends come from.
    pub payload: Arc<[u8]>,
    /// What bytes made for one send are written to.
    pub blocks: BlockSizes,
    /// Where connections go, and from where.
    pub endpoints: Endpoints,
}

/// An engine, ready on this thread.
pub enum Engine {
    /// io_uring.
    Uring(Box<Uring>),
    /// Readiness, and why it was chosen.
    Epoll(Box<Epoll>, String),
    /// An async runtime, and why it was chosen.
    TokioUring(Box<TokioUring>, String),
}

impl EngineOptions {
    /// Decides for all workers of a run.
    ///
    /// # Errors
    /// What was asked for cannot be had; the message names the cause and the cure.
    pub fn choose(&self) -> Result<EngineChoice, SetupError> {
        if let Some(us) = self.busy_poll_us {
            may_busy_poll(us)?;
        }
        let (name, why) = self.decide(level_here)?;
        Ok(EngineChoice { name, why, ask: *self })
    }

    /// Which engine and why, `here` telling what io_uring can do.
    fn decide(&self, here: impl FnOnce() -> Result<Level, SetupError>) -> Result<(Name, String), SetupError> {
        if self.name != Name::Auto {
            return Ok((self.name, "asked for".to_owned()));
        }
        // These are of io_uring alone.
        let insists = self.level.is_some() || self.sqpoll.is_some() || self.napi_us.is_some();
        match here() {
            Ok(level) if insists || level <= Level::B => Ok((Name::Uring, String::new())),
            Ok(level) => {
                let level = level.as_str();
                Ok((Name::Epoll, format!("rings of this kernel have level {level} only: update it to 5.19 or later")))
            }
            Err(error) if insists => Err(error),
            Err(error) => Ok((Name::Epoll, error.to_string())),
        }
    }
}

impl EngineChoice {
    /// Builds it for the calling thread, which alone may use it.
    ///
    /// # Errors
    /// The kernel refused; the message names the cause and the cure.
    pub fn build(&self, config: EngineConfig) -> Result<Engine, SetupError> {
        let EngineConfig { slots, first, payload, blocks, endpoints } = config;
        let EngineOptions { level, sqpoll, napi_us, busy_poll_us, .. } = self.ask;
        let dialler = |endpoints| Dialler::new(endpoints, first).busy_polling(busy_poll_us);
        match self.name {
            Name::Epoll => {
                let engine = Epoll::new(slots, dialler(endpoints), payload, blocks)?;
                Ok(Engine::Epoll(Box::new(engine), self.why.clone()))
            }
            Name::TokioUring => {
                let engine = TokioUring::new(slots, dialler(endpoints), payload, blocks)?;
                Ok(Engine::TokioUring(Box::new(engine), self.why.clone()))
            }
            Name::Auto | Name::Uring => {
                let config = Config { level, sqpoll, napi_us, busy_poll_us, blocks, ..Config::for_slots(slots) };
                Ok(Engine::Uring(Box::new(Idle::build(config, first, payload, endpoints)?.enable()?)))
            }
        }
    }

    /// Builds it for a server's thread, with `blocks` for bytes made for one send; only io_uring and epoll can serve, and epoll does where another was chosen.
    ///
    /// # Errors
    /// The kernel refused; the message names the cause and the cure.
    pub fn build_serving(&self, blocks: BlockSizes) -> Result<Serving, SetupError> {
        match self.name {
            Name::Uring => {
                let config = Config { blocks, ..Config::for_slots(0) };
                let idle = Idle::build(config, 0, Arc::from([]), Endpoints::default())?;
                Ok(Serving::Uring(Box::new(idle)))
            }
            _ => Ok(Serving::Epoll(blocks)),
        }
    }
}

/// A server's engine, not yet on its thread.
pub enum Serving {
    /// io_uring, built but not enabled.
    Uring(Box<Idle>),
    /// Readiness, of which nothing is built before.
    Epoll(BlockSizes),
}

/// What is done with a server's engine, whichever that is.
pub trait Service {
    /// What comes of it.
    type Outcome;

    /// Serves with `engine`, on its thread.
    fn serve<R: Acceptor>(self, engine: R) -> Self::Outcome;
}

impl Serving {
    /// Readies the engine on the calling thread and serves with it.
    ///
    /// # Errors
    /// The kernel refused; the message names the cause and the cure.
    pub fn serve<S: Service>(self, service: S) -> Result<S::Outcome, SetupError> {
        match self {
            Serving::Uring(idle) => Ok(service.serve(idle.enable()?)),
            Serving::Epoll(blocks) => {
                Ok(service.serve(Epoll::new(0, Dialler::new(Endpoints::default(), 0), Arc::from([]), blocks)?))
            }
        }
    }
}

impl Engine {
    /// Which it is.
    pub fn name(&self) -> Name {
        match self {
            Engine::Uring(_) => Name::Uring,
            Engine::Epoll(..) => Name::Epoll,
            Engine::TokioUring(..) => Name::TokioUring,
        }
    }

    /// The level of features it runs at; empty where there is only one.
    pub fn level(&self) -> &'static str {
        match self {
            Engine::Uring(ring) => ring.level(),
            Engine::Epoll(..) | Engine::TokioUring(..) => "",
        }
    }

    /// Why this engine and level.
    pub fn why(&self) -> String {
        match self {
            Engine::Uring(ring) => ring.why().to_owned(),
            Engine::Epoll(_, why) | Engine::TokioUring(_, why) => why.clone(),
        }
    }
}

/// Memory that the ring of one worker locks, in bytes: what `ulimit -l` is held against.
pub fn locked_bytes() -> usize {
    Config::for_slots(1).locked_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Result<Level, SetupError> {
        Err(SetupError::of("rings", "set-up", std::io::ErrorKind::PermissionDenied.into(), "allow it"))
    }

    #[test]
    fn auto_takes_rings_of_level_b_and_better_and_epoll_elsewhere() {
        let auto = EngineOptions::default();
        for level in [Level::APlus, Level::A, Level::AMinus, Level::B] {
            assert_eq!(auto.decide(|| Ok(level)).expect("an engine").0, Name::Uring, "{level:?}");
        }
        let (name, why) = auto.decide(|| Ok(Level::C)).expect("an engine");
        assert!(name == Name::Epoll && why.contains("level C") && why.contains("5.19"), "{why}");
        let (name, why) = auto.decide(refused).expect("an engine");
        assert!(name == Name::Epoll && why.contains("set-up failed") && why.contains("allow it"), "{why}");
    }

    #[test]
    fn what_only_rings_can_do_is_not_done_otherwise() {
        for ask in [
            EngineOptions { level: Some(Level::C), ..EngineOptions::default() },
            EngineOptions { sqpoll: Some(Sqpoll::Anywhere), ..EngineOptions::default() },
            EngineOptions { napi_us: Some(50), ..EngineOptions::default() },
        ] {
            assert_eq!(ask.decide(|| Ok(Level::C)).expect("an engine").0, Name::Uring, "{ask:?}");
            assert!(ask.decide(refused).is_err(), "{ask:?}");
        }
    }

    #[test]
    fn what_is_asked_for_is_not_looked_for() {
        for name in [Name::Uring, Name::Epoll, Name::TokioUring] {
            let ask = EngineOptions { name, ..EngineOptions::default() };
            assert_eq!(ask.decide(|| panic!("probed")).expect("an engine"), (name, "asked for".to_owned()));
        }
    }
}
