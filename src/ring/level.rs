//! What io_uring can do on kernels of different age, by name.

/// The levels, the richest first. Each says which features of the kernel are used (kernel-notes.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// 6.12 and later: min_wait, waits until an instant.
    APlus,
    /// 6.1 to 6.11: deferred task work, multishot receives, buffer rings.
    A,
    /// 6.0: cooperative task work, multishot receives, buffer rings.
    AMinus,
    /// 5.19: one-shot receives with buffer rings.
    B,
    /// 5.15 to 5.18: one-shot receives into memory of each connection; two operations and two completions a request.
    C,
}

impl Level {
    /// All, the richest first.
    pub const ALL: [Level; 5] = [Level::APlus, Level::A, Level::AMinus, Level::B, Level::C];

    /// The next richer one.
    pub(super) fn above(self) -> Option<Level> {
        Level::ALL.into_iter().take_while(|level| *level != self).last()
    }

    /// The next poorer one; the poorest stays itself.
    pub(super) fn below(self) -> Level {
        Level::ALL.into_iter().find(|level| *level > self).unwrap_or(self)
    }

    /// As it is typed and printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::APlus => "A+",
            Level::A => "A",
            Level::AMinus => "A-",
            Level::B => "B",
            Level::C => "C",
        }
    }
}

/// What is used of the kernel's offer. Each can be left out, to measure what it brings (bench/ablation.py).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// The kernel counts on one thread (6.0).
    pub single_issuer: bool,
    /// Completions are processed by the thread that asks for them, when it asks (6.1); needs `single_issuer`.
    pub defer_taskrun: bool,
    /// Without `defer_taskrun`: at its next system call (5.19). Without either the kernel interrupts the thread for them.
    pub coop_taskrun: bool,
    /// One bad entry does not hold back those behind it (5.18).
    pub submit_all: bool,
    /// No indirection between queue and entries (6.6).
    pub no_sqarray: bool,
    /// Waits end at an instant, not after a span (6.12).
    pub abs_timer: bool,
    /// The ring's descriptor is looked up once instead of at each enter (5.18).
    pub ring_fd: bool,
    /// Receives take their memory when bytes are there (5.19); without it, each receive is lent memory of its own.
    pub buffer_ring: bool,
    /// One armed receive serves a connection for its life (6.0), with `buffer_ring`; without it each receive is asked for.
    pub multishot: bool,
    /// One armed accept serves a listener for its life (5.19).
    pub multishot_accept: bool,
    /// A send that succeeds posts no completion (5.17).
    pub cqe_skip: bool,
    /// The kernel goes on with a send until all is taken (MSG_WAITALL on sends, 5.19); without it, the ring does.
    pub whole_sends: bool,
    /// The end of a ring cancels all that is left with one operation (5.19); without it, one by one.
    pub cancel_any: bool,
}

impl Features {
    /// All of them.
    pub const ALL: Features = Features::of(Level::APlus);

    /// Those of a level.
    pub const fn of(level: Level) -> Features {
        let since_5_19 = !matches!(level, Level::C);
        let since_6_0 = since_5_19 && !matches!(level, Level::B);
        let since_6_1 = since_6_0 && !matches!(level, Level::AMinus);
        let since_6_12 = since_6_1 && !matches!(level, Level::A);
        Features {
            single_issuer: since_6_0,
            defer_taskrun: since_6_1,
            coop_taskrun: since_5_19,
            submit_all: since_5_19,
            no_sqarray: since_6_12,
            abs_timer: since_6_12,
            ring_fd: since_5_19,
            buffer_ring: since_5_19,
            multishot: since_6_0,
            multishot_accept: since_5_19,
            cqe_skip: since_5_19,
            whole_sends: since_5_19,
            cancel_any: since_5_19,
        }
    }

    /// Those that both have, without what then lacks what it needs.
    pub fn and(self, other: Features) -> Features {
        let single_issuer = self.single_issuer && other.single_issuer;
        let buffer_ring = self.buffer_ring && other.buffer_ring;
        Features {
            single_issuer,
            defer_taskrun: self.defer_taskrun && other.defer_taskrun && single_issuer,
            coop_taskrun: self.coop_taskrun && other.coop_taskrun,
            submit_all: self.submit_all && other.submit_all,
            no_sqarray: self.no_sqarray && other.no_sqarray,
            abs_timer: self.abs_timer && other.abs_timer,
            ring_fd: self.ring_fd && other.ring_fd,
            buffer_ring,
            multishot: self.multishot && other.multishot && buffer_ring,
            multishot_accept: self.multishot_accept && other.multishot_accept,
            cqe_skip: self.cqe_skip && other.cqe_skip,
            whole_sends: self.whole_sends && other.whole_sends,
            cancel_any: self.cancel_any && other.cancel_any,
        }
    }

    /// Those that go with a submission thread of the kernel's: it processes completions itself.
    pub(super) fn beside_sqpoll(self) -> Features {
        Features { defer_taskrun: false, coop_taskrun: false, ..self }
    }
}

/// Where the kernel's submission thread runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sqpoll {
    /// On any CPU.
    Anywhere,
    /// On this one.
    Cpu(u32),
}
