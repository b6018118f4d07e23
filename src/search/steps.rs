//! How to search: which load to try next, and what the answers mean. Nothing here runs anything.

use crate::result::search::{Answer, Probe, Why};

/// The lowest and the highest rate that can be offered, requests per second.
const RATES: std::ops::RangeInclusive<f64> = 0.1..=1e9;
/// The share of the highest closed-loop rate that is enough.
pub(super) const ENOUGH: f64 = 0.95;
/// The share of an offered rate from which on it was reached.
const REACHED: f64 = 0.99;
/// A latency that half of the rate does not bring below this share of it does not depend on the rate.
const AT_REST: f64 = 0.8;
/// The knee is where the latency passes so many times what it is at the lowest rates.
const BEND: f64 = 2.0;

/// The highest rate that holds, within `precision` of the lowest that does not: doubled or halved from `from` until both are
/// known, then bisected, then confirmed by a repeat. A breach counts when it happens twice, as one stall of the machine is no
/// property of the server. Where half of a rate is as slow, none holds. `try_load` gives `None` when the search is to end; without a rate that held twice there is no answer.
pub(super) fn highest_rate(
    from: f64,
    precision: f64,
    mut try_load: impl FnMut(f64, Why) -> Option<Probe>,
) -> Option<Answer> {
    let mut tried = Vec::new();
    let mut held_at = |load: f64, why: Why| -> Option<Probe> {
        let mut probe = try_load(load, why)?;
        if !probe.held {
            tried.push(probe.clone());
            probe = try_load(load, Why::Again)?;
        }
        tried.push(probe.clone());
        Some(probe)
    };
    let first = held_at(rounded(from), Why::Range)?;
    let (mut low, mut high) = if first.held { (Some(first), None) } else { (None, Some(first)) };
    while low.is_none() || high.is_none() {
        let next = match (&low, &high) {
            (Some(low), _) => low.load * 2.0,
            (None, Some(high)) => high.load / 2.0,
            (None, None) => from,
        };
        if !RATES.contains(&next) {
            break;
        }
        let probe = held_at(rounded(next), Why::Range)?;
        if probe.held {
            low = Some(probe);
        } else if low.is_none() && high.as_ref().is_some_and(|before| rests(before, &probe)) {
            return None;
        } else {
            high = Some(probe);
        }
    }
    let mut low = low?.load;
    while let Some(beyond) = high.as_ref().map(|probe| probe.load) {
        let middle = rounded((low * beyond).sqrt());
        if beyond - low <= precision * beyond || middle <= low || middle >= beyond {
            break;
        }
        let probe = held_at(middle, Why::Bisect)?;
        if probe.held { low = middle } else { high = Some(probe) }
    }
    let mut times_held = 1;
    while times_held < 2 {
        let probe = held_at(low, Why::Confirm)?;
        if probe.held {
            times_held += 1;
            continue;
        }
        // It held once and failed twice: the answer lies below.
        let lower = rounded(low * (1.0 - precision));
        if lower >= low {
            return None;
        }
        (low, high, times_held) = (lower, Some(probe), 0);
    }
    Some(Answer {
        load: low,
        beyond: high.as_ref().map(|probe| probe.load),
        knee: knee(&tried),
        limit: high.and_then(|probe| probe.limit),
    })
}

/// Both rates were reached, and half of it was no faster: this is what the server takes at rest, and no lower rate will hold.
fn rests(probe: &Probe, half: &Probe) -> bool {
    let reached = |probe: &Probe| probe.achieved_per_s >= REACHED * probe.load;
    let slower = |asked: (f64, f64)| asked.1 >= AT_REST * asked.0;
    reached(probe) && reached(half) && probe.asked_ns.zip(half.asked_ns).is_some_and(slower)
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

/// The smallest number of connections that reaches [`ENOUGH`] of the highest rate: doubled over the whole range, then bisected,
/// then confirmed by a repeat beside the best one. `beyond` is the highest rate.
pub(super) fn fewest_connections(
    from: usize,
    to: usize,
    mut try_load: impl FnMut(usize, Why) -> Option<Probe>,
) -> Option<Answer> {
    let mut tried: Vec<(usize, f64)> = Vec::new();
    let mut load = from;
    loop {
        tried.push((load, try_load(load, Why::Range)?.achieved_per_s));
        if load >= to {
            break;
        }
        load = (load * 2).min(to);
    }
    loop {
        let (best, most) = tried.iter().copied().max_by(|one, other| one.1.total_cmp(&other.1))?;
        if most <= 0.0 {
            return None;
        }
        let (low, fewest) = range(&tried, ENOUGH * most)?;
        if low + 1 < fewest && (fewest - low) as f64 > 0.05 * fewest as f64 {
            let middle = low + (fewest - low) / 2;
            insert(&mut tried, middle, try_load(middle, Why::Bisect)?.achieved_per_s);
            continue;
        }
        let again = try_load(fewest, Why::Confirm)?;
        let best_again = if best == fewest { again.clone() } else { try_load(best, Why::Confirm)? };
        if again.achieved_per_s >= ENOUGH * best_again.achieved_per_s {
            let beyond = Some(most.max(best_again.achieved_per_s));
            return Some(Answer { load: fewest as f64, beyond, knee: None, limit: best_again.limit });
        }
        // The repeats stand side by side, and so are the better witnesses.
        insert(&mut tried, fewest, again.achieved_per_s);
        insert(&mut tried, best, best_again.achieved_per_s);
    }
}

/// The fewest connections with `enough`, and the next fewer ones that were tried; 0 if there are none.
fn range(tried: &[(usize, f64)], enough: f64) -> Option<(usize, usize)> {
    let mut sorted = tried.to_vec();
    sorted.sort_by_key(|one| one.0);
    let at = sorted.iter().position(|one| one.1 >= enough)?;
    let below = at.checked_sub(1).map_or(sorted[at].0 - 1, |before| sorted[before].0);
    Some((below, sorted[at].0))
}

fn insert(tried: &mut Vec<(usize, f64)>, load: usize, rate: f64) {
    tried.retain(|one| one.0 != load);
    tried.push((load, rate));
}

/// To three digits: a rate that people would type.
fn rounded(rate: f64) -> f64 {
    let unit = 10f64.powi(rate.log10().floor() as i32 - 2);
    let digits = (rate / unit).round();
    if unit < 1.0 { (digits / (1.0 / unit).round()).max(0.1) } else { digits * unit }
}

#[cfg(test)]
mod tests;
