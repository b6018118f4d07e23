//! Two suites' results row by row.

use crate::result::comparison::{Comparison, Difference};
use crate::result::units::{hang, metric, time_ns};

/// Rate and p99 of each row on both sides, and whether a difference was seen.
#[must_use]
pub fn comparison(a: &str, b: &str, rows: &[(&str, Comparison)]) -> String {
    let width = rows.iter().map(|(id, _)| id.len()).max().unwrap_or(0).max(4);
    let heads = ["rate A", "rate B", "B of A", "p99 A", "p99 B", "B of A"].map(|head| format!("{head:>11}"));
    let mut out = format!("A  {a}\nB  {b}\n\n  {:width$}{}\n", "row", heads.concat());
    for (id, comparison) in rows {
        let of = |name: &str| comparison.differences.iter().find(|difference| difference.figure == name);
        let rate = figures(of("rate"), |rate| format!("{}/s", metric(rate)));
        out += &format!("  {id:width$}{rate}{}\n", figures(of("p99"), time_ns));
    }
    let fewest = rows.iter().map(|(_, one)| one.a.observations.min(one.b.observations)).min().unwrap_or(0);
    let undecided = rows.iter().any(|(_, one)| one.differences.iter().any(|difference| difference.shift.is_none()));
    out += "\n  Medians. *: a difference was seen (5 % chance of the like in a row where there is none; rank-sum test, Holm's method).\n";
    if rows.len() > 1 {
        out += &format!("  Of {} rows, {:.1} would show one by chance alone.\n", rows.len(), rows.len() as f64 * 0.05);
    }
    if undecided {
        out += &format!(
            "  Some rows have too few rounds to tell a difference from chance ({fewest} at least): --repeat 5 or more.\n"
        );
    }
    out
}

fn figures(difference: Option<&Difference>, spell: impl Fn(f64) -> String) -> String {
    let Some(difference) = difference else {
        return format!("{:>11}{:>11}{:>11}", "-", "-", "-");
    };
    let share = if difference.a > 0.0 { format!("{:.2}", difference.b / difference.a) } else { "-".to_owned() };
    let mark = if difference.seen { "*" } else { "" };
    let (a, b) = (hang(&spell(difference.a), 11), hang(&spell(difference.b), 11));
    format!("{a}{b} {:>10}", format!("{share}{mark}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::comparison::{Shift, Side};

    #[test]
    fn a_row_for_each_row() {
        let side = Side { observations: 5, ..Side::default() };
        let difference = |figure: &str, a, b, seen| Difference {
            figure: figure.into(),
            a,
            b,
            shift: Some(Shift::default()),
            seen,
            ..Difference::default()
        };
        let one = Comparison {
            a: side.clone(),
            b: side,
            differences: vec![difference("rate", 1000.0, 1500.0, true), difference("p99", 2e6, 2e6, false)],
            ..Comparison::default()
        };
        let text =
            comparison("x", "y", &[("tornado", one.clone()), ("bare", Comparison { differences: vec![], ..one })]);
        let line = text.lines().find(|line| line.contains("tornado")).expect("its row");
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>(),
            ["tornado", "1.00k/s", "1.50k/s", "1.50*", "2.00ms", "2.00ms", "1.00"]
        );
        assert!(text.contains("bare") && text.contains("Of 2 rows, 0.1"), "{text}");
        assert!(!text.contains("too few rounds"), "{text}");
    }
}
