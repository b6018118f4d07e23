//! From runs to rows: what the rounds agree on.

use super::several::several;
use super::statements;
use crate::judge::plateau;
use crate::measure::histogram::Histogram;
use crate::report::words::add_warning;
use crate::result::suite::{CaseRun, Row, Several, SuiteResult, bound_name};
use crate::result::{Fairness, Percentiles, RunResult};

/// Fills in the figures of those rows that are `wanted`, and what all say about the statements.
pub fn conclude(result: &mut SuiteResult, runs: &[CaseRun], wanted: impl Fn(&Row) -> bool) {
    for row in result.rows.iter_mut().filter(|row| wanted(row)) {
        let of_row: Vec<&CaseRun> = runs.iter().filter(|run| run.row == row.id).collect();
        *row = figures(row, &of_row);
    }
    if let Some(host) =
        runs.iter().find_map(|run| run.result.as_ref().map(|run| &run.host)).filter(|host| !host.kernel.is_empty())
    {
        result.host = host.clone();
        result.host.cpu_pressure_share = None;
    }
    let rows = &result.rows;
    result.statements.iter_mut().for_each(|statement| statements::decide(statement, rows));
}

/// The row with the figures of those of its runs that have some. A run that a fault ended early says nothing that its neighbours
/// could be held against: it is kept, and left out here.
fn figures(row: &Row, runs: &[&CaseRun]) -> Row {
    let whole: Vec<(&CaseRun, &RunResult)> =
        runs.iter().filter(|run| run.fault.is_none()).filter_map(|run| Some((*run, run.result.as_ref()?))).collect();
    let of = |figure: &dyn Fn(&CaseRun, &RunResult) -> Option<f64>| {
        several(&whole.iter().filter_map(|(run, result)| figure(run, result)).collect::<Vec<f64>>())
    };
    let cpu_ns = |names: &dyn Fn(&str) -> bool| {
        of(&|run, result| {
            let used =
                run.watched.iter().filter(|(name, _)| names(name)).map(|(_, watched)| watched.cpu_s).sum::<f64>();
            per_request(used, result)
        })
    };
    let mut filled = Row {
        id: row.id.clone(),
        case: row.case.clone(),
        group: row.group.clone(),
        about: row.about.clone(),
        request: row.request.clone(),
        load: row.load.clone(),
        client: row.client.clone(),
        topology: row.topology.clone(),
        connections: row.connections,
        rate_per_s: row.rate_per_s,
        series: row.series.clone(),
        expected_status: row.expected_status,
        then: row.then.clone(),
        runs: u32::try_from(whole.len()).unwrap_or(u32::MAX),
        rate: of(&|_, result| Some(result.rate.achieved_per_s)),
        mean_ns: of(&|_, result| result.latency_ns.as_ref().map(|latency| latency.mean).filter(|ns| *ns > 0.0)),
        p50_ns: of(&|_, result| percentile(result, |percentiles| percentiles.p50)),
        p99_ns: of(&|_, result| percentile(result, |percentiles| percentiles.p99)),
        errors: of(&|_, result| errors(row, result)),
        server_cpu_ns: cpu_ns(&|name| name == "server"),
        server_rss_bytes: of(&|run, _| run.watched.get("server").map(|server| server.rss_bytes as f64)),
        backend_cpu_ns: cpu_ns(&|name| name != "server" && name != "client").filter(|used| used.max > 0.0),
        client_cpu_ns: of(&|run, result| {
            // What a client says of itself is of its window alone.
            let own = result.client.as_ref().and_then(|client| client.cpu_ns_per_request);
            own.or_else(|| per_request(run.watched.get("client")?.cpu_s, result))
        }),
        fairness: of(&|_, result| result.connections.completed.and_then(fairness)),
        ..Row::default()
    };
    whole.iter().for_each(|(_, result)| add(&mut filled, result));
    latencies(&mut filled, &whole);
    filled
}

fn per_request(cpu_s: f64, result: &RunResult) -> Option<f64> {
    (result.requests.completed > 0).then(|| cpu_s * 1e9 / result.requests.completed as f64)
}

/// 0 too where half of the connections and more got nothing.
fn fairness(each: Fairness) -> Option<f64> {
    match each.median {
        0 => (each.max > 0).then_some(0.0),
        median => Some((each.slowest_tenth / median as f64).min(1.0)),
    }
}

fn percentile(result: &RunResult, pick: fn(&Percentiles) -> Option<u64>) -> Option<f64> {
    result.latency_ns.as_ref().and_then(|latency| pick(&latency.percentiles)).map(|ns| ns as f64)
}

/// Failures and answers with another status than expected, by all that was to be answered.
fn errors(row: &Row, result: &RunResult) -> Option<f64> {
    let requests = &result.requests;
    let ended = requests.completed + requests.failed;
    if ended == 0 {
        return None;
    }
    let expected = result.status.get(&row.expected_status).copied();
    let wrong = expected.map_or(if result.status.is_empty() { 0 } else { requests.completed }, |right| {
        requests.completed.saturating_sub(right)
    });
    Some((requests.failed + wrong) as f64 / ended as f64)
}

/// What is counted over all runs together.
fn add(row: &mut Row, result: &RunResult) {
    for (status, count) in &result.status {
        *row.status.entry(*status).or_default() += count;
    }
    row.completed += result.requests.completed;
    let (all, more) = (&mut row.anomalies, result.anomalies);
    all.excess_bytes += more.excess_bytes;
    all.reset_after_response += more.reset_after_response;
    all.close_unannounced += more.close_unannounced;
    if let Some(verdict) = &result.verdict {
        *row.bounds.entry(bound_name(verdict.bound).to_owned()).or_default() += 1;
    }
    result.warnings.iter().for_each(|warning| add_warning(&mut row.warnings, warning));
}

/// Share of the time that server and backends were on a CPU, all of them together.
fn busy(runs: &[(&CaseRun, &RunResult)]) -> Option<f64> {
    let elapsed_s: f64 = runs.iter().map(|(_, result)| result.elapsed_s).sum();
    let of_run = |run: &CaseRun| {
        run.watched.iter().filter(|(name, _)| *name != "client").map(|(_, used)| used.cpu_s).sum::<f64>()
    };
    (elapsed_s > 0.0).then(|| runs.iter().map(|(run, _)| of_run(run)).sum::<f64>() / elapsed_s)
}

/// All latencies of all runs together; or medians of percentiles, where there is no histogram.
fn latencies(row: &mut Row, runs: &[(&CaseRun, &RunResult)]) {
    let summaries: Vec<_> = runs.iter().filter_map(|(_, result)| result.latency_ns.as_ref()).collect();
    let histograms: Option<Vec<Histogram>> = summaries.iter().map(|latency| latency.samples()).collect();
    match histograms {
        Some(histograms) if !histograms.is_empty() => {
            let mut all = Histogram::new();
            histograms.iter().for_each(|samples| all.merge(samples));
            row.latency_ns = all.summary(summaries[0].kind);
            row.plateau = plateau::plateau(&all, busy(runs));
        }
        _ => {
            let middle = |pick: fn(&Percentiles) -> Option<u64>| {
                let told = summaries.iter().filter_map(|latency| pick(&latency.percentiles));
                let figures: Vec<f64> = told.map(|ns| ns as f64).collect();
                several(&figures).map(|several: Several| several.median as u64)
            };
            row.percentiles_ns = (!summaries.is_empty()).then(|| Percentiles {
                p50: middle(|p| p.p50),
                p75: middle(|p| p.p75),
                p90: middle(|p| p.p90),
                p95: middle(|p| p.p95),
                p99: middle(|p| p.p99),
                p99_9: middle(|p| p.p99_9),
                p99_99: middle(|p| p.p99_99),
                p99_999: middle(|p| p.p99_999),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::suite::Watched;

    /// A run with so many answers in 2 s, of which some have status 500.
    fn run(completed: u64, wrong: u64, failed: u64, ms: u64) -> CaseRun {
        let mut samples = Histogram::new();
        samples.record_n(ms * 1_000_000, completed);
        let mut result = RunResult { elapsed_s: 2.0, latency_ns: samples.summary(None), ..RunResult::new() };
        result.rate.achieved_per_s = completed as f64 / 2.0;
        (result.requests.completed, result.requests.failed) = (completed, failed);
        result.status.insert(200, completed - wrong);
        result.status.insert(500, wrong);
        let used = |cpu_s| Watched { cpu_s, rss_bytes: 1 << 20, threads: 1, processes: 1 };
        let watched =
            [("server", 0.5), ("store", 0.25), ("client", 0.125)].map(|(name, cpu_s)| (name.to_owned(), used(cpu_s)));
        CaseRun { row: "a".into(), result: Some(result), watched: watched.into(), ..CaseRun::default() }
    }

    fn row(runs: &[CaseRun]) -> Row {
        let empty = Row { id: "a".into(), expected_status: 200, ..Row::default() };
        figures(&empty, &runs.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_row_says_what_its_rounds_agree_on() {
        let row = row(&[run(1000, 0, 0, 10), run(2000, 100, 0, 30)]);
        let mean = |figure: Option<Several>| figure.map(|figure| figure.mean);
        assert_eq!((row.runs, mean(row.rate), row.completed), (2, Some(750.0), 3000));
        assert_eq!(mean(row.errors), Some(0.025), "no failure, and a twentieth with another status");
        assert_eq!(mean(row.server_cpu_ns), Some((500_000.0 + 250_000.0) / 2.0));
        assert_eq!(mean(row.backend_cpu_ns), Some((250_000.0 + 125_000.0) / 2.0));
        assert_eq!(mean(row.client_cpu_ns), Some((125_000.0 + 62_500.0) / 2.0));
        assert_eq!(row.status.get(&500), Some(&100));
        let latency = row.latency_ns.expect("all answers together");
        assert_eq!((latency.count, latency.min, latency.max), (3000, 10_000_000, 30_000_000));
        assert!((latency.percentiles.p50.expect("samples") as f64 / 30e6 - 1.0).abs() < 1e-3, "two thirds took 30 ms");
    }

    #[test]
    fn what_a_fault_cut_short_is_no_figure() {
        let broken = CaseRun { fault: Some("the server crashed".into()), ..run(10, 0, 5, 1) };
        let nothing = CaseRun { row: "a".into(), fault: Some("no figures".into()), ..CaseRun::default() };
        let one = row(&[run(1000, 0, 0, 10), broken.clone(), nothing]);
        assert_eq!((one.runs, one.completed), (1, 1000));
        assert!(one.rate.is_some_and(|rate| rate.low.is_none()), "one run has no interval");
        let none = row(&[broken]);
        assert_eq!((none.runs, none.rate, none.errors), (0, None, None));
    }

    #[test]
    fn a_client_that_tells_percentiles_alone() {
        let told = |p50| {
            let mut run = run(1000, 0, 0, 10);
            let latency = run.result.as_mut().and_then(|result| result.latency_ns.as_mut()).expect("a latency");
            latency.histogram.clear();
            latency.percentiles = Percentiles { p50: Some(p50), ..Percentiles::default() };
            run
        };
        let row = row(&[told(1), told(3), told(8)]);
        assert_eq!((row.latency_ns, row.plateau), (None, None));
        assert_eq!(row.percentiles_ns.map(|percentiles| (percentiles.p50, percentiles.p99)), Some((Some(3), None)));
        assert_eq!(row.p99_ns, None, "not told is not 0");
    }

    #[test]
    fn starved_connections_show() {
        let each = |min, slowest_tenth, median, max| Fairness { min, slowest_tenth, median, max };
        assert_eq!(fairness(each(90, 90.0, 100, 110)), Some(0.9));
        assert_eq!(fairness(each(0, 0.0, 0, 500)), Some(0.0));
        assert_eq!(fairness(each(0, 0.0, 0, 0)), None);
    }
}
