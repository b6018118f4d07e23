//! Which side was the limit, judged from the figures of the result alone.

use super::units::{metric, time_ns};
use super::{Bound, Evidence, RunResult, Verdict};

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
    fn words(&self) -> String {
        let who = if self.workers == 1 { "the worker".into() } else { format!("the {} workers", self.workers) };
        let spun = if self.spun > 0.0 { format!(", {} of it spinning", percent(self.spun)) } else { String::new() };
        format!("{who} waited {} of the time (on CPU {}{spun})", percent(self.waited), percent(self.cpu))
    }

    /// What kept them from their CPUs, if it is worth a word.
    fn trouble(&self) -> Option<String> {
        let parts: Vec<String> = [(self.queued, "ready to run without a CPU"), (self.steal, "with the CPU stolen")]
            .into_iter()
            .filter(|(share, _)| *share >= NOTICED)
            .map(|(share, what)| format!("{} {what}", percent(share)))
            .collect();
        (!parts.is_empty()).then(|| format!("disturbed: {}", parts.join(", ")))
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
        self.verdict = Some(self.bound());
    }

    fn bound(&self) -> Verdict {
        let unclear = |why: String| Verdict { bound: Bound::Unclear, because: vec![why] };
        let requests = &self.requests;
        let faults = self.client_faults();
        let reasons = || faults.iter().map(|fault| fault.because.clone());
        // A target that is not there comes before what the client lacked, unless that is why no connection was open.
        let away = self.down_share() > FAILED && !self.is_down_for_want_of_the_clients_own();
        if away && requests.completed > 0 {
            let because = std::iter::once(self.down_words()).chain(reasons()).collect();
            return Verdict { bound: Bound::Unclear, because };
        }
        if faults.iter().any(|fault| fault.decides) {
            let workers = Workers::of(self);
            let words =
                workers.as_ref().map(Workers::words).into_iter().chain(workers.as_ref().and_then(Workers::trouble));
            return Verdict {
                bound: Bound::Client,
                because: reasons().chain(words).chain(self.shared_cpu()).collect(),
            };
        }
        if requests.completed == 0 {
            let no_window = self.saw_no_window();
            return unclear(if no_window { "no window began" } else { "not one response came" }.into());
        }
        let failed = self.failed_share();
        if failed > FAILED {
            return unclear(format!("{} of the requests failed", percent(failed)));
        }
        if self.down_share() > FAILED {
            return unclear(self.down_words());
        }
        if let Some(silent) = self.silent_end() {
            return unclear(silent);
        }
        if let Some(silent) = self.silence_of_a_count() {
            return unclear(silent);
        }
        let is_open = self.rate.offered_per_s.is_some();
        let enough = if is_open { ENOUGH_OPEN } else { ENOUGH_CLOSED };
        if requests.completed < enough {
            return unclear(format!("{} answers are too few to tell", requests.completed));
        }
        if self.elapsed_s < LONG_ENOUGH_S {
            return unclear(format!("{} are too short to tell", time_ns(self.elapsed_s * 1e9)));
        }
        let Some(workers) = Workers::of(self) else {
            return unclear("the workers' time was not accounted for".into());
        };
        let mut verdict = match self.rate.offered_per_s {
            Some(offered) => self.open_loop(offered, &workers),
            None => self.closed_loop(&workers),
        };
        if self.plan.steps.is_some() {
            verdict.because.insert(0, "all steps together".into());
        }
        verdict.because.extend(reasons());
        if self.down_share() >= NOTICED {
            verdict.because.push(self.down_words());
        }
        verdict.because.extend(workers.trouble());
        verdict.because.extend(self.shared_cpu());
        verdict.because.extend(self.by_ceiling());
        verdict
    }

    fn down_words(&self) -> String {
        let what =
            if self.is_down_for_want_of_the_clients_own() { "no connection was open" } else { "the target was away" };
        format!("{what} for {} of the time", percent(self.down_share()))
    }

    fn closed_loop(&self, workers: &Workers) -> Verdict {
        let target = self.target_words();
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
        let mut because = vec![workers.words()];
        if bound == Bound::Unclear && workers.tight > 0 {
            because.push(format!("{} of {} had no time left", workers.tight, workers.workers));
        }
        because.extend(target);
        if both && bound == Bound::Unclear {
            because.push("both sides are near their limits".into());
        }
        Verdict { bound, because }
    }

    fn open_loop(&self, offered: f64, workers: &Workers) -> Verdict {
        let achieved = self.rate.achieved_per_s;
        let mut because = vec![format!(
            "{}/s of the offered {}/s achieved ({:.1}%)",
            metric(achieved),
            metric(offered),
            achieved / offered * 100.0
        )];
        let lag = self.send_lag_ns.as_ref().and_then(|lag| lag.percentiles.p50);
        let late = self.late_by();
        if let Some(lag) = lag {
            because.push(format!("send lag p50 {}", time_ns(lag as f64)));
        }
        if !self.misses_rate() && late.is_none() {
            return Verdict { bound: Bound::Offered, because };
        }
        because.push(workers.words());
        let places = (self.connections.requested * u64::from(self.plan.pipeline)) as f64;
        let full = places > 0.0 && self.plan.repeat.is_none() && workers.in_flight >= FULL * places;
        let bound = match () {
            () if workers.tight == workers.workers => Bound::Client,
            () if workers.is_disturbed() && workers.kept() > workers.waited => Bound::Client,
            () if full && !workers.is_disturbed() => Bound::Server,
            () if workers.roomy == workers.workers && !workers.is_disturbed() => Bound::Server,
            () => Bound::Unclear,
        };
        if full {
            because.push(format!("{:.1} of {places} places in flight taken on average", workers.in_flight));
        }
        because.extend(self.target_words());
        Verdict { bound, because }
    }

    /// The median send lag, where that is more than the loop's own and most of the response.
    fn late_by(&self) -> Option<u64> {
        let (lag, response) = (self.send_lag_ns.as_ref()?.percentiles.p50?, self.latency_ns.as_ref()?.percentiles.p50?);
        (lag > ON_TIME_NS && lag > response / 2).then_some(lag)
    }

    fn target_is_busy(&self) -> bool {
        self.target.process.as_ref().is_some_and(|process| process.busiest_thread_share >= TARGET_BUSY)
    }

    /// What is known of the target's own CPU.
    fn target_words(&self) -> Option<String> {
        let process = self.target.process.as_ref()?;
        let busiest = percent(process.busiest_thread_share);
        Some(format!("the target's busiest thread was on CPU {busiest}"))
    }

    /// The target ran where workers did.
    fn shared_cpu(&self) -> Option<String> {
        let shared = self.cpus_of_both();
        (!shared.is_empty()).then(|| format!("the target ran on the client's CPU {}", list(&shared)))
    }

    /// Of a ceiling that the run exceeds nothing follows: it was taken too low.
    fn share_of_ceiling(&self) -> Option<f64> {
        let ceiling = self.ceiling.as_ref().filter(|ceiling| ceiling.rate_per_s > 0.0)?;
        Some(self.rate.achieved_per_s / ceiling.rate_per_s).filter(|share| *share <= 1.0)
    }

    fn by_ceiling(&self) -> Option<String> {
        let ceiling = self.ceiling.as_ref()?;
        let (rate, most) = (metric(self.rate.achieved_per_s), metric(ceiling.rate_per_s));
        Some(match self.share_of_ceiling() {
            Some(share) => format!("{rate}/s is {} of this client's calibrated ceiling of {most}/s", percent(share)),
            None => format!("{rate}/s exceeds the calibrated ceiling of {most}/s: calibrate again"),
        })
    }
}

/// A share as people read it; never 100 % or 0 % unless it is.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let near_end = (percent > 0.0 && percent < 1.0) || (percent > 99.0 && percent < 100.0);
    if near_end { format!("{percent:.1}%") } else { format!("{percent:.0}%") }
}

/// Numbers with commas between.
pub(super) fn list(numbers: &[usize]) -> String {
    let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    words.join(",")
}
