//! How much load, and until when.

use super::error::Error;
use super::requests;
pub use crate::measure::schedule::Arrivals;
use crate::workload::RequestSet;
use std::time::Duration;

/// The most connections one run may hold.
pub const MAX_CONNECTIONS: usize = 1_000_000;
/// The most requests in flight on one connection.
pub const MAX_PIPELINE: usize = 1024;
/// How long a request may take unless told otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long answers on their way are awaited at the end unless told otherwise.
pub const DEFAULT_DRAIN: Duration = Duration::from_millis(100);
/// How long a counted run goes on without an answer unless told otherwise.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(30);
/// The highest latency that is recorded, and so the longest wait that makes sense.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// The length of the time series' intervals unless told otherwise.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// The most windows of a repeated run, and the most steps.
pub const MAX_REPEAT: u32 = 1000;
/// See [`MAX_REPEAT`].
pub const MAX_STEPS: usize = 1000;
/// Rates that can be asked for, requests per second, beside none at all.
pub const RATES: std::ops::RangeInclusive<f64> = 0.1..=1e9;
/// The shortest interval of the time series.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// How much load. In closed loop every connection keeps `pipeline` requests in flight; in open loop they are places that due
/// requests are sent from.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Connections in all, 1 to [`MAX_CONNECTIONS`], spread evenly over the workers.
    pub connections: usize,
    /// Requests in flight on each connection, 1 to [`MAX_PIPELINE`].
    pub pipeline: usize,
    /// When the run is over.
    pub until: Until,
    /// Requests after which a connection is replaced, at least 1; `None`: it is kept.
    pub requests_per_connection: Option<u64>,
    /// The client ends its connections by a reset.
    pub resets: bool,
    /// Time after which a request has failed: more than 0, at most 1 h.
    pub timeout: Duration,
    /// Time for which answers on their way are awaited at the end, at most 1 h; `None`: 100 ms in closed loop, the timeout in
    /// open loop.
    pub drain: Option<Duration>,
    /// Time without a whole answer after which a run by count gives up: more than 0, at most 1 h; `None`: 30 s or the timeout,
    /// whichever is longer, and none for a run that ends after a duration too.
    pub patience: Option<Duration>,
    /// The offered rate of an open loop; `None`: closed loop.
    pub open: Option<Open>,
    /// Load before the window, of which nothing is recorded; at most 10000 h.
    pub warmup: Duration,
    /// Windows, each after a warm-up of its own: 1 to 1000.
    pub repeat: u32,
    /// Runs with other numbers of connections, one after the other; empty: one, with `connections` and `until`.
    pub steps: Vec<Step>,
    /// Length of the time series' intervals, at least 100 ms.
    pub interval: Duration,
}

/// An open loop: requests are due at instants of their own, whatever the server does.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// Rates over time. One without a duration stands alone and lasts as long as the run.
    pub stages: Vec<RateStage>,
    /// How requests are spaced.
    pub arrivals: Arrivals,
    /// What Poisson arrivals are drawn from.
    pub seed: u64,
    /// Requests that waited longer to be sent are shed; more than 0, at most 1 h.
    pub deadline: Option<Duration>,
    /// Stay awake for the last stretch before a due instant.
    pub spin: bool,
}

/// A stretch of time in which the rate goes evenly from one value to the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateStage {
    /// More than 0; `None`: as long as the run.
    pub duration: Option<Duration>,
    /// Requests per second at its beginning, all workers together: 0.1 to 1e9, or 0 for none.
    pub from_per_s: f64,
    /// The same at its end.
    pub to_per_s: f64,
}

/// One step of the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Connections in all.
    pub connections: usize,
    /// When it is over.
    pub until: Until,
}

impl Load {
    /// How long answers on their way are awaited at the end.
    pub fn drain(&self) -> Duration {
        let longest = if self.open.is_some() { self.timeout } else { DEFAULT_DRAIN };
        self.drain.unwrap_or(longest)
    }

    /// How long a run that ends as `until` says goes on without a whole answer; `None`: up to its end.
    pub fn patience(&self, until: Until) -> Option<Duration> {
        let default = || until.duration.is_none().then(|| self.timeout.max(DEFAULT_PATIENCE));
        until.requests.and_then(|_| self.patience.or_else(default))
    }

    /// The drain after a signal: whoever gives one does not want to wait for the timeout, unless they asked to.
    pub fn halted_drain(&self) -> Duration {
        self.drain.unwrap_or(DEFAULT_DRAIN)
    }
}

/// The end of a run: after a time, a number of requests, or whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until {
    /// More than 0.
    pub duration: Option<Duration>,
    /// At least 1.
    pub requests: Option<u64>,
}

impl Load {
    /// Holds every field against its rule.
    ///
    /// # Errors
    /// The first field that breaks its rule.
    pub fn check(&self) -> Result<(), Error> {
        self.check_steps()?;
        within("--connections", self.connections, MAX_CONNECTIONS)?;
        within("--pipeline", self.pipeline, MAX_PIPELINE)?;
        self.open.as_ref().map_or(Ok(()), |open| open.check(self.until))?;
        let counts = [("--requests", self.until.requests), ("--requests-per-connection", self.requests_per_connection)];
        for (argument, count) in counts {
            if count == Some(0) {
                return Err(Error::argument(argument, "must be at least 1", 0));
            }
        }
        if self.until.duration == Some(Duration::ZERO) {
            return Err(Error::argument("--duration", "must be more than 0", 0));
        }
        if self.until == (Until { duration: None, requests: None }) {
            let rule = "a run ends after a --duration or a number of --requests";
            return Err(Error::argument("--duration", rule, "neither"));
        }
        if self.timeout.is_zero() || self.timeout > MAX_WAIT {
            let rule = "must be more than 0 and at most 1h";
            return Err(Error::argument("--timeout", rule, readable(self.timeout)));
        }
        self.check_patience()?;
        if !(1..=MAX_REPEAT).contains(&self.repeat) {
            return Err(Error::argument("--repeat", format!("must be 1 to {MAX_REPEAT}"), self.repeat));
        }
        if !(SHORTEST_INTERVAL..=MAX_WAIT).contains(&self.interval) {
            return Err(Error::argument("--interval", "must be 100ms to 1h", readable(self.interval)));
        }
        if let Some(drain) = self.drain.filter(|drain| *drain > MAX_WAIT) {
            return Err(Error::argument("--drain", "must be at most 1h", readable(drain)));
        }
        Ok(())
    }
}

impl Load {
    /// Whether every number that requests are to carry fits its width, where it is known how many there will be.
    ///
    /// # Errors
    /// A sequence is too short.
    pub fn check_sequences(&self, set: &RequestSet) -> Result<(), Error> {
        if !self.warmup.is_zero() {
            return Ok(());
        }
        let counted = |until: &Until| until.requests.filter(|_| until.duration.is_none());
        let steps: Option<u64> = self.steps.iter().map(|step| counted(&step.until)).sum();
        let whole = counted(&self.until).map(|requests| requests.saturating_mul(u64::from(self.repeat)));
        let requests = if self.steps.is_empty() { whole } else { steps };
        let Some((sequence, needed)) = requests.and_then(|requests| requests::past_width(set, requests)) else {
            return Ok(());
        };
        let (start, width) = (sequence.start, usize::from(sequence.width));
        let last = start.saturating_add(needed.saturating_sub(1));
        let digits = last.to_string().len();
        let rule = format!(
            "numbers go from {start} to {last} in this run, which takes {digits} digits: write it with so many, as in {{SEQ:{:0digits$}}}",
            if start.to_string().len() <= width { start } else { 1 }
        );
        let digits = if width == 1 { "1 digit".to_owned() } else { format!("{width} digits") };
        Err(Error::argument("{SEQ:start}", rule, digits))
    }

    fn check_patience(&self) -> Result<(), Error> {
        let counted = self.until.requests.is_some() || self.steps.iter().any(|step| step.until.requests.is_some());
        match self.patience {
            Some(span) if span.is_zero() || span > MAX_WAIT => {
                Err(Error::argument("--patience", "must be more than 0 and at most 1h", readable(span)))
            }
            Some(span) if !counted => {
                let rule = "needs a number of --requests: a run by time ends by itself";
                Err(Error::argument("--patience", rule, readable(span)))
            }
            _ => Ok(()),
        }
    }

    fn check_steps(&self) -> Result<(), Error> {
        let given = || format!("{} steps", self.steps.len());
        if self.steps.len() > MAX_STEPS {
            return Err(Error::argument("--steps", format!("must be at most {MAX_STEPS} steps"), given()));
        }
        for step in &self.steps {
            within("--steps", step.connections, MAX_CONNECTIONS)?;
            if step.until.requests == Some(0) || step.until.duration == Some(Duration::ZERO) {
                return Err(Error::argument("--steps", "each must have at least 1 request or some time", 0));
            }
        }
        if self.steps.is_empty() {
            return Ok(());
        }
        if self.repeat > 1 {
            return Err(Error::argument("--repeat", "cannot be used with --steps", self.repeat));
        }
        match &self.open {
            Some(open) if open.changes() => {
                let rates = open.stages.iter().map(|stage| format!("{}:{}", stage.from_per_s, stage.to_per_s));
                let rule = "must be one and the same for all --steps";
                Err(Error::argument("--rate", rule, rates.collect::<Vec<_>>().join(",")))
            }
            _ => Ok(()),
        }
    }
}

impl Open {
    /// The rate is not the same from beginning to end.
    fn changes(&self) -> bool {
        self.stages.len() > 1 || self.stages.iter().any(|stage| stage.from_per_s != stage.to_per_s)
    }

    fn check(&self, until: Until) -> Result<(), Error> {
        if self.stages.is_empty() {
            return Err(Error::argument("--stages", "must be at least one", "none"));
        }
        let only = self.stages.len() == 1;
        if self.stages.iter().all(|stage| stage.from_per_s == 0.0 && stage.to_per_s == 0.0) {
            let argument = if self.stages[0].duration.is_none() { "--rate" } else { "--stages" };
            return Err(Error::argument(argument, "must not be 0 for the whole run", 0));
        }
        for stage in &self.stages {
            for rate in [stage.from_per_s, stage.to_per_s] {
                if rate != 0.0 && !RATES.contains(&rate) {
                    return Err(Error::argument("--rate", "must be 0.1 to 1G requests per second", rate));
                }
            }
            let ends = stage.duration.or(until.duration.filter(|_| only));
            if stage.from_per_s != stage.to_per_s && ends.is_none() {
                let given = format!("{}:{}", stage.from_per_s, stage.to_per_s);
                return Err(Error::argument("--rate", "a rate that changes needs a --duration", given));
            }
            if stage.duration.is_some_and(|span| span.is_zero()) || (stage.duration.is_none() && !only) {
                return Err(Error::argument("--stages", "each must have some time", "0"));
            }
        }
        match self.deadline {
            Some(span) if span.is_zero() || span > MAX_WAIT => {
                Err(Error::argument("--deadline", "must be more than 0 and at most 1h", readable(span)))
            }
            _ => Ok(()),
        }
    }
}

fn within(argument: &'static str, given: usize, most: usize) -> Result<(), Error> {
    if (1..=most).contains(&given) {
        return Ok(());
    }
    Err(Error::argument(argument, format!("must be 1 to {most}"), given))
}

fn readable(duration: Duration) -> String {
    if duration.is_zero() { "0".to_owned() } else { format!("{duration:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Load {
        Load {
            connections: 64,
            pipeline: 1,
            until: Until { duration: Some(Duration::from_secs(10)), requests: None },
            requests_per_connection: None,
            resets: false,
            timeout: DEFAULT_TIMEOUT,
            drain: None,
            patience: None,
            open: None,
            warmup: Duration::ZERO,
            repeat: 1,
            steps: Vec::new(),
            interval: DEFAULT_INTERVAL,
        }
    }

    #[test]
    fn the_edges_are_taken() {
        let least = Load {
            connections: 1,
            until: Until { duration: Some(Duration::from_nanos(1)), requests: Some(1) },
            requests_per_connection: Some(1),
            timeout: Duration::from_nanos(1),
            drain: Some(Duration::ZERO),
            ..usual()
        };
        let most = Load {
            connections: MAX_CONNECTIONS,
            pipeline: MAX_PIPELINE,
            until: Until { duration: None, requests: Some(u64::MAX) },
            requests_per_connection: Some(u64::MAX),
            timeout: MAX_WAIT,
            drain: Some(MAX_WAIT),
            ..usual()
        };
        for load in [usual(), least, most] {
            assert_eq!(load.check(), Ok(()), "{load:?}");
        }
    }

    #[test]
    fn patience_is_for_runs_by_count() {
        let until = |duration: Option<u64>, requests| Until { duration: duration.map(Duration::from_secs), requests };
        let seconds = |load: &Load, until| load.patience(until).map(|span| span.as_secs());
        let load = usual();
        let table = [(None, Some(9), Some(30)), (Some(5), Some(9), None), (Some(5), None, None)];
        for (duration, requests, expected) in table {
            assert_eq!(seconds(&load, until(duration, requests)), expected, "{duration:?} {requests:?}");
        }
        let slow = Load { timeout: Duration::from_secs(90), ..usual() };
        assert_eq!(seconds(&slow, until(None, Some(1))), Some(90), "an answer may take that long");
        let asked = Load { patience: Some(Duration::from_secs(7)), ..slow };
        assert_eq!([None, Some(5)].map(|duration| seconds(&asked, until(duration, Some(1)))), [Some(7); 2]);
    }

    #[test]
    fn what_is_refused() {
        let until = |duration, requests| Until { duration, requests };
        let too_long = MAX_WAIT + Duration::from_millis(500);
        for (load, message) in [
            (Load { connections: 0, ..usual() }, "--connections: must be 1 to 1000000, got 0"),
            (Load { connections: 1_000_001, ..usual() }, "--connections: must be 1 to 1000000, got 1000001"),
            (Load { pipeline: 0, ..usual() }, "--pipeline: must be 1 to 1024, got 0"),
            (Load { pipeline: 2000, ..usual() }, "--pipeline: must be 1 to 1024, got 2000"),
            (Load { until: until(None, Some(0)), ..usual() }, "--requests: must be at least 1, got 0"),
            (
                Load { requests_per_connection: Some(0), ..usual() },
                "--requests-per-connection: must be at least 1, got 0",
            ),
            (Load { until: until(Some(Duration::ZERO), None), ..usual() }, "--duration: must be more than 0, got 0"),
            (
                Load { until: until(None, None), ..usual() },
                "--duration: a run ends after a --duration or a number of --requests, got neither",
            ),
            (Load { timeout: Duration::ZERO, ..usual() }, "--timeout: must be more than 0 and at most 1h, got 0"),
            (Load { timeout: too_long, ..usual() }, "--timeout: must be more than 0 and at most 1h, got 3600.5s"),
            (
                Load { patience: Some(Duration::ZERO), until: until(None, Some(1)), ..usual() },
                "--patience: must be more than 0 and at most 1h, got 0",
            ),
            (
                Load { patience: Some(Duration::from_secs(5)), ..usual() },
                "--patience: needs a number of --requests: a run by time ends by itself, got 5s",
            ),
            (Load { drain: Some(too_long), ..usual() }, "--drain: must be at most 1h, got 3600.5s"),
        ] {
            assert_eq!(load.check().expect_err(message).to_string(), message);
        }
    }
}
