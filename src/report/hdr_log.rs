//! HdrHistogram's interval log, version 1.3: the histograms of every interval, tagged by the kind of time.
//!
//! The latency of each interval is what completed in it. Read by HistogramLogProcessor, HistogramLogAnalyzer and the
//! HdrHistogram libraries; timestamps are seconds from the beginning of the window, maxima milliseconds, values nanoseconds.

use std::fmt::Write as _;

use crate::result::RunResult;

/// The log; without a time series, or without samples in it, its head alone.
#[must_use]
pub fn render(result: &RunResult) -> String {
    let started = result.started_unix_s.unwrap_or(0.0);
    let mut out = format!("#[saturing {}: {}]\n", result.version, result.target.url.replace(['\n', '\r'], " "));
    out.push_str("#[Histogram log format version 1.3]\n");
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "#[StartTime: {started:.3} (seconds since epoch)]");
    let _ = writeln!(out, "#[BaseTime: {started:.3} (seconds since epoch)]");
    out.push_str("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n");
    for interval in &result.intervals {
        for tagged in &interval.histograms {
            let (start, length, max) = (interval.start_s, interval.length_s, tagged.max_ns as f64 / 1e6);
            let _ = writeln!(out, "Tag={},{start:.3},{length:.3},{max:.6},{}", tagged.kind, tagged.histogram);
        }
    }
    out
}
