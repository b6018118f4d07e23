#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::{env, fs};

use super::text::Style;
use super::{calibration, csv, hdr_log, json, spectrum, text, timeseries};
use crate::measure::histogram::{Histogram, LatencyKind};
use crate::measure::series::Histograms;
use crate::result::calibration::Calibration;
use crate::result::{Estimate, Repeated, RunResult, samples};

/// Compares with a file in tests/golden; `UPDATE_GOLDEN=1` writes it instead.
pub(crate) fn golden(file: &str, got: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    if env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::write(&path, got).unwrap();
        return;
    }
    let want = fs::read_to_string(&path).unwrap_or_default();
    assert!(got == want, "{file} differs; if that is meant, run the tests with UPDATE_GOLDEN=1.\n--- is\n{got}");
}

fn plain(result: &RunResult) -> String {
    text::render(result, Style::default())
}

/// The figure behind `before`, as a script's `before\s*([\d.]+)(unit)` would take it.
fn figure<'a>(text: &'a str, before: &str) -> (f64, &'a str) {
    let rest = text.split_once(before).unwrap().1.trim_start();
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let end = rest.find(|c| !digits(c)).unwrap_or(rest.len());
    let unit = rest[end..].split_whitespace().next().unwrap_or_default();
    (rest[..end].parse().unwrap(), unit)
}

#[test]
fn reports_equal_their_golden_files() {
    for (name, result) in samples::all() {
        golden(&format!("{name}.txt"), &plain(&result));
        golden(&format!("{name}.json"), &json::render(&result).unwrap());
    }
    let style = Style { colour: true, latency: true, verbose: false };
    let colour = text::render(&samples::failing(), style);
    golden("failing-colour-latency.txt", &colour);
}

#[test]
fn a_calibration_equals_its_golden_files() {
    let found = samples::calibration();
    golden("calibration.txt", &calibration::render(&found));
    golden("calibration.json", &json::render(&found).unwrap());
    assert_eq!(serde_json::from_str::<Calibration>(&json::render(&found).unwrap()).unwrap(), found);
    let part =
        Calibration { interrupted: true, costs: vec![], lateness: vec![], send_lag: vec![], notes: vec![], ..found };
    golden("calibration-interrupted.txt", &calibration::render(&part));
}

/// The open sample with times of 1 us to 20 ms.
fn open_with_times() -> RunResult {
    let mut times = Histogram::new();
    (1..=20_000).for_each(|us| times.record_n(us * 1_000, 1));
    RunResult { latency_ns: times.summary(Some(LatencyKind::Response)), ..samples::open() }
}

/// 1 to 3 ms of each kind.
fn few_times() -> Histograms {
    let mut histograms = Histograms::default();
    histograms.iter_mut().zip(1..).for_each(|(one, ms)| one.record_n(ms * 1_000_000, 5));
    histograms
}

#[test]
fn every_format_equals_its_golden_file() {
    let result = open_with_times();
    golden("open.hgrm", &spectrum::file(result.latency_ns.as_ref()));
    let lines = result.intervals.iter().map(|interval| hdr_log::lines(interval, &few_times()));
    let log: String = std::iter::once(hdr_log::head("http://a/\nb", 1_700_000_000.25)).chain(lines).collect();
    assert_eq!(log.lines().filter(|line| line.starts_with("Tag=")).count(), 6);
    // What the histograms are depends on the compressor.
    let log = log.lines().map(|line| line.split("HISTFAAA").next().unwrap_or_default().to_owned() + "\n");
    golden("open.hlog", &log.collect::<String>());
    golden("open.ndjson", &timeseries::render(&result).unwrap());
    golden("open.csv", &csv::render(&result).unwrap());
    golden("failing.csv", &csv::render(&samples::failing()).unwrap());
    let verbose = Style { verbose: true, ..Style::default() };
    golden("good-verbose.txt", &text::render(&samples::good(), verbose));
    golden("open-latency.txt", &text::render(&result, Style { colour: false, latency: true, ..Style::default() }));
    let mut repeated = samples::good();
    repeated.stages = result.stages.clone();
    let estimate = Estimate { median: 2e6, low: 1.9e6, high: 2.2e6, confidence: 0.5 };
    repeated.repeated = Some(Repeated { windows: 2, rate_per_s: estimate, p50_ns: Some(estimate), p99_ns: None });
    golden("repeated.txt", &plain(&repeated));
}

#[test]
fn a_spectrum_reads_as_what_was_recorded() {
    let text = spectrum::render(open_with_times().latency_ns.as_ref());
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().map(|word| word.parse().unwrap()).collect())
        .collect();
    assert!(rows.len() > 50, "{}", rows.len());
    for row in &rows {
        let [ms, quantile, count, inverse] = row[..] else { panic!("{row:?}") };
        // Times are 1 us apart, buckets a thousandth wide.
        assert!((ms * 1e3 - count).abs() <= (count / 1e3).max(1.0), "{row:?}");
        assert!(count >= quantile * 20_000.0 - 0.02, "{row:?}");
        assert!(inverse.is_infinite() == (quantile == 1.0), "{row:?}");
    }
    assert_eq!(rows.last().unwrap()[2], 20_000.0);
    let empty = spectrum::render(None);
    assert!(empty.contains("Total count    =            0") && !empty.contains("NaN"), "{empty}");
}

#[test]
fn scripts_that_read_wrk_find_its_figures() {
    let style = Style { colour: true, latency: true, verbose: false };
    let good = text::render(&samples::good(), style);
    assert_eq!(figure(&good, "Requests/sec:"), (74_878.15, "Transfer/sec:"));
    assert_eq!(figure(&good, "Transfer/sec:"), (9.35, "MB"));
    // Without what came while draining.
    let failing = text::render(&samples::failing(), style);
    assert_eq!(figure(&failing, "Transfer/sec:"), (254.08, "KB"));
    assert_eq!(figure(&good, "    Latency "), (1.05, "ms"));
    assert_eq!(figure(&good, "    Req/Sec "), (37.44, "k"));
    assert_eq!(figure(&good, "\n     50% "), (1.0, "ms"));
    assert_eq!(figure(&good, "\n     99% "), (3.0, "ms"));
    assert_eq!(figure(&good, "requests in "), (10.0, "s,"));
    assert!(!good.contains("Socket errors"));
    assert!(!good.contains("Non-2xx"));

    let failing = plain(&samples::failing());
    let socket = "\n  Socket errors: connect 8, read 13, write 0, timeout 3\n";
    assert!(failing.contains(socket), "{failing}");
    assert!(failing.contains("\n  Non-2xx or 3xx responses: 90\n"));
    assert!(!failing.contains("Latency Distribution"));
}

#[test]
fn the_first_part_is_wrks_to_the_byte() {
    // Printed by wrk 4.1's own format strings for these figures.
    let want = "\
Running 10s test @ http://localhost:8080/
  2 threads and 128 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.05ms  250.00us  14.00ms   93.69%
    Req/Sec    37.44k     1.21k   39.12k    71.50%
  Latency Distribution
     50%    1.00ms
     75%    1.25ms
     90%    1.50ms
     99%    3.00ms
  748804 requests in 10.00s, 93.55MB read
Requests/sec:  74878.15
Transfer/sec:      9.35MB

";
    let style = Style { colour: true, latency: true, verbose: false };
    let got = text::render(&samples::good(), style);
    assert_eq!(&got[..want.len()], want);
}

#[test]
fn colour_adds_nothing_but_colour() {
    for (name, result) in samples::all() {
        let style = Style { colour: true, ..Style::default() };
        let mut coloured = text::render(&result, style);
        assert!(coloured.contains("\x1b[1m"), "{name}");
        for code in ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[33m"] {
            coloured = coloured.replace(code, "");
        }
        assert_eq!(coloured, plain(&result), "{name}");
    }
}

#[test]
fn a_run_without_any_figure_has_no_odd_number() {
    let mut result = RunResult::new();
    result.check().unwrap();
    for elapsed_s in [0.0, 1.0] {
        result.elapsed_s = elapsed_s;
        let style = Style { colour: false, latency: true, ..Style::default() };
        let text = text::render(&result, style);
        assert!(text.contains("\n  No answers    not one response came: "), "{text}");
        for odd in ["NaN", "nan", " inf"] {
            assert!(!text.contains(odd), "{text}");
        }
        assert!(text.contains("\nRequests/sec:      0.00\n"), "{text}");
        let read = serde_json::from_str::<RunResult>(&json::render(&result).unwrap());
        assert_eq!(read.unwrap(), result);
    }
}

/// What a script that reads wrk's output must not take for a figure of one load is not there.
#[test]
fn the_head_of_a_stepped_run_has_no_figure_of_all_steps() {
    let style = Style { latency: true, verbose: true, ..Style::default() };
    let text = text::render(&samples::steps(), style);
    for absent in
        ["Requests/sec", "Transfer/sec", "Thread Stats", " read\n", "Latency Distribution", "Percentile spectrum"]
    {
        assert!(!text.contains(absent), "{absent}: {text}");
    }
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "Running 3 steps @ http://localhost:8080/");
    assert!(
        lines[1].is_empty() && lines[2].starts_with("  Steps ") && lines[3].starts_with("    1 connections "),
        "{text}"
    );
    let columns: Vec<&str> = lines[3].split_whitespace().collect();
    assert_eq!(columns[columns.len() - 4..], ["2.20ms", "3.30ms", "-", "30.80ms"], "90 answers have no p99: {text}");
}

#[test]
fn what_happened_stands_between_wrks_lines_and_the_limit() {
    let outage = samples::outage();
    let text = plain(&outage);
    let after = text.split_once("Transfer/sec:").unwrap().1;
    let lines: Vec<&str> = after.lines().skip(1).collect();
    let told = "the target was away from 0.71s on: 1.29s of 2.00s without one open connection";
    assert_eq!(lines[..3], ["", &format!("  Incomplete    {told}"), ""]);
    assert!(lines[3].starts_with("  Limit         unclear: the target was away for 6"), "{text}");
    assert_eq!(outage.warnings[0], told);
    assert_eq!(text.matches(told).count(), 1, "told once");
    assert!(
        text.contains("\n    BREACHED  errors<0.1%           64.500% (no connection open for 1.29s of 2.00s)\n"),
        "{text}"
    );
}

#[test]
fn a_percentile_that_too_few_samples_support_is_a_dash() {
    let mut result = samples::good();
    for (count, dashes) in [(99_999, 1), (100_000, 0), (99, 4), (1, 8)] {
        let mut times = Histogram::new();
        times.record_n(1_000_000, count);
        result.latency_ns = times.summary(Some(LatencyKind::Service));
        let json = serde_json::to_value(result.latency_ns.as_ref().unwrap().percentiles).unwrap();
        assert_eq!(json.as_object().unwrap().len(), 8 - dashes, "the JSON has the same: {json}");
        result.connect_ns = None;
        result.first_byte_ns = None;
        let text = plain(&result);
        let rows = text.lines().filter(|line| line.ends_with("  -")).count();
        assert_eq!(rows, dashes, "{count} samples\n{text}");
    }
}

#[test]
fn a_run_too_short_for_a_rate_sample_is_its_own_sample() {
    let mut result = samples::good();
    result.rate.per_worker = None;
    let text = plain(&result);
    assert!(text.contains("\n    Req/Sec    37.44k     0.00    37.44k   100.00%\n"), "{text}");
}
