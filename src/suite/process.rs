//! Programs that a suite starts, each in a process group of its own: what it leaves behind is known, and ended.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{AccessFlags, Pid, access};

use crate::measure::clock::{Clock, Monotonic};
use crate::plan::cpus;
use crate::result::suite::shell_word;

/// How long a program may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);

/// How a program is started.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) words: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) dir: PathBuf,
    /// Where it is pinned; anywhere, if empty.
    pub(super) cpus: Vec<usize>,
    /// The network namespace it is in.
    pub(super) namespace: Option<String>,
}

impl Start {
    /// Program and arguments, with what pins it and puts it into its namespace in front.
    fn line(&self) -> Vec<String> {
        let mut line: Vec<String> = Vec::new();
        if let Some(namespace) = &self.namespace {
            line.extend(["ip", "netns", "exec", namespace].map(str::to_owned));
        }
        if !self.cpus.is_empty() {
            line.extend(["taskset", "-c", &cpus::format_list(&self.cpus)].map(str::to_owned));
        }
        line.extend(self.words.iter().cloned());
        line
    }

    /// The command as a shell would take it.
    pub(super) fn shown(&self) -> String {
        let variables = self.env.iter().map(|(name, value)| format!("{name}={}", shell_word(value)));
        variables.chain(self.line().iter().map(|word| shell_word(word))).collect::<Vec<_>>().join(" ")
    }
}

/// A program that runs. Dropped, it and all of its group are ended.
pub(super) struct Program {
    child: Child,
    group: Pid,
    status: Option<ExitStatus>,
}

impl Program {
    /// Starts it. Its output goes to the file `log`, and of its standard output to `out` instead, where there is one. Should this
    /// process die without a chance to end it, the kernel ends it.
    pub(super) fn start(start: &Start, log: &Path, out: Option<&Path>) -> Result<Program, String> {
        let create = |path: &Path| File::create(path).map_err(|error| format!("{}: {error}", path.display()));
        let log = create(log)?;
        let both = log.try_clone().map_err(|error| format!("log: {error}"))?;
        let line = start.line();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "--"]).args(&line).envs(&start.env).current_dir(&start.dir);
        command.stdin(Stdio::null()).stderr(log).process_group(0);
        command.stdout(out.map_or(Ok(both), create)?);
        let child =
            command.spawn().map_err(|error| format!("cannot start {} by setpriv (util-linux): {error}", line[0]))?;
        let group = Pid::from_raw(i32::try_from(child.id()).map_err(|error| error.to_string())?);
        Ok(Program { child, group, status: None })
    }

    /// Its process group.
    pub(super) fn group(&self) -> i32 {
        self.group.as_raw()
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status
    }

    /// Sends a signal to all of its group.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = killpg(self.group, signal);
    }

    /// Ends it and all that it started. False if it took force.
    pub(super) fn stop(&mut self) -> bool {
        self.signal(Signal::SIGTERM);
        if self.gone_within(PATIENCE) {
            return true;
        }
        self.signal(Signal::SIGKILL);
        self.gone_within(PATIENCE);
        false
    }

    /// Whether all of its group has ended before that time is over.
    fn gone_within(&mut self, limit: Duration) -> bool {
        let ends_at = Monotonic.now() + limit.as_nanos() as u64;
        loop {
            if self.ended().is_some() {
                // Orphans of the group come to us, where this process has been made their reaper.
                while let Ok(status) = waitpid(Pid::from_raw(-self.group.as_raw()), Some(WaitPidFlag::WNOHANG)) {
                    if status.pid().is_none() {
                        break;
                    }
                }
                if killpg(self.group, None) == Err(Errno::ESRCH) {
                    return true;
                }
            }
            if Monotonic.now() > ends_at {
                return false;
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An end in words.
pub(super) fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        _ => "an unknown end".to_owned(),
    }
}

/// Orphans of what is started from now on become children of this process, so that their ends are seen.
pub(super) fn become_reaper() {
    let _ = nix::sys::prctl::set_child_subreaper(true);
}

/// The last lines of a log, for whoever reads that a program failed.
pub(super) fn last_words(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines
        .last()
        .map_or_else(String::new, |line| format!("; its last line: {}", line.chars().take(300).collect::<String>()))
}

/// Whether a program can be started under this name.
pub(super) fn is_there(program: &Path) -> bool {
    let executable = |path: &Path| access(path, AccessFlags::X_OK).is_ok() && path.is_file();
    if program.components().count() > 1 {
        return executable(program);
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| executable(&folder.join(program)))
}
