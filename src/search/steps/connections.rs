//! The fewest connections that are enough.

use super::{AGREE, Found, Stop, Trial, Tries, Unsettled};
use crate::measure::estimate::middle;
use crate::result::search::{Answer, Probe, Range, Why};

/// The share of the highest closed-loop rate that is enough.
pub(in crate::search) const ENOUGH: f64 = 0.95;
/// Runs agree when the highest rate of them is no more than this above the lowest, as a share.
const APART: f64 = 0.10;
/// Runs of one number of connections at most.
const MOST_RUNS: usize = 6;

/// The smallest number of connections that reaches [`ENOUGH`] of the highest rate: doubled over the whole range, then bisected, then
/// confirmed: it, the next fewer and the best one by three runs each that agree, side by side. `beyond` is the highest rate. A rate
/// with too many errors in it is none.
pub(in crate::search) fn fewest_connections(
    from: usize,
    to: usize,
    try_load: impl FnMut(usize, Why) -> Option<Trial>,
) -> Found {
    let mut search = Counts { tries: Tries::new(try_load), probes: Vec::new() };
    let ended = loop {
        match search.search(from, to) {
            Err(Stop::WasSlow) => search.probes.clear(),
            ended => break ended,
        }
    };
    match ended {
        Ok(answer) => Found { answer: Some(answer), ..Found::default() },
        Err(Stop::Unsettled(why)) => Found { range: search.range(), why: Some(why), answer: None },
        Err(Stop::WasSlow) => Found::default(),
    }
}

struct Counts<T> {
    tries: Tries<T>,
    /// All that count, in the order in which they were made.
    probes: Vec<(usize, Probe)>,
}

impl<T: FnMut(usize, Why) -> Option<Trial>> Counts<T> {
    fn search(&mut self, from: usize, to: usize) -> Result<Answer, Stop> {
        let mut load = from;
        loop {
            self.run(load, Why::Range)?;
            if let [(_, first)] = self.probes.as_slice()
                && first.is_silent()
            {
                return Err(Stop::Unsettled(Unsettled::Silent));
            }
            if load >= to {
                break;
            }
            load = (load * 2).min(to);
        }
        loop {
            let (best, most) = self.best();
            if most <= 0.0 {
                return Err(Stop::Unsettled(Unsettled::NoneHolds));
            }
            let (fewer, fewest) = self.around(ENOUGH * most);
            let gap = fewest - fewer.unwrap_or(fewest.saturating_sub(1));
            if let Some(fewer) = fewer
                && gap > 1
                && gap as f64 > 0.05 * fewest as f64
            {
                self.run(fewer + gap / 2, Why::Bisect)?;
                continue;
            }
            let witnesses = [fewer, Some(fewest), Some(best)];
            let open = |load: &usize| !self.agrees(*load) && self.rates(*load).len() < MOST_RUNS;
            let mut unsure: Vec<usize> = witnesses.into_iter().flatten().filter(open).collect();
            unsure.dedup();
            if !unsure.is_empty() {
                for load in unsure {
                    self.run(load, Why::Confirm)?;
                }
                continue;
            }
            if witnesses.into_iter().flatten().any(|load| !self.agrees(load)) {
                return Err(Stop::Unsettled(Unsettled::Disagree));
            }
            let limit = self.probes.iter().rev().find(|one| one.0 == best).and_then(|one| one.1.limit);
            return Ok(Answer { load: fewest as f64, beyond: Some(most), knee: None, limit });
        }
    }

    fn run(&mut self, load: usize, why: Why) -> Result<(), Stop> {
        let probe = self.tries.run(load, why)?;
        self.probes.push((load, probe));
        Ok(())
    }

    fn rates(&self, load: usize) -> Vec<f64> {
        let rate = |probe: &Probe| if probe.held { probe.achieved_per_s } else { 0.0 };
        self.probes.iter().filter(|one| one.0 == load).map(|one| rate(&one.1)).collect()
    }

    /// Of the last three, from the lowest.
    fn last(&self, load: usize) -> Vec<f64> {
        let rates = self.rates(load);
        let mut last = rates[rates.len().saturating_sub(AGREE)..].to_vec();
        last.sort_by(f64::total_cmp);
        last
    }

    fn agrees(&self, load: usize) -> bool {
        let last = self.last(load);
        last.len() >= AGREE && last[last.len() - 1] <= (1.0 + APART) * last[0]
    }

    fn loads(&self) -> Vec<usize> {
        let mut loads: Vec<usize> = self.probes.iter().map(|one| one.0).collect();
        loads.sort_unstable();
        loads.dedup();
        loads
    }

    /// The load with the highest rate, and that.
    fn best(&self) -> (usize, f64) {
        let rates = self.loads().into_iter().map(|load| (load, middle(&self.last(load))));
        rates.max_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or_default()
    }

    /// The next fewer connections that were tried, and the fewest with `enough`.
    fn around(&self, enough: f64) -> (Option<usize>, usize) {
        let loads = self.loads();
        let at = loads.iter().position(|load| middle(&self.last(*load)) >= enough).unwrap_or(0);
        (at.checked_sub(1).map(|before| loads[before]), loads[at])
    }

    /// What is known without an answer.
    fn range(&self) -> Option<Range> {
        let (best, most) = self.best();
        let of_best = self.last(best);
        let (lowest, highest) = (*of_best.first()?, *of_best.last()?);
        let reaches = |pick: fn(&[f64]) -> Option<&f64>, rate: f64| {
            let mut loads = self.loads().into_iter();
            loads.find(|load| pick(&self.last(*load)).is_some_and(|one| *one >= ENOUGH * rate)).map(|load| load as f64)
        };
        let surely = reaches(|last| last.first(), highest).unwrap_or(best as f64);
        (most > 0.0).then(|| Range { low: reaches(|last| last.last(), lowest), high: Some(surely) })
    }
}
