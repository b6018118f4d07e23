//! What makes figures doubtful, found in the figures themselves.

use super::units::time_ns;
use super::{RunResult, Stage};

/// A stall of the client's own that is told of, ns.
const STALL_NS: u64 = 10_000_000;
/// Connections are compared from this many answers each on: below, chance alone makes them differ.
const COMPARABLE: u64 = 20;

/// Adds a warning of another run; the same with other figures says nothing new.
pub fn add_warning(warnings: &mut Vec<String>, warning: &str) {
    fn bare(text: &str) -> impl Iterator<Item = char> + '_ {
        text.chars().filter(|c| !c.is_ascii_digit() && *c != '.')
    }
    if !warnings.iter().any(|known| bare(known).eq(bare(warning))) {
        warnings.push(warning.to_owned());
    }
}

impl RunResult {
    /// What must be known first, then a sentence for each reason to doubt the figures; the gravest first.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = self.headlines();
        doubts.extend(self.other_protocols());
        doubts.extend(self.client_faults().into_iter().map(|fault| fault.warning));
        // From a tenth on they are a headline already.
        let failures = self.failures().filter(|words| self.requests.completed > 0 && !doubts.contains(words));
        doubts.extend(failures);
        doubts.extend(self.bad_answers());
        doubts.extend(self.numbers_past_width());
        let missed_rate = || self.missed_rate(None);
        let first: [&dyn Fn() -> Option<String>; 5] =
            [&missed_rate, &|| self.late_client(), &|| self.stalled_client(), &|| self.open_tail(), &|| {
                self.timeouts()
            }];
        doubts.extend(first.into_iter().filter_map(|doubt| doubt()));
        if self.rate.offered_per_s.is_some() && self.stages.len() > 1 {
            doubts.extend(self.stages.iter().filter_map(|stage| self.missed_rate(Some(stage))));
        }
        doubts.extend(self.starved_connections());
        doubts.extend(self.delayed_answers());
        doubts.extend(self.ring_troubles());
        doubts.extend(self.disturbances());
        doubts
    }

    /// Whether over 1 % of what an open loop offered was not achieved.
    #[must_use]
    pub fn misses_rate(&self) -> bool {
        self.missed_rate(None).is_some()
    }

    /// Over 1 % of what was offered, and more than the one request that may straddle the window's end.
    fn missed_rate(&self, stage: Option<&Stage>) -> Option<String> {
        let (rate, requests, elapsed_s) = match stage {
            Some(stage) => (&stage.rate, &stage.requests, stage.elapsed_s),
            None => (&self.rate, &self.requests, self.elapsed_s),
        };
        let offered = rate.offered_per_s.filter(|offered| *offered > 0.0)?;
        let missed = (offered - rate.achieved_per_s) * elapsed_s;
        if rate.achieved_per_s >= 0.99 * offered || missed < 1.5 {
            return None;
        }
        let share = rate.achieved_per_s / offered * 100.0;
        let place = stage.map_or_else(String::new, |stage| format!("{}: ", stage.name));
        let open = requests.open.unwrap_or_default();
        let mut because: Vec<String> = [
            (open.sent_late, "sent after the window"),
            (open.shed, "shed"),
            (open.unsent, "never sent"),
            (requests.failed, "failed"),
            (requests.in_flight_at_end, "not answered"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        if because.is_empty() {
            because.push("answers came after the window".into());
        }
        Some(format!(
            "{place}achieved {:.2}/s is {share:.1}% of the offered {offered:.2}/s: {}",
            rate.achieved_per_s,
            because.join(", ")
        ))
    }

    fn late_client(&self) -> Option<String> {
        let (lag, response) = (self.send_lag_ns.as_ref()?, self.latency_ns.as_ref()?);
        // Of fewer than a hundred the longest is the p99.
        let (name, high) = lag.percentiles.p99.map_or(("maximum", lag.max), |ns| ("p99", ns));
        let p50 = response.percentiles.p50?;
        (high.saturating_mul(10) > p50).then(|| {
            let (high, p50) = (time_ns(high as f64), time_ns(p50 as f64));
            format!(
                "the send lag's {name} of {high} exceeds a tenth of the response p50 of {p50}: part of these times is the client's own, \
                 or was spent waiting for a free connection"
            )
        })
    }

    fn stalled_client(&self) -> Option<String> {
        let (lag, response) = (self.send_lag_ns.as_ref()?, self.latency_ns.as_ref()?);
        // Where the worker itself noticed a stop, that is told.
        let told = self.stood_still().is_some();
        (!told && lag.max >= STALL_NS && lag.max > response.percentiles.p50?.saturating_mul(2)).then(|| {
            let max = time_ns(lag.max as f64);
            format!("a request was sent {max} late: the client stood still, or no connection was free for so long")
        })
    }

    /// In open loop whatever was intended belongs to the sample: what is missing from it was slow.
    fn open_tail(&self) -> Option<String> {
        let open = self.requests.open?;
        let missing = self.requests.in_flight_at_end + open.unsent + open.shed;
        (missing > 0).then(|| {
            format!("{missing} of {} intended requests have no response time: the tail is a lower bound", open.intended)
        })
    }

    fn timeouts(&self) -> Option<String> {
        let count = self.errors.timeout;
        // What failed is told with its causes where it is much, or where it is all there was.
        let told = self.failures().is_some();
        (count > 0 && !told).then(|| {
            let after = time_ns(self.plan.timeout_ms * 1e6);
            format!("{count} requests timed out after {after} and are not among the times: the tail is a lower bound")
        })
    }

    fn starved_connections(&self) -> Option<String> {
        let fairness = self.connections.completed.as_ref()?;
        let half = fairness.median as f64 / 2.0;
        (fairness.median >= COMPARABLE && fairness.slowest_tenth < half).then(|| {
            format!(
                "the slowest tenth of the connections got {:.1} answers each, under half of the median of {}: a good mean can hide them",
                fairness.slowest_tenth, fairness.median
            )
        })
    }

    fn ring_troubles(&self) -> Vec<String> {
        let (overflows, starved) = self.ring.as_ref().map_or((0, 0), |ring| (ring.cq_overflows, ring.recv_starved));
        let mut troubles = Vec::new();
        if overflows > 0 {
            troubles.push(format!("{overflows} completion queue overflows: latencies are suspect"));
        }
        if starved > 0 {
            troubles.push(format!("{starved} receives met an empty buffer group and were repeated"));
        }
        troubles
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::result::{Fairness, RunResult, samples};

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
            assert_eq!(result.doubts(), Vec::<String>::new(), "{name}");
        }
        let doubtful: [(Spoil, &str); 9] = [
            (
                |r| r.rate.achieved_per_s = 0.98 * r.rate.offered_per_s.unwrap(),
                "achieved 1960.00/s is 98.0% of the offered 2000.00/s: answers came after the window",
            ),
            (
                |r| {
                    r.rate.achieved_per_s = 1_000.0;
                    r.requests.open.as_mut().unwrap().sent_late = 7;
                },
                "achieved 1000.00/s is 50.0% of the offered 2000.00/s: 7 sent after the window",
            ),
            (
                |r| r.send_lag_ns.as_mut().unwrap().percentiles.p99 = r.latency_ns.as_ref().unwrap().percentiles.p50,
                "the send lag's p99 of 2.00ms exceeds a tenth of the response p50 of 2.00ms",
            ),
            (|r| r.send_lag_ns.as_mut().unwrap().max = 50_000_000, "a request was sent 50.00ms late"),
            (|r| r.requests.in_flight_at_end = 3, "3 of 20000 intended requests have no response time"),
            (|r| r.requests.open.as_mut().unwrap().shed = 4, "4 of 20000 intended requests have no response time"),
            (|r| r.errors.timeout = 5, "5 requests timed out after 2.00s"),
            (
                |r| {
                    r.connections.completed = Some(Fairness { min: 1, slowest_tenth: 9.9, median: 20, max: 40 });
                },
                "the slowest tenth of the connections got 9.9 answers each",
            ),
            (|r| r.ring.as_mut().unwrap().cq_overflows = 1, "1 completion queue overflows"),
        ];
        for (spoil, begins) in doubtful {
            let mut result = samples::open();
            spoil(&mut result);
            let doubts = result.doubts();
            assert_eq!(doubts.len(), 1, "{begins}: {doubts:?}");
            assert!(doubts[0].starts_with(begins), "{doubts:?}");
        }
    }

    #[test]
    fn a_stage_is_doubted_by_name() {
        let mut result = samples::open();
        result.stages[1].rate.achieved_per_s *= 0.9;
        assert_eq!(
            result.doubts(),
            ["3000/s: achieved 2700.00/s is 90.0% of the offered 3000.00/s: answers came after the window"]
        );
    }
}
