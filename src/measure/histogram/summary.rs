//! The plain figures of a histogram.

use serde::{Deserialize, Deserializer, Serialize};

use super::Histogram;

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
    /// Percentiles that enough samples support, to three digits, none below `min` or above `max`.
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

/// Percentiles, in nanoseconds. One is absent where too few samples support it, or nobody told it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "each field is the percentile it is named for")]
pub struct Percentiles {
    #[serde(rename = "50", skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub p50: Option<u64>,
    #[serde(rename = "75", skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub p75: Option<u64>,
    #[serde(rename = "90", skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub p90: Option<u64>,
    #[serde(rename = "95", skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub p95: Option<u64>,
    #[serde(rename = "99", skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub p99: Option<u64>,
    #[serde(rename = "99.9", skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub p99_9: Option<u64>,
    #[serde(rename = "99.99", skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub p99_99: Option<u64>,
    #[serde(rename = "99.999", skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub p99_999: Option<u64>,
}

/// Earlier versions wrote 0 where a client had not told a percentile.
fn told<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<u64>::deserialize(from)?.filter(|&ns| ns > 0))
}

impl Percentiles {
    /// Of `samples`: those that enough of them support. It takes 1 / (1 - q) for one to lie above the percentile.
    #[must_use]
    pub fn of(samples: &Histogram) -> Self {
        let at = |q, needed| samples.quantile_ns(q).filter(|_| samples.count() >= needed);
        Self {
            p50: at(0.5, 2),
            p75: at(0.75, 4),
            p90: at(0.9, 10),
            p95: at(0.95, 20),
            p99: at(0.99, 100),
            p99_9: at(0.999, 1_000),
            p99_99: at(0.9999, 10_000),
            p99_999: at(0.99999, 100_000),
        }
    }

    /// Each percentile as printed, how many samples it takes for one to lie above it, and its value in nanoseconds; ascending.
    #[must_use]
    pub fn rows(&self) -> [(&'static str, u64, Option<u64>); 8] {
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
