//! A comparison as text.

use crate::result::comparison::{Comparison, Difference, Shift, Side};
use crate::result::units::{hang, metric, time_ns};

/// Figures of both sides, differences with their intervals, and in words whether there is one.
#[must_use]
pub fn render(comparison: &Comparison) -> String {
    let mut out = String::new();
    for (letter, side) in [("A", &comparison.a), ("B", &comparison.b)] {
        out.push_str(&format!("{letter}  {}\n", describe(side)));
        let errors = side.errors.iter().map(ToString::to_string);
        errors.for_each(|errors| out.push_str(&format!("   {errors}.\n")));
        side.warnings.iter().for_each(|warning| out.push_str(&format!("   Warning: {warning}.\n")));
    }
    if comparison.interrupted {
        let none = comparison.a.observations.min(comparison.b.observations) == 0;
        let what = if none { "no round was whole, so nothing is compared" } else { "whole rounds are compared" };
        out.push_str(&format!("   Interrupted: {what}.\n"));
    }
    if !comparison.differences.is_empty() {
        let heads = [("A", 13), ("B", 13), ("B - A", 13), ("of A", 9)].map(|(head, width)| format!("{head:>width$}"));
        out.push_str(&format!("\n  {:<7}{}  {:<27}p\n", "", heads.concat(), "95% interval"));
        comparison.differences.iter().for_each(|difference| out.push_str(&row(difference)));
    }
    out.push_str(&format!("\n  {}\n", verdict(comparison)));
    comparison.notes.iter().for_each(|note| out.push_str(&format!("  Note: {note}.\n")));
    out
}

fn describe(side: &Side) -> String {
    format!("{} ({} windows of {:.2} s)", side.name, side.observations, side.length_s)
}

fn row(difference: &Difference) -> String {
    let spell = |figure: f64| match difference.figure.as_str() {
        "rate" => format!("{}/s", metric(figure)),
        _ => time_ns(figure),
    };
    // Below 0 the units would be those of 0.
    let signed = |figure: f64| format!("{}{}", if figure < 0.0 { "-" } else { "+" }, spell(figure.abs()));
    let mut line =
        format!("  {:<7}{}{}", difference.figure, hang(&spell(difference.a), 13), hang(&spell(difference.b), 13));
    match difference.shift {
        None => line.push_str(&format!("{:>11}", "-")),
        Some(Shift { estimate, relative, low, high, p_adjusted, .. }) => {
            let share = match relative {
                None => "-".to_owned(),
                // Beyond that nobody reads percents.
                Some(share) if share >= 10.0 => format!("x{:.1}", share + 1.0),
                Some(share) => format!("{:+.1}%", share * 100.0),
            };
            let interval = format!("{} to {}", signed(low), signed(high));
            line.push_str(&hang(&signed(estimate), 13));
            let p = if p_adjusted < 0.001 { "<0.001".to_owned() } else { format!("{p_adjusted:.3}") };
            line.push_str(&format!(" {share:>8}  {interval:<26} {p}"));
            line.push_str(if difference.seen { "  *" } else { "" });
        }
    }
    line.push('\n');
    line
}

fn verdict(comparison: &Comparison) -> String {
    let seen: Vec<&str> = comparison.differences.iter().filter(|one| one.seen).map(|one| one.figure.as_str()).collect();
    if !comparison.comparable {
        return format!("Verdict: none. {}.", comparison.because.join("; "));
    }
    if comparison.differences.is_empty() {
        return "Verdict: none, as a side has no figures.".into();
    }
    if comparison.differences.iter().all(|one| one.shift.is_none()) {
        return "Verdict: none, too few windows.".into();
    }
    match seen.as_slice() {
        [] => "Verdict: no difference seen.".into(),
        seen => format!(
            "Verdict: difference seen (*) in {}. p: the chance of as much where there is none, all figures together.",
            seen.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests;
