//! Benchmarks.md: the tables of the study, and what to know before believing them.

use std::fmt::Write as _;

use crate::result::suite::{Kind, Outcome, Row, SuiteResult, Then, shell_word};

use super::figures::{self, NONE, interval, mean, median, number, share, size, time};
use super::series::{Series, place, series};
use super::{THEN, groups};

mod escape;

use escape::{code, text};

/// All tables, statements, and how to get the same again, in GitHub's Markdown.
#[must_use]
pub fn markdown(result: &SuiteResult) -> String {
    let mut out = format!("# {}\n\n{}\n\n", text(&result.title), text(&result.about));
    if result.quick {
        out.push_str(
            "> **Quick run: small loads, for a look. These figures are not for comparing**, neither with each other nor with others.\n\n",
        );
    }
    if result.interrupted {
        out.push_str(
            "> **Interrupted**: a signal ended the suite before its end; these are the rows that it got to.\n\n",
        );
    }
    statements(&mut out, result);
    let alone = || result.rows.iter().filter(|row| row.series.is_none());
    for group in groups(alone()) {
        let _ = write!(out, "## {}\n\n", text(group));
        let rows: Vec<&Row> = alone().filter(|row| row.group == group).collect();
        rates(&mut out, &rows);
        costs(&mut out, &rows);
        remarks(&mut out, &rows);
    }
    let (over_rates, over_connections) = series(result).into_iter().partition::<Vec<_>, _>(|one| one.over_rates);
    sweeps(&mut out, "Load rising by connections", "Connections", &over_connections);
    sweeps(&mut out, "Load rising by rate", "Requests per second asked for", &over_rates);
    not_run(&mut out, result);
    warnings(&mut out, result);
    host(&mut out, result);
    let _ = write!(out, "## How to get the same again\n\n```sh\nbench/setup.sh\n{}\n```\n\n", command(result));
    out.push_str("## How the figures were taken\n\n");
    method(result).iter().for_each(|sentence| out.push_str(&format!("- {}\n", text(sentence))));
    out
}

fn statements(out: &mut String, result: &SuiteResult) {
    for (kind, head, intro) in [
        (Kind::Study, "What was concluded then, today", "Conclusions of the earlier study, held against this run."),
        (
            Kind::Reading,
            "What changes how the study must be read",
            "Pairs of cases, with the figures that tell them apart.",
        ),
    ] {
        let all: Vec<&Outcome> = result.statements.iter().filter(|one| one.kind == kind).collect();
        if all.is_empty() {
            continue;
        }
        let _ = write!(out, "## {head}\n\n{intro}\n\n");
        all.iter().for_each(|one| statement(out, one));
        out.push('\n');
    }
}

fn statement(out: &mut String, one: &Outcome) {
    let (sign, words) = figures::mark(one.holds);
    let rows: Vec<String> = one.rows.iter().map(|row| code(row)).collect();
    let _ = write!(out, "- {sign} **{words}**: {}", text(&one.says));
    if !one.because.is_empty() {
        let _ = write!(out, " Figures: {}.", text(one.because.trim_end_matches('.')));
    }
    if let Some(why) = &one.why {
        let _ = write!(out, " {}", text(why));
    }
    let _ = writeln!(out, " ({})", rows.join(", "));
}

/// A table: its heads, how many of its columns are words (they stand to the left), its rows.
fn table(out: &mut String, heads: &[&str], words: usize, rows: &[Vec<String>]) {
    let rule: Vec<&str> = (0..heads.len()).map(|at| if at < words { "---" } else { "--:" }).collect();
    let _ = writeln!(out, "| {} |\n|{}|", heads.join(" | "), rule.join("|"));
    rows.iter().for_each(|cells| out.push_str(&format!("| {} |\n", cells.join(" | "))));
    out.push('\n');
}

/// The study's table, with its figures beside today's.
fn rates(out: &mut String, rows: &[&Row]) {
    let heads = [
        "case",
        "what answers",
        "client",
        "runs",
        "mean req/s",
        "95 % interval",
        "median",
        "min",
        "max",
        THEN,
        "today by then",
        "limit",
    ];
    let cells = |row: &&Row| {
        let rate = row.rate.as_ref();
        let limit = if row.client_bound() { format!("**{}** ⚠", figures::limit(row)) } else { figures::limit(row) };
        vec![
            code(&row.id),
            text(&row.about),
            text(&row.client),
            row.runs.to_string(),
            mean(rate, number),
            interval(rate),
            median(rate, number),
            rate.map_or(NONE.into(), |rate| number(rate.min)),
            rate.map_or(NONE.into(), |rate| number(rate.max)),
            row.then.as_ref().map_or(NONE.into(), earlier),
            figures::times(figures::ratio(row)),
            limit,
        ]
    };
    table(out, &heads, 3, &rows.iter().map(cells).collect::<Vec<_>>());
}

/// The earlier figure, with its extremes where they are told.
fn earlier(then: &Then) -> String {
    match (then.min, then.max) {
        (Some(min), Some(max)) => format!("{} ({} to {})", number(then.mean), number(min), number(max)),
        _ => number(then.mean),
    }
}

/// How long answers took, and what they cost.
fn costs(out: &mut String, rows: &[&Row]) {
    let heads =
        ["case", "p50", "p99", "errors", "server CPU per request", "memory", "backend CPU", "client CPU", "fairness"];
    let cells = |row: &&Row| {
        vec![
            code(&row.id),
            median(row.p50_ns.as_ref(), time),
            median(row.p99_ns.as_ref(), time),
            mean(row.errors.as_ref(), share),
            mean(row.server_cpu_ns.as_ref(), time),
            mean(row.server_rss_bytes.as_ref(), size),
            mean(row.backend_cpu_ns.as_ref(), time),
            mean(row.client_cpu_ns.as_ref(), time),
            median(row.fairness.as_ref(), share),
        ]
    };
    table(out, &heads, 1, &rows.iter().map(cells).collect::<Vec<_>>());
}

fn remarks(out: &mut String, rows: &[&Row]) {
    let before = out.len();
    for row in rows {
        figures::remarks(row).iter().for_each(|one| out.push_str(&format!("- {}: {}.\n", code(&row.id), text(one))));
    }
    if out.len() > before {
        out.push('\n');
    }
}

fn sweeps(out: &mut String, head: &str, over: &str, all: &[Series]) {
    if all.is_empty() {
        return;
    }
    let _ = write!(out, "## {head}\n\n");
    for one in all {
        let _ = write!(out, "{}\n\n", code(one.name));
        let points: Vec<String> = one.points.iter().map(|row| number(place(row))).collect();
        let heads: Vec<&str> = std::iter::once(over).chain(points.iter().map(String::as_str)).collect();
        let lines = sweep_lines(&one.points, one.points.iter().any(|row| row.then.is_some()));
        let rows = lines.into_iter().map(|(name, cells)| std::iter::once(name.to_owned()).chain(cells).collect());
        table(out, &heads, 1, &rows.collect::<Vec<_>>());
        remarks(out, &one.points);
    }
}

/// The lines of a sweep's table, points as columns; earlier figures only if there are any.
pub(super) fn sweep_lines(points: &[&Row], then: bool) -> Vec<(&'static str, Vec<String>)> {
    let each = |cell: &dyn Fn(&Row) -> String| points.iter().map(|row| cell(row)).collect::<Vec<_>>();
    let mut lines = vec![
        ("req/s", each(&|row| mean(row.rate.as_ref(), number))),
        ("95 % interval", each(&|row| interval(row.rate.as_ref()))),
        ("p50", each(&|row| median(row.p50_ns.as_ref(), time))),
        ("p99", each(&|row| median(row.p99_ns.as_ref(), time))),
        ("errors", each(&|row| mean(row.errors.as_ref(), share))),
        ("server CPU per request", each(&|row| mean(row.server_cpu_ns.as_ref(), time))),
        ("limit", each(&figures::limit)),
    ];
    if then && points.iter().any(|row| row.then.is_some()) {
        let errors = |row: &Row| row.then.as_ref()?.errors.map(share);
        lines.extend([
            ("2013 req/s", each(&|row| row.then.as_ref().map_or(NONE.into(), |then| number(then.mean)))),
            ("2013 errors", each(&|row| errors(row).unwrap_or(NONE.into()))),
            ("today by then", each(&|row| figures::times(figures::ratio(row)))),
        ]);
    }
    lines
}

fn not_run(out: &mut String, result: &SuiteResult) {
    if result.not_run.is_empty() {
        return;
    }
    out.push_str("## Not run\n\n");
    for one in &result.not_run {
        let round = one.round.map_or(String::new(), |round| format!(", round {round}"));
        let how = if one.impossible { " (impossible on this machine)" } else { "" };
        let _ = writeln!(out, "- {}{round}{how}: {}", code(&one.case), text(&one.why));
    }
    out.push('\n');
}

fn warnings(out: &mut String, result: &SuiteResult) {
    let warned: Vec<&Row> = result.rows.iter().filter(|row| !row.warnings.is_empty()).collect();
    if warned.is_empty() {
        return;
    }
    out.push_str("## Warnings\n\n");
    for row in warned {
        row.warnings.iter().for_each(|warning| out.push_str(&format!("- {}: {}\n", code(&row.id), text(warning))));
    }
    out.push('\n');
}

fn host(out: &mut String, result: &SuiteResult) {
    let host = &result.host;
    let _ = write!(
        out,
        "## Host and versions\n\n{}: {} CPUs, {}, Linux {}. Began {}, took {}.\n\n",
        text(&host.hostname),
        host.cpus_online,
        text(&host.cpu),
        text(&host.kernel),
        figures::date(result.started_unix_s),
        figures::duration(result.elapsed_s)
    );
    let rows: Vec<Vec<String>> = result.versions.iter().map(|(name, is)| vec![text(name), text(is)]).collect();
    if !rows.is_empty() {
        table(out, &["what", "version"], 2, &rows);
    }
}

/// The command line, as a shell takes it.
pub(super) fn command(result: &SuiteResult) -> String {
    // Where the program lies differs from host to host; what it is called does not.
    let words = result.command.iter().enumerate();
    let spelt =
        words.map(|(at, word)| shell_word(if at == 0 { word.rsplit('/').next().unwrap_or(word) } else { word }));
    spelt.collect::<Vec<_>>().join(" ")
}

/// How figures came about, a sentence each.
pub(super) fn method(result: &SuiteResult) -> Vec<String> {
    let mut all = vec![
        format!(
            "Each load ran {}; rounds go through all cases in turn, so that drift of the machine hits all alike.",
            if result.repeat == 1 { "once".into() } else { format!("{} times", result.repeat) }
        ),
        "Rates, errors, CPU time and memory are means of the runs; p50, p99 and fairness are medians of the runs.".into(),
        "The interval of 95 % is Student's t on the mean of the runs; a single run has none, and says so.".into(),
        "Errors are failures and answers other than the status expected, as a share of what was sent; a reset after a whole \
         answer is none."
            .into(),
        "Memory is the most that the server's processes had at a time, pages they share counted in each.".into(),
        "Before load, each answer was compared byte for byte with what it had to be.".into(),
        "Limit says which side was: where it was the client in half of the runs or more, the row is marked, and its rate says \
         little about the server."
            .into(),
        "A dash stands where a figure was not taken.".into(),
    ];
    if result.rows.iter().any(|row| row.then.is_some()) {
        all.push(format!(
            "Figures of {THEN} come from other machines and other software: the ratio shows what a user gets, not what one change brought."
        ));
    }
    all
}
