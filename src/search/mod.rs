//! Searches: many runs, each with a load that the ones before suggest.
//!
//! How to search is pure and knows no clock (`steps`); how a load is tried, and what may be believed of that, stands in `probe`.

mod probe;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use crate::judge::slo::Slo;
use crate::plan::{Arrivals, Open, Plan, RateStage, Until};
use crate::report::search::trouble;
use crate::result::bad_answers::BadAnswers;
use crate::result::search::{Goal, Limit, Probe, Search, Why};
use crate::result::{EndedEarly, SCHEMA, Snapshot};
use crate::run::speed::Speed;
use crate::run::{self, Control};
use probe::{Tried, client_bound, judge};
use steps::{Found, Trial, Unsettled};

/// A percentile needs so many samples beyond it: with 20 the share beyond is known to a fifth or so.
const SAMPLES_BEYOND: f64 = 20.0;

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

/// What whoever watches a search is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// How a run goes.
    Moment(&'a Snapshot),
    /// A run that is over.
    Probe(&'a Probe),
    /// A client's CPU is slow, at this share of its best speed: the next run waits.
    Waits(f64),
    /// The machine is so much faster now that the runs until now do not count.
    WasSlow,
}

/// Who runs probes and tells of them.
pub struct Prober<'a> {
    plan: &'a Plan,
    control: &'a Arc<Control>,
    tell: &'a mut dyn FnMut(Event<'_>),
    speed: Speed,
    /// Probes so far, and how many of them were made on a machine known to be slow by now.
    probes: Vec<Probe>,
    waited: Duration,
    ended: Ended,
}

/// What ended a search before its end.
#[derive(Default)]
struct Ended {
    failure: Option<run::Error>,
    away: Option<String>,
}

impl<'a> Prober<'a> {
    /// Nothing tried yet. `plan` has all but the load itself: target, connections, timeouts, and the duration of a probe at least;
    /// `control` ends a search early.
    #[must_use]
    pub fn new(plan: &'a Plan, control: &'a Arc<Control>, tell: &'a mut dyn FnMut(Event<'_>)) -> Prober<'a> {
        let (probes, ended) = (Vec::new(), Ended::default());
        Prober { plan, control, tell, speed: Speed::of(plan), probes, waited: Duration::ZERO, ended }
    }

    /// Searches for the highest rate that holds; a stop ends it early, with the probes so far.
    ///
    /// # Errors
    /// As [`run::run`], if there is no probe yet.
    pub fn rate(mut self, asked: &RateSearch) -> Result<Search, run::Error> {
        let search = Search { slo: asked.slo.to_string(), ..self.begin(Goal::Rate) };
        let found = steps::highest_rate(asked.from_per_s, asked.precision, |load, why| {
            let plan = self.at_rate(asked, load);
            self.probe(load, why, &plan, |probe, result| judge(probe, &asked.slo, result))
        });
        self.end(search, found)
    }

    /// Searches for the smallest number of connections between `from` and `to` that reaches 95 % of the highest closed-loop rate.
    ///
    /// # Errors
    /// As [`run::run`], if there is no probe yet.
    pub fn connections(mut self, from: usize, to: usize) -> Result<Search, run::Error> {
        let search = self.begin(Goal::Connections);
        let found = steps::fewest_connections(from, to, |load, why| {
            let mut plan = self.plan.clone();
            plan.load.connections = load;
            self.probe(load as f64, why, &plan, |probe, result| {
                let many_errors = probe.errors.as_ref().is_some_and(BadAnswers::are_many);
                probe.held = result.requests.completed > 0 && !many_errors;
                probe.limit = (!probe.held).then_some(Limit::Errors).or(client_bound(result));
            })
        });
        // Only in the end is it known which rate was enough.
        if let Some(most) = found.answer.as_ref().and_then(|answer| answer.beyond) {
            for probe in &mut self.probes {
                probe.held &= probe.achieved_per_s >= steps::ENOUGH * most;
            }
        }
        self.end(search, found)
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
    fn end(self, search: Search, found: Found) -> Result<Search, run::Error> {
        let Ended { failure, away } = self.ended;
        let why = match failure {
            Some(error) if self.probes.is_empty() => return Err(error),
            failure => failure.map(|error| error.to_string()).or(away),
        };
        let disturbed = found.why == Some(Unsettled::Disturbed);
        let silent = self.probes.last().filter(|_| found.why == Some(Unsettled::Silent));
        let why = why.or_else(|| silent.map(|probe| in_silence(search.goal, probe)));
        let why = why.or_else(|| disturbed.then(|| "the machine disturbed too many runs: see the probes".to_owned()));
        let search = Search {
            probes: self.probes,
            interrupted: self.control.is_stopped(),
            settled: found.answer.is_some(),
            // Where none holds there is no range for one that does.
            range: found.range.filter(|_| found.why != Some(Unsettled::NoneHolds)),
            answer: found.answer,
            ended_early: why.map(|why| EndedEarly { why }),
            waited_s: self.waited.as_secs_f64(),
            ..search
        };
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

    /// A load tried, and told of; `None` ends the search.
    fn probe(
        &mut self,
        load: f64,
        why: Why,
        plan: &Plan,
        judge: impl FnOnce(&mut Probe, &crate::result::RunResult),
    ) -> Option<Trial> {
        match self.try_plan(Probe { load, why, ..Probe::default() }, plan, judge) {
            Ok(Tried::Trial(trial)) => {
                if trial.was_slow {
                    (self.tell)(Event::WasSlow);
                }
                (self.tell)(Event::Probe(&trial.probe));
                self.probes.push(trial.probe.clone());
                Some(*trial)
            }
            Ok(Tried::Halted) => None,
            Ok(Tried::Away(why)) => {
                self.ended.away = Some(why);
                None
            }
            Err(error) => {
                self.ended.failure = Some(error);
                None
            }
        }
    }
}

/// What ended a search to which nobody answered.
fn in_silence(goal: Goal, first: &Probe) -> String {
    let load = match goal {
        Goal::Rate => format!("{}/s", first.load),
        Goal::Connections if first.load == 1.0 => "1 connection".to_owned(),
        Goal::Connections => format!("{} connections", first.load),
    };
    format!("at the first load, {load}, {}", trouble(first).unwrap_or_default())
}
