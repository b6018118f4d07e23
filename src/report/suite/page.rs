//! One HTML file that needs nothing beside it: tables that stand without scripts, and charts.

use askama::Template;

use crate::result::suite::{Kind, Outcome, Row, Several, SuiteResult};

use super::charts::Charts;
use super::figures::{self, NONE, number, share, size, time};
use super::series::{place, series};
use super::{THEN, markdown};

/// The page, from the template beside this file.
#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    result: &'a SuiteResult,
    then: &'static str,
    /// Facts about the run: a name, and what it was.
    facts: Vec<(&'static str, String)>,
    studied: Vec<&'a Outcome>,
    read: Vec<&'a Outcome>,
    charts: Charts<'a>,
    heads: &'static [(&'static str, &'static str)],
    rows: Vec<Line<'a>>,
    connection_tables: Vec<Sweep<'a>>,
    rate_tables: Vec<Sweep<'a>>,
    notes: Vec<String>,
    reproduce: String,
    data: String,
    css: &'static str,
    script: &'static str,
    library: [&'static str; 2],
    licences: [&'static str; 2],
}

/// A row of the table of all.
struct Line<'a> {
    row: &'a Row,
    cells: Vec<Cell>,
    remarks: Vec<String>,
}

/// Text, what it is sorted by, and whether it is a number.
struct Cell {
    text: String,
    sort: String,
    number: bool,
}

/// A sweep as a table: its points are columns.
struct Sweep<'a> {
    name: &'a str,
    points: Vec<String>,
    lines: Vec<(&'static str, Vec<String>)>,
}

/// The columns behind the row's id: name, and what it means.
const HEADS: &[(&str, &str)] = &[
    ("group", "cases that belong together"),
    ("client", "what made the load"),
    ("conn.", "connections"),
    ("offered", "requests per second asked for, of an open loop"),
    ("runs", "runs that gave figures"),
    ("req/s", "requests completed per second, mean of the runs"),
    ("95 % interval", "of the mean, by Student's t"),
    ("median", "requests per second, median of the runs"),
    ("min", "requests per second, slowest run"),
    ("max", "requests per second, fastest run"),
    ("p50", "median latency, median of the runs"),
    ("p99", "99th percentile of the latency, median of the runs"),
    ("errors", "share of failures among what was sent"),
    ("server CPU", "CPU time of the server per request"),
    ("memory", "most memory of the server at a time"),
    ("backend CPU", "CPU time of the backends per request"),
    ("client CPU", "CPU time of the client per request"),
    ("fairness", "answers of the worst-served tenth of the connections by those of the median one"),
    ("2013", "requests per second in the earlier study"),
    ("ratio", "today by 2013"),
    ("limit", "which side was the limit"),
];

/// One page of HTML, complete in itself: tables, statements, charts and their library.
///
/// # Errors
/// If the data cannot be written as JSON or the template not rendered.
pub fn page(result: &SuiteResult) -> Result<String, askama::Error> {
    let charts = Charts::new(result);
    let data = serde_json::to_string(&charts).map_err(|error| askama::Error::Custom(error.into()))?;
    let of = |kind: Kind| result.statements.iter().filter(move |one| one.kind == kind).collect();
    let (over_rates, over_connections) = series(result).into_iter().partition::<Vec<_>, _>(|one| one.over_rates);
    let page = Page {
        result,
        then: THEN,
        facts: facts(result),
        studied: of(Kind::Study),
        read: of(Kind::Reading),
        heads: HEADS,
        rows: result.rows.iter().map(line).collect(),
        connection_tables: over_connections.iter().map(sweep).collect(),
        rate_tables: over_rates.iter().map(sweep).collect(),
        notes: markdown::method(result),
        reproduce: markdown::command(result),
        data: for_script(&data),
        css: include_str!("page.css"),
        script: include_str!("page.js"),
        library: [
            without_map(include_str!("vendor/chart.umd.min.js")),
            without_map(include_str!("vendor/chartjs-chart-error-bars.umd.min.js")),
        ],
        licences: [
            include_str!("vendor/LICENSE-chart.js").trim(),
            include_str!("vendor/LICENSE-chartjs-chart-error-bars").trim(),
        ],
        charts,
    };
    page.render()
}

/// JSON that may stand in a script element, whatever its strings hold.
fn for_script(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// Without the name of a source map, which is not there.
fn without_map(script: &str) -> &str {
    script.split("//# sourceMappingURL=").next().unwrap_or(script).trim_end()
}

fn facts(result: &SuiteResult) -> Vec<(&'static str, String)> {
    let host = &result.host;
    let rounds = if result.repeat == 1 { "1 round".into() } else { format!("{} rounds", result.repeat) };
    let count = |holds| result.statements.iter().filter(|one| one.holds == holds).count();
    let mut facts = vec![
        ("Began", figures::date(result.started_unix_s)),
        ("Took", figures::duration(result.elapsed_s)),
        ("Host", format!("{}, {} × {}, Linux {}", host.hostname, host.cpus_online, host.cpu, host.kernel)),
        ("Figures", format!("{} rows, {rounds}, saturing {}", result.rows.len(), result.version)),
    ];
    if !result.statements.is_empty() {
        let (held, failed, open) = (count(Some(true)), count(Some(false)), count(None));
        facts.push(("Statements", format!("{held} true today, {failed} false, {open} not settled")));
    }
    facts
}

fn line(row: &Row) -> Line<'_> {
    let word = |text: &str| Cell { text: text.to_owned(), sort: text.to_owned(), number: false };
    let plain = |value: f64, text: String| Cell { text, sort: value.to_string(), number: true };
    let figure = |value: Option<f64>, spell: fn(f64) -> String| match value {
        Some(value) => plain(value, spell(value)),
        None => Cell { text: NONE.into(), sort: String::new(), number: true },
    };
    let mean = |several: Option<Several>| several.map(|one| one.mean);
    let median = |several: Option<Several>| several.map(|one| one.median);
    let width = row.rate.and_then(|rate| Some(rate.high? - rate.low?));
    let then = row.then.as_ref().map(|then| then.mean);
    Line {
        row,
        cells: vec![
            word(&row.group),
            word(&row.client),
            plain(row.connections as f64, row.connections.to_string()),
            figure(row.rate_per_s, number),
            plain(f64::from(row.runs), row.runs.to_string()),
            figure(mean(row.rate), number),
            Cell {
                text: figures::interval(row.rate.as_ref()),
                sort: width.map_or(String::new(), |width| width.to_string()),
                number: true,
            },
            figure(median(row.rate), number),
            figure(row.rate.map(|rate| rate.min), number),
            figure(row.rate.map(|rate| rate.max), number),
            figure(median(row.p50_ns), time),
            figure(median(row.p99_ns), time),
            figure(mean(row.errors), share),
            figure(mean(row.server_cpu_ns), time),
            figure(mean(row.server_rss_bytes), size),
            figure(mean(row.backend_cpu_ns), time),
            figure(mean(row.client_cpu_ns), time),
            figure(median(row.fairness), share),
            figure(then, number),
            figure(figures::ratio(row), |ratio| figures::times(Some(ratio))),
            word(&figures::limit(row)),
        ],
        remarks: figures::remarks(row),
    }
}

fn sweep<'a>(one: &super::series::Series<'a>) -> Sweep<'a> {
    Sweep {
        name: one.name,
        points: one.points.iter().map(|row| number(place(row))).collect(),
        lines: markdown::sweep_lines(&one.points, true),
    }
}

impl Page<'_> {
    /// The figures behind the latency curves: a row's id, and its percentiles.
    fn percentiles(&self) -> Vec<(&str, Vec<String>)> {
        let known = self.result.rows.iter().filter_map(|row| {
            let told = row.percentiles_ns.or(row.latency_ns.as_ref().map(|latency| latency.percentiles))?;
            let spell = |ns: Option<u64>| ns.map_or(NONE.into(), |ns| time(ns as f64));
            let mut cells: Vec<String> = told.rows()[..6].iter().map(|(.., ns)| spell(*ns)).collect();
            cells.push(row.latency_ns.as_ref().map_or(NONE.into(), |latency| time(latency.max as f64)));
            Some((row.id.as_str(), cells))
        });
        known.collect()
    }

    /// A statement's sign, words, and the name of its colour.
    fn mark(&self, one: &Outcome) -> (&'static str, &'static str, &'static str) {
        let (sign, words) = figures::mark(one.holds);
        let colour = match one.holds {
            Some(true) => "true",
            Some(false) => "false",
            None => "open",
        };
        (sign, words, colour)
    }
}
