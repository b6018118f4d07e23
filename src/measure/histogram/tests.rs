#![allow(clippy::unwrap_used)]

use super::*;
use hdrhistogram::serialization::Deserializer;

/// Many magnitudes from a small generator: the same numbers in every run.
fn samples(n: usize) -> Vec<u64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 34) >> (state % 25)
        })
        .collect()
}

fn of(samples: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    for &ns in samples {
        histogram.record_n(ns, 1);
    }
    histogram
}

fn near(got: f64, want: f64, what: &str) {
    let error = (got - want).abs();
    assert!(error <= want.abs() * 1e-3, "{what}: {got}, not {want}");
}

#[test]
fn summary_agrees_with_sorted_samples() {
    let mut raw = samples(200_000);
    let summary = of(&raw).summary(Some(LatencyKind::Service)).unwrap();
    raw.sort_unstable();

    let n = raw.len() as f64;
    let mean = raw.iter().sum::<u64>() as f64 / n;
    let squares: f64 = raw.iter().map(|&x| (x as f64 - mean).powi(2)).sum();
    let stdev = (squares / (n - 1.0)).sqrt();
    let within = raw.iter().filter(|&&x| (x as f64 - mean).abs() <= stdev).count() as f64 / n * 100.0;

    assert_eq!(summary.count, 200_000);
    assert_eq!((summary.min, summary.max), (raw[0], *raw.last().unwrap()), "extremes are exact");
    assert!((summary.mean - mean).abs() < 1e-6 * mean, "mean is exact");
    near(summary.stdev, stdev, "stdev");
    near(summary.within_stdev, within, "within");
    for (label, above, got) in summary.percentiles.rows() {
        let (rank, got) = (raw.len() - raw.len() / above as usize, got.unwrap());
        near(got as f64, raw[rank - 1] as f64, label);
    }
}

#[test]
fn merging_parts_equals_the_whole() {
    let raw = samples(10_000);
    let mut merged = Histogram::new();
    merged.merge(&Histogram::new());
    for part in raw.chunks(1_234) {
        merged.merge(&of(part));
    }
    assert_eq!(merged.summary(None), of(&raw).summary(None));

    let mut times = Histogram::new();
    times.record_n(7_000, 3);
    assert_eq!(times.summary(None), of(&[7_000, 7_000, 7_000]).summary(None));
}

#[test]
fn long_samples_are_clamped_and_counted() {
    let histogram = of(&[0, MAX_NS, MAX_NS + 1, u64::MAX]);
    let summary = histogram.summary(None).unwrap();
    assert_eq!((summary.count, summary.min, summary.max), (4, 0, MAX_NS));
    assert_eq!(histogram.quantile_ns(1.0), Some(MAX_NS));
}

#[test]
fn percentiles_stay_within_the_extremes() {
    // One bucket spans 12_344_320..=12_348_415: its edges lie outside both samples.
    let summary = of(&[12_345_678, 12_345_679]).summary(None).unwrap();
    for (label, needed, value) in summary.percentiles.rows() {
        let supported = value.is_some_and(|value| (12_345_678..=12_345_679).contains(&value));
        assert_eq!(supported, needed <= 2, "{label}: {value:?}");
    }
    let single = of(&[12_345_678]).summary(None).unwrap();
    assert_eq!((single.mean, single.stdev), (12_345_678.0, 0.0));
    assert_eq!(single.within_stdev, 100.0);
}

#[test]
fn a_percentile_takes_samples_enough_for_one_to_lie_above_it() {
    for (count, supported) in [(1, 0), (2, 1), (9, 2), (10, 3), (99, 4), (100, 5), (99_999, 7), (100_000, 8)] {
        let mut histogram = Histogram::new();
        histogram.record_n(5_000, count);
        let percentiles = histogram.summary(None).unwrap().percentiles;
        assert_eq!(percentiles.rows().iter().filter(|(.., ns)| ns.is_some()).count(), supported, "{count}");
        let json = serde_json::to_value(percentiles).unwrap();
        assert_eq!(json.as_object().unwrap().len(), supported, "{json}");
        assert_eq!(serde_json::from_value::<Percentiles>(json).unwrap(), percentiles);
    }
    let old = serde_json::json!({"50": 7, "75": 0, "90": 9, "95": 0, "99": 0, "99.9": 0, "99.99": 0, "99.999": 0});
    let read: Percentiles = serde_json::from_value(old).unwrap();
    assert_eq!(read, Percentiles { p50: Some(7), p90: Some(9), ..Percentiles::default() }, "0 was: not told");
}

#[test]
fn nothing_recorded_gives_no_figures() {
    let mut histogram = of(&[5]);
    histogram.record_n(1, 0);
    assert_eq!(histogram.quantile_ns(0.0), Some(5), "0 samples change nothing");
    histogram.reset();
    assert!(histogram.is_empty());
    assert_eq!(histogram.quantile_ns(0.5), None);
    assert_eq!(histogram.summary(None), None);
    histogram.record_n(9, 2);
    assert_eq!(histogram.summary(None), of(&[9, 9]).summary(None));
}

#[test]
fn base64_reads_back_with_every_count() {
    let histogram = of(&samples(5_000));
    let text = histogram.summary(None).unwrap().histogram;
    assert!(text.starts_with("HISTFAAA"), "{text:.20}");
    let bytes = STANDARD.decode(text).unwrap();
    let read: hdrhistogram::Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
    assert_eq!(read, histogram.counts);
}

#[test]
fn a_summary_keeps_its_samples() {
    let histogram = of(&samples(5_000));
    let summary = histogram.summary(None).unwrap();
    let read = summary.samples().unwrap();
    for q in [0.0, 0.5, 0.99, 1.0] {
        assert_eq!(read.quantile_ns(q), histogram.quantile_ns(q));
    }
    assert_eq!((Summary { count: 1, ..summary.clone() }).samples().map(|one| one.count()), None);
    assert_eq!((Summary { histogram: "HISTFAAA".into(), ..summary }).samples().map(|one| one.count()), None);
}

#[test]
fn the_spectrum_goes_down_to_the_last_sample() {
    let raw: Vec<u64> = (1..=1_000).collect();
    let spectrum = of(&raw).spectrum();
    let first = spectrum.first().unwrap();
    assert_eq!((first.ns, first.quantile, first.count), (1, 0.0, 1));
    let last = spectrum.last().unwrap();
    assert_eq!((last.ns, last.quantile, last.count), (1_000, 1.0, 1_000));
    assert!(spectrum.windows(2).all(|pair| pair[0].quantile < pair[1].quantile && pair[0].ns <= pair[1].ns));
    for tick in &spectrum {
        // Values up to 2,048 have buckets of their own: the count below each is the value itself.
        assert_eq!(tick.count, tick.ns, "{tick:?}");
        assert!(tick.count as f64 >= tick.quantile * 1_000.0 - 1e-6, "{tick:?}");
    }
    assert_eq!(BUCKETS, 32, "as the crate divides these bounds");
}

#[test]
fn a_coarse_one_is_exact_to_a_hundredth_and_reads_back_the_same() {
    let (mut fine, mut coarse) = (Histogram::new(), Histogram::coarse());
    for ns in (1..2_000).map(|step| step * 7_919) {
        fine.record_n(ns, 1);
        coarse.record_n(ns, 1);
    }
    for q in [0.01, 0.5, 0.99, 1.0] {
        let (exact, near) =
            (fine.quantile_ns(q).expect("samples") as f64, coarse.quantile_ns(q).expect("samples") as f64);
        assert!((near - exact).abs() <= exact * 0.011, "{q}: {near} and {exact}");
    }
    let again = Histogram::from_base64(&coarse.to_base64()).expect("its own text");
    let medians = [&again, &fine].map(|one| one.quantile_ns(0.5).expect("samples") as f64);
    assert!(again.count() == coarse.count() && (medians[0] - medians[1]).abs() <= medians[1] * 0.011, "{medians:?}");
    let mut both = Histogram::coarse();
    both.merge(&coarse);
    both.merge(&coarse);
    assert_eq!(both.count(), 2 * coarse.count());
}
