//! Sweeps: rows that make one curve.

use crate::result::suite::{Row, SuiteResult};

/// The points of one sweep.
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    /// Over rates asked for; else over connections.
    pub(super) over_rates: bool,
    /// Ascending.
    pub(super) points: Vec<&'a Row>,
}

/// Where a row stands in its sweep.
pub(super) fn place(row: &Row) -> f64 {
    row.rate_per_s.unwrap_or(row.connections as f64)
}

/// All sweeps, in the order of the rows.
pub(super) fn series(result: &SuiteResult) -> Vec<Series<'_>> {
    let mut all: Vec<Series> = Vec::new();
    for row in &result.rows {
        let Some(name) = &row.series else { continue };
        match all.iter_mut().find(|one| one.name == name) {
            Some(one) => one.points.push(row),
            None => all.push(Series { name, over_rates: row.rate_per_s.is_some(), points: vec![row] }),
        }
    }
    for one in &mut all {
        one.points.sort_by(|a, b| place(a).total_cmp(&place(b)));
    }
    all
}
