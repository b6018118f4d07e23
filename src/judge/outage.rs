//! When no connection was open, as closely as the intervals tell.

use crate::result::{Interval, RunResult};

/// An outage is told of from this length, ns, or from this share of the window on.
const LONG_NS: u64 = 100_000_000;
const LARGE: f64 = 0.001;
/// An interval that was down for this share of its time was down from one end to the other.
const WHOLE: f64 = 0.98;

/// Time of the window without one open connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outage {
    /// All of it together, seconds.
    pub down_s: f64,
    /// The window, seconds.
    pub of_s: f64,
    /// When it was.
    pub when: When,
    /// For want of something of the client's own: the target may have been there.
    pub of_the_client: bool,
}

/// When an outage was; instants are seconds from the beginning of the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// There are no intervals to tell by.
    Unknown,
    /// From then to the end.
    From(f64),
    /// Somewhere between the two.
    Between(f64, f64),
    /// From the first to the second.
    FromTo(f64, f64),
    /// Several times.
    Times {
        /// How often.
        times: usize,
        /// When it began the first time.
        first_s: f64,
        /// When it began the last time, if that lasted to the end.
        to_the_end_s: Option<f64>,
    },
}

/// Intervals in a row with an outage.
struct Stretch<'a> {
    first: &'a Interval,
    last: &'a Interval,
    intervals: usize,
}

impl RunResult {
    pub(super) fn outage(&self) -> Option<Outage> {
        let down_ns = self.connections.down_ns;
        if down_ns < LONG_NS && self.down_share() < LARGE {
            return None;
        }
        Some(Outage {
            down_s: down_ns as f64 / 1e9,
            of_s: self.elapsed_s,
            when: self.outage_when(),
            of_the_client: self.is_down_for_want_of_the_clients_own(),
        })
    }

    /// Most connects failed as the client had no port or descriptor for them.
    pub(super) fn is_down_for_want_of_the_clients_own(&self) -> bool {
        let failed = &self.connections.failed;
        failed.of_the_client() * 2 > failed.total()
    }

    /// It goes on up to the end of the run.
    pub(super) fn is_down_to_the_end(&self) -> bool {
        self.stretches().last().is_some_and(|last| self.lasts_to_the_end(last))
    }

    fn outage_when(&self) -> When {
        let stretches = self.stretches();
        match stretches.as_slice() {
            [] => When::Unknown,
            [only] if self.lasts_to_the_end(only) => When::From(begins_s(only)),
            [only] if only.intervals == 1 => When::Between(only.first.start_s, end_s(only.first)),
            [only] => When::FromTo(begins_s(only), only.last.start_s + down_s(only.last)),
            [first, .., last] => When::Times {
                times: stretches.len(),
                first_s: begins_s(first),
                to_the_end_s: self.lasts_to_the_end(last).then(|| begins_s(last)),
            },
        }
    }

    fn stretches(&self) -> Vec<Stretch<'_>> {
        let mut all: Vec<Stretch<'_>> = Vec::new();
        let mut goes_on = false;
        for interval in &self.intervals {
            match all.last_mut().filter(|_| goes_on) {
                _ if interval.down_ns == 0 => {}
                Some(under_way) => (under_way.last, under_way.intervals) = (interval, under_way.intervals + 1),
                None => all.push(Stretch { first: interval, last: interval, intervals: 1 }),
            }
            goes_on = interval.down_ns > 0;
        }
        all
    }

    fn lasts_to_the_end(&self, stretch: &Stretch<'_>) -> bool {
        let is_last = self.intervals.last().is_some_and(|last| last.start_s == stretch.last.start_s);
        let whole = down_s(stretch.last) >= WHOLE * stretch.last.length_s;
        // Within one interval: when nothing was answered after it began.
        let silent = self.last_answer_s.is_some_and(|at| at <= end_s(stretch.last) - WHOLE * down_s(stretch.last));
        is_last && (whole || silent)
    }
}

/// Within its first interval it is taken to last to the end of that.
fn begins_s(stretch: &Stretch<'_>) -> f64 {
    end_s(stretch.first) - down_s(stretch.first)
}

fn down_s(interval: &Interval) -> f64 {
    interval.down_ns as f64 / 1e9
}

fn end_s(interval: &Interval) -> f64 {
    interval.start_s + interval.length_s
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Outage, When};
    use crate::result::{ConnectFailures, Interval, RunResult, samples};

    /// Intervals of a second, the last as long as is left, each with so many ms down.
    pub(in crate::judge) fn run(elapsed_s: f64, down_ms: &[u64]) -> RunResult {
        let mut result = samples::good();
        result.elapsed_s = elapsed_s;
        result.plan.duration_s = Some(elapsed_s);
        result.connections.down_ns = down_ms.iter().sum::<u64>() * 1_000_000;
        result.connections.failed.refused = 10;
        let interval = |(index, ms): (usize, &u64)| Interval {
            start_s: index as f64,
            length_s: (elapsed_s - index as f64).min(1.0),
            down_ns: ms * 1_000_000,
            ..Interval::default()
        };
        result.intervals = down_ms.iter().enumerate().map(interval).collect();
        result
    }

    #[test]
    fn an_outage_is_told_with_when_and_how_long() {
        let times = |first_s, to_the_end_s| When::Times { times: 2, first_s, to_the_end_s };
        for (elapsed_s, down_ms, last_answer_s, when) in [
            (2.0, vec![0, 0], 2.0, None),
            (2.0, vec![250, 1_000], 0.7, Some(When::From(0.75))),
            (4.0, vec![0, 250, 1_000, 995], 1.7, Some(When::From(1.75))),
            (1.0, vec![250], 0.7, Some(When::From(0.75))),
            (1.0, vec![250], 0.99, Some(When::Between(0.0, 1.0))),
            (4.0, vec![0, 250, 0, 0], 4.0, Some(When::Between(1.0, 2.0))),
            (4.0, vec![0, 250, 500, 0], 4.0, Some(When::FromTo(1.75, 2.5))),
            (3.0, vec![250, 0, 250], 3.0, Some(times(0.75, None))),
            (3.0, vec![250, 0, 1_000], 1.9, Some(times(0.75, Some(2.0)))),
            // Short, and a small share.
            (20.0, vec![0, 15], 20.0, None),
            (2.0, vec![0, 15], 2.0, Some(When::Between(1.0, 2.0))),
        ] {
            let mut result = run(elapsed_s, &down_ms);
            result.last_answer_s = Some(last_answer_s);
            let down_s = down_ms.iter().sum::<u64>() as f64 / 1e3;
            let told = when.map(|when| Outage { down_s, of_s: elapsed_s, when, of_the_client: false });
            assert_eq!(result.outage(), told, "{down_ms:?}");
        }
        let mut without_series = run(2.0, &[290, 1_000]);
        without_series.intervals.clear();
        assert_eq!(without_series.outage().map(|outage| outage.when), Some(When::Unknown));
    }

    #[test]
    fn an_outage_of_the_clients_own_making_is_no_targets() {
        let mut result = run(2.0, &[250, 1_000]);
        result.connections.failed = ConnectFailures { no_local_port: 9, refused: 1, ..ConnectFailures::default() };
        assert_eq!(result.outage().map(|outage| outage.of_the_client), Some(true));
    }
}
