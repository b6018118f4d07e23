//! Which side was the limit, judged from the figures of the result alone.

use super::{ClientFault, Reason};
use crate::result::{Bound, Evidence, RunResult, Summary, Verdict};

#[cfg(test)]
mod tests;

/// Answers below which a closed loop is not judged, and those an open loop takes to be.
const ENOUGH_CLOSED: u64 = 100;
const ENOUGH_OPEN: u64 = 10;
/// Windows shorter than this are not judged, seconds: CPU clocks tick every few milliseconds.
const LONG_ENOUGH_S: f64 = 0.2;
/// A worker that waited for less than this share of its time was the limit.
const TIGHT: f64 = 0.03;
/// One that waited for at least this share was not.
const ROOMY: f64 = 0.12;
/// Kept from a CPU for this share of its time a worker was disturbed, and told of from the second on.
const DISTURBED: f64 = 0.10;
const NOTICED: f64 = 0.02;
/// From this share of the calibrated ceiling on a client is as fast as it can be.
const AT_CEILING: f64 = 0.97;
/// A target's thread that was on a CPU for this share was busy.
const TARGET_BUSY: f64 = 0.95;
/// Beyond this share of failures the rate is not one of answers, and beyond this share of outage not one of the server.
const FAILED: f64 = 0.10;
/// An open loop is on time when half of the sends are late by less than this, ns, or by less than half of a response.
const ON_TIME_NS: u64 = 1_000_000;
/// Places in flight that are taken for this share of the time: there is none free.
const FULL: f64 = 0.90;

/// Which side was the limit, and what says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The limit.
    pub bound: Bound,
    /// The evidence, the weightiest first.
    pub because: Vec<Reason>,
}

/// What all workers together say.
struct Workers {
    waited: f64,
    cpu: f64,
    queued: f64,
    steal: f64,
    spun: f64,
    tight: usize,
    roomy: usize,
    workers: usize,
    in_flight: f64,
}

impl Workers {
    fn of(result: &RunResult) -> Option<Workers> {
        let all: Vec<&Evidence> = result.workers.iter().filter_map(|worker| worker.evidence.as_ref()).collect();
        let workers = all.len();
        if workers == 0 {
            return None;
        }
        let mean = |figure: &dyn Fn(&Evidence) -> f64| all.iter().map(|one| figure(one)).sum::<f64>() / workers as f64;
        Some(Workers {
            waited: mean(&Evidence::room),
            cpu: mean(&|one| one.cpu_share),
            queued: mean(&|one| one.queued_share.unwrap_or(0.0)),
            steal: mean(&|one| one.cpu.as_ref().map_or(0.0, |cpu| cpu.steal_share)),
            spun: mean(&|one| one.spun_share.unwrap_or(0.0)),
            tight: all.iter().filter(|one| one.room() < TIGHT).count(),
            roomy: all.iter().filter(|one| one.room() >= ROOMY).count(),
            workers,
            in_flight: all.iter().map(|one| one.in_flight).sum(),
        })
    }

    /// Time that workers wanted a CPU for and did not get.
    fn kept(&self) -> f64 {
        self.queued + self.steal
    }

    fn is_disturbed(&self) -> bool {
        self.kept() >= DISTURBED
    }

    /// How they spent their time.
    fn reason(&self) -> Reason {
        Reason::Workers { workers: self.workers, waited: self.waited, cpu: self.cpu, spun: self.spun }
    }

    /// What kept them from their CPUs, if it is worth a word.
    fn trouble(&self) -> Option<Reason> {
        let worth = |share: f64| if share >= NOTICED { share } else { 0.0 };
        let (queued, stolen) = (worth(self.queued), worth(self.steal));
        (queued + stolen > 0.0).then_some(Reason::Disturbed { queued, stolen })
    }
}

impl Evidence {
    /// The share of its time in which more could have been done: what it spent spinning is no work, and standing still is no waiting.
    fn room(&self) -> f64 {
        (self.waited_share - self.suspended_share() + self.spun_share.unwrap_or(0.0)).clamp(0.0, 1.0)
    }
}

impl RunResult {
    /// Judges, or judges again after evidence was added: sets `verdict`.
    pub fn judge(&mut self) {
        let Judgement { bound, because } = self.judgement();
        self.verdict = Some(Verdict { bound, because: because.iter().map(ToString::to_string).collect() });
    }

    /// Which side was the limit.
    #[must_use]
    pub fn judgement(&self) -> Judgement {
        let faults = self.client_faults();
        self.without_ground(&faults).unwrap_or_else(|| match Workers::of(self) {
            Some(workers) => self.by_evidence(&workers, &faults),
            None => unclear(Reason::NotAccounted),
        })
    }

    /// What is decided before anybody's time is looked at: by what the client lacked, or as there is too little to judge by.
    fn without_ground(&self, faults: &[ClientFault]) -> Option<Judgement> {
        let requests = &self.requests;
        let reasons = faults.iter().copied().map(Reason::Client);
        // A target that is not there comes before what the client lacked, unless that is why no connection was open.
        let away = self.down_share() > FAILED && !self.is_down_for_want_of_the_clients_own();
        if away && requests.completed > 0 {
            let because = std::iter::once(self.down()).chain(reasons).collect();
            return Some(Judgement { bound: Bound::Unclear, because });
        }
        if faults.iter().any(ClientFault::decides) {
            let workers = Workers::of(self);
            let of_workers = workers.iter().flat_map(|one| std::iter::once(one.reason()).chain(one.trouble()));
            let because = reasons.chain(of_workers).chain(self.shared_cpu()).collect();
            return Some(Judgement { bound: Bound::Client, because });
        }
        let enough = if self.rate.offered_per_s.is_some() { ENOUGH_OPEN } else { ENOUGH_CLOSED };
        let why = match () {
            () if requests.completed == 0 && self.saw_no_window() => Reason::NoWindow,
            () if requests.completed == 0 => Reason::NoAnswers,
            () if self.failed_share() > FAILED => Reason::Failed(self.failed_share()),
            () if self.down_share() > FAILED => self.down(),
            () => {
                let silent = self.silent_end().map(Reason::Silent);
                let silent = silent.or(self.silence_of_a_count_s().map(|s| Reason::SilentFor(s, self.elapsed_s)));
                let too_few = (requests.completed < enough).then_some(Reason::TooFew(requests.completed));
                let too_short = (self.elapsed_s < LONG_ENOUGH_S).then_some(Reason::TooShort(self.elapsed_s));
                silent.or(too_few).or(too_short)?
            }
        };
        Some(unclear(why))
    }

    fn by_evidence(&self, workers: &Workers, faults: &[ClientFault]) -> Judgement {
        let mut verdict = match self.rate.offered_per_s {
            Some(offered) => self.open_loop(offered, workers),
            None => self.closed_loop(workers),
        };
        if self.plan.steps.is_some() {
            verdict.because.insert(0, Reason::AllSteps);
        }
        let because = &mut verdict.because;
        because.extend(faults.iter().copied().map(Reason::Client));
        because.extend((self.down_share() >= NOTICED).then(|| self.down()));
        because.extend(workers.trouble());
        because.extend(self.shared_cpu());
        because.extend(self.by_ceiling());
        verdict
    }

    fn down(&self) -> Reason {
        Reason::Down { share: self.down_share(), of_the_client: self.is_down_for_want_of_the_clients_own() }
    }

    fn closed_loop(&self, workers: &Workers) -> Judgement {
        let at_ceiling = self.share_of_ceiling().is_some_and(|share| share >= AT_CEILING);
        let both = workers.tight == 0 && self.target_is_busy() && at_ceiling;
        let bound = match () {
            () if workers.tight == workers.workers => Bound::Client,
            // Kept from its CPU for longer than it waited for answers.
            () if workers.is_disturbed() && workers.kept() > workers.waited => Bound::Client,
            () if workers.roomy == workers.workers && !workers.is_disturbed() => Bound::Server,
            () if both => Bound::Unclear,
            // Some had time left and some had none, or nobody had much.
            () if workers.tight == 0 && !workers.is_disturbed() && self.target_is_busy() => Bound::Server,
            () if workers.tight == 0 && at_ceiling => Bound::Client,
            () => Bound::Unclear,
        };
        let mut because = vec![workers.reason()];
        if bound == Bound::Unclear && workers.tight > 0 {
            because.push(Reason::NoTimeLeft(workers.tight, workers.workers));
        }
        because.extend(self.targets_time());
        if both && bound == Bound::Unclear {
            because.push(Reason::BothNearLimits);
        }
        Judgement { bound, because }
    }

    fn open_loop(&self, offered: f64, workers: &Workers) -> Judgement {
        let mut because = vec![Reason::Achieved(self.rate.achieved_per_s, offered)];
        let lag = self.send_lag_ns.as_ref().and_then(|lag| lag.percentiles.p50);
        because.extend(lag.map(Reason::SendLag));
        if !self.misses_rate() && !self.is_late() {
            return Judgement { bound: Bound::Offered, because };
        }
        because.push(workers.reason());
        let places = (self.connections.requested * u64::from(self.plan.pipeline)) as f64;
        let in_flight = workers.in_flight;
        let full = places > 0.0 && self.plan.repeat.is_none() && in_flight >= FULL * places;
        let bound = match () {
            () if workers.tight == workers.workers => Bound::Client,
            () if workers.is_disturbed() && workers.kept() > workers.waited => Bound::Client,
            () if full && !workers.is_disturbed() => Bound::Server,
            () if workers.roomy == workers.workers && !workers.is_disturbed() => Bound::Server,
            () => Bound::Unclear,
        };
        because.extend(full.then_some(Reason::Full { in_flight, places }));
        because.extend(self.targets_time());
        Judgement { bound, because }
    }

    /// The median send lag is more than the loop's own, and most of the response.
    fn is_late(&self) -> bool {
        let median = |summary: &Option<Summary>| summary.as_ref()?.percentiles.p50;
        let medians = median(&self.send_lag_ns).zip(median(&self.latency_ns));
        medians.is_some_and(|(lag, response)| lag > ON_TIME_NS && lag > response / 2)
    }

    fn target_is_busy(&self) -> bool {
        self.target.process.as_ref().is_some_and(|process| process.busiest_thread_share >= TARGET_BUSY)
    }

    /// What is known of the target's own CPU.
    fn targets_time(&self) -> Option<Reason> {
        self.target.process.as_ref().map(|process| Reason::TargetBusy(process.busiest_thread_share))
    }

    /// The target ran where workers did.
    fn shared_cpu(&self) -> Option<Reason> {
        Some(self.cpus_of_both()).filter(|cpus| !cpus.is_empty()).map(Reason::SharedCpu)
    }

    /// Of a ceiling that the run exceeds nothing follows: it was taken too low.
    fn share_of_ceiling(&self) -> Option<f64> {
        let ceiling = self.ceiling.as_ref().filter(|ceiling| ceiling.rate_per_s > 0.0)?;
        Some(self.rate.achieved_per_s / ceiling.rate_per_s).filter(|share| *share <= 1.0)
    }

    fn by_ceiling(&self) -> Option<Reason> {
        let (rate, most) = (self.rate.achieved_per_s, self.ceiling.as_ref()?.rate_per_s);
        let is_below = self.share_of_ceiling().is_some();
        Some(if is_below { Reason::OfCeiling(rate, most) } else { Reason::AboveCeiling(rate, most) })
    }
}

fn unclear(why: Reason) -> Judgement {
    Judgement { bound: Bound::Unclear, because: vec![why] }
}
