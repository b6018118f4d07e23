//! What the client lacked, or what stood in its way: then it was the limit, whatever the server did.

use crate::result::{Evidence, RunResult};

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

/// Something of the client's own that kept the run from its load. `decides`: it made the client the limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClientFault {
    /// Connects that found no local port.
    NoLocalPort {
        /// How many.
        connects: u64,
        /// It made the client the limit.
        decides: bool,
    },
    /// Connects that found no file descriptor.
    NoDescriptor {
        /// How many.
        connects: u64,
        /// It made the client the limit.
        decides: bool,
    },
    /// It was stopped, suspended, or kept from its CPUs for long.
    StoodStill {
        /// For this share of the time, the mean of the workers, 0 to 1.
        share: f64,
        /// Of this window, seconds.
        of_s: f64,
        /// The longest time at once, seconds.
        longest_s: f64,
    },
    /// The window was over before all connections had been begun.
    NoTurn {
        /// Connections that were not.
        waiting: u64,
        /// All.
        requested: u64,
        /// It made the client the limit.
        decides: bool,
    },
}

impl ClientFault {
    /// Whether it made the client the limit.
    #[must_use]
    pub fn decides(&self) -> bool {
        match self {
            ClientFault::NoLocalPort { decides, .. }
            | ClientFault::NoDescriptor { decides, .. }
            | ClientFault::NoTurn { decides, .. } => *decides,
            ClientFault::StoodStill { share, .. } => *share >= STOPPED,
        }
    }
}

impl RunResult {
    /// All of them, the gravest first.
    pub(super) fn client_faults(&self) -> Vec<ClientFault> {
        [self.no_ports(), self.no_descriptors(), self.stood_still(), self.no_turn()].into_iter().flatten().collect()
    }

    /// Whether so many failed attempts left places in flight empty.
    fn is_felt(&self, failed: u64) -> bool {
        let connections = &self.connections;
        let attempts = connections.established + connections.reconnects + connections.failed.total();
        connections.established < connections.requested || failed as f64 >= FAILED * attempts as f64
    }

    fn no_ports(&self) -> Option<ClientFault> {
        let connects = Some(self.connections.failed.no_local_port).filter(|failed| *failed > 0)?;
        Some(ClientFault::NoLocalPort { connects, decides: self.is_felt(connects) })
    }

    fn no_descriptors(&self) -> Option<ClientFault> {
        let connects = Some(self.connections.failed.no_descriptor).filter(|failed| *failed > 0)?;
        Some(ClientFault::NoDescriptor { connects, decides: self.is_felt(connects) })
    }

    /// Stopped, suspended, or kept from its CPUs for long.
    pub(super) fn stood_still(&self) -> Option<ClientFault> {
        let all = || self.workers.iter().filter_map(|worker| worker.evidence.as_ref());
        let share = all().map(Evidence::stopped_share).sum::<f64>() / all().count().max(1) as f64;
        let longest_ns = all().filter_map(|one| one.stopped_longest_ns).max()?;
        let (told, told_ns) = STOPPED_TOLD;
        if longest_ns < STOPPED_SHORT_NS || (share < told && longest_ns < told_ns) {
            return None;
        }
        Some(ClientFault::StoodStill { share, of_s: self.elapsed_s, longest_s: longest_ns as f64 / 1e9 })
    }

    fn no_turn(&self) -> Option<ClientFault> {
        let connections = &self.connections;
        // A counted run needs no more connections than it has requests left.
        let by_time = self.plan.requests.is_none() && !self.interrupted;
        let waiting = Some(connections.not_begun).filter(|waiting| *waiting > 0 && by_time)?;
        let requested = connections.requested;
        // Connects that nobody answers hold up those behind them, and then it is not the client.
        let decides = waiting as f64 >= NO_TURN * requested as f64 && connections.established > connections.unfinished;
        Some(ClientFault::NoTurn { waiting, requested, decides })
    }
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

    use super::super::{NoAnswers, Reason, Warning};
    use super::ClientFault;
    use crate::result::{Bound, ConnectFailures, Connections, RunResult, samples};

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

    #[test]
    fn each_fault_decides_from_its_threshold_on() {
        let ports = |decides| ClientFault::NoLocalPort { connects: 36, decides };
        let still = |share, longest_s| ClientFault::StoodStill { share, of_s: 10.0003, longest_s };
        let no_turn = |decides| ClientFault::NoTurn { waiting: 28, requested: 128, decides };
        let table: [(&str, Spoil, Bound, ClientFault); 8] = [
            ("ports used up", |r| fail(r, 0, 36, 0), Bound::Client, ports(true)),
            ("a few of many", |r| fail(r, 100_000, 36, 0), Bound::Server, ports(false)),
            (
                "a few, but one connection never came to be",
                |r| {
                    fail(r, 100_000, 36, 0);
                    r.connections.established -= 1;
                },
                Bound::Client,
                ports(true),
            ),
            (
                "descriptors used up",
                |r| fail(r, 0, 0, 9),
                Bound::Client,
                ClientFault::NoDescriptor { connects: 9, decides: true },
            ),
            ("stopped for long", |r| stop(r, 2_000, 1_000), Bound::Client, still(2.0 / 10.0003, 1.0)),
            ("stopped for a moment", |r| stop(r, 150, 100), Bound::Server, still(0.15 / 10.0003, 0.1)),
            (
                "no turn",
                |r| (r.connections.established, r.connections.not_begun) = (100, 28),
                Bound::Client,
                no_turn(true),
            ),
            (
                "no turn behind connects that nobody answered",
                |r| {
                    r.connections = Connections { established: 20, unfinished: 80, not_begun: 28, ..r.connections };
                },
                Bound::Server,
                no_turn(false),
            ),
        ];
        for (name, spoil, bound, fault) in table {
            let mut result = samples::good();
            spoil(&mut result);
            let verdict = result.judgement();
            assert_eq!((verdict.bound, fault.decides()), (bound, bound == Bound::Client), "{name}: {verdict:?}");
            assert!(verdict.because.contains(&Reason::Client(fault)), "{name}: {verdict:?}");
            assert_eq!(result.findings(), [Warning::Client(fault)], "{name}");
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
            let found = result.findings().split_off(usize::from(result.interrupted));
            assert_eq!(found, [], "{name}");
        }
    }

    #[test]
    fn a_stopped_client_did_not_wait_for_its_server() {
        let mut result = samples::good();
        // Asleep for 78 %, of which it was stopped for 9 %: below what decides.
        stop(&mut result, 900, 300);
        result.workers.iter_mut().for_each(|one| one.evidence.as_mut().unwrap().waited_share = 0.11);
        result.target.process = None;
        let verdict = result.judgement();
        assert_eq!(verdict.bound, Bound::Client, "awake it had no time left: {verdict:?}");
        // The same, but as the scheduler had it wait, which is known already.
        let mut queued = samples::good();
        stop(&mut queued, 900, 300);
        queued.workers.iter_mut().for_each(|one| one.evidence.as_mut().unwrap().queued_share = Some(0.09));
        assert_eq!(queued.judgement().bound, Bound::Server);
    }

    #[test]
    fn a_client_without_any_connection_for_want_of_its_own_is_the_limit() {
        let mut result = samples::good();
        (result.requests.completed, result.connections.established) = (0, 0);
        fail(&mut result, 0, 0, 9);
        assert_eq!(result.judgement().bound, Bound::Client);
        let failed = ConnectFailures { no_descriptor: 9, ..ConnectFailures::default() };
        let found = result.findings();
        assert_eq!(found[0], Warning::NoAnswers(NoAnswers::NoConnection(failed)));
        assert_eq!(found[1], Warning::Client(ClientFault::NoDescriptor { connects: 9, decides: true }));
    }
}
