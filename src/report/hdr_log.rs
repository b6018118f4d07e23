//! HdrHistogram's interval log, version 1.3: the histograms of every interval, tagged by the kind of time.
//!
//! The latency of each interval is what completed in it. Read by HistogramLogProcessor, HistogramLogAnalyzer and the
//! HdrHistogram libraries; timestamps are seconds from the beginning of the window, maxima milliseconds, values nanoseconds.

use std::fmt::Write as _;

use crate::measure::series::{Histograms, Kind};
use crate::result::Interval;

/// What stands before the first interval of a run against `url` that began at `started_unix_s`.
#[must_use]
pub fn head(url: &str, started_unix_s: f64) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let url = url.replace(['\n', '\r'], " ");
    format!(
        "#[saturing {version}: {url}]\n\
         #[Histogram log format version 1.3]\n\
         #[Unit: values in ns, Interval_Max in ms]\n\
         #[StartTime: {started_unix_s:.3} (seconds since epoch)]\n\
         #[BaseTime: {started_unix_s:.3} (seconds since epoch)]\n\
         \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
    )
}

/// An interval's lines: one for each kind of time that has samples.
#[must_use]
pub fn lines(interval: &Interval, histograms: &Histograms) -> String {
    let mut out = String::new();
    let (start, length) = (interval.start_s, interval.length_s);
    for (kind, histogram) in Kind::ALL.into_iter().zip(histograms).filter(|(_, histogram)| !histogram.is_empty()) {
        let (kind, max) = (kind.name(), histogram.max_ns() as f64 / 1e6);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "Tag={kind},{start:.3},{length:.3},{max:.6},{}", histogram.to_base64());
    }
    out
}
