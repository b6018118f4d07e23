//! Which side was the limit: the verdict of real runs, on a machine that others may use too.
//!
//! Where a run has to have its CPU to itself, one that was disturbed is repeated; a verdict that does not name a disturbance and is wrong, or
//! none, fails at once. Whether the machine was calm is also seen without the program's help, so that it cannot excuse itself.

use std::io;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::answers::HELLO;
use crate::support::process::{Folder, Process, long_enough, until};
use crate::support::saturing::{Running, Serve, load, run};
use crate::support::scripted::serve;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Uid;
use saturing::plan::cpus::Topology;
use saturing::result::{Bound, Little, Outcome, RunResult};

/// One of these tests at a time: they need CPUs.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often an undisturbed run is tried for.
const TRIES: usize = 8;

/// Whether a thread on this CPU gets it for itself just now: it counts for 30 ms of its own time, and the wall clock's must be that.
fn is_calm(cpu: usize) -> bool {
    let look = move || {
        assert!(core_affinity::set_for_current(core_affinity::CoreId { id: cpu }), "CPU {cpu} may be used");
        let used = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock"));
        let (start, before) = (Instant::now(), used());
        while used() - before < Duration::from_millis(30) {}
        start.elapsed() < Duration::from_millis(33)
    };
    thread::spawn(look).join().expect("no panic")
}

/// A CPU for the client and one for its server; the same where there is only one.
fn two_cpus() -> (String, String) {
    let cpus = Topology::read().expect("this machine's CPUs").allowed();
    (cpus[0].to_string(), cpus[cpus.len() - 1].to_string())
}

fn verdict(result: &RunResult) -> (Bound, String) {
    let verdict = result.verdict.as_ref().expect("every run is judged");
    assert!(!verdict.because.is_empty() && verdict.because.iter().all(|why| !why.is_empty()), "{verdict:?}");
    (verdict.bound, verdict.because.join("; "))
}

/// What disturbed it is said, in the verdict or as a warning.
fn names_a_disturbance(result: &RunResult) -> bool {
    let all = ["disturbed:", "ran on the client's CPU", "others used", "had no CPU", "stood still"];
    let says = |words: &str| all.iter().any(|one| words.contains(one));
    says(&verdict(result).1) || result.warnings.iter().any(|warning| says(warning))
}

/// Runs until more runs came to `bound` than did not although the machine was calm before and after. Each other one has to say what disturbed
/// it. `None`: the machine was never calm, and every run said so.
fn comes_to(bound: Bound, cpu: &str, mut attempt: impl FnMut() -> RunResult) -> Option<RunResult> {
    let cpu = cpu.parse().expect("a CPU");
    let (mut right, mut wrong) = (0, Vec::new());
    for _ in 0..TRIES {
        let calm = is_calm(cpu);
        let result = attempt();
        let calm = calm && is_calm(cpu);
        let (is, because) = verdict(&result);
        if is == bound {
            right += 1;
        } else {
            assert!(names_a_disturbance(&result), "{is:?}: {because} {:?}", result.warnings);
            wrong.extend(calm.then_some((is, because)));
        }
        if is == bound && right > wrong.len() {
            return Some(result);
        }
    }
    assert!(wrong.is_empty(), "{bound:?} in {right} of {TRIES} runs; on a calm machine {wrong:?}");
    eprintln!(
        "NOT TESTED: a run whose limit is {bound:?}: the machine was never calm in {TRIES} runs, and each said what disturbed it"
    );
    None
}

/// Little's law of a run so long that its longest answer does not blur it.
fn little(mut attempt: impl FnMut(&str) -> RunResult) -> Little {
    let run = |span: Duration| attempt(&format!("-d {}ms", span.as_millis())).little;
    long_enough("against the longest answer", Duration::from_millis(500), run)
}

/// Figures that hold in any run.
fn figures_hold(result: &RunResult) {
    for worker in &result.workers {
        let one = worker.evidence.as_ref().expect("evidence");
        let shares = [one.cpu_share, one.waited_share, one.in_enter_share, one.queued_share.unwrap_or(0.0)];
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{one:?}");
        assert!(one.cpu_share + one.waited_share <= 1.0 + 1e-9 && one.span_s > 0.0, "{one:?}");
        assert!(one.cpu_share > 0.0 && one.voluntary_switches + one.involuntary_switches > 0, "{one:?}");
    }
}

#[test]
fn a_server_that_takes_a_millisecond_is_the_limit() {
    let _alone = alone();
    let (client, server) = two_cpus();
    let serving = Serve::start(&["--service", "const:1ms", "--cpus", &server]);
    let options = format!("-t 1 -c 8 --cpus {client}");
    let result = comes_to(Bound::Server, &client, || load(serving.address, &format!("{options} -d 1s")));
    if let Some(result) = result {
        figures_hold(&result);
        assert!(verdict(&result).1.contains("waited"), "{:?}", result.verdict);
        let process = result.target.process.as_ref().expect("the server's process, by its socket");
        assert_eq!((process.pids.len(), process.name.as_str()), (1, "saturing"), "{process:?}");
    }
    // Eight connections that wait for an answer whenever the client is not kept from sending.
    let little = little(|window| load(serving.address, &format!("{options} {window}")));
    assert!(little.in_flight > 2.0 && little.in_flight <= 8.01 && little.gap() < 0.15, "{little:?}");
}

#[test]
fn a_server_that_sleeps_a_millisecond_is_the_limit() {
    let _alone = alone();
    let (client, _) = two_cpus();
    let sleeping = serve(|peer| -> io::Result<()> {
        while peer.request()? {
            thread::sleep(Duration::from_millis(1));
            peer.answer(HELLO)?;
        }
        Ok(())
    });
    let options = format!("-t 1 -c 4 -d 1s --cpus {client}");
    let Some(result) = comes_to(Bound::Server, &client, || load(sleeping.address, &options)) else { return };
    let process = result.target.process.as_ref().expect("this process");
    assert!(process.pids.contains(&std::process::id()), "{process:?}");
    assert!(process.cpu_s > 0.0, "{process:?}");
}

#[test]
fn a_low_rate_is_its_own_limit() {
    let _alone = alone();
    let serving = Serve::start(&[]);
    let (client, _) = two_cpus();
    let options = format!("-t 1 -c 8 -d 1s -R 200 --cpus {client}");
    let Some(result) = comes_to(Bound::Offered, &client, || load(serving.address, &options)) else { return };
    assert!(verdict(&result).1.contains("of the offered 200.00/s achieved"), "{:?}", result.verdict);
    figures_hold(&result);
}

#[test]
fn a_rate_beyond_the_server_is_not_the_clients_fault() {
    let _alone = alone();
    let (client, server) = two_cpus();
    let serving = Serve::start(&["--service", "const:2ms", "--cpus", &server]);
    let options = format!("-t 1 -c 4 -d 1s -R 2000 --drain 200ms --cpus {client}");
    let Some(result) = comes_to(Bound::Server, &client, || load(serving.address, &options)) else { return };
    assert!(verdict(&result).1.contains("places in flight taken"), "{:?}", result.verdict);
}

/// The other side of the same: client and server on one CPU.
#[test]
fn a_client_on_the_servers_own_cpu_says_so() {
    let _alone = alone();
    let (both, _) = two_cpus();
    let serving = Serve::start(&["--cpus", &both]);
    let confined = |address: SocketAddr| {
        let url = format!("http://{address}/");
        let mut command = Command::new("taskset");
        command.args(["-c", &both, env!("CARGO_BIN_EXE_saturing"), "-c64", "-d1s", "-T50s", "--json", "-", &url]);
        let ended = crate::support::saturing::Running::spawn(&mut command).wait();
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.result()
    };
    let result = confined(serving.address);
    let (bound, because) = verdict(&result);
    assert!(bound == Bound::Client || names_a_disturbance(&result), "{bound:?}: {because}");
    assert_ne!(bound, Bound::Offered);
    let warned =
        |warning: &String| warning.starts_with(&format!("the target (saturing) ran on the client's CPU {both}:"));
    assert!(result.warnings.iter().any(warned), "{:?}", result.warnings);
    assert!(because.contains(&format!("the target ran on the client's CPU {both}")), "{because}");
}

#[test]
fn a_hog_beside_the_client_is_seen() {
    let _alone = alone();
    let (client, server) = two_cpus();
    let serving = Serve::start(&["--cpus", &server]);
    let mut command = Command::new("taskset");
    command.args(["-c", &client, "sh", "-c", "while :; do :; done"]).stdout(Stdio::null());
    let mut hog = Process::start(&mut command, "taskset");
    let result = load(serving.address, &format!("-t 1 -c 64 -d 1s --cpus {client}"));
    let ended = hog.has_ended();
    hog.kill();
    assert!(!ended, "the hog was there all the time");
    let (bound, because) = verdict(&result);
    assert!(bound == Bound::Client || names_a_disturbance(&result), "{bound:?}: {because} {:?}", result.warnings);
    assert_ne!(bound, Bound::Offered);
    let queued = result.workers[0].evidence.as_ref().and_then(|one| one.queued_share);
    assert!(queued.is_none_or(|share| share > 0.02), "{queued:?}: {because}");
}

/// Whatever it comes to, it follows from its own figures.
#[test]
fn a_fast_closed_loop_is_judged_by_its_own_figures() {
    let _alone = alone();
    let (client, server) = two_cpus();
    let serving = Serve::start(&["--cpus", &server]);
    let result = load(serving.address, &format!("-t 1 -c 64 -d 1s --cpus {client}"));
    figures_hold(&result);
    let one = result.workers[0].evidence.as_ref().expect("evidence");
    let (bound, because) = verdict(&result);
    match bound {
        Bound::Client => assert!(one.waited_share < 0.03 || one.queued_share > Some(0.05), "{one:?}: {because}"),
        Bound::Server => assert!(one.waited_share > 0.0, "{one:?}: {because}"),
        Bound::Unclear => assert!(one.waited_share >= 0.03, "{one:?}: {because}"),
        Bound::Offered => panic!("nothing was offered: {because}"),
    }
    assert!(one.in_flight > 32.0 && one.in_flight <= 64.01, "{one:?}");
    let little = little(|window| load(serving.address, &format!("-t 1 -c 64 {window} --cpus {client}")));
    assert!(little.gap() < 0.15, "{little:?}");
}

#[test]
fn the_report_has_it_under_the_rate_and_the_rest_when_asked() {
    let _alone = alone();
    let serving = Serve::start(&[]);
    let url = serving.address.to_string();
    let plain = run(&["-c2", "-d300ms", "-T50s", &url]).stdout;
    let after = plain.split_once("Transfer/sec:").expect("wrk's last line").1;
    let lines: Vec<&str> = after.lines().skip(1).collect();
    assert!(lines[0].is_empty() && lines[1].starts_with("  Limit         "), "{plain}");
    assert!(!plain.contains("Evidence"), "{plain}");
    let verbose = run(&["-c2", "-d300ms", "-T50s", "--verbose", &url]).stdout;
    // Little's law is left out where one answer took long against the window, as on a busy machine.
    for words in ["  Evidence", "    waited", "    on CPU", "    its CPU: idle", "  Target"] {
        assert!(verbose.contains(words), "{words}: {verbose}");
    }
}

/// A network of its own with 100 ports, and a connection too many: whatever the machine does, some connects find none.
#[test]
fn ports_used_up_are_the_clients_limit() {
    let result = long_enough("answers", Duration::from_millis(300), run_out_of_ports);
    let (bound, because) = verdict(&result);
    assert!(bound == Bound::Client && because.contains("found no local port"), "{bound:?}: {because}");
    let cures = ["ip_local_port_range", "tcp_tw_reuse", "--source-address", "keep connections alive", "addresses"];
    let told = |warning: &String| cures.iter().all(|cure| warning.contains(cure));
    assert!(result.warnings.iter().any(told), "{:?}", result.warnings);
}

/// A run for more connections than there are ports; `None` if it was too short for an answer, or to look for the last ports.
fn run_out_of_ports(span: Duration) -> Option<RunResult> {
    let (saturing, ms) = (env!("CARGO_BIN_EXE_saturing"), span.as_millis());
    let script = format!(
        "ip link set lo up && echo 40000 40099 > /proc/sys/net/ipv4/ip_local_port_range && exec {saturing} -c 150 -d {ms}ms -T 50s --json -"
    );
    let mut unshare = Command::new("unshare");
    if !Uid::effective().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    let ended = Running::spawn(unshare.args(["--net", "sh", "-c", &script])).wait();
    let result = ended.result();
    assert_eq!(ended.code == 0, result.requests.completed > 0, "{ended:?}");
    (result.requests.completed > 0 && result.connections.failed.no_local_port > 0).then_some(result)
}

/// A server that is gone for good after a hundred answers, as if it had been killed.
#[test]
fn a_server_that_is_killed_is_away_and_not_slow() {
    let killed = Arc::new(AtomicBool::new(false));
    let here = Arc::clone(&killed);
    let server = serve(move |peer| -> io::Result<()> {
        while !here.load(SeqCst) && peer.request()? {
            peer.answer(HELLO)?;
        }
        Ok(())
    });
    let folder = Folder::new();
    let file = folder.path("result.json").display().to_string();
    let url = server.address.to_string();
    // What is in flight when it ends fails: more than 1 % of a hundred, and less than half.
    let slo = "errors<0.1%,p50<50s";
    let running = Running::start(&["-d2s", "-c8", "-T50s", "--slo", slo, "--json", &file, &url]);
    until("a hundred answers", || (server.counts().answers >= 100).then_some(()));
    killed.store(true, SeqCst);
    server.stop();
    let ended = running.wait();
    assert_eq!(ended.code, 3, "{ended:?}");
    let text = std::fs::read_to_string(&file).expect("the result");
    let result: RunResult = serde_json::from_str(&text).expect("a result");
    assert_eq!((result.outcome, verdict(&result).0), (Outcome::Incomplete, Bound::Unclear), "{:?}", result.verdict);
    let told = &result.warnings[0];
    assert!(told.starts_with("the target was away from ") && told.contains(" on: "), "{:?}", result.warnings);
    let after = ended.stdout.split_once("Transfer/sec:").expect("wrk's last line").1;
    let first = after.lines().skip(1).find(|line| line.starts_with("  ")).expect("a line under the rate");
    assert!(first.starts_with("  Incomplete    the target was away from "), "{}", ended.stdout);
    let clauses = result.slo.expect("judged");
    assert!(!clauses[0].held && clauses[0].figure.contains("(no connection open for "), "{clauses:?}");
    assert!(clauses[1].held, "{clauses:?}");
}
