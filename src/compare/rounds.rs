//! Two plans run in turn.

use std::sync::Arc;

use super::{Observed, compare};
use crate::plan::Plan;
use crate::result::comparison::Comparison;
use crate::result::{EndedEarly, Snapshot};
use crate::run::{self, Control};

/// Runs both plans once in each of `rounds`, the first one first in every other round, and compares what came of them; `control`
/// ends it early, with the rounds that were whole, and so does a side that is not there, or not any more: then there is no verdict.
/// `observe` is told which run is under way, and how it goes.
///
/// # Errors
/// As [`run::run`].
pub fn rounds(
    plans: [(&str, &Plan); 2],
    rounds: usize,
    control: &Arc<Control>,
    observe: &mut dyn FnMut(&Snapshot),
) -> Result<Comparison, run::Error> {
    let mut sides = plans.map(|(name, _)| Observed::new(name));
    let mut lost = None;
    'rounds: for round in 0..rounds {
        let mut whole = [None, None];
        for turn in [round % 2, 1 - round % 2] {
            let result = run::run(plans[turn].1, Vec::new(), control, observe)?;
            if control.is_stopped() {
                break 'rounds;
            }
            if let Some(why) = Observed::lost(&result) {
                lost = Some(format!("{} in round {}: {why}", ["A", "B"][turn], round + 1));
                break 'rounds;
            }
            whole[turn] = Some(result);
        }
        for (side, result) in sides.iter_mut().zip(whole.iter().flatten()) {
            side.add(result);
        }
    }
    let [a, b] = &sides;
    let mut comparison = Comparison { interrupted: control.is_stopped(), ..compare(a, b, true) };
    if let Some(why) = lost {
        comparison.comparable = false;
        comparison.differences.iter_mut().for_each(|difference| difference.seen = false);
        comparison.because.push(why.clone());
        comparison.ended_early = Some(EndedEarly { why });
    }
    Ok(comparison)
}
