//! What the client lacked, or what stood in its way: then it was the limit, whatever the server did.

use super::headlines::seconds;
use super::verdict::percent;
use super::{Evidence, RunResult};

/// Failed connects that decide, as a share of all attempts: each keeps its place in flight empty for 10 ms or more.
const FAILED: f64 = 0.01;
/// Connections that never got their turn, as a share of those requested.
const NO_TURN: f64 = 0.10;
/// A client that stood still for this share of the window was the limit.
const STOPPED: f64 = 0.10;
/// It is told of from this share, or from this time at once on, ns.
const STOPPED_TOLD: (f64, u64) = (0.01, 100_000_000);
/// And never below this, ns: schedulers do that.
const STOPPED_SHORT_NS: u64 = 10_000_000;

/// Something of the client's own that kept the run from its load.
pub(super) struct Fault {
    /// For the verdict, a few words.
    pub(super) because: String,
    /// For the warnings: cause and cure.
    pub(super) warning: String,
    /// Whether it made the client the limit.
    pub(super) decides: bool,
}

impl RunResult {
    /// All of them, the gravest first.
    pub(super) fn client_faults(&self) -> Vec<Fault> {
        [self.no_ports(), self.no_descriptors(), self.stood_still(), self.no_turn()].into_iter().flatten().collect()
    }

    /// Whether so many failed attempts left places in flight empty.
    fn is_felt(&self, failed: u64) -> bool {
        let connections = &self.connections;
        let attempts = connections.established + connections.reconnects + connections.failed.total();
        connections.established < connections.requested || failed as f64 >= FAILED * attempts as f64
    }

    fn no_ports(&self) -> Option<Fault> {
        let failed = Some(self.connections.failed.no_local_port).filter(|failed| *failed > 0)?;
        Some(Fault {
            because: format!("{} found no local port", connects(failed)),
            warning: format!(
                "{} found no local port: each connection to an address needs a port of its own, and keeps it for 60 s when the client closes \
                 it; keep connections alive, spread them over more of --source-address or of the target's addresses, widen \
                 net.ipv4.ip_local_port_range, or set net.ipv4.tcp_tw_reuse=1",
                connects(failed)
            ),
            decides: self.is_felt(failed),
        })
    }

    fn no_descriptors(&self) -> Option<Fault> {
        let failed = Some(self.connections.failed.no_descriptor).filter(|failed| *failed > 0)?;
        Some(Fault {
            because: format!("{} found no free file descriptor", connects(failed)),
            warning: format!(
                "{} found no free file descriptor: raise the limit of open files (ulimit -n, or fs.file-max for the whole \
                 host), or use fewer connections",
                connects(failed)
            ),
            decides: self.is_felt(failed),
        })
    }

    /// Stopped, suspended, or kept from its CPUs for long.
    pub(super) fn stood_still(&self) -> Option<Fault> {
        let all = || self.workers.iter().filter_map(|worker| worker.evidence.as_ref());
        let share = all().map(Evidence::stopped_share).sum::<f64>() / all().count().max(1) as f64;
        let longest_ns = all().filter_map(|one| one.stopped_longest_ns).max()?;
        let (told, told_ns) = STOPPED_TOLD;
        if longest_ns < STOPPED_SHORT_NS || (share < told && longest_ns < told_ns) {
            return None;
        }
        let [stood, window, longest] = [share * self.elapsed_s, self.elapsed_s, longest_ns as f64 / 1e9].map(seconds);
        Some(Fault {
            because: format!("the client stood still for {} of the time", percent(share)),
            warning: format!(
                "the client stood still for {stood} of {window}, the longest time {longest}: it was stopped, suspended or kept from its CPU; \
                 its rate and times are not the server's"
            ),
            decides: share >= STOPPED,
        })
    }

    /// The window was over before all connections had been begun.
    fn no_turn(&self) -> Option<Fault> {
        let connections = &self.connections;
        // A counted run needs no more connections than it has requests left.
        let by_time = self.plan.requests.is_none() && !self.interrupted;
        let waiting = Some(connections.not_begun).filter(|waiting| *waiting > 0 && by_time)?;
        let words = format!("{waiting} of {} connections never got their turn", connections.requested);
        Some(Fault {
            because: words.clone(),
            warning: format!("{words}: too many for so short a run; use a longer -d, a --warmup, or fewer connections"),
            // Connects that nobody answers hold up those behind them, and then it is not the client.
            decides: waiting as f64 >= NO_TURN * connections.requested as f64
                && connections.established > connections.unfinished,
        })
    }
}

fn connects(count: u64) -> String {
    if count == 1 { "1 connect".to_owned() } else { format!("{count} connects") }
}

impl Evidence {
    /// Share of its span in which the worker stood still.
    fn stopped_share(&self) -> f64 {
        let stopped_s = self.stopped_ns.unwrap_or(0) as f64 / 1e9;
        if self.span_s > 0.0 { (stopped_s / self.span_s).min(1.0) } else { 0.0 }
    }

    /// The part of it that the scheduler did not count as waiting for a CPU: a stopped thread looks as if it had nothing to do.
    pub(super) fn suspended_share(&self) -> f64 {
        (self.stopped_share() - self.queued_share.unwrap_or(0.0)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::result::{Bound, Connections, RunResult, samples};

    type Spoil = fn(&mut RunResult);

    fn stop(result: &mut RunResult, stopped_ms: u64, longest_ms: u64) {
        for worker in &mut result.workers {
            let evidence = worker.evidence.as_mut().unwrap();
            (evidence.stopped_ns, evidence.stopped_longest_ns) =
                (Some(stopped_ms * 1_000_000), Some(longest_ms * 1_000_000));
        }
    }

    fn fail(result: &mut RunResult, reconnects: u64, no_local_port: u64, no_descriptor: u64) {
        let connections = &mut result.connections;
        connections.reconnects = reconnects;
        (connections.failed.no_local_port, connections.failed.no_descriptor) = (no_local_port, no_descriptor);
    }

    /// What is spoilt, the verdict, the reason in it and how the warning begins.
    #[test]
    fn each_fault_is_named_with_its_cure_and_decides_from_its_threshold_on() {
        let table: [(&str, Spoil, Bound, &str, &str, &str); 8] = [
            (
                "ports used up",
                |r| fail(r, 0, 36, 0),
                Bound::Client,
                "36 connects found no local port",
                "36 connects found no local port: ",
                "ip_local_port_range",
            ),
            (
                "a few of many",
                |r| fail(r, 100_000, 36, 0),
                Bound::Server,
                "36 connects found no local port",
                "36 connects found no local port: ",
                "tcp_tw_reuse",
            ),
            (
                "a few, but one connection never came to be",
                |r| {
                    fail(r, 100_000, 36, 0);
                    r.connections.established -= 1;
                },
                Bound::Client,
                "36 connects found no local port",
                "36 connects found no local port: ",
                "--source-address",
            ),
            (
                "descriptors used up",
                |r| fail(r, 0, 0, 9),
                Bound::Client,
                "9 connects found no free file descriptor",
                "9 connects found no free file descriptor: ",
                "ulimit -n",
            ),
            (
                "stopped for long",
                |r| stop(r, 2_000, 1_000),
                Bound::Client,
                "the client stood still for 20% of the time",
                "the client stood still for 2.00s of 10.00s, the longest time 1.00s: ",
                "stopped, suspended",
            ),
            (
                "stopped for a moment",
                |r| stop(r, 150, 100),
                Bound::Server,
                "the client stood still for 1% of the time",
                "the client stood still for 0.15s of 10.00s, the longest time 0.10s: ",
                "not the server's",
            ),
            (
                "no turn",
                |r| (r.connections.established, r.connections.not_begun) = (100, 28),
                Bound::Client,
                "28 of 128 connections never got their turn",
                "28 of 128 connections never got their turn: ",
                "--warmup",
            ),
            (
                "no turn behind connects that nobody answered",
                |r| {
                    r.connections = Connections { established: 20, unfinished: 80, not_begun: 28, ..r.connections };
                },
                Bound::Server,
                "28 of 128 connections never got their turn",
                "28 of 128 connections never got their turn: ",
                "fewer connections",
            ),
        ];
        for (name, spoil, bound, because, begins, cure) in table {
            let mut result = samples::good();
            spoil(&mut result);
            result.judge();
            let verdict = result.verdict.as_ref().unwrap();
            assert_eq!(verdict.bound, bound, "{name}: {verdict:?}");
            assert!(verdict.because.iter().any(|one| one == because), "{name}: {verdict:?}");
            let warnings = result.doubts();
            assert!(warnings.len() == 1 && warnings[0].starts_with(begins), "{name}: {warnings:?}");
            assert!(warnings[0].contains(cure), "{name}: {warnings:?}");
        }
    }

    #[test]
    fn what_is_no_fault_is_not_told() {
        let table: [(&str, Spoil); 5] = [
            ("a scheduler's pause", |r| stop(r, 900, 9)),
            ("hardly ever", |r| stop(r, 99, 99)),
            ("a counted run that needs no more connections", |r| {
                (r.plan.requests, r.connections.not_begun) = (Some(10), 100);
            }),
            ("a run that was interrupted", |r| (r.interrupted, r.connections.not_begun) = (true, 100)),
            ("refused by the target", |r| r.connections.failed.refused = 100),
        ];
        for (name, spoil) in table {
            let mut result = samples::good();
            spoil(&mut result);
            // That a signal ended it is no fault.
            let doubts = result.doubts().split_off(usize::from(result.interrupted));
            assert_eq!(doubts, Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn a_stopped_client_did_not_wait_for_its_server() {
        let mut result = samples::good();
        // Asleep for 78 %, of which it was stopped for 9 %: below what decides.
        stop(&mut result, 900, 300);
        result.workers.iter_mut().for_each(|one| one.evidence.as_mut().unwrap().waited_share = 0.11);
        result.target.process = None;
        result.judge();
        let verdict = result.verdict.unwrap();
        assert_eq!(verdict.bound, Bound::Client, "awake it had no time left: {verdict:?}");
        // The same, but as the scheduler had it wait, which is known already.
        let mut queued = samples::good();
        stop(&mut queued, 900, 300);
        queued.workers.iter_mut().for_each(|one| one.evidence.as_mut().unwrap().queued_share = Some(0.09));
        queued.judge();
        assert_eq!(queued.verdict.unwrap().bound, Bound::Server);
    }

    #[test]
    fn a_client_without_any_connection_for_want_of_its_own_is_the_limit() {
        let mut result = samples::good();
        (result.requests.completed, result.connections.established) = (0, 0);
        fail(&mut result, 0, 0, 9);
        result.judge();
        assert_eq!(result.verdict.as_ref().unwrap().bound, Bound::Client);
        let warnings = result.doubts();
        assert_eq!(warnings[0], "not one response came: no connection was established (9 without a file descriptor)");
        assert!(warnings[1].contains("ulimit -n"), "{warnings:?}");
    }
}
