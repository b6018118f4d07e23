//! HdrHistogram's percentile spectrum, as wrk2 prints it and HdrHistogram's plotter (`.hgrm`) reads it.

use std::fmt::Write as _;

use crate::measure::histogram::{BUCKETS, SUB_BUCKETS, Summary};

/// Values are printed in milliseconds, as wrk2 does.
const NS_PER_UNIT: f64 = 1e6;

/// [`render`] for a file of its own, which names its unit in a comment: to the plotter a number is a number.
#[must_use]
pub fn file(latency: Option<&Summary>) -> String {
    render(latency) + &format!("#[Unit    = {:>12}]\n", "ms")
}

/// The whole spectrum of `latency`; without samples its head and foot.
///
/// The first column is the value in milliseconds, the second the share of samples that do not exceed it, the third their number.
#[must_use]
pub fn render(latency: Option<&Summary>) -> String {
    // Writing to a String cannot fail, here and below.
    let mut out = String::new();
    let _ = writeln!(out, "{:>12} {:>12} {:>12} {:>12}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    for tick in latency.and_then(Summary::samples).iter().flat_map(|samples| samples.spectrum()) {
        let value = tick.ns as f64 / NS_PER_UNIT;
        let _ = write!(out, "{value:12.3} {:12.6} {:12} ", tick.quantile, tick.count);
        let _ = writeln!(out, "{:12.2}", 1.0 / (1.0 - tick.quantile));
    }
    let (mean, stdev, max, count) = latency.map_or((0.0, 0.0, 0, 0), |l| (l.mean, l.stdev, l.max, l.count));
    let [mean, stdev, max] = [mean, stdev, max as f64].map(|ns| ns / NS_PER_UNIT);
    let _ = writeln!(out, "#[Mean    = {mean:12.3}, StdDeviation   = {stdev:12.3}]");
    let _ = writeln!(out, "#[Max     = {max:12.3}, Total count    = {count:12}]");
    let _ = writeln!(out, "#[Buckets = {BUCKETS:12}, SubBuckets     = {SUB_BUCKETS:12}]");
    out
}
