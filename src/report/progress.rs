//! One line of progress, to be written over the last one.

use crate::result::units::{metric, time_ns};
use crate::result::{Phase, Snapshot};

/// The bar's width at most, and the least that still tells something.
const BAR: std::ops::RangeInclusive<usize> = 6..=30;

/// The moment as one line of at most `width` columns, without a newline: phase, bar and share
/// (or the time, if no end is known), whether the target is away, rate of the last interval, latest p99,
/// errors and bad statuses so far, open connections. What does not fit goes from the right; the bar goes first.
#[must_use]
pub fn line(now: &Snapshot, width: usize) -> String {
    let facts = facts(now);
    let phase = match now.phase {
        Phase::Connect => "connecting",
        Phase::WarmUp => "warming up",
        Phase::Measure => "measuring",
        Phase::Drain => "draining",
    };
    let mut line = format!("{phase:<10}");
    if let Some(share) = now.share {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        // Rounded down: 100% is said when it is done.
        let percent = format!(" {:>3}%", (share * 100.0) as u8);
        let taken = line.chars().count() + 2 + percent.len() + columns(&facts);
        let room = width.saturating_sub(taken).min(*BAR.end());
        if BAR.contains(&room) {
            line.push_str("  ");
            line.push_str(&bar(share, room));
        }
        line.push_str(&percent);
    }
    for fact in facts {
        line.push_str("  ");
        line.push_str(&fact);
    }
    line.chars().take(width).collect()
}

/// Each with a width of its own that seldom changes, so that the line does not jump.
fn facts(now: &Snapshot) -> Vec<String> {
    let seconds = now.elapsed.as_secs();
    let elapsed = if seconds < 60 {
        format!("{:>5.1}s", now.elapsed.as_millis() as f64 / 1e3)
    } else {
        format!("{:>6}", clock(seconds))
    };
    let mut facts = vec![elapsed];
    if now.away {
        facts.push("target away".to_owned());
    }
    facts.push(format!("{:>7}/s", metric(now.rate_per_s)));
    if let Some(ns) = now.p99_ns {
        facts.push(format!("p99 {:>8}", time_ns(ns as f64)));
    }
    if now.failed > 0 {
        facts.push(format!("{} failed", now.failed));
    }
    if now.refused > 0 {
        facts.push(format!("{} of status >= 400", now.refused));
    }
    facts.push(format!("{} open", now.open_connections));
    facts
}

fn clock(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn columns(facts: &[String]) -> usize {
    facts.iter().map(|fact| 2 + fact.chars().count()).sum()
}

/// `width` columns, the done ones heavy.
fn bar(share: f64, width: usize) -> String {
    let done = (share * width as f64) as usize;
    "━".repeat(done) + &"─".repeat(width - done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn snapshot() -> Snapshot {
        Snapshot {
            phase: Phase::Measure,
            elapsed: Duration::from_millis(4_260),
            share: Some(0.42),
            completed: 3_190_000,
            rate_per_s: 748_868.0,
            p99_ns: Some(1_204_000),
            failed: 3,
            refused: 0,
            away: false,
            open_connections: 128,
        }
    }

    #[test]
    fn a_wide_terminal_shows_all() {
        assert_eq!(
            line(&snapshot(), 120),
            "measuring   ━━━━━━━━━━━━──────────────────  42%    4.3s  748.87k/s  p99   1.20ms  \
             3 failed  128 open"
        );
    }

    #[test]
    fn what_goes_wrong_is_seen_as_it_happens() {
        let now =
            Snapshot { refused: 77, away: true, open_connections: 0, rate_per_s: 0.0, p99_ns: None, ..snapshot() };
        assert_eq!(
            line(&now, 120),
            "measuring   ━━━━━━━━━━━━──────────────────  42%    4.3s  target away     0.00/s  \
             3 failed  77 of status >= 400  0 open"
        );
        assert!(line(&now, 40).contains("target away"), "told first: {}", line(&now, 40));
    }

    #[test]
    fn what_is_not_known_or_not_there_is_left_out() {
        let now = Snapshot {
            phase: Phase::Connect,
            elapsed: Duration::from_secs(75),
            share: None,
            rate_per_s: 0.0,
            p99_ns: None,
            failed: 0,
            ..snapshot()
        };
        assert_eq!(line(&now, 80), "connecting    1:15     0.00/s  128 open");
    }

    #[test]
    fn the_line_fits_the_terminal() {
        for width in 0..=140 {
            let got = line(&snapshot(), width).chars().count();
            // Share and facts take 68 columns, the bar 2 more and 6 to 30 of its own.
            let want = match width {
                ..76 => width.min(68),
                _ => width.min(100),
            };
            assert_eq!(got, want, "of {width} columns");
        }
    }

    #[test]
    fn shares_out_of_range_are_drawn_as_the_nearest() {
        let table =
            [(-1.0, "  0%", 0), (f64::NAN, "  0%", 0), (0.999, " 99%", 29), (1.0, "100%", 30), (7.0, "100%", 30)];
        for (share, percent, done) in table {
            let share = Some(share);
            let line = line(&Snapshot { share, ..snapshot() }, 120);
            assert!(line.contains(percent), "{line}");
            assert_eq!(line.matches('━').count(), done, "{line}");
        }
    }
}
