//! How tables spell figures: three digits, as nothing here is known better, and a space before the unit.

use std::time::{Duration, UNIX_EPOCH};

use crate::result::suite::{Plateau, Row, Several};
use crate::result::units::grouped;

/// What stands where a figure was not taken.
pub(super) const NONE: &str = "–";

/// A starved connection got less than this share of what the median one got.
const STARVED: f64 = 0.5;

/// To three digits, and whole from 100 on: `0.123`, `12.3`, `1,234`.
pub(super) fn number(n: f64) -> String {
    match n.abs() {
        0.0 => "0".into(),
        size if size < 0.9995 => format!("{n:.3}"),
        size if size < 9.995 => format!("{n:.2}"),
        size if size < 99.95 => format!("{n:.1}"),
        _ => grouped(n),
    }
}

/// Nanoseconds, as `12.3 ms`.
pub(super) fn time(ns: f64) -> String {
    let (unit, name) = match ns {
        ns if ns < 999.5e3 => (1e3, "µs"),
        ns if ns < 999.5e6 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    format!("{} {name}", number(ns / unit))
}

/// A share, 0 to 1, as `12.3 %`; a few among many are never 0.
pub(super) fn share(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0".into(),
        percent if percent < 0.01 => "< 0.01 %".into(),
        percent if percent < 0.995 => format!("{percent:.2} %"),
        percent if percent >= 99.95 => "100 %".into(),
        percent => format!("{} %", number((percent * 10.0).round() / 10.0).trim_end_matches('0').trim_end_matches('.')),
    }
}

/// Bytes, as `12.3 MiB`.
pub(super) fn size(bytes: f64) -> String {
    format!("{} MiB", number(bytes / 1_048_576.0))
}

/// Seconds, as `1 h 12 min`, `3 min 20 s`, `4.2 s`.
pub(super) fn duration(s: f64) -> String {
    match s.round() as u64 {
        0..60 => format!("{s:.1} s"),
        whole @ 60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        whole => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// An instant, as HTTP spells it: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn date(unix_s: f64) -> String {
    const END_OF_9998: f64 = 253_370_764_800.0;
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs_f64(unix_s.clamp(0.0, END_OF_9998)))
}

/// A mean, spelt by `spell`, or the sign for none.
pub(super) fn mean(figure: Option<&Several>, spell: fn(f64) -> String) -> String {
    figure.map_or(NONE.into(), |figure| spell(figure.mean))
}

/// A median, likewise.
pub(super) fn median(figure: Option<&Several>, spell: fn(f64) -> String) -> String {
    figure.map_or(NONE.into(), |figure| spell(figure.median))
}

/// The 95 % interval of the mean; `one run` where there can be none.
pub(super) fn interval(figure: Option<&Several>) -> String {
    match figure {
        Some(Several { low: Some(low), high: Some(high), .. }) => {
            format!("{} to {}", number(low.max(0.0)), number(*high))
        }
        Some(_) => "one run".into(),
        None => NONE.into(),
    }
}

/// Today's rate by the earlier one.
pub(super) fn ratio(row: &Row) -> Option<f64> {
    let (now, then) = (row.rate.as_ref()?.mean, row.then.as_ref()?.mean);
    (then > 0.0).then(|| now / then)
}

/// A ratio, as `× 1.23`.
pub(super) fn times(ratio: Option<f64>) -> String {
    ratio.map_or(NONE.into(), |ratio| format!("× {}", number(ratio)))
}

/// Which side was the limit, the most frequent first, with counts if runs differ.
pub(super) fn limit(row: &Row) -> String {
    let mut bounds: Vec<(&String, u32)> =
        row.bounds.iter().map(|(name, n)| (name, *n)).filter(|(_, n)| *n > 0).collect();
    bounds.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    match bounds.as_slice() {
        [] => NONE.into(),
        [(only, _)] => (*only).clone(),
        several => several.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", "),
    }
}

/// What became of a statement: a sign, and words.
pub(super) fn mark(holds: Option<bool>) -> (&'static str, &'static str) {
    match holds {
        Some(true) => ("✓", "true today"),
        Some(false) => ("✗", "false today"),
        None => ("?", "not settled"),
    }
}

/// What a reader of the row's figures has to know, a sentence each without its full stop.
pub(super) fn remarks(row: &Row) -> Vec<String> {
    let mut all = Vec::new();
    if row.client_bound() {
        all.push("the client was the limit: the rate says little about the server".into());
    }
    if let Some(Plateau { at_ns, share: part }) = row.plateau {
        all.push(format!(
            "plateau near 40 ms: {} of the answers took about {}, a delayed acknowledgement against Nagle's algorithm",
            share(part),
            time(at_ns)
        ));
    }
    if let Some(fairness) = row.fairness.filter(|fairness| fairness.median < STARVED) {
        let part = share(fairness.median);
        all.push(format!(
            "starvation: the worst-served tenth of the connections got {part} of the median one's answers"
        ));
    }
    let of_answers = |n: u64| share(n as f64 / row.completed.max(1) as f64);
    let odd = &row.anomalies;
    for (n, what) in [
        (odd.reset_after_response, "of the whole answers were followed by a reset"),
        (odd.close_unannounced, "of the whole answers were followed by a close that was not announced"),
    ] {
        if n > 0 {
            all.push(format!("{} {what}", of_answers(n)));
        }
    }
    if odd.excess_bytes > 0 {
        all.push(format!("{} connections carried bytes after an answer's end", grouped(odd.excess_bytes as f64)));
    }
    if row.status.keys().any(|code| *code != row.expected_status) {
        let codes: Vec<String> = row.status.iter().map(|(code, n)| format!("{code}: {}", grouped(*n as f64))).collect();
        all.push(format!("answers by status: {}", codes.join(", ")));
    }
    all
}
