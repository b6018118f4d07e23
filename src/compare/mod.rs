//! Two results held against each other: is there a difference, and how large?
//!
//! Observations are windows of a repeated run, or else the intervals of a single one. Windows of `compare --run` alternate, so
//! each has a neighbour in time and they are compared in pairs.

mod ranks;
mod rounds;

pub use rounds::rounds;

use std::num::NonZeroU64;

use crate::judge::MANY_ERRORS;
use crate::measure::estimate::middle;
use crate::report::words::add_warning;
use crate::result::bad_answers::BadAnswers;
use crate::result::comparison::{Comparison, Difference, Shift, Side};
use crate::result::units::time_ns;
use crate::result::{Interval, Outcome, RunResult, SCHEMA, Stage, Summary};

/// The chance of seeing a difference where there is none, for all figures together.
const CHANCE: f64 = 0.05;

/// What is compared, in this order; the first is a rate, the others are times.
pub const FIGURES: [&str; 4] = ["rate", "p50", "p90", "p99"];

/// One side: its figures, window by window. A window without an answer has a rate and no times.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    side: Side,
    windows: Vec<Window>,
    errors: BadAnswers,
    /// Why its figures are not those of good answers, a sentence each, without the side's name before it.
    unfit: Vec<String>,
    /// What a reader should know beside that, likewise.
    remarks: Vec<String>,
}

type Window = [Option<f64>; FIGURES.len()];

impl Observed {
    /// Nothing yet.
    #[must_use]
    pub fn new(name: &str) -> Observed {
        Observed { side: Side { name: name.to_owned(), ..Side::default() }, ..Observed::default() }
    }

    /// The windows of a repeated run, or the whole intervals of a single one, or all of one that has none.
    #[must_use]
    pub fn of(name: &str, result: &RunResult) -> Observed {
        let mut observed = Observed::new(name);
        observed.look_at(result);
        if result.repeated.is_some() {
            result.stages.iter().for_each(|stage| observed.add_stage(stage));
        } else {
            let whole = result.plan.interval_s.unwrap_or(1.0) * 0.9;
            let whole = result.intervals.iter().filter(|interval| interval.length_s >= whole);
            whole.for_each(|interval| observed.add_interval(interval));
            if observed.is_empty() {
                observed.add_whole(result);
            }
        }
        observed
    }

    /// Adds a whole run as one window.
    pub fn add(&mut self, result: &RunResult) {
        self.look_at(result);
        self.add_whole(result);
    }

    fn add_whole(&mut self, result: &RunResult) {
        self.side.length_s = result.elapsed_s;
        self.push(result.rate.achieved_per_s, result.latency_ns.as_ref());
    }

    /// What there is to be said of a run beside its figures.
    fn look_at(&mut self, result: &RunResult) {
        result.warnings.iter().for_each(|warning| add_warning(&mut self.side.warnings, warning));
        self.errors.add(result);
        let mut unfit = |why: String| add_warning(&mut self.unfit, &why);
        let outcome = match result.outcome {
            _ if result.requests.completed == 0 => Outcome::NoAnswers,
            _ if result.interrupted => Outcome::Interrupted,
            outcome => outcome,
        };
        match (outcome, &result.ended_early) {
            (Outcome::NoAnswers, _) => unfit("not one response came".into()),
            (Outcome::Incomplete, Some(early)) => unfit(format!("incomplete ({})", early.why)),
            (Outcome::Incomplete, None) => {
                unfit("incomplete: not answered up to its end, or short of its count".into())
            }
            (Outcome::Interrupted, _) => {
                self.remarks.push(format!("interrupted after {}", time_ns(result.elapsed_s * 1e9)));
            }
            (Outcome::Ok, _) => {}
        }
        let down = result.down_share();
        if down >= MANY_ERRORS {
            let share = down * 100.0;
            add_warning(&mut self.unfit, &format!("no connection was open for {share:.0}% of the time"));
        }
        self.side.outcome = worst(self.side.outcome, outcome);
    }

    /// Why nothing more is to be had of it after this run, if that is so.
    fn lost(result: &RunResult) -> Option<String> {
        let silent = || {
            (result.requests.completed == 0).then(|| format!("not one response came from {}", result.target.address))
        };
        result.away().map(|away| away.to_string()).or_else(silent)
    }

    fn add_stage(&mut self, stage: &Stage) {
        self.side.length_s = stage.elapsed_s;
        self.push(stage.rate.achieved_per_s, stage.latency_ns.as_ref());
    }

    fn add_interval(&mut self, interval: &Interval) {
        self.side.length_s = interval.length_s;
        let rate = interval.completed as f64 / interval.length_s;
        let time = |ns: Option<NonZeroU64>| ns.map(|ns| ns.get() as f64);
        self.windows.push([Some(rate), time(interval.p50_ns), time(interval.p90_ns), time(interval.p99_ns)]);
    }

    fn push(&mut self, rate: f64, latency: Option<&Summary>) {
        let percentiles = latency.map(|latency| latency.percentiles).unwrap_or_default();
        let time = |ns: Option<u64>| ns.map(|ns| ns as f64);
        self.windows.push([Some(rate), time(percentiles.p50), time(percentiles.p90), time(percentiles.p99)]);
    }

    /// Windows so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.windows.len()
    }

    /// True if there is no window.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    fn figure(&self, index: usize) -> Vec<f64> {
        self.windows.iter().filter_map(|window| window[index]).collect()
    }
}

/// Compares; `paired` if the n-th windows of both were neighbours in time.
///
/// Independent windows: the Mann-Whitney rank-sum test; pairs: Wilcoxon's signed-rank test. Both are permutation tests of ranks,
/// exact for small numbers, and say nothing about how figures are distributed; the intervals are theirs (Hollander, Wolfe and
/// Chicken, Nonparametric Statistical Methods, chapters 3 and 4).
#[must_use]
pub fn compare(a: &Observed, b: &Observed, paired: bool) -> Comparison {
    let errors = |one: &Observed| Some(one.errors.clone()).filter(|errors| !errors.is_empty());
    let side = |one: &Observed| Side { observations: one.len(), errors: errors(one), ..one.side.clone() };
    let because: Vec<String> = [("A", a), ("B", b)].into_iter().flat_map(|(name, one)| unfit(name, one)).collect();
    let mut comparison = Comparison {
        comparable: because.is_empty(),
        because,
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        a: side(a),
        b: side(b),
        paired,
        ..Comparison::default()
    };
    for (index, figure) in FIGURES.iter().enumerate() {
        let (of_a, of_b) = if paired { pairs(a, b, index) } else { (a.figure(index), b.figure(index)) };
        if of_a.is_empty() || of_b.is_empty() {
            continue;
        }
        let test = if paired { ranks::paired(&of_a, &of_b) } else { ranks::independent(&of_a, &of_b) };
        let observations = [of_a.len(), of_b.len()];
        let (a, b) = (median(of_a), median(of_b));
        let shift = |t: ranks::Found| Shift {
            estimate: t.estimate,
            relative: relative(t.estimate, a, b),
            low: t.low,
            high: t.high,
            p: t.p,
            p_adjusted: t.p,
        };
        let figure = (*figure).to_owned();
        comparison.differences.push(Difference { figure, a, b, observations, shift: test.map(shift), seen: false });
    }
    adjust(&mut comparison.differences);
    if !comparison.comparable {
        comparison.differences.iter_mut().for_each(|difference| difference.seen = false);
    }
    comparison.notes.extend(remarks("A", a).chain(remarks("B", b)));
    comparison.notes.extend(too_few(a, b, paired));
    comparison.notes.extend(thin(a, b));
    comparison
}

/// What a test would need, where there are fewer windows than that.
fn too_few(a: &Observed, b: &Observed, paired: bool) -> Option<String> {
    let (needed, of_each, how) = match paired {
        true => (ranks::FEWEST_PAIRS, "pairs", format!("--rounds {}", ranks::FEWEST_PAIRS)),
        false => {
            let needed = ranks::FEWEST_EACH;
            (needed, "of each", format!("-d {needed}s --interval 1s, or --repeat {needed}"))
        }
    };
    (a.len().min(b.len()) < needed).then(|| {
        format!(
            "too few windows to tell a difference from chance: A has {}, B has {}, and it takes {needed} {of_each} ({how})",
            a.len(),
            b.len()
        )
    })
}

/// Figures that some windows lack, as too few answers came in them.
fn thin(a: &Observed, b: &Observed) -> Option<String> {
    let answers = [0, 2, 10, 100];
    let lacking = FIGURES.iter().zip(answers).enumerate().filter_map(|(index, (figure, answers))| {
        let (of_a, of_b) = (a.figure(index).len(), b.figure(index).len());
        (of_a < a.len() || of_b < b.len()).then(|| {
            format!(
                "{figure} is of {of_a} of {} windows of A and {of_b} of {} of B, with {answers} answers",
                a.len(),
                b.len()
            )
        })
    });
    let lacking: Vec<String> = lacking.collect();
    (!lacking.is_empty()).then(|| format!("{} or more: longer windows have more", lacking.join("; ")))
}

/// Why the figures of a side are not those of good answers.
fn unfit(name: &str, one: &Observed) -> Vec<String> {
    let mut all: Vec<String> = one.unfit.iter().map(|why| format!("{name}: {why}")).collect();
    all.extend(one.errors.are_many().then(|| format!("{name} has {}", one.errors)));
    all
}

/// What else there is to be said of a side.
fn remarks(name: &str, one: &Observed) -> impl Iterator<Item = String> {
    one.remarks.iter().map(move |remark| format!("{name} was {remark}"))
}

/// A difference as a share of the first side. Where that scatters, the difference may be larger than its median: the base is then
/// what the second side's median and the difference say of the first, so that nothing falls by more than all of it.
fn relative(estimate: f64, a: f64, b: f64) -> Option<f64> {
    let base = a.max(b - estimate);
    (base > 0.0).then(|| estimate / base)
}

fn worst(one: Outcome, other: Outcome) -> Outcome {
    let order = [Outcome::NoAnswers, Outcome::Incomplete, Outcome::Interrupted];
    order.into_iter().find(|outcome| [one, other].contains(outcome)).unwrap_or_default()
}

/// A window that lacks the figure takes its neighbour with it.
fn pairs(a: &Observed, b: &Observed, index: usize) -> (Vec<f64>, Vec<f64>) {
    a.windows.iter().zip(&b.windows).filter_map(|(a, b)| a[index].zip(b[index])).unzip()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    middle(&figures)
}

/// Holm's method: the smallest of k chances counts k times, the next k - 1 times, none less than the one before.
fn adjust(differences: &mut [Difference]) {
    let mut shifts: Vec<(&mut Shift, &mut bool)> =
        differences.iter_mut().filter_map(|one| one.shift.as_mut().map(|shift| (shift, &mut one.seen))).collect();
    shifts.sort_by(|(one, _), (other, _)| one.p.total_cmp(&other.p));
    let (all, mut least) = (shifts.len(), 0.0f64);
    for (index, (shift, seen)) in shifts.iter_mut().enumerate() {
        least = least.max(shift.p * (all - index) as f64).min(1.0);
        shift.p_adjusted = least;
        **seen = least < CHANCE;
    }
}

#[cfg(test)]
mod tests;
