//! What makes figures doubtful, found in the figures themselves.

use super::plateau::plateau;
use super::shares::WARNED_OF;
use super::{Doubt, FailureCauses, Headline, Missed, Warning};
use crate::result::bad_answers::bad_status;
use crate::result::suite::Plateau;
use crate::result::{RunResult, Stage};

/// A stall of the client's own that is told of, ns.
const STALL_NS: u64 = 10_000_000;
/// Connections are compared from this many answers each on: below, chance alone makes them differ.
const COMPARABLE: u64 = 20;

impl RunResult {
    /// What must be known first, then each reason to doubt the figures; the gravest first.
    #[must_use]
    pub fn findings(&self) -> Vec<Warning> {
        let mut found: Vec<Warning> = self.headlines().into_iter().map(|Headline { warning, .. }| warning).collect();
        found.extend(self.other_protocols().into_iter().map(Warning::OtherProtocol));
        found.extend(
            self.tls_troubles().into_iter().map(Warning::Tls).filter(|one| !found.contains(one)).collect::<Vec<_>>(),
        );
        found.extend(self.missing_certificate().map(Warning::NoClientCertificate));
        found.extend(self.client_faults().into_iter().map(Warning::Client));
        // From a tenth on they are a headline already.
        let failures = self.failures().filter(|one| self.requests.completed > 0 && !found.contains(one));
        found.extend(failures);
        found.extend(self.bad_answers());
        found.extend(self.numbers_past_width());
        found.extend(self.doubts().into_iter().map(Warning::Doubt));
        found.extend(self.interference().into_iter().map(Warning::Interference));
        found
    }

    /// Sets `warnings` to all of it in words.
    pub fn warn(&mut self) {
        self.warnings = self.findings().iter().map(ToString::to_string).collect();
    }

    fn doubts(&self) -> Vec<Doubt> {
        let of_the_times =
            [self.missed_rate(None), self.late_client(), self.sent_late(), self.open_tail(), self.timed_out()];
        let mut found: Vec<Doubt> = of_the_times.into_iter().flatten().collect();
        if self.rate.offered_per_s.is_some() && self.stages.len() > 1 {
            found.extend(self.stages.iter().filter_map(|stage| self.missed_rate(Some(stage))));
        }
        found.extend(self.starved_connections());
        found.extend(self.delayed_answers());
        found.extend(self.ring_troubles());
        found
    }

    /// Whether over 1 % of what an open loop offered was not achieved.
    #[must_use]
    pub fn misses_rate(&self) -> bool {
        self.missed_rate(None).is_some()
    }

    /// Requests that failed, where they are over 1 % of those sent.
    pub(super) fn failures(&self) -> Option<Warning> {
        let share = self.failed_share();
        let tail_is_open = self.errors.timeout > 0 && self.requests.completed > 0;
        (share > WARNED_OF).then(|| Warning::Failures { share, causes: FailureCauses::of(self), tail_is_open })
    }

    /// Answers of status 400 and above that nobody expects, where they are over 1 % of all answers.
    fn bad_answers(&self) -> Option<Warning> {
        let share = self.refused() as f64 / self.requests.completed.max(1) as f64;
        if share <= WARNED_OF {
            return None;
        }
        let mut status: Vec<(u16, u64)> = bad_status(&self.status, &self.expected_status).into_iter().collect();
        status.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
        Some(Warning::BadAnswers { share, status })
    }

    fn numbers_past_width(&self) -> Option<Warning> {
        (self.seq_past_width > 0).then_some(Warning::NumbersPastWidth(self.seq_past_width))
    }

    /// Over 1 % of what was offered, and more than the one request that may straddle the window's end.
    fn missed_rate(&self, stage: Option<&Stage>) -> Option<Doubt> {
        let (rate, requests, elapsed_s) = match stage {
            Some(stage) => (&stage.rate, &stage.requests, stage.elapsed_s),
            None => (&self.rate, &self.requests, self.elapsed_s),
        };
        let offered_per_s = rate.offered_per_s.filter(|offered| *offered > 0.0)?;
        let achieved_per_s = rate.achieved_per_s;
        let missed = (offered_per_s - achieved_per_s) * elapsed_s;
        if achieved_per_s >= 0.99 * offered_per_s || missed < 1.5 {
            return None;
        }
        let open = requests.open.unwrap_or_default();
        Some(Doubt::MissedRate(Missed {
            stage: stage.map(|stage| stage.name.clone()),
            achieved_per_s,
            offered_per_s,
            sent_late: open.sent_late,
            shed: open.shed,
            unsent: open.unsent,
            failed: requests.failed,
            not_answered: requests.in_flight_at_end,
        }))
    }

    fn late_client(&self) -> Option<Doubt> {
        let (lag, response) = (self.send_lag_ns.as_ref()?, self.latency_ns.as_ref()?);
        // Of fewer than a hundred the longest is the p99.
        let (is_max, lag_ns) = lag.percentiles.p99.map_or((true, lag.max), |ns| (false, ns));
        let p50_ns = response.percentiles.p50?;
        (lag_ns.saturating_mul(10) > p50_ns).then_some(Doubt::LateClient { lag_ns, is_max, p50_ns })
    }

    fn sent_late(&self) -> Option<Doubt> {
        let (lag, response) = (self.send_lag_ns.as_ref()?, self.latency_ns.as_ref()?);
        // Where the worker itself noticed a stop, that is told.
        let told = self.stood_still().is_some();
        let is_late = lag.max >= STALL_NS && lag.max > response.percentiles.p50?.saturating_mul(2);
        (!told && is_late).then_some(Doubt::SentLate(lag.max))
    }

    /// In open loop whatever was intended belongs to the sample: what is missing from it was slow.
    fn open_tail(&self) -> Option<Doubt> {
        let open = self.requests.open?;
        let missing = self.lost();
        (missing > 0).then_some(Doubt::OpenTail { missing, intended: open.intended })
    }

    fn timed_out(&self) -> Option<Doubt> {
        let count = self.errors.timeout;
        // What failed is told with its causes where it is much, or where it is all there was.
        let told = self.failures().is_some();
        (count > 0 && !told).then_some(Doubt::TimedOut { count, after_ns: self.plan.timeout_ms * 1e6 })
    }

    fn starved_connections(&self) -> Option<Doubt> {
        let fairness = self.connections.completed.as_ref()?;
        let (median, slowest_tenth) = (fairness.median, fairness.slowest_tenth);
        let is_starved = median >= COMPARABLE && slowest_tenth < median as f64 / 2.0;
        is_starved.then_some(Doubt::StarvedConnections { slowest_tenth, median })
    }

    fn delayed_answers(&self) -> Option<Doubt> {
        let samples = self.service_ns.as_ref().or(self.latency_ns.as_ref())?.samples()?;
        let busy = self.target.process.as_ref().map(|process| process.busiest_thread_share);
        let Plateau { at_ns, share } = plateau(&samples, busy)?;
        Some(Doubt::DelayedAnswers { at_ns, share })
    }

    fn ring_troubles(&self) -> impl Iterator<Item = Doubt> {
        let (overflows, starved) = self.ring.as_ref().map_or((0, 0), |ring| (ring.cq_overflows, ring.recv_starved));
        let overflows = (overflows > 0).then_some(Doubt::QueueOverflows(overflows));
        overflows.into_iter().chain((starved > 0).then_some(Doubt::StarvedReceives(starved)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{Doubt, FailureCauses, Interference, Missed, Warning};
    use crate::result::{Errors, Fairness, Requests, RunResult, samples};

    /// Each way to spoil a sound result, and how what is then said begins; nothing else is said.
    #[test]
    fn each_doubt_has_its_threshold() {
        type Spoil = fn(&mut RunResult);
        let sound: [(&str, Spoil); 8] = [
            ("as it is", |_| {}),
            ("99 % is enough", |r| r.rate.achieved_per_s = 0.99 * r.rate.offered_per_s.unwrap()),
            ("one request at the edge", |r| {
                (r.elapsed_s, r.rate.offered_per_s, r.rate.achieved_per_s) = (1.0, Some(50.0), 49.0);
            }),
            ("lag of a tenth", |r| {
                let tenth = r.latency_ns.as_ref().unwrap().percentiles.p50.map(|ns| ns / 10);
                r.send_lag_ns.as_mut().unwrap().percentiles.p99 = tenth;
            }),
            ("few answers each", |r| {
                r.connections.completed = Some(Fairness { min: 1, slowest_tenth: 1.0, median: 19, max: 40 });
            }),
            ("half of the median", |r| {
                r.connections.completed = Some(Fairness { min: 1, slowest_tenth: 10.0, median: 20, max: 40 });
            }),
            ("a stall shorter than the answers", |r| {
                r.latency_ns.as_mut().unwrap().percentiles.p50 = Some(100_000_000);
                r.send_lag_ns.as_mut().unwrap().max = 150_000_000;
            }),
            ("in flight in a closed loop", |r| {
                *r = samples::good();
                r.requests.in_flight_at_end = 64;
            }),
        ];
        for (name, spoil) in sound {
            let mut result = samples::open();
            spoil(&mut result);
            assert_eq!(result.findings(), [], "{name}");
        }
        let missed = |achieved_per_s, sent_late| {
            Doubt::MissedRate(Missed { achieved_per_s, offered_per_s: 2_000.0, sent_late, ..Missed::default() })
        };
        let open_tail = |missing| Doubt::OpenTail { missing, intended: 20_000 };
        let doubtful: [(Spoil, Doubt); 10] = [
            (|r| r.rate.achieved_per_s = 0.98 * r.rate.offered_per_s.unwrap(), missed(1_960.0, 0)),
            (
                |r| {
                    r.rate.achieved_per_s = 1_000.0;
                    r.requests.open.as_mut().unwrap().sent_late = 7;
                },
                missed(1_000.0, 7),
            ),
            (
                |r| r.send_lag_ns.as_mut().unwrap().percentiles.p99 = r.latency_ns.as_ref().unwrap().percentiles.p50,
                Doubt::LateClient { lag_ns: 2_000_000, is_max: false, p50_ns: 2_000_000 },
            ),
            (|r| r.send_lag_ns.as_mut().unwrap().max = 50_000_000, Doubt::SentLate(50_000_000)),
            (|r| r.requests.in_flight_at_end = 3, open_tail(3)),
            (|r| r.requests.open.as_mut().unwrap().shed = 4, open_tail(4)),
            (|r| r.errors.timeout = 5, Doubt::TimedOut { count: 5, after_ns: 2e9 }),
            (
                |r| {
                    r.connections.completed = Some(Fairness { min: 1, slowest_tenth: 9.9, median: 20, max: 40 });
                },
                Doubt::StarvedConnections { slowest_tenth: 9.9, median: 20 },
            ),
            (|r| r.ring.as_mut().unwrap().cq_overflows = 1, Doubt::QueueOverflows(1)),
            (|r| r.ring.as_mut().unwrap().recv_starved = 2, Doubt::StarvedReceives(2)),
        ];
        for (spoil, doubt) in doubtful {
            let mut result = samples::open();
            spoil(&mut result);
            assert_eq!(result.findings(), [Warning::Doubt(doubt)]);
        }
    }

    #[test]
    fn a_stage_is_doubted_by_name() {
        let mut result = samples::open();
        result.stages[1].rate.achieved_per_s *= 0.9;
        let missed = Missed {
            stage: Some("3000/s".into()),
            achieved_per_s: 2_700.0,
            offered_per_s: 3_000.0,
            ..Missed::default()
        };
        assert_eq!(result.findings(), [Warning::Doubt(Doubt::MissedRate(missed))]);
    }

    fn closed(completed: u64, errors: Errors) -> RunResult {
        let failed = errors.total();
        let requests = Requests { sent: completed + failed, completed, failed, ..Requests::default() };
        RunResult { requests, errors, status: [(200, completed)].into(), ..samples::good() }
    }

    #[test]
    fn failures_are_told_once_with_share_and_causes() {
        assert_eq!(closed(990, Errors { reset: 10, ..Errors::default() }).findings(), [], "1 % at most");
        let errors = Errors { reset: 50, timeout: 30, protocol: 19, other: 1, ..Errors::default() };
        let mut all = closed(900, errors);
        all.protocol_errors = [("bad_status_line".into(), 4), ("head_too_large".into(), 15)].into();
        let reasons = vec![("head_too_large".into(), 15), ("bad_status_line".into(), 4)];
        let causes = FailureCauses { errors, timeout_ns: 2e9, reasons };
        let told = Warning::Failures { share: 0.1, causes, tail_is_open: true };
        assert_eq!(all.findings(), [told], "timeouts are not told of twice");
        let cut = Errors { eof_mid_response: 20, ..Errors::default() };
        let causes = FailureCauses { errors: cut, timeout_ns: 2e9, reasons: Vec::new() };
        let told = Warning::Failures { share: 0.02, causes, tail_is_open: false };
        assert_eq!(closed(980, cut).findings(), [told], "in closed loop, too");
    }

    #[test]
    fn bad_answers_are_told_with_share_and_codes() {
        let with = |codes: &[(u16, u64)]| {
            let mut result = closed(1_000, Errors::default());
            result.status = codes.iter().copied().collect();
            (result.refused(), result.findings())
        };
        assert_eq!(with(&[(200, 500), (302, 500)]), (0, vec![]));
        assert_eq!(with(&[(200, 990), (404, 10)]), (10, vec![]));
        let status = vec![(503, 7), (404, 2), (500, 2)];
        let told = Warning::BadAnswers { share: 0.011, status };
        assert_eq!(with(&[(200, 989), (404, 2), (500, 2), (503, 7)]), (11, vec![told]));
    }

    #[test]
    fn numbers_past_their_width_and_interference_are_told() {
        let mut result = samples::good();
        (result.seq_past_width, result.host.cpu_pressure_share) = (4, Some(0.5));
        let told = [Warning::NumbersPastWidth(4), Warning::Interference(Interference::CpuPressure(0.5))];
        assert_eq!(result.findings(), told);
    }
}
