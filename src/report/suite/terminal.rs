//! What a run of a suite leaves on the terminal.

use crate::result::suite::{Row, SuiteResult};

use super::figures::{self, mean, median, number, share, size, time};

/// A line per row, what did not run and why, and what became of the statements. Times are medians of the runs, the rest means.
#[must_use]
pub fn terminal(result: &SuiteResult) -> String {
    let mut out = String::new();
    if result.quick {
        out.push_str("Quick: small loads, for a look. These figures are not for comparing.\n\n");
    }
    if result.interrupted {
        out.push_str("Interrupted: what ran until then.\n\n");
    }
    out.push_str(&table(&result.rows));
    if result.rows.iter().any(Row::client_bound) {
        out.push_str("  * the client was the limit: the rate says little about the server\n");
    }
    if result.rows.iter().any(|row| row.plateau.is_some()) {
        out.push_str("  ~ plateau near 40 ms: a delayed acknowledgement against Nagle's algorithm\n");
    }
    if !result.not_run.is_empty() {
        out.push_str("\nNot run\n");
    }
    for one in &result.not_run {
        let round = one.round.map_or(String::new(), |round| format!(", round {round}"));
        let how = if one.impossible { " (impossible here)" } else { "" };
        out.push_str(&format!("  {}{round}{how}: {}\n", one.case, one.why));
    }
    if !result.statements.is_empty() {
        out.push_str("\nStatements\n");
    }
    for one in &result.statements {
        let (sign, words) = figures::mark(one.holds);
        out.push_str(&format!("  {sign} {words:<11}  {}\n", one.says));
        if !one.because.is_empty() {
            out.push_str(&format!("    {:<11}  {}\n", "", one.because));
        }
    }
    out
}

const HEADS: [&str; 8] = ["case", "req/s", "95 % interval", "p50", "p99", "errors", "CPU/req", "memory"];

fn table(rows: &[Row]) -> String {
    let mut lines = vec![HEADS.map(str::to_owned)];
    lines.extend(rows.iter().map(cells));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; HEADS.len()] = std::array::from_fn(width);
    let mut out = String::new();
    for (at, cells) in lines.iter().enumerate() {
        out.push_str(&format!("  {:<1$}", cells[0], widths[0]));
        (1..HEADS.len()).for_each(|column| out.push_str(&format!("  {:>1$}", cells[column], widths[column])));
        let limit = if at == 0 { "limit".into() } else { figures::limit(&rows[at - 1]) };
        out.push_str(&format!("  {limit}\n"));
    }
    out
}

fn cells(row: &Row) -> [String; HEADS.len()] {
    let marks = match (row.client_bound(), row.plateau.is_some()) {
        (false, false) => "",
        (true, false) => " *",
        (false, true) => " ~",
        (true, true) => " *~",
    };
    [
        format!("{}{marks}", row.id),
        mean(row.rate.as_ref(), number),
        figures::interval(row.rate.as_ref()),
        median(row.p50_ns.as_ref(), time),
        median(row.p99_ns.as_ref(), time),
        mean(row.errors.as_ref(), share),
        mean(row.server_cpu_ns.as_ref(), time),
        mean(row.server_rss_bytes.as_ref(), size),
    ]
}
