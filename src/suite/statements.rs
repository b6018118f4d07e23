//! Statements held against rows.

use crate::result::suite::{Figure, Order, Outcome, Row, Several};
use crate::result::units;

/// A figure of a row, with its interval.
#[derive(Clone, Copy)]
struct Value {
    mean: f64,
    low: Option<f64>,
    high: Option<f64>,
}

impl Value {
    fn alone(mean: f64) -> Value {
        Value { mean, low: None, high: None }
    }

    /// Whether both have intervals that have something in common.
    fn overlaps(self, other: Value) -> bool {
        let bounds = (self.low, self.high, other.low, other.high);
        matches!(bounds, (Some(low), Some(high), Some(from), Some(to)) if low <= to && from <= high)
    }

    fn of(several: Option<Several>, unit: f64) -> Option<Value> {
        let several = several?;
        let scaled = |bound: Option<f64>| bound.map(|bound| bound / unit);
        Some(Value { mean: several.mean / unit, low: scaled(several.low), high: scaled(several.high) })
    }
}

/// Decides whether a statement holds today, and says by which figures. Two rows whose intervals overlap leave open which is more.
pub(super) fn decide(statement: &mut Outcome, rows: &[Row]) {
    let figure = statement.test.figure;
    let found: Vec<Option<Value>> =
        statement.rows.iter().map(|id| value(figure, rows.iter().find(|row| row.id == *id)?)).collect();
    let a = found.first().copied().flatten();
    let b = match statement.test.than {
        Some(than) => Some(Value::alone(than)),
        None => found.get(1).copied().flatten(),
    };
    let (Some(a), Some(b)) = (a, b) else {
        let missing: Vec<&str> =
            statement.rows.iter().zip(&found).filter(|(_, value)| value.is_none()).map(|(id, _)| id.as_str()).collect();
        statement.holds = None;
        statement.because = format!("no figure of {}", missing.join(" and "));
        return;
    };
    let by = statement.test.by;
    let holds = match statement.test.is {
        Order::More => a.mean > b.mean * by,
        Order::Less => a.mean < b.mean / by,
        Order::Alike => a.mean <= b.mean * by && b.mean <= a.mean * by,
    };
    // With a factor the means must be that far apart; whether they are apart at all is for the intervals to say.
    let open = statement.test.is != Order::Alike && a.overlaps(b) && !excluded(statement.test.is, by, a, b);
    statement.holds = (!open).then_some(holds);
    let ratio = if a.mean > 0.0 && b.mean > 0.0 {
        format!(", {} times as much", two_digits(a.mean / b.mean))
    } else {
        String::new()
    };
    let open = if open { "; their intervals overlap" } else { "" };
    statement.because = format!("{} against {}{ratio}{open}", shown(figure, a), shown(figure, b));
}

/// Wherever in their intervals the figures are, they do not stand so.
fn excluded(is: Order, by: f64, a: Value, b: Value) -> bool {
    let (a, b) = if is == Order::More { (a, b) } else { (b, a) };
    matches!((a.high, b.low), (Some(most), Some(least)) if most < least * by)
}

fn value(figure: Figure, row: &Row) -> Option<Value> {
    let whole = row.completed as f64;
    let share = |count: u64| (whole > 0.0).then(|| Value::alone(count as f64 / whole));
    match figure {
        Figure::Rate => Value::of(row.rate, 1.0),
        Figure::P50Ms => Value::of(row.p50_ns, 1e6),
        Figure::P99Ms => Value::of(row.p99_ns, 1e6),
        Figure::Errors => Value::of(row.errors, 1.0),
        Figure::ServerCpuUs => Value::of(row.server_cpu_ns, 1e3),
        Figure::ClientCpuUs => Value::of(row.client_cpu_ns, 1e3),
        Figure::ServerMib => Value::of(row.server_rss_bytes, 1_048_576.0),
        Figure::Fairness => Value::of(row.fairness, 1.0),
        Figure::ResetShare => share(row.anomalies.reset_after_response),
        Figure::CloseShare => share(row.anomalies.close_unannounced),
        Figure::PlateauShare => (row.runs > 0).then(|| Value::alone(row.plateau.map_or(0.0, |plateau| plateau.share))),
        Figure::InFlight => {
            let in_flight = row.rate?.mean * row.mean_ns?.mean / 1e9;
            Some(Value::alone(in_flight / row.connections as f64))
        }
        Figure::Scatter => row
            .rate
            .filter(|rate| rate.mean > 0.0)
            .and_then(|rate| Some(Value::alone((rate.high? - rate.low?) / rate.mean))),
    }
}

fn shown(figure: Figure, value: Value) -> String {
    let number = value.mean;
    match figure {
        Figure::Rate if number < 100.0 => format!("{number:.1}/s"),
        Figure::Rate => format!("{}/s", units::grouped(number)),
        Figure::P50Ms | Figure::P99Ms => units::time_ns(number * 1e6),
        Figure::ServerCpuUs | Figure::ClientCpuUs => units::time_ns(number * 1e3),
        Figure::ServerMib => format!("{number:.0} MiB"),
        Figure::Fairness => two_digits(number),
        Figure::InFlight => format!("{number:.2}"),
        Figure::Errors | Figure::ResetShare | Figure::CloseShare | Figure::PlateauShare | Figure::Scatter => {
            format!("{}%", two_digits(number * 100.0))
        }
    }
}

fn two_digits(number: f64) -> String {
    if number >= 10.0 || number == 0.0 {
        format!("{number:.0}")
    } else if number >= 1.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::suite::Test;

    fn row(id: &str, mean: f64, half: Option<f64>) -> Row {
        let rate = Several {
            runs: 5,
            mean,
            low: half.map(|half| mean - half),
            high: half.map(|half| mean + half),
            ..Several::default()
        };
        Row { id: id.into(), runs: 5, rate: Some(rate), ..Row::default() }
    }

    fn decided(is: Order, by: f64, rows: &[Row]) -> (Option<bool>, String) {
        let test = Test { is, by, ..Test::default() };
        let mut statement = Outcome { rows: vec!["a".into(), "b".into()], test, ..Outcome::default() };
        decide(&mut statement, rows);
        (statement.holds, statement.because)
    }

    #[test]
    fn statements_hold_or_do_not_or_stay_open() {
        let apart = [row("a", 2000.0, Some(10.0)), row("b", 1000.0, Some(10.0))];
        let close = [row("a", 1010.0, Some(10.0)), row("b", 1000.0, Some(10.0))];
        let once = [row("a", 90.0, None), row("b", 1000.0, None)];
        let told = |text: &str| text.to_owned();
        for (is, by, rows, holds, because) in [
            (Order::More, 1.05, &apart, Some(true), "2,000/s against 1,000/s, 2.0 times as much"),
            (Order::More, 2.5, &apart, Some(false), "2,000/s against 1,000/s, 2.0 times as much"),
            (Order::Less, 1.05, &apart, Some(false), "2,000/s against 1,000/s, 2.0 times as much"),
            (Order::More, 1.0, &close, None, "1,010/s against 1,000/s, 1.0 times as much; their intervals overlap"),
            (Order::More, 1.5, &close, Some(false), "1,010/s against 1,000/s, 1.0 times as much"),
            (Order::Less, 1.5, &close, Some(false), "1,010/s against 1,000/s, 1.0 times as much"),
            (Order::Alike, 1.05, &close, Some(true), "1,010/s against 1,000/s, 1.0 times as much"),
            (Order::Less, 1.05, &once, Some(true), "90.0/s against 1,000/s, 0.09 times as much"),
        ] {
            assert_eq!(decided(is, by, rows), (holds, told(because)), "{is:?} {by}");
        }
        assert_eq!(decided(Order::More, 1.0, &apart[..1]), (None, told("no figure of b")));
    }

    #[test]
    fn what_is_in_flight_follows_from_rate_and_time() {
        let time = Several { runs: 5, mean: 5e6, ..Several::default() };
        let busy = Row { connections: 10, mean_ns: Some(time), ..row("a", 2000.0, None) };
        let test = Test { figure: Figure::InFlight, is: Order::Alike, by: 1.03, than: Some(1.0) };
        let mut statement = Outcome { rows: vec!["a".into()], test, ..Outcome::default() };
        decide(&mut statement, std::slice::from_ref(&busy));
        assert_eq!((statement.holds, statement.because.as_str()), (Some(true), "1.00 against 1.00, 1.0 times as much"));
        decide(&mut statement, &[Row { connections: 20, ..busy }]);
        assert_eq!(
            (statement.holds, statement.because.as_str()),
            (Some(false), "0.50 against 1.00, 0.50 times as much")
        );
    }

    #[test]
    fn a_row_against_a_number() {
        let errors = |mean| Row {
            id: "a".into(),
            errors: Some(Several { runs: 1, mean, ..Several::default() }),
            ..Row::default()
        };
        let test = Test { figure: Figure::Errors, is: Order::More, by: 1.0, than: Some(0.0) };
        for (mean, holds, because) in [(0.13, true, "13% against 0%"), (0.0, false, "0% against 0%")] {
            let mut statement = Outcome { rows: vec!["a".into()], test, ..Outcome::default() };
            decide(&mut statement, &[errors(mean)]);
            assert_eq!((statement.holds, statement.because.as_str()), (Some(holds), because));
        }
    }
}
