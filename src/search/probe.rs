//! A load tried, and whether that says something: of the server, or only of this machine.

use std::time::Duration;

use super::steps::Trial;
use super::{Event, Prober};
use crate::judge::slo::{Measure, Slo};
use crate::plan::Plan;
use crate::result::bad_answers::BadAnswers;
use crate::result::search::{Limit, Probe};
use crate::result::unanswered::Unanswered;
use crate::result::units::time_ns;
use crate::result::{RunResult, Snapshot};
use crate::run;
use crate::run::speed::{self, Speed};

/// A client as busy as this is the limit itself.
const BUSY: f64 = 0.97;
/// A slow machine is waited for so long before a run, and in the whole search.
const WAITS: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(90));
/// A worker that could not act for so long at once, ns, and for so large a share of the run, stood still.
const STILL: (u64, f64) = (250_000_000, 0.05);

/// What came of a try.
pub(super) enum Tried {
    Trial(Box<Trial>),
    /// A signal ended it: half a run proves nothing.
    Halted,
    /// Nobody is there, or not any more.
    Away(String),
}

impl Prober<'_> {
    /// Runs `plan` when the machine is itself, and says what disturbed it.
    pub(super) fn try_plan(
        &mut self,
        mut probe: Probe,
        plan: &Plan,
        judge: impl FnOnce(&mut Probe, &RunResult),
    ) -> Result<Tried, run::Error> {
        let (before, mut was_slow) = self.await_speed();
        if self.control.is_stopped() {
            return Ok(Tried::Halted);
        }
        let tell = &mut *self.tell;
        let observe: &mut dyn FnMut(&Snapshot) = &mut |moment| tell(Event::Moment(moment));
        let result = run::run(plan, Vec::new(), self.control, observe)?;
        if self.control.is_stopped() {
            return Ok(Tried::Halted);
        }
        if let Some(why) = result.away() {
            return Ok(Tried::Away(why.to_string()));
        }
        let after = self.speed.read();
        was_slow |= self.speed.keep(&after);
        let share = self.speed.share(&before).min(self.speed.share(&after));
        probe.speed = Some(share);
        probe.disturbed = disturbed(share, stood_still_ns(&result), result.elapsed_s);
        probe.elapsed_s = result.elapsed_s;
        probe.achieved_per_s = result.rate.achieved_per_s;
        let percentiles = result.latency_ns.as_ref().map(|latency| latency.percentiles).unwrap_or_default();
        (probe.p50_ns, probe.p99_ns) = (percentiles.p50, percentiles.p99);
        probe.errors = Some(BadAnswers::of(&result)).filter(|errors| !errors.is_empty());
        probe.unanswered = Unanswered::of(&result);
        judge(&mut probe, &result);
        // Without earlier probes there is none that was made on a slow machine.
        let was_slow = was_slow && !self.probes.is_empty();
        Ok(Tried::Trial(Box::new(Trial { probe, was_slow })))
    }

    /// Waits for the CPUs to be at their best, if that does not take too long.
    fn await_speed(&mut self) -> (speed::Reading, bool) {
        let (each, whole) = WAITS;
        let reading = self.speed.read();
        let was_slow = self.speed.keep(&reading);
        let share = self.speed.share(&reading);
        if !Speed::is_slow(share) {
            return (reading, was_slow);
        }
        (self.tell)(Event::Waits(share));
        let at_most = each.min(whole.saturating_sub(self.waited));
        let control = self.control;
        let (reading, faster, waited) = speed::await_speed(&mut self.speed, at_most, &|| control.is_stopped());
        self.waited += waited;
        (reading, was_slow || faster)
    }
}

/// What of this machine was in the way.
fn disturbed(speed: f64, still_ns: u64, elapsed_s: f64) -> Option<String> {
    if Speed::is_slow(speed) {
        return Some(format!("a CPU of the client ran at {:.0}% of its best speed", speed * 100.0));
    }
    let (least, share) = STILL;
    let stood_still = still_ns >= least && still_ns as f64 >= share * elapsed_s * 1e9;
    stood_still.then(|| format!("the client stood still for {}", time_ns(still_ns as f64)))
}

/// The longest time at once in which a worker could not act though it had to.
fn stood_still_ns(result: &RunResult) -> u64 {
    let evidence = result.workers.iter().filter_map(|worker| worker.evidence.as_ref());
    evidence.filter_map(|one| one.stopped_longest_ns).max().unwrap_or(0)
}

/// Holds a result against the SLO, against the rate that was offered, and against errors that no limit of the SLO allows.
pub(super) fn judge(probe: &mut Probe, slo: &Slo, result: &RunResult) {
    probe.clauses = slo.clauses(result);
    probe.asked_ns = slo.asked_ns(result);
    let allows_errors = slo.limits.iter().any(|limit| limit.measure == Measure::Errors);
    let too_many = !allows_errors && probe.errors.as_ref().is_some_and(BadAnswers::are_many);
    let breached: Vec<_> = probe.clauses.iter().filter(|clause| !clause.held).collect();
    let answered = result.requests.completed > 0;
    probe.held = breached.is_empty() && !result.misses_rate() && !too_many && answered;
    if probe.held {
        return;
    }
    let of_errors = breached.iter().any(|clause| clause.clause.starts_with("errors"));
    let failed = too_many || !answered || result.requests.failed > 0 || of_errors;
    // A busy client is no cause of errors, and none of silence.
    let client = client_bound(result).filter(|_| !too_many && answered);
    probe.limit = client.or(Some(match (failed, breached.is_empty()) {
        (true, _) => Limit::Errors,
        (false, false) => Limit::Slo,
        (false, true) => Limit::Rate,
    }));
}

pub(super) fn client_bound(result: &RunResult) -> Option<Limit> {
    let busy = result.client.as_ref().and_then(|client| client.busy_share);
    busy.is_some_and(|busy| busy >= BUSY).then_some(Limit::Client)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::*;
    use crate::judge::slo::{Limit as SloLimit, Order};
    use crate::result::samples;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_longest_stop_of_all_workers_counts() {
        let mut result = samples::good();
        result.workers[1].evidence.as_mut().unwrap().stopped_longest_ns = Some(447 * MS);
        assert_eq!(stood_still_ns(&result), 447 * MS);
        result.workers.clear();
        assert_eq!(stood_still_ns(&result), 0);
    }

    #[test]
    fn what_disturbs_a_run_is_named() {
        for (speed, still_ms, elapsed_s, words) in [
            (1.0, 0, 2.0, None),
            (0.8, 240, 2.0, None),
            (1.0, 300, 20.0, None),
            (0.1, 0, 2.0, Some("a CPU of the client ran at 10% of its best speed")),
            (1.0, 447, 2.0, Some("the client stood still for 447.00ms")),
        ] {
            assert_eq!(disturbed(speed, still_ms * MS, elapsed_s).as_deref(), words);
        }
    }

    /// The sound open loop with a share of its answers turned into 503s.
    fn with_errors(share: f64) -> (RunResult, Probe) {
        let mut result = samples::open();
        let bad = (result.requests.completed as f64 * share) as u64;
        result.status = BTreeMap::from([(200, result.requests.completed - bad), (503, bad)]);
        result.status.retain(|_, count| *count > 0);
        let probe = Probe {
            load: 2_000.0,
            errors: Some(BadAnswers::of(&result)).filter(|errors| !errors.is_empty()),
            ..Probe::default()
        };
        (result, probe)
    }

    fn limit(text: &str, measure: Measure, bound: f64) -> SloLimit {
        SloLimit { text: text.into(), measure, kind: None, order: Order::Below, bound }
    }

    #[test]
    fn a_tenth_of_errors_holds_nothing_unless_the_slo_says_so() {
        let rate = SloLimit { order: Order::Above, ..limit("rate>1", Measure::Rate, 1.0) };
        let errors = limit("errors<50%", Measure::Errors, 0.5);
        for (limits, share, held) in [
            (vec![rate.clone()], 0.0, true),
            (vec![rate.clone()], 0.09, true),
            (vec![rate.clone()], 0.10, false),
            (vec![rate.clone()], 1.0, false),
            (vec![rate.clone(), errors.clone()], 0.3, true),
            (vec![rate, errors], 0.6, false),
        ] {
            let (result, mut probe) = with_errors(share);
            judge(&mut probe, &Slo { limits }, &result);
            assert_eq!(probe.held, held, "{share}: {probe:?}");
            assert_eq!(probe.limit, (!held).then_some(Limit::Errors), "{share}");
        }
    }

    #[test]
    fn a_rate_that_is_not_reached_does_not_hold() {
        let (mut result, mut probe) = with_errors(0.0);
        result.rate.achieved_per_s *= 0.98;
        judge(&mut probe, &Slo { limits: vec![limit("errors<1%", Measure::Errors, 0.01)] }, &result);
        assert_eq!((probe.held, probe.limit), (false, Some(Limit::Rate)));
        result.client.as_mut().unwrap().busy_share = Some(0.99);
        judge(&mut probe, &Slo { limits: vec![limit("errors<1%", Measure::Errors, 0.01)] }, &result);
        assert_eq!(probe.limit, Some(Limit::Client));
    }
}
