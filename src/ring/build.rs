//! Making a ring: from the level asked for, or the best there is, down to what the kernel takes.
#![allow(unsafe_code)]

use std::io;
use std::sync::Arc;

use io_uring::types::Napi;
use io_uring::{Builder, IoUring};

use super::blocks::{BlockSizes, Blocks, LentBlocks};
use super::buffers::Memory;
use super::dialler::Dialler;
use super::error::SetupError;
use super::level::{Features, Level, Sqpoll};
use super::probe;
use super::sockets::{Endpoints, Sockets};
use super::sqpoll::{self, Poller};
use super::uring::Uring;

/// Submission queue entries where locked memory is short.
const SHORT_SUBMISSIONS: u32 = 128;

/// Sizes of a ring, and what it uses.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Submission queue entries, a power of two.
    pub submissions: u32,
    /// Completion queue entries, a power of two.
    pub completions: u32,
    /// Receive buffers, a power of two up to 32,768.
    pub buffers: u16,
    /// Bytes of each receive buffer.
    pub buffer_bytes: usize,
    /// Connections at a time.
    pub slots: usize,
    /// What bytes made for one send are written to.
    pub blocks: BlockSizes,
    /// The level it is to have; `None`: the best there is.
    pub level: Option<Level>,
    /// What is used of that level's features.
    pub features: Features,
    /// How long a wait for more than one completion lasts at most once there is one, in microseconds; 0: no bound of its own,
    /// which is all there is below A+.
    pub min_wait_us: u32,
    /// Sockets poll the card's queue for this long before they sleep, in microseconds.
    pub busy_poll_us: Option<u32>,
    /// A kernel thread submits.
    pub sqpoll: Option<Sqpoll>,
    /// The ring polls the network card's queues for this long before it sleeps, in microseconds (6.9).
    pub napi_us: Option<u32>,
}

impl Config {
    /// What measured best for `slots` connections (kernel-notes.md): rings and buffers that stay in the second-level cache.
    pub fn for_slots(slots: usize) -> Config {
        Config {
            submissions: 512,
            completions: 4096,
            buffers: 256,
            buffer_bytes: 4096,
            slots,
            blocks: BlockSizes::default(),
            level: None,
            features: Features::ALL,
            min_wait_us: 0,
            busy_poll_us: None,
            sqpoll: None,
            napi_us: None,
        }
    }

    fn is_shrunk(&self) -> bool {
        self.submissions == SHORT_SUBMISSIONS
    }

    fn shrunk(self) -> Config {
        Config { submissions: SHORT_SUBMISSIONS, completions: 1024, buffers: self.buffers.min(128), ..self }
    }

    /// Bytes counted against the locked-memory limit: 64 per submission, 16 per completion, 16 per buffer entry.
    pub fn locked_bytes(&self) -> usize {
        self.submissions as usize * 64 + self.completions as usize * 16 + usize::from(self.buffers) * 16
    }
}

/// A ring that is built but not enabled: it may still move to the thread that will run it.
pub struct Idle {
    parts: Parts,
    io: IoUring,
}

/// All the memory lent to the kernel. Kept apart from the ring so that it can outlive it.
pub(super) struct Parts {
    pub(super) memory: Memory,
    pub(super) payload: Arc<[u8]>,
    /// Blocks that nobody holds, and those under way.
    pub(super) blocks: Blocks,
    pub(super) lent: LentBlocks,
    pub(super) sockets: Sockets,
    /// Its features are those in use.
    pub(super) config: Config,
    pub(super) poller: Option<Poller>,
    pub(super) level: Level,
    pub(super) why: String,
}

impl Idle {
    /// Builds a ring whose sends come from `payload`. `first` is the run's number of slot 0: rings together use all source
    /// addresses in turn.
    ///
    /// # Errors
    /// The kernel refused; the message names the cause and the cure.
    pub fn build(config: Config, first: usize, payload: Arc<[u8]>, endpoints: Endpoints) -> Result<Idle, SetupError> {
        let (mut level, mut why) = choose(config.level)?;
        loop {
            let features = Features::of(level).and(config.features);
            let features = if config.sqpoll.is_some() { features.beside_sqpoll() } else { features };
            let min_wait_us = if level == Level::APlus { config.min_wait_us } else { 0 };
            let config = Config { features, min_wait_us, ..config };
            let (config, io, poller) = match set_up(config) {
                // Each flag is known, but not all of them together.
                Err(error)
                    if error.raw_os_error() == Some(libc::EINVAL) && config.level.is_none() && level != Level::C =>
                {
                    why = format!("this kernel refused the set-up of {}", level.as_str());
                    level = level.below();
                    continue;
                }
                result => result?,
            };
            if config.is_shrunk() {
                why.push_str("; smaller queues, as the locked-memory limit is short");
            }
            if config.sqpoll.is_some() && Features::of(level).coop_taskrun {
                why.push_str("; completions are processed by the kernel's submission thread (--sqpoll)");
            }
            let memory = Memory::new(features.buffer_ring, config.buffers, config.slots, config.buffer_bytes);
            let dialler = Dialler::new(endpoints, first).busy_polling(config.busy_poll_us);
            let sockets = Sockets::new(config.slots, dialler, !features.multishot);
            let (blocks, lent) = (Blocks::new(config.blocks), LentBlocks::default());
            return Ok(Idle {
                parts: Parts { memory, payload, blocks, lent, sockets, config, poller, level, why },
                io,
            });
        }
    }

    /// The level of features it will run at.
    pub fn level(&self) -> Level {
        self.parts.level
    }

    /// Enables the ring on this thread, the only one that may use it from now on.
    ///
    /// # Errors
    /// The kernel refused; the message names the cause and the cure.
    pub fn enable(self) -> Result<Uring, SetupError> {
        let Idle { parts, io } = self;
        let bytes = parts.config.locked_bytes() + parts.memory.bytes();
        let failed = |step| move |error: io::Error| SetupError::new(step, error, bytes);
        io.submitter().register_enable_rings().map_err(failed("enabling the ring"))?;
        if let Memory::Ring(buffers) = &parts.memory {
            // SAFETY: `Uring` keeps the buffers until the kernel holds no operation of this ring, or leaks them.
            unsafe { buffers.register(&io.submitter()) }.map_err(failed("registering the receive buffers"))?;
        }
        if let Some(span) = parts.config.napi_us {
            let mut napi = Napi::new().set_busy_poll_timeout(span);
            io.submitter().register_napi(&mut napi).map_err(SetupError::napi)?;
        }
        Uring::new(io, parts).map_err(failed("registering the ring's descriptor"))
    }
}

/// The level to begin with, and why it is that.
fn choose(asked: Option<Level>) -> Result<(Level, String), SetupError> {
    let Some(level) = asked else {
        let level = probe::level_here()?;
        let missing = level.above().map(probe::lacks).transpose()?.flatten();
        return Ok((
            level,
            match missing {
                Some(missing) => format!("this kernel lacks {missing}"),
                None => "this kernel has all that is used".into(),
            },
        ));
    };
    match probe::lacks(level)? {
        Some(missing) => Err(SetupError::level(level, &missing)),
        None => Ok((level, "as asked (--uring-level)".into())),
    }
}

/// A ring with all features of the configuration, smaller if locked memory is short, and its submission thread.
fn set_up(config: Config) -> Result<(Config, IoUring, Option<Poller>), SetupError> {
    let build = |config: &Config| builder(config).build(config.submissions);
    let try_with = |config: Config| {
        let (io, poller) = match config.sqpoll {
            Some(_) => Poller::started_by(|| build(&config))?,
            None => (build(&config)?, None),
        };
        Ok((config, io, poller))
    };
    let short = |error: &io::Error| error.raw_os_error() == Some(libc::ENOMEM);
    let result = match try_with(config) {
        Err(error) if short(&error) => try_with(config.shrunk()),
        result => result,
    };
    result.map_err(|error| match config.sqpoll {
        Some(place) if !short(&error) => SetupError::sqpoll(place, error),
        _ => SetupError::new("set-up", error, config.locked_bytes()),
    })
}

fn builder(config: &Config) -> Builder {
    let features = config.features;
    let mut builder = IoUring::builder();
    builder.setup_r_disabled().setup_cqsize(config.completions);
    if features.submit_all {
        builder.setup_submit_all();
    }
    if features.single_issuer {
        builder.setup_single_issuer();
    }
    if features.defer_taskrun {
        builder.setup_defer_taskrun();
    } else if features.coop_taskrun {
        builder.setup_coop_taskrun();
    }
    if features.no_sqarray {
        builder.setup_no_sqarray();
    }
    if let Some(place) = config.sqpoll {
        builder.setup_sqpoll(sqpoll::IDLE_MS);
        if let Sqpoll::Cpu(cpu) = place {
            builder.setup_sqpoll_cpu(cpu);
        }
    }
    builder
}
