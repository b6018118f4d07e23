//! Durations in nanoseconds: recorded per worker, merged at the end, summed up for the report.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

mod summary;
#[cfg(test)]
mod tests;

pub use summary::{LatencyKind, Percentiles, Summary};

/// The longest duration told apart, in nanoseconds: one hour. Anything longer counts as this.
pub const MAX_NS: u64 = 3_600_000_000_000;

/// As HdrHistogram's own tools have it.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// The least that all buckets but the first are divided into, and how many buckets it takes up to [`MAX_NS`].
pub const SUB_BUCKETS: u64 = 2048;
/// See [`SUB_BUCKETS`].
pub const BUCKETS: u32 = (MAX_NS / SUB_BUCKETS).ilog2() + 2;

/// A step down the distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tick {
    /// The value there, nanoseconds.
    pub ns: u64,
    /// The share of samples that do not exceed it, 0 to 1.
    pub quantile: f64,
    /// How many these are.
    pub count: u64,
}

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
        f.debug_struct("Histogram").field("count", &self.count()).field("max_ns", &self.max_ns).finish()
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
        Self::with_digits(3)
    }

    /// The same with buckets no wider than a hundredth of their value, in an eighth of the memory: where there are many of them.
    #[must_use]
    pub fn coarse() -> Self {
        Self::with_digits(2)
    }

    fn with_digits(digits: u8) -> Self {
        Self {
            counts: hdrhistogram::Histogram::new_with_bounds(1, MAX_NS, digits)
                .expect("1 ns to 1 h with 2 or 3 digits are valid bounds"),
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

    /// Samples from `low` to `high` ns, both included, to three digits.
    #[must_use]
    pub fn count_between_ns(&self, low: u64, high: u64) -> u64 {
        self.counts.count_between(low, high)
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
            percentiles: Percentiles::of(self),
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

    /// The samples that [`to_base64`](Self::to_base64) wrote, without their exact extremes and sum; `None` if it is something
    /// else, or has other bounds.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let counts: hdrhistogram::Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).ok()?;
        let mut samples = Self::new();
        samples.counts.add(&counts).ok()?;
        if !counts.is_empty() {
            (samples.min_ns, samples.max_ns) = (counts.min(), counts.max().min(MAX_NS));
            samples.sum_ns = (counts.mean() * counts.len() as f64) as u128;
        }
        Some(samples)
    }

    /// Down the distribution in steps that halve what is left five times each half: what the HdrHistogram tools print.
    #[must_use]
    pub fn spectrum(&self) -> Vec<Tick> {
        let ticks = self.counts.iter_quantiles(TICKS_PER_HALF_DISTANCE);
        let mut below = 0;
        let tick = |tick: hdrhistogram::iterators::IterationValue<u64>| {
            below += tick.count_since_last_iteration();
            Tick {
                ns: tick.value_iterated_to().clamp(self.min_ns, self.max_ns),
                quantile: tick.quantile_iterated_to(),
                count: below,
            }
        };
        ticks.map(tick).collect()
    }

    /// HdrHistogram's V2 format, deflated, in standard base64 (`HISTFAAA...`): what the
    /// HdrHistogram libraries of other languages and the interval logs carry.
    pub fn to_base64(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.counts, &mut bytes).expect("writing to memory cannot fail");
        STANDARD.encode(bytes)
    }
}
