//! Searches: many runs, each with a load that the ones before suggest.
//!
//! How to search is pure and knows no clock (`steps`); how a load is tried stands here.

mod steps;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::plan::{Arrivals, Open, Plan, RateStage, Until};
use crate::result::search::{Goal, Limit, Probe, Search};
use crate::result::slo::Slo;
use crate::result::{RunResult, SCHEMA, Snapshot};
use crate::run::{self, Halt};

/// A percentile needs so many samples beyond it: with 20 the share beyond is known to a fifth or so.
const SAMPLES_BEYOND: f64 = 20.0;
/// A client as busy as this is the limit itself.
const BUSY: f64 = 0.97;

/// How to search for a rate.
#[derive(Debug, Clone, PartialEq)]
pub struct RateSearch {
    /// What has to hold.
    pub slo: Slo,
    /// Where it begins, requests per second.
    pub from_per_s: f64,
    /// How near the answer has to be to the lowest rate that does not hold, as a share of it: 0.001 to 0.5.
    pub precision: f64,
    /// How requests are spaced.
    pub arrivals: Arrivals,
    /// What Poisson arrivals are drawn from.
    pub seed: u64,
    /// Stay awake before requests are due.
    pub spin: bool,
}

/// Who runs probes and is told of them.
pub struct Prober<'a> {
    /// All but the load itself: target, connections, timeouts, and the duration of a probe at least.
    pub plan: &'a Plan,
    /// Ends the search early.
    pub halt: &'a Arc<Halt>,
    /// Told how each run goes.
    pub observe: &'a mut dyn FnMut(&Snapshot),
    /// Told of each probe.
    pub tell: &'a mut dyn FnMut(&Probe),
}

impl Prober<'_> {
    /// Searches for the highest rate that holds; `halt` ends it early, with the probes so far.
    ///
    /// # Errors
    /// As [`run::run`].
    pub fn rate(&mut self, asked: &RateSearch) -> Result<Search, run::Error> {
        let mut search = self.begin(Goal::Rate);
        search.slo = asked.slo.to_string();
        let mut failure = None;
        let mut probes = Vec::new();
        search.answer = steps::highest_rate(asked.from_per_s, asked.precision, |load, why| {
            let probe =
                self.probe(Probe { load, why, ..Probe::default() }, &self.at_rate(asked, load), |probe, result| {
                    judge(probe, &asked.slo, result);
                });
            keep(probe, &mut probes, &mut failure)
        });
        self.end(search, probes, failure)
    }

    /// Searches for the smallest number of connections between `from` and `to` that reaches 95 % of the highest closed-loop rate.
    ///
    /// # Errors
    /// As [`run::run`].
    pub fn connections(&mut self, from: usize, to: usize) -> Result<Search, run::Error> {
        let search = self.begin(Goal::Connections);
        let mut failure = None;
        let mut probes = Vec::new();
        let answer = steps::fewest_connections(from, to, |load, why| {
            let mut plan = self.plan.clone();
            plan.load.connections = load;
            let probe = self.probe(Probe { load: load as f64, why, ..Probe::default() }, &plan, |probe, result| {
                probe.held = result.requests.completed > 0;
                probe.limit = (!probe.held).then_some(Limit::Errors).or(client_bound(result));
            });
            keep(probe, &mut probes, &mut failure)
        });
        // Only in the end is it known which rate was enough.
        if let Some(most) = answer.as_ref().and_then(|answer| answer.beyond) {
            probes.iter_mut().for_each(|probe: &mut Probe| probe.held = probe.achieved_per_s >= steps::ENOUGH * most);
        }
        self.end(Search { answer, ..search }, probes, failure)
    }

    fn begin(&self, goal: Goal) -> Search {
        Search {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            url: self.plan.target.url.clone(),
            goal,
            notes: self.plan.notes.clone(),
            ..Search::default()
        }
    }

    /// What was found before a failure or a signal is not lost.
    fn end(&self, search: Search, probes: Vec<Probe>, failure: Option<run::Error>) -> Result<Search, run::Error> {
        let mut search = Search { probes, interrupted: self.halt.load(Relaxed) != 0, ..search };
        match failure {
            Some(error) if search.probes.is_empty() => return Err(error),
            Some(error) => search.notes.push(format!("ended early: {error}")),
            None => {}
        }
        Ok(search)
    }

    /// Long enough for the percentile asked about.
    fn at_rate(&self, asked: &RateSearch, per_s: f64) -> Plan {
        let mut plan = self.plan.clone();
        let samples = SAMPLES_BEYOND / (1.0 - asked.slo.percentile() / 100.0).max(1e-6);
        let least = plan.load.until.duration.unwrap_or_default();
        let enough = Duration::from_secs_f64(samples / per_s);
        plan.load.until = Until { duration: Some(least.max(enough)), requests: None };
        let stage = RateStage { duration: None, from_per_s: per_s, to_per_s: per_s };
        plan.load.open = Some(Open {
            stages: vec![stage],
            arrivals: asked.arrivals,
            seed: asked.seed,
            deadline: None,
            spin: asked.spin,
        });
        plan
    }

    /// Runs `plan`; `None` when it was interrupted: half a run proves nothing.
    fn probe(
        &mut self,
        mut probe: Probe,
        plan: &Plan,
        judge: impl FnOnce(&mut Probe, &RunResult),
    ) -> Result<Option<Probe>, run::Error> {
        let result = run::run(plan, Vec::new(), self.halt, self.observe)?;
        if self.halt.load(Relaxed) != 0 {
            return Ok(None);
        }
        probe.elapsed_s = result.elapsed_s;
        probe.achieved_per_s = result.rate.achieved_per_s;
        let percentiles = result.latency_ns.as_ref().map(|latency| latency.percentiles).unwrap_or_default();
        (probe.p50_ns, probe.p99_ns) = (percentiles.p50, percentiles.p99);
        judge(&mut probe, &result);
        (self.tell)(&probe);
        Ok(Some(probe))
    }
}

fn keep(
    probe: Result<Option<Probe>, run::Error>,
    probes: &mut Vec<Probe>,
    failure: &mut Option<run::Error>,
) -> Option<Probe> {
    match probe {
        Ok(probe) => {
            probes.extend(probe.clone());
            probe
        }
        Err(error) => {
            *failure = Some(error);
            None
        }
    }
}

/// Holds a result against the SLO, and against the rate that was offered.
fn judge(probe: &mut Probe, slo: &Slo, result: &RunResult) {
    probe.clauses = slo.judge(result);
    probe.asked_ns = slo.asked_ns(result);
    let breached: Vec<_> = probe.clauses.iter().filter(|clause| !clause.held).collect();
    probe.held = breached.is_empty() && !result.misses_rate();
    if probe.held {
        return;
    }
    let failed = result.requests.failed > 0 || breached.iter().any(|clause| clause.clause.starts_with("errors"));
    probe.limit = client_bound(result).or(Some(match (failed, breached.is_empty()) {
        (true, _) => Limit::Errors,
        (false, false) => Limit::Slo,
        (false, true) => Limit::Rate,
    }));
}

fn client_bound(result: &RunResult) -> Option<Limit> {
    let busy = result.client.as_ref().and_then(|client| client.busy_share);
    busy.is_some_and(|busy| busy >= BUSY).then_some(Limit::Client)
}
