//! What the page's charts show, as plain data; times in milliseconds.

use serde::Serialize;

use crate::result::suite::{Row, Several, SuiteResult};

use super::series::{place, series};
use super::{THEN, groups};

/// Points of a latency curve on each tenth of what is left above it.
const POINTS_PER_DECADE: i32 = 8;

/// All that is drawn.
#[derive(Serialize)]
pub(super) struct Charts<'a> {
    then: &'static str,
    bars: Vec<Group<'a>>,
    latency: Vec<Curves<'a>>,
    pub(super) connections: Vec<Line<'a>>,
    pub(super) rates: Vec<Line<'a>>,
}

/// Rows that stand below each other in one chart.
#[derive(Serialize)]
struct Group<'a> {
    name: &'a str,
    rows: Vec<Bar<'a>>,
}

#[derive(Serialize)]
struct Bar<'a> {
    id: &'a str,
    rate: Option<Interval>,
    then: Option<f64>,
    client_bound: bool,
    plateau: bool,
    cpu_us: Option<Interval>,
    mib: Option<Interval>,
}

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Serialize)]
struct Interval {
    mean: f64,
    low: Option<f64>,
    high: Option<f64>,
}

/// Latencies of a group, or of a sweep.
#[derive(Serialize)]
struct Curves<'a> {
    name: &'a str,
    curves: Vec<Curve<'a>>,
}

#[derive(Serialize)]
struct Curve<'a> {
    id: &'a str,
    /// `1/(1-q)`, and the latency there.
    points: Vec<(f64, f64)>,
}

/// A sweep.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    id: &'a str,
    points: Vec<Point>,
}

#[derive(Serialize)]
struct Point {
    x: f64,
    rate: Option<Interval>,
    then: Option<f64>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    errors: Option<f64>,
}

impl<'a> Charts<'a> {
    pub(super) fn new(result: &'a SuiteResult) -> Charts<'a> {
        let alone = || result.rows.iter().filter(|row| row.series.is_none());
        let bars = groups(alone())
            .into_iter()
            .map(|name| Group { name, rows: alone().filter(|row| row.group == name).map(bar).collect() });
        let (rates, connections): (Vec<_>, Vec<_>) = series(result).into_iter().partition(|one| one.over_rates);
        let line =
            |one: super::series::Series<'a>| Line { id: one.name, points: one.points.into_iter().map(point).collect() };
        Charts {
            then: THEN,
            bars: bars.collect(),
            latency: latency(result),
            connections: connections.into_iter().map(line).collect(),
            rates: rates.into_iter().map(line).collect(),
        }
    }

    /// Some bar has a rate.
    pub(super) fn has_rates(&self) -> bool {
        self.bars.iter().any(|group| group.rows.iter().any(|row| row.rate.is_some()))
    }

    /// Some row has latencies.
    pub(super) fn has_latency(&self) -> bool {
        !self.latency.is_empty()
    }

    /// Some bar has the server's CPU time or memory.
    pub(super) fn has_resources(&self) -> bool {
        self.bars.iter().any(|group| group.rows.iter().any(|row| row.cpu_us.is_some() || row.mib.is_some()))
    }
}

fn bar(row: &Row) -> Bar<'_> {
    Bar {
        id: &row.id,
        rate: interval(row.rate.as_ref(), 1.0),
        then: row.then.as_ref().map(|then| then.mean),
        client_bound: row.client_bound(),
        plateau: row.plateau.is_some(),
        cpu_us: interval(row.server_cpu_ns.as_ref(), 1e3),
        mib: interval(row.server_rss_bytes.as_ref(), 1_048_576.0),
    }
}

fn point(row: &Row) -> Point {
    let ms = |figure: &Option<Several>| figure.map(|figure| short(figure.median / 1e6));
    Point {
        x: place(row),
        rate: interval(row.rate.as_ref(), 1.0),
        then: row.then.as_ref().map(|then| then.mean),
        p50_ms: ms(&row.p50_ns),
        p99_ms: ms(&row.p99_ns),
        errors: row.errors.map(|errors| short(errors.mean)),
    }
}

fn interval(figure: Option<&Several>, unit: f64) -> Option<Interval> {
    let in_unit = |n: f64| short(n.max(0.0) / unit);
    figure.map(|one| Interval { mean: in_unit(one.mean), low: one.low.map(in_unit), high: one.high.map(in_unit) })
}

/// The curves of each group, then of each sweep.
fn latency(result: &SuiteResult) -> Vec<Curves<'_>> {
    let mut all: Vec<Curves> = Vec::new();
    let of_groups = result.rows.iter().filter(|row| row.series.is_none()).map(|row| (row.group.as_str(), row));
    let of_sweeps = result.rows.iter().filter_map(|row| Some((row.series.as_deref()?, row)));
    for (name, row) in of_groups.chain(of_sweeps) {
        let points = curve(row);
        if points.is_empty() {
            continue;
        }
        let curve = Curve { id: &row.id, points };
        match all.iter_mut().find(|one| one.name == name) {
            Some(one) => one.curves.push(curve),
            None => all.push(Curves { name, curves: vec![curve] }),
        }
    }
    all
}

/// From the histogram, as far as it has samples above a point; else the percentiles that the client told.
fn curve(row: &Row) -> Vec<(f64, f64)> {
    let ms = |ns: u64| short(ns as f64 / 1e6);
    if let Some(samples) = row.latency_ns.as_ref().and_then(|latency| latency.samples()) {
        let at = |step: i32| 10f64.powf(f64::from(step) / f64::from(POINTS_PER_DECADE));
        let steps = (0..).map(at).take_while(|x| *x <= samples.count() as f64);
        return steps.filter_map(|x| Some((short(x), ms(samples.quantile_ns(1.0 - 1.0 / x)?)))).collect();
    }
    let told = row.percentiles_ns.or(row.latency_ns.as_ref().map(|latency| latency.percentiles));
    let rows = told.map(|told| told.rows()).into_iter().flatten();
    rows.filter_map(|(_, above, ns)| Some((above as f64, ms(ns?)))).collect()
}

/// To four digits: more cannot be seen in a chart, and reports are committed.
fn short(n: f64) -> f64 {
    format!("{n:.3e}").parse().unwrap_or(n)
}
