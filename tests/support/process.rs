//! Processes and folders that are gone when their test is, also when that panics.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longer than any step of a test takes on a machine that is ten times slower than it should be: only a hang lasts so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// A child that is killed, by its own handle, when this is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts `command` without standard input; `tool` is named if it is not there.
    pub(crate) fn start(command: &mut Command, tool: &str) -> Process {
        match command.stdin(Stdio::null()).spawn() {
            Ok(child) => Process(child),
            Err(error) => {
                panic!("cannot start {tool}: {error}; ./check.sh installs what the tests need")
            }
        }
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.0.id()).expect("a process id");
        kill(Pid::from_raw(id), signal).expect("the process is there");
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a child of ours").is_some()
    }

    /// Waits for its end, which must come.
    pub(crate) fn wait(&mut self, what: &str) -> ExitStatus {
        until(what, || self.0.try_wait().expect("a child of ours"))
    }

    /// As `kill -9` and, the process being our child, waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.0.kill().expect("the process is there");
        self.0.wait().expect("a child of ours");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks again and again, for at most [`PATIENCE`].
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Tries with a span that is doubled each time until it was long enough for what `attempt` looks for: how long that is, depends on
/// the machine.
pub(crate) fn long_enough<T>(what: &str, first: Duration, mut attempt: impl FnMut(Duration) -> Option<T>) -> T {
    let mut span = first;
    loop {
        if let Some(found) = attempt(span) {
            return found;
        }
        span *= 2;
        assert!(span < PATIENCE, "never long enough: {what}");
    }
}

/// The first line of a pipe; what follows is read and thrown away, so that the writer never blocks.
pub(crate) fn first_line(pipe: impl Read + Send + 'static) -> String {
    let mut reader = BufReader::new(pipe);
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    line.trim_end().to_owned()
}

/// A folder of the test's own.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    /// A path inside it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("a file");
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
