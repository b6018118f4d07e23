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

/// Where the kernel's submission thread runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sqpoll {
    /// On any CPU.
    Anywhere,
    /// On this one.
    Cpu(u32),
}
