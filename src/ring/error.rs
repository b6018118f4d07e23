//! Why a ring could not be set up, and what to do about it.

use std::{fmt, fs, io};

use super::level::{Level, Sqpoll};

/// What a kernel too old is good for.
const TOO_OLD: &str =
    "saturing uses io_uring from Linux 5.19 on (with --uring-level C from 5.15): use --engine epoll, or a later kernel";

/// A ring, or another engine, that could not be made: the step, the kernel's error, the likely cause and the cure.
#[derive(Debug)]
pub struct SetupError {
    subject: &'static str,
    step: &'static str,
    error: io::Error,
    advice: String,
}

impl SetupError {
    /// Of an io_uring that would have locked so much memory.
    pub fn new(step: &'static str, error: io::Error, memory_bytes: usize) -> SetupError {
        let advice = match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => not_permitted(),
            Some(libc::ENOSYS) => {
                "this kernel has no io_uring (a gVisor sandbox, or built without it): run on Linux 5.19 or later, or use --engine epoll".into()
            }
            Some(libc::EINVAL) => TOO_OLD.into(),
            Some(libc::ENOMEM) => memory_locked(memory_bytes),
            Some(libc::EMFILE | libc::ENFILE) => "too many open files: raise `ulimit -n`".into(),
            _ => "see `man io_uring_setup`".into(),
        };
        SetupError { subject: "io_uring", step, error, advice }
    }

    /// Of something else than a ring: what it is, the step, the kernel's error, and the cure.
    pub fn of(subject: &'static str, step: &'static str, error: io::Error, advice: &str) -> SetupError {
        SetupError { subject, step, error, advice: advice.to_owned() }
    }

    /// The kernel has io_uring, but not these features, which every level needs.
    pub(super) fn poor(missing: &str) -> SetupError {
        let advice = format!("this kernel lacks {missing}; {TOO_OLD}");
        SetupError {
            subject: "io_uring",
            step: "feature check",
            error: io::Error::from_raw_os_error(libc::EINVAL),
            advice,
        }
    }

    /// A level was asked for that this kernel does not have.
    pub(super) fn level(level: Level, missing: &str) -> SetupError {
        let advice = format!("this kernel lacks {missing}, which --uring-level {} needs: ask for less", level.as_str());
        SetupError {
            subject: "io_uring",
            step: "feature check",
            error: io::Error::from_raw_os_error(libc::EINVAL),
            advice,
        }
    }

    /// The kernel's submission thread could not be had.
    pub(super) fn sqpoll(place: Sqpoll, error: io::Error) -> SetupError {
        let advice = match (place, error.raw_os_error()) {
            (Sqpoll::Cpu(cpu), Some(libc::EINVAL)) => {
                format!(
                    "--sqpoll={cpu}: the kernel's thread cannot run there: no such CPU, or not one of this process's"
                )
            }
            (_, Some(libc::EPERM)) => "--sqpoll needs Linux 5.11, or a privileged user: leave it out".into(),
            _ => "--sqpoll asked for it: leave it out".into(),
        };
        SetupError { subject: "io_uring", step: "set-up with a submission thread", error, advice }
    }

    /// The ring cannot poll network cards.
    pub(super) fn napi(error: io::Error) -> SetupError {
        let advice = "--napi needs Linux 6.9, built with CONFIG_NET_RX_BUSY_POLL: leave it out".into();
        SetupError { subject: "io_uring", step: "registering NAPI", error, advice }
    }

    /// The kernel's error number, where there is one.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.error.raw_os_error()
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} failed: {}; {}", self.subject, self.step, self.error, self.advice)
    }
}

impl std::error::Error for SetupError {}

fn not_permitted() -> String {
    let disabled = fs::read_to_string("/proc/sys/kernel/io_uring_disabled").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    advice_for_permission(disabled.trim(), &status)
}

fn advice_for_permission(disabled: &str, status: &str) -> String {
    match disabled {
        "1" => "kernel.io_uring_disabled is 1 and this user is not in kernel.io_uring_group: \
                `sysctl kernel.io_uring_disabled=0`, or join that group"
            .into(),
        "2" => "kernel.io_uring_disabled is 2: `sysctl kernel.io_uring_disabled=0`".into(),
        _ if status.lines().any(|line| line.starts_with("Seccomp:") && line.ends_with('2')) => {
            "a seccomp filter forbids it (a container's default profile): allow io_uring_setup, io_uring_enter and \
             io_uring_register, e.g. `docker run --security-opt seccomp=unconfined`"
                .into()
        }
        _ => "a security module forbids it: ask what confines this process".into(),
    }
}

fn memory_locked(needed: usize) -> String {
    let allowed = match nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_MEMLOCK) {
        Ok((soft, _)) => format!("{} KiB", soft / 1024),
        Err(_) => "unknown".into(),
    };
    format!(
        "locked memory is short: this ring needs about {} KiB, the limit for this user is {allowed}: raise `ulimit -l`",
        needed.div_ceil(1024)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_names_its_cure() {
        let table = [
            (libc::EPERM, ""),
            (libc::ENOSYS, "--engine epoll"),
            (libc::EINVAL, "5.19"),
            (libc::ENOMEM, "ulimit -l"),
            (libc::EMFILE, "ulimit -n"),
        ];
        for (errno, cure) in table {
            let error = SetupError::new("set-up", io::Error::from_raw_os_error(errno), 640 << 10);
            let text = error.to_string();
            assert!(text.contains("set-up failed") && text.contains(cure), "{text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    }

    #[test]
    fn what_was_asked_for_and_cannot_be_had_is_named() {
        let refused = |code| io::Error::from_raw_os_error(code);
        let table = [
            (
                SetupError::level(Level::A, "DEFER_TASKRUN (6.1)"),
                "lacks DEFER_TASKRUN (6.1), which --uring-level A needs",
            ),
            (SetupError::poor("EXT_ARG (5.11)"), "lacks EXT_ARG (5.11); saturing uses io_uring from Linux 5.19 on"),
            (SetupError::sqpoll(Sqpoll::Cpu(9), refused(libc::EINVAL)), "--sqpoll=9"),
            (SetupError::sqpoll(Sqpoll::Anywhere, refused(libc::EPERM)), "--sqpoll needs"),
            (SetupError::napi(refused(libc::EINVAL)), "--napi needs Linux 6.9"),
        ];
        for (error, words) in table {
            let text = error.to_string();
            assert!(text.contains(words) && text.lines().count() == 1, "{text}");
        }
    }

    #[test]
    fn permission_is_told_apart() {
        assert!(advice_for_permission("2", "").contains("io_uring_disabled is 2"));
        assert!(advice_for_permission("1", "").contains("io_uring_group"));
        assert!(advice_for_permission("0", "Name:\tx\nSeccomp:\t2\n").contains("seccomp"));
        assert!(advice_for_permission("", "Seccomp:\t0\n").contains("security module"));
    }
}
