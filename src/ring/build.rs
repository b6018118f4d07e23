//! Making a ring: on the main thread, disabled, so that every failure comes before the start.
#![allow(unsafe_code)]

use std::io;
use std::sync::Arc;

use io_uring::{Builder, IoUring};

use super::buffers::Buffers;
use super::error::SetupError;
use super::level::{Level, Sqpoll};
use super::sockets::{Endpoints, Sockets};
use super::uring::Uring;

/// Each can be left out, to measure what it brings (bench/ablation.py); all are used unless the kernel lacks one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// Completions are processed by the thread that asks for them, when it asks (6.1); without it, at its next system call.
    pub defer_taskrun: bool,
    /// No indirection between queue and entries (6.6).
    pub no_sqarray: bool,
    /// The ring's descriptor is looked up once instead of at each enter (5.18).
    pub ring_fd: bool,
    /// One armed receive serves a connection for its life (6.0); without it each receive is asked for.
    pub multishot: bool,
    /// A send that succeeds posts no completion (5.17).
    pub cqe_skip: bool,
}

impl Features {
    /// All of them.
    pub const ALL: Features =
        Features { defer_taskrun: true, no_sqarray: true, ring_fd: true, multishot: true, cqe_skip: true };
}

/// Sizes of a ring.
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
    /// What is used of the kernel's offer.
    pub features: Features,
    /// How long a wait for more than one completion lasts at most once there is one, in microseconds; 0: no bound of its own.
    pub min_wait_us: u32,
    /// A kernel thread submits.
    pub sqpoll: Option<Sqpoll>,
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
            features: Features::ALL,
            min_wait_us: 0,
            sqpoll: None,
        }
    }

    fn shrunk(self) -> Config {
        Config { submissions: 128, completions: 1024, buffers: self.buffers.min(128), ..self }
    }

    /// Bytes counted against the locked-memory limit: 64 per submission, 16 per completion, 16 per buffer entry.
    fn locked_bytes(&self) -> usize {
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
    pub(super) buffers: Buffers,
    pub(super) payload: Arc<[u8]>,
    pub(super) sockets: Sockets,
    pub(super) config: Config,
    /// Waits end at an instant, not after a span (6.12).
    pub(super) abs_timer: bool,
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
        match Self::attempt(config, first, &payload, &endpoints) {
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => {
                let mut idle = Self::attempt(config.shrunk(), first, &payload, &endpoints)?;
                idle.parts.why.push_str("; smaller queues, as the locked-memory limit is short");
                Ok(idle)
            }
            result => result,
        }
    }

    fn attempt(config: Config, first: usize, payload: &Arc<[u8]>, endpoints: &Endpoints) -> Result<Idle, SetupError> {
        let failed = |step| move |error: io::Error| SetupError::new(step, error, config.locked_bytes());
        let (io, level) = set_up(&config).map_err(failed("set-up"))?;
        let params = io.params();
        if !(params.is_feature_nodrop() && params.is_feature_skip_cqe_on_success() && params.is_feature_ext_arg()) {
            return Err(failed("feature check")(io::Error::from_raw_os_error(libc::EINVAL)));
        }
        let why = match level {
            Level::APlus => "this kernel has all that is used".to_owned(),
            _ => "this kernel lacks min_wait and waits until an instant (6.12)".to_owned(),
        };
        let buffers = Buffers::new(config.buffers, config.buffer_bytes);
        let sockets = Sockets::new(config.slots, first, endpoints.clone());
        let parts = Parts {
            buffers,
            payload: Arc::clone(payload),
            sockets,
            config,
            abs_timer: level == Level::APlus,
            level,
            why,
        };
        Ok(Idle { parts, io })
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
        let bytes = parts.config.locked_bytes() + parts.buffers.bytes();
        let failed = |step| move |error: io::Error| SetupError::new(step, error, bytes);
        io.submitter().register_enable_rings().map_err(failed("enabling the ring"))?;
        // SAFETY: `Uring` keeps the buffers until the kernel holds no operation of this ring, or leaks them.
        unsafe { parts.buffers.register(&io.submitter()) }.map_err(failed("registering the receive buffers"))?;
        Uring::new(io, parts).map_err(failed("registering the ring's descriptor"))
    }
}

/// The richest set-up this kernel takes, and the name of its level.
fn set_up(config: &Config) -> io::Result<(IoUring, Level)> {
    let features = config.features;
    let plain = || {
        let mut builder = IoUring::builder();
        builder.setup_r_disabled().setup_single_issuer().setup_submit_all().setup_cqsize(config.completions);
        if features.defer_taskrun {
            builder.setup_defer_taskrun();
        } else {
            builder.setup_coop_taskrun();
        }
        builder
    };
    let build = |builder: &Builder| -> io::Result<IoUring> { builder.build(config.submissions) };
    let richest = if features.no_sqarray { build(plain().setup_no_sqarray()) } else { build(&plain()) };
    let ring = match richest {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) && features.no_sqarray => build(&plain())?,
        result => result?,
    };
    let level = if ring.params().is_feature_min_timeout() { Level::APlus } else { Level::A };
    Ok((ring, level))
}
