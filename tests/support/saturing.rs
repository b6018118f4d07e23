//! Running the command and reading its result.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::signal::Signal;
use saturing::cli::{Command as Typed, parse};
use saturing::plan::Plan;
use saturing::plan::cpus::Topology;
use saturing::result::RunResult;

use super::process::{Process, first_line, until};

/// The engine that `SATURING_TEST_ENGINE` names, for the whole pass: without one the command chooses.
pub(crate) fn engine() -> Option<&'static str> {
    static NAME: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("SATURING_TEST_ENGINE").ok());
    NAME.as_deref()
}

/// The engine for `saturing serve`, likewise; not every one can serve.
fn server_engine() -> &'static [&'static str] {
    if engine() == Some("epoll") { &["--engine", "epoll"] } else { &[] }
}

/// The command under test, without arguments. Whatever this machine's user has calibrated is not seen: its cache is a folder that
/// nobody makes.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_saturing"));
    command.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/no-cache"));
    command
}

/// What a command line asks for, for tests that run it in their own process.
pub(crate) fn plan(line: &str) -> Plan {
    let args = line.split_whitespace().map(Into::into);
    let Ok(Typed::Load(typed)) = parse(args, &mut std::io::empty()) else { panic!("a run: {line}") };
    let topology = Topology::read().expect("this machine's CPUs");
    typed.plan(typed.url().expect("typed"), &topology).expect("a plan")
}

/// What became of a command.
#[derive(Debug)]
pub(crate) struct Ended {
    /// As a shell shows it: 128 and the number for one that died of a signal.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// A command that runs.
pub(crate) struct Running {
    process: Process,
    stdout: Collected,
    stderr: Collected,
    started: Instant,
}

/// What a process writes, to be looked at while it runs.
struct Collected {
    so_far: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Collected {
    /// Reads to the end of `pipe`; a terminal ends with an error, when nobody has it open any more.
    fn new(mut pipe: impl Read + Send + 'static) -> Collected {
        let so_far = Arc::new(Mutex::new(Vec::new()));
        let here = Arc::clone(&so_far);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(got @ 1..) = pipe.read(&mut bytes) {
                here.lock().expect("no panic").extend_from_slice(&bytes[..got]);
            }
        });
        Collected { so_far, reader }
    }

    fn says(&self, words: &str) -> bool {
        memchr::memmem::find(&self.so_far.lock().expect("no panic"), words.as_bytes()).is_some()
    }

    fn text(self) -> String {
        self.reader.join().expect("a reader");
        String::from_utf8(std::mem::take(&mut *self.so_far.lock().expect("no panic"))).expect("UTF-8")
    }
}

impl Running {
    pub(crate) fn start<S: AsRef<OsStr>>(args: &[S]) -> Running {
        let mut command = command();
        let serves = args.first().is_some_and(|first| first.as_ref() == "serve");
        if let Some(engine) = engine().filter(|_| !serves) {
            command.args(["--engine", engine]);
        }
        Running::spawn(command.args(args))
    }

    pub(crate) fn spawn(command: &mut Command) -> Running {
        let started = Instant::now();
        let mut process = Process::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()), "saturing");
        let child = process.child();
        let stdout = Collected::new(child.stdout.take().expect("a pipe"));
        let stderr = Collected::new(child.stderr.take().expect("a pipe"));
        Running { process, stdout, stderr, started }
    }

    /// As [`Running::spawn`], with a terminal for standard error: there it shows its progress.
    pub(crate) fn on_terminal(command: &mut Command) -> Running {
        let started = Instant::now();
        let terminal = openpty(None, None).expect("a terminal");
        let mut process = Process::start(command.stdout(Stdio::piped()).stderr(terminal.slave), "saturing");
        // The terminal ends when the last who has it open ends, and that is to be the child.
        command.stderr(Stdio::null());
        let stdout = Collected::new(process.child().stdout.take().expect("a pipe"));
        Running { process, stdout, stderr: Collected::new(File::from(terminal.master)), started }
    }

    /// Waits until it has said so on standard output.
    pub(crate) fn until_it_says(&mut self, words: &str) {
        let Running { process, stdout, .. } = self;
        until(words, || {
            let said = stdout.says(words);
            assert!(said || !process.has_ended(), "it ended without saying {words}");
            said.then_some(())
        });
    }

    /// Waits until it has shown so on its terminal.
    pub(crate) fn until_it_shows(&mut self, words: &str) {
        let Running { process, stderr, .. } = self;
        until(words, || {
            let shown = stderr.says(words);
            assert!(shown || !process.has_ended(), "it ended without showing {words}");
            shown.then_some(())
        });
    }

    /// With load on `address`, and the result to be read by [`Ended::result`]. Nothing times out unless asked to, however busy
    /// the machine is.
    pub(crate) fn load(address: SocketAddr, options: &str) -> Running {
        let url = format!("http://{address}/");
        let mut args = vec!["--json", "-"];
        args.extend(options.split_whitespace());
        if !args.contains(&"-T") {
            args.extend(["-T", "50s"]);
        }
        args.push(&url);
        Running::start(&args)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Its process id.
    pub(crate) fn id(&mut self) -> u32 {
        self.process.child().id()
    }

    pub(crate) fn wait(mut self) -> Ended {
        let status = self.process.wait("the end of saturing");
        let took = self.started.elapsed();
        let code = status.code().or_else(|| status.signal().map(|number| 128 + number)).expect("an end");
        Ended { code, stdout: self.stdout.text(), stderr: self.stderr.text(), took }
    }
}

impl Ended {
    /// The JSON on standard output, its sums held against each other here again, by other code than the command's.
    pub(crate) fn result(&self) -> RunResult {
        let result = self.result_of_any_engine();
        if let Some(engine) = engine() {
            assert_eq!(result.engine.name, engine, "{:?}", result.engine);
        }
        result
    }

    /// The same of a run that names its engine.
    pub(crate) fn result_of_any_engine(&self) -> RunResult {
        let parsed = serde_json::from_str(&self.stdout);
        let result: RunResult = parsed.unwrap_or_else(|error| panic!("no result ({error}): {self:?}"));
        let requests = result.requests;
        let found = requests.completed + requests.failed + requests.discarded + requests.in_flight_at_end;
        assert_eq!(requests.sent, found, "{requests:?}");
        let errors = result.errors;
        let failed = errors.total();
        assert_eq!(requests.failed, failed, "{errors:?}");
        assert_eq!(errors.protocol, result.protocol_errors.values().sum::<u64>());
        assert_eq!(requests.completed, result.status.values().sum::<u64>(), "{:?}", result.status);
        assert_eq!(requests.completed, result.latency_ns.as_ref().map_or(0, |latency| latency.count));
        result
    }
}

/// Runs the command to its end.
pub(crate) fn run<S: AsRef<OsStr>>(args: &[S]) -> Ended {
    Running::start(args).wait()
}

/// A window is too short where this machine let nothing happen in it: then it is doubled, and all is done again.
fn answered(address: SocketAddr, options: &str) -> Ended {
    let mut options = options.to_owned();
    loop {
        let ended = Running::load(address, &options).wait();
        let Some(longer) = ended.stderr.contains("not one response came").then(|| longer(&options)).flatten() else {
            return ended;
        };
        options = longer;
    }
}

/// The same options with a window twice as long; `None` if there is none, or it is a minute already.
fn longer(options: &str) -> Option<String> {
    let words: Vec<&str> = options.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "-d")? + 1;
    let (number, unit) = words[at].split_at(words[at].find(|c: char| !c.is_ascii_digit())?);
    let number = number.parse::<u64>().ok()? * 2;
    let is_short = number < if unit == "ms" { 60_000 } else { 60 };
    let doubled = format!("{number}{unit}");
    let all = words.iter().enumerate().map(|(index, word)| if index == at { doubled.as_str() } else { *word });
    is_short.then(|| all.collect::<Vec<_>>().join(" "))
}

/// Puts load on `address` and gives the result of a run that must end well.
pub(crate) fn load(address: SocketAddr, options: &str) -> RunResult {
    let ended = answered(address, options);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.stderr, "", "a good run says nothing on standard error but on a terminal");
    ended.result()
}

/// As [`load`], by duration: on a machine so busy that not one response came in time the counts agree all the same.
pub(crate) fn measure(address: SocketAddr, options: &str) -> RunResult {
    Running::load(address, options).wait().result()
}

/// The built-in server as a process, stopped by SIGTERM.
pub(crate) struct Serve {
    process: Process,
    pub(crate) address: SocketAddr,
    last_words: Collected,
}

impl Serve {
    pub(crate) fn start(args: &[&str]) -> Serve {
        use std::io::{BufRead, BufReader};
        let mut process = Process::start(
            command().arg("serve").args(server_engine()).args(args).stdout(Stdio::piped()),
            "saturing serve",
        );
        let mut reader = BufReader::new(process.child().stdout.take().expect("a pipe"));
        let mut line = String::new();
        reader.read_line(&mut line).expect("its address");
        let address = line.trim_end().parse().expect("its address");
        Serve { process, address, last_words: Collected::new(reader) }
    }

    /// Stops it; all it says at its end.
    pub(crate) fn last_words(mut self) -> String {
        self.process.signal(Signal::SIGTERM);
        self.process.wait("the end of saturing serve");
        self.last_words.text()
    }

    /// Stops it; the numbers of requests and connections it says it served.
    pub(crate) fn stop(mut self) -> (u64, u64) {
        self.process.signal(Signal::SIGTERM);
        let status = self.process.wait("the end of saturing serve");
        let text = self.last_words.text();
        assert_eq!(status.code(), Some(0), "{text}");
        let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [requests, connections] = numbers[..] else { panic!("two numbers: {text}") };
        (requests, connections)
    }
}

/// Another server as a process that tells its address, or the port, in its first line.
pub(crate) fn address_in_first_line(process: &mut Process) -> SocketAddr {
    let line = first_line(process.child().stdout.take().expect("a pipe"));
    let port = line.split(|c: char| !c.is_ascii_digit()).filter(|word| word.len() >= 4);
    let port = port.filter_map(|word| word.parse().ok()).next();
    SocketAddr::from(([127, 0, 0, 1], port.unwrap_or_else(|| panic!("a port in {line:?}"))))
}
