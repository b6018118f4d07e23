//! The highest rate that holds.

use super::{AGREE, Found, Stop, Trial, Tries, Unsettled};
use crate::result::search::{Answer, Limit, Probe, Range, Why};

/// The lowest and the highest rate that can be offered, requests per second.
const RATES: std::ops::RangeInclusive<f64> = 0.1..=1e9;
/// The share of an offered rate from which on it was reached.
const REACHED: f64 = 0.99;
/// A latency, or a share of errors, that half of the rate does not bring below this share of it does not depend on the rate.
const AT_REST: f64 = 0.8;
/// From this share on all answers are errors.
const ALL: f64 = 0.999;
/// The knee is where the latency passes so many times what it is at the lowest rates.
const BEND: f64 = 2.0;
/// How often the answer, or what lies beyond it, may turn out to be something else.
const TURNS: usize = 8;

/// The highest rate that holds, within `precision` of the lowest that does not: doubled or halved from `from` until both are known,
/// then bisected, then confirmed. On the way a miss counts when it happens twice. In the end three runs in a row must hold at the
/// answer, and three in a row miss beyond it: whatever else they say moves the search on, and if they never agree there is a range
/// and no answer. Where half of a rate is as slow, or as full of errors, none holds. `try_load` gives `None` when the search is to end.
pub(in crate::search) fn highest_rate(
    from: f64,
    precision: f64,
    try_load: impl FnMut(f64, Why) -> Option<Trial>,
) -> Found {
    let mut search = Rates { tries: Tries::new(try_load), precision, probes: Vec::new() };
    let ended = loop {
        match search.search(rounded(from)) {
            Err(Stop::WasSlow) => search.probes.clear(),
            ended => break ended,
        }
    };
    match ended {
        Ok((low, beyond)) => search.found(low, beyond),
        Err(Stop::Unsettled(why)) => Found { range: search.range(), why: Some(why), answer: None },
        Err(Stop::WasSlow) => Found::default(),
    }
}

struct Rates<T> {
    tries: Tries<T>,
    precision: f64,
    /// All that count, in the order in which they were made.
    probes: Vec<Probe>,
}

impl<T: FnMut(f64, Why) -> Option<Trial>> Rates<T> {
    /// The answer and the rate beyond it, each with three runs in a row.
    fn search(&mut self, from: f64) -> Result<(f64, Option<f64>), Stop> {
        let (mut low, mut high) = self.bracket(from, None, None)?;
        for _ in 0..TURNS {
            if !self.agree(low, true)? {
                // It held, and does not.
                if self.agree(low, false)? {
                    high = Some(low);
                }
                low = self.below(low)?;
                continue;
            }
            let Some(beyond) = high else { return Ok((low, None)) };
            if self.agree(beyond, false)? {
                return Ok((low, high));
            }
            // What missed there before was not the server.
            let above = self.lowest_miss(beyond);
            if self.agree(beyond, true)? {
                (low, high) = self.bracket(from, Some(beyond), above)?;
            } else {
                high = above.or_else(|| Some(rounded(beyond * (1.0 + self.precision))).filter(|next| *next > beyond));
            }
        }
        Err(Stop::Unsettled(Unsettled::Disagree))
    }

    /// A rate that held and, within the precision, one that did not.
    fn bracket(&mut self, first: f64, mut low: Option<f64>, mut high: Option<f64>) -> Result<(f64, Option<f64>), Stop> {
        while low.is_none() || high.is_none() {
            let next = match (low, high) {
                (Some(low), _) => low * 2.0,
                (None, Some(high)) => high / 2.0,
                (None, None) => first,
            };
            if !RATES.contains(&next) {
                break;
            }
            let next = rounded(next);
            if self.holds(next, Why::Range)? {
                low = Some(next);
            } else if low.is_none() && high.is_some_and(|before| self.rests(before, next)) {
                return Err(Stop::Unsettled(Unsettled::NoneHolds));
            } else {
                high = Some(next);
            }
        }
        let mut low = low.ok_or(Stop::Unsettled(Unsettled::NoneHolds))?;
        while let Some(beyond) = high {
            let middle = rounded((low * beyond).sqrt());
            if self.is_near(low, beyond) || middle <= low || middle >= beyond {
                break;
            }
            if self.holds(middle, Why::Bisect)? { low = middle } else { high = Some(middle) }
        }
        Ok((low, high))
    }

    /// Once is enough to hold; a miss counts when two of three miss.
    fn holds(&mut self, load: f64, why: Why) -> Result<bool, Stop> {
        if self.run(load, why)? {
            return Ok(true);
        }
        self.give_up()?;
        if self.run(load, Why::Again)? {
            return self.run(load, Why::Again);
        }
        self.give_up()?;
        Ok(false)
    }

    /// After a miss: nothing was answered at the first load; all of its answers were errors twice; or half of a load that missed is as
    /// full of errors. No lower rate will hold then. A server that refuses what is too much for it has more good answers of fewer
    /// requests.
    fn give_up(&self) -> Result<(), Stop> {
        let Some(last) = self.probes.last().filter(|_| self.probes.iter().all(|probe| !probe.held)) else {
            return Ok(());
        };
        if self.probes.len() == 1 && last.is_silent() {
            return Err(Stop::Unsettled(Unsettled::Silent));
        }
        let all_errors = |probe: &Probe| share_of_errors(probe).is_some_and(|share| share >= ALL);
        let before = self.probes.iter().rev().find(|probe| probe.load != last.load);
        let hopeless = match before {
            None => self.probes.len() > 1 && self.probes.iter().all(all_errors),
            Some(before) => share_of_errors(before)
                .zip(share_of_errors(last))
                .is_some_and(|(before, half)| half >= AT_REST * before && AT_REST * (1.0 - half) <= 1.0 - before),
        };
        if hopeless { Err(Stop::Unsettled(Unsettled::NoneHolds)) } else { Ok(()) }
    }

    /// Runs it until the last three held, or until the last three missed; false as soon as one does not.
    fn agree(&mut self, load: f64, held: bool) -> Result<bool, Stop> {
        while self.in_a_row(load, held) < AGREE {
            if self.run(load, Why::Confirm)? != held {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn run(&mut self, load: f64, why: Why) -> Result<bool, Stop> {
        let probe = self.tries.run(load, why)?;
        let held = probe.held;
        self.probes.push(probe);
        Ok(held)
    }

    fn of(&self, load: f64) -> impl DoubleEndedIterator<Item = &Probe> {
        self.probes.iter().filter(move |probe| probe.load == load)
    }

    /// How many of the last runs there said so.
    fn in_a_row(&self, load: f64, held: bool) -> usize {
        self.of(load).rev().take_while(|probe| probe.held == held).count()
    }

    /// The lowest rate above `load` of which nothing but misses is known.
    fn lowest_miss(&self, load: f64) -> Option<f64> {
        let above = self.probes.iter().map(|probe| probe.load).filter(|other| *other > load);
        above.filter(|other| self.of(*other).all(|probe| !probe.held)).min_by(f64::total_cmp)
    }

    /// Half of the precision below: the next rate that people would type at least.
    fn below(&self, load: f64) -> Result<f64, Stop> {
        let lower = rounded(load * (1.0 - self.precision / 2.0));
        let lower = if lower < load { lower } else { rounded(load - unit(load)) };
        let is_lower = lower < load && RATES.contains(&lower);
        if is_lower { Ok(lower) } else { Err(Stop::Unsettled(Unsettled::Disagree)) }
    }

    /// As near as is asked for, or as rounded rates can be.
    fn is_near(&self, low: f64, beyond: f64) -> bool {
        beyond - low <= self.precision * beyond * (1.0 + 1e-9) || rounded(low + unit(low)) >= beyond
    }

    /// Both rates were reached, and half of it was no faster: this is what the server takes at rest, and no lower rate will hold. The
    /// same of a server that answers nothing.
    fn rests(&self, before: f64, half: f64) -> bool {
        let (Some(before), Some(half)) = (self.of(before).next_back(), self.of(half).next_back()) else { return false };
        let reached = |probe: &Probe| probe.achieved_per_s >= REACHED * probe.load;
        let slower = |asked: (f64, f64)| asked.1 >= AT_REST * asked.0;
        let silent = |probe: &Probe| probe.achieved_per_s <= 0.0;
        (silent(before) && silent(half))
            || (reached(before) && reached(half) && before.asked_ns.zip(half.asked_ns).is_some_and(slower))
    }

    /// Three runs agree on both; if they are too far apart all the same, there is a range.
    fn found(&self, low: f64, beyond: Option<f64>) -> Found {
        if let Some(beyond) = beyond.filter(|beyond| !self.is_near(low, *beyond)) {
            let range = Range { low: Some(low), high: Some(beyond) };
            return Found { answer: None, range: Some(range), why: Some(Unsettled::Disagree) };
        }
        let limit = beyond.and_then(|beyond| self.of(beyond).next_back()?.limit);
        Found { answer: Some(Answer { load: low, beyond, knee: knee(&self.probes), limit }), ..Found::default() }
    }

    /// What is known without an answer.
    fn range(&self) -> Option<Range> {
        let loads = || self.probes.iter().map(|probe| probe.load);
        let held = || self.probes.iter().filter(|probe| probe.held).map(|probe| probe.load);
        let highest = held().max_by(f64::total_cmp);
        let surely = loads().filter(|load| self.in_a_row(*load, true) >= AGREE).max_by(f64::total_cmp);
        let missed_twice = |load: &f64| self.in_a_row(*load, false) >= 2;
        let high = loads().filter(|load| highest.is_none_or(|held| *load > held)).filter(missed_twice);
        let range = Range { low: surely.or(highest), high: high.min_by(f64::total_cmp) };
        (range != Range::default()).then_some(range)
    }
}

/// The highest rate up to which the latency asked about stays within [`BEND`] times the median of the three lowest rates.
fn knee(tried: &[Probe]) -> Option<f64> {
    let mut points: Vec<(f64, f64)> = tried.iter().map(|p| (p.load, p.asked_ns.unwrap_or(f64::INFINITY))).collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    // Of several probes at one rate the best: the rest is the machine's.
    points.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.min(next.1);
        }
        same
    });
    let mut lowest: Vec<f64> = points.iter().take(3).map(|point| point.1).collect();
    lowest.sort_by(f64::total_cmp);
    let base = *lowest.get((lowest.len().max(1) - 1) / 2)?;
    points.iter().take_while(|point| point.1 <= BEND * base).last().map(|point| point.0)
}

fn share_of_errors(probe: &Probe) -> Option<f64> {
    probe.errors.as_ref().filter(|_| probe.limit == Some(Limit::Errors)).map(|errors| errors.share)
}

/// The step between rates of three digits.
fn unit(rate: f64) -> f64 {
    10f64.powi(rate.log10().floor() as i32 - 2)
}

/// To three digits: a rate that people would type.
pub(super) fn rounded(rate: f64) -> f64 {
    let unit = unit(rate);
    let digits = (rate / unit).round();
    if unit < 1.0 { (digits / (1.0 / unit).round()).max(0.1) } else { digits * unit }
}
