//! The plain figures of a histogram.

use serde::{Deserialize, Serialize};

use super::Histogram;

/// The figures of an interval, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// The longest, exact.
    pub max: u64,
}

/// From where to where a latency counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LatencyKind {
    /// Done minus sent: what a closed loop can know.
    Service,
    /// Done minus intended: what a user of an open loop would have felt.
    Response,
}

/// The figures of one histogram, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// What the durations mean; only in `latency_ns`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<LatencyKind>,
    /// Samples.
    pub count: u64,
    /// The shortest, exact.
    pub min: u64,
    /// The average, exact.
    pub mean: f64,
    /// Sample standard deviation, to three digits; 0 for a single sample.
    pub stdev: f64,
    /// The longest, exact; one hour stands for anything longer.
    pub max: u64,
    /// Share of the samples within one standard deviation of the mean, in percent (0 to 100).
    pub within_stdev: f64,
    /// Percentiles, to three digits, none below `min` or above `max`.
    pub percentiles: Percentiles,
    /// All samples: HdrHistogram V2, deflated, in standard base64 (`HISTFAAA...`).
    pub histogram: String,
}

impl Summary {
    /// All samples, as far as they were kept: with their exact extremes; `None` if `histogram` is damaged.
    #[must_use]
    pub fn samples(&self) -> Option<Histogram> {
        let mut samples = Histogram::from_base64(&self.histogram).filter(|samples| samples.count() == self.count)?;
        (samples.min_ns, samples.max_ns) = (self.min, self.max);
        Some(samples)
    }
}

/// Percentiles of a [`Summary`], in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each field is the percentile it is named for")]
pub struct Percentiles {
    #[serde(rename = "50")]
    pub p50: u64,
    #[serde(rename = "75")]
    pub p75: u64,
    #[serde(rename = "90")]
    pub p90: u64,
    #[serde(rename = "95")]
    pub p95: u64,
    #[serde(rename = "99")]
    pub p99: u64,
    #[serde(rename = "99.9")]
    pub p99_9: u64,
    #[serde(rename = "99.99")]
    pub p99_99: u64,
    #[serde(rename = "99.999")]
    pub p99_999: u64,
}

impl Percentiles {
    pub(super) fn of(samples: &Histogram) -> Option<Self> {
        Some(Self {
            p50: samples.quantile_ns(0.5)?,
            p75: samples.quantile_ns(0.75)?,
            p90: samples.quantile_ns(0.9)?,
            p95: samples.quantile_ns(0.95)?,
            p99: samples.quantile_ns(0.99)?,
            p99_9: samples.quantile_ns(0.999)?,
            p99_99: samples.quantile_ns(0.9999)?,
            p99_999: samples.quantile_ns(0.99999)?,
        })
    }

    /// Each percentile as printed, how many samples it takes for one to lie above it, and its
    /// value in nanoseconds; ascending.
    #[must_use]
    pub fn rows(&self) -> [(&'static str, u64, u64); 8] {
        [
            ("50%", 2, self.p50),
            ("75%", 4, self.p75),
            ("90%", 10, self.p90),
            ("95%", 20, self.p95),
            ("99%", 100, self.p99),
            ("99.9%", 1_000, self.p99_9),
            ("99.99%", 10_000, self.p99_99),
            ("99.999%", 100_000, self.p99_999),
        ]
    }
}
