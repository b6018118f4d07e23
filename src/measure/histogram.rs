//! Durations in nanoseconds: recorded per worker, merged at the end, summed up for the report.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer, V2Serializer};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The longest duration told apart, in nanoseconds: one hour. Anything longer counts as this.
pub const MAX_NS: u64 = 3_600_000_000_000;

/// Durations from 1 ns to 1 h in buckets no wider than a thousandth of their value.
///
/// All memory (about 270 KiB) is taken at construction; recording neither allocates nor fails.
/// Smallest, largest and sum are kept beside the buckets, so minimum, maximum and mean are exact.
#[derive(Clone)]
pub struct Histogram {
    counts: hdrhistogram::Histogram<u64>,
    min_ns: u64,
    max_ns: u64,
    sum_ns: u128,
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram").field("count", &self.count()).field("figures", &self.figures()).finish()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self {
            counts: hdrhistogram::Histogram::new_with_bounds(1, MAX_NS, 3)
                .expect("1 ns to 1 h with 3 digits are valid bounds"),
            min_ns: u64::MAX,
            max_ns: 0,
            sum_ns: 0,
        }
    }

    /// Records `n` samples of `ns` nanoseconds each. A sample longer than [`MAX_NS`] counts as
    /// [`MAX_NS`]: clamped, never lost.
    #[inline]
    pub fn record_n(&mut self, ns: u64, n: u64) {
        if n == 0 {
            return;
        }
        let ns = ns.min(MAX_NS);
        self.counts.saturating_record_n(ns, n);
        self.min_ns = self.min_ns.min(ns);
        self.max_ns = self.max_ns.max(ns);
        self.sum_ns += u128::from(ns) * u128::from(n);
    }

    /// Adds every sample of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.counts.add(&other.counts).expect("all histograms have the same bounds");
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
        self.sum_ns += other.sum_ns;
    }

    /// Forgets every sample and keeps the memory, as at the end of the warm-up.
    pub fn reset(&mut self) {
        self.counts.reset();
        self.min_ns = u64::MAX;
        self.max_ns = 0;
        self.sum_ns = 0;
    }

    /// A few figures of all samples, all 0 without any.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let at = |q| self.quantile_ns(q).unwrap_or(0);
        Figures { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: self.max_ns }
    }

    /// The longest sample, exact, in nanoseconds; 0 without samples.
    #[must_use]
    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// Samples recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.len()
    }

    /// True if there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The smallest value that at least a share `q` of the samples (0 to 1) does not exceed, in
    /// nanoseconds and to three digits; `None` without samples. Never below the exact minimum nor
    /// above the exact maximum, although a bucket may reach beyond them.
    #[must_use]
    pub fn quantile_ns(&self, q: f64) -> Option<u64> {
        (!self.is_empty()).then(|| self.counts.value_at_quantile(q).clamp(self.min_ns, self.max_ns))
    }

    /// The plain figures of all samples, or `None` if there is no sample.
    #[must_use]
    pub fn summary(&self, kind: Option<LatencyKind>) -> Option<Summary> {
        if self.is_empty() {
            return None;
        }
        let count = self.count();
        let mean = self.sum_ns as f64 / count as f64;
        let stdev = self.stdev(mean);
        Some(Summary {
            kind,
            count,
            min: self.min_ns,
            mean,
            stdev,
            max: self.max_ns,
            within_stdev: self.within(mean, stdev),
            percentiles: Percentiles::of(self)?,
            histogram: self.to_base64(),
        })
    }

    /// The middle of each filled bucket, no further out than the exact extremes, with its count.
    fn buckets(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.counts.iter_recorded().map(|bucket| {
            let middle = self.counts.median_equivalent(bucket.value_iterated_to());
            let value = middle.clamp(self.min_ns, self.max_ns);
            (value as f64, bucket.count_at_value())
        })
    }

    /// Sample standard deviation (n - 1, as in wrk); 0 for a single sample.
    fn stdev(&self, mean: f64) -> f64 {
        if self.count() < 2 {
            return 0.0;
        }
        let squares: f64 = self.buckets().map(|(value, n)| (value - mean).powi(2) * n as f64).sum();
        (squares / (self.count() - 1) as f64).sqrt()
    }

    /// Share of the samples no further than `stdev` from `mean`, in percent.
    fn within(&self, mean: f64, stdev: f64) -> f64 {
        let within: u64 = self.buckets().filter(|(value, _)| (value - mean).abs() <= stdev).map(|(_, n)| n).sum();
        within as f64 / self.count() as f64 * 100.0
    }

    /// Appends all samples in a form of some kilobytes, for [`unpack`](Self::unpack); nothing if there are none.
    pub fn pack(&self, to: &mut Vec<u8>) {
        if self.is_empty() {
            return;
        }
        for part in [self.min_ns, self.max_ns, self.sum_ns as u64, (self.sum_ns >> 64) as u64] {
            to.extend_from_slice(&part.to_le_bytes());
        }
        V2Serializer::new().serialize(&self.counts, to).expect("writing to memory cannot fail");
    }

    /// Adds the samples of everything packed in `bytes`, one after the other.
    ///
    /// # Panics
    /// If the bytes are not what [`pack`](Self::pack) made.
    pub fn unpack(&mut self, mut bytes: &[u8]) {
        while let Some((head, rest)) = bytes.split_first_chunk::<32>() {
            let part = |at: usize| u64::from_le_bytes(head[at * 8..][..8].try_into().expect("8 bytes"));
            bytes = rest;
            let counts = Deserializer::new().deserialize(&mut bytes).expect("as it was packed");
            let sum_ns = u128::from(part(2)) | u128::from(part(3)) << 64;
            self.merge(&Histogram { counts, min_ns: part(0), max_ns: part(1), sum_ns });
        }
    }

    /// HdrHistogram's V2 format, deflated, in standard base64 (`HISTFAAA...`): what the
    /// HdrHistogram libraries of other languages and the interval logs carry.
    pub fn to_base64(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.counts, &mut bytes).expect("writing to memory cannot fail");
        STANDARD.encode(bytes)
    }
}

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
    fn of(samples: &Histogram) -> Option<Self> {
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
