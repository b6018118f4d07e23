//! Service-level objectives as they are typed: `p99<5ms,errors<0.1%,rate>9k`.

use crate::judge::slo::{Limit, Measure, Order, Slo, Statistic, Times};
use crate::plan::Error;
use crate::plan::{nearest, units};
use crate::workload::RequestSet;

const FORM: &str = "must be limits as in p99<5ms,errors<0.1%,rate>9k; any of pN, mean, max, service.pN, lag, lag.max, errors, rate, and p99[NAME] of a kind of request";

/// A list of limits, all of which have to hold.
///
/// # Errors
/// A part is no limit.
pub fn slo(text: &str) -> Result<Slo, Error> {
    let limits = parts(text).into_iter().map(|part| limit(part.trim())).collect::<Result<_, _>>()?;
    Ok(Slo { limits })
}

/// Limits of a kind of request are of one that there is.
///
/// # Errors
/// The first that is of none.
pub fn of_kinds(slo: &Slo, set: &RequestSet) -> Result<(), Error> {
    let names = set.kinds.iter().map(|kind| kind.name.as_str());
    let Some((limit, kind)) = slo.unknown_kind(names.clone()) else {
        return Ok(());
    };
    let near = nearest(kind, names.clone()).or(names.clone().next()).unwrap_or_default();
    let rule = match set.kinds.as_slice() {
        [only] => format!("all requests are one kind, [{}]: leave the brackets out", only.name),
        all => format!("must name one of the {} kinds of request, as in [{near}]", all.len()),
    };
    Err(Error::argument("--slo", rule, &limit.text))
}

/// What stands between commas; those in the brackets of a name are its own.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0usize);
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The name in brackets behind a figure's, taken out of a limit: `p99[buy]<5ms` is `p99<5ms` of `buy`.
fn kind(text: &str) -> Option<(String, &str)> {
    let (figure, rest) = text.split_once('[')?;
    let end = rest.rfind(']')?;
    let name = rest[..end].trim();
    (!name.is_empty()).then(|| (format!("{figure}{}", &rest[end + 1..]), name))
}

fn limit(text: &str) -> Result<Limit, Error> {
    let form = || Error::argument("--slo", FORM, text);
    let whole = text;
    let (without, kind) = match kind(text) {
        Some((without, name)) => (without, Some(name.to_owned())),
        None => (text.to_owned(), None),
    };
    let text = without.as_str();
    let cut = |(spelling, order): (&str, Order)| text.split_once(spelling).map(|(name, bound)| (name, order, bound));
    let (name, order, bound) = Order::ALL.into_iter().find_map(cut).ok_or_else(form)?;
    let measure = measure(name.trim()).ok_or_else(form)?;
    if kind.is_some() && matches!(measure, Measure::Time(Times::Lag, _)) {
        return Err(Error::argument("--slo", "lag is of all requests together, and of no kind of them", whole));
    }
    let bound = bound.trim();
    let bound = match measure {
        Measure::Time(..) if units::decimal(bound).is_some() => {
            let rule = format!("a time needs a unit (us, ms, s, m or h), as in {text}ms");
            return Err(Error::argument("--slo", rule, text));
        }
        Measure::Time(..) => units::duration("--slo", bound)?.as_nanos() as f64,
        Measure::Rate => units::rate("--slo", bound.strip_suffix("/s").unwrap_or(bound))?,
        Measure::Errors => {
            let percent = bound.strip_suffix('%').and_then(units::decimal).filter(|percent| *percent <= 100.0);
            let rule = "errors are limited by a share with a % sign, 0% to 100%, as in errors<0.1%";
            percent.ok_or_else(|| Error::argument("--slo", rule, text))? / 100.0
        }
    };
    Ok(Limit { text: whole.to_owned(), measure, kind, order, bound })
}

fn measure(name: &str) -> Option<Measure> {
    Some(match name {
        "errors" => Measure::Errors,
        "rate" => Measure::Rate,
        "lag" => Measure::Time(Times::Lag, Statistic::Percentile(99.0)),
        _ => match name.split_once('.') {
            Some(("service", rest)) => Measure::Time(Times::Service, statistic(rest)?),
            Some(("lag", rest)) => Measure::Time(Times::Lag, statistic(rest)?),
            _ => Measure::Time(Times::Latency, statistic(name)?),
        },
    })
}

fn statistic(name: &str) -> Option<Statistic> {
    match name {
        "mean" => Some(Statistic::Mean),
        "max" => Some(Statistic::Max),
        _ => {
            let percentile = units::decimal(name.strip_prefix('p')?)?;
            (percentile > 0.0 && percentile <= 100.0).then_some(Statistic::Percentile(percentile))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_every_kind() {
        let time = |times, statistic| Measure::Time(times, statistic);
        let p = Statistic::Percentile;
        for (text, measure, order, bound) in [
            ("p99<5ms", time(Times::Latency, p(99.0)), Order::Below, 5e6),
            ("p99.9<=0.5s", time(Times::Latency, p(99.9)), Order::AtMost, 5e8),
            ("p100 < 2s", time(Times::Latency, p(100.0)), Order::Below, 2e9),
            ("max<1m30s", time(Times::Latency, Statistic::Max), Order::Below, 9e10),
            ("mean<250us", time(Times::Latency, Statistic::Mean), Order::Below, 2.5e5),
            ("max>=1us", time(Times::Latency, Statistic::Max), Order::AtLeast, 1e3),
            ("service.p50<1ms", time(Times::Service, p(50.0)), Order::Below, 1e6),
            ("lag<100us", time(Times::Lag, p(99.0)), Order::Below, 1e5),
            ("lag.p99.9<100us", time(Times::Lag, p(99.9)), Order::Below, 1e5),
            ("lag.max<1ms", time(Times::Lag, Statistic::Max), Order::Below, 1e6),
            ("errors<0.1%", Measure::Errors, Order::Below, 0.001),
            ("errors<=0%", Measure::Errors, Order::AtMost, 0.0),
            ("rate>9k", Measure::Rate, Order::Above, 9_000.0),
            ("rate>=0.5/s", Measure::Rate, Order::AtLeast, 0.5),
        ] {
            let read = slo(text).expect(text);
            let [limit] = read.limits.as_slice() else { panic!("{text}") };
            assert_eq!((limit.measure, limit.order, &limit.kind), (measure, order, &None), "{text}");
            assert!((limit.bound - bound).abs() <= bound * 1e-12, "{text}: {}", limit.bound);
        }
        let all = slo("p99<5ms, errors<0.1%,rate>9k").expect("three");
        assert_eq!((all.limits.len(), all.to_string().as_str()), (3, "p99<5ms,errors<0.1%,rate>9k"));
        assert!((all.percentile() - 99.0).abs() < f64::EPSILON);
    }

    #[test]
    fn limits_of_a_kind_have_its_name_in_brackets() {
        let read = slo("p99[GET /a?x=[1],2]<5ms, errors[buy]<=1%,rate[ b c ]>2,p50<1s").expect("four");
        let of: Vec<_> = read.limits.iter().map(|limit| (limit.text.as_str(), limit.kind.as_deref())).collect();
        assert_eq!(
            of,
            [
                ("p99[GET /a?x=[1],2]<5ms", Some("GET /a?x=[1],2")),
                ("errors[buy]<=1%", Some("buy")),
                ("rate[ b c ]>2", Some("b c")),
                ("p50<1s", None)
            ]
        );
        for text in ["p99[]<5ms", "p99[a<5ms", "lag[a]<1ms", "[a]<5ms"] {
            slo(text).expect_err(text);
        }
    }

    #[test]
    fn what_is_refused() {
        for text in
            ["", "p99", "p99=5ms", "p99<", "<5ms", "p0<5ms", "p101<5ms", "p<5ms", "px<5ms", "p99<5ms,", "foo<5ms"]
        {
            let error = slo(text).expect_err(text).to_string();
            assert!(error.starts_with("--slo: must be "), "{text}: {error}");
        }
        for (text, rule) in [
            (
                "errors<0.1",
                "--slo: errors are limited by a share with a % sign, 0% to 100%, as in errors<0.1%, got errors<0.1",
            ),
            (
                "errors<1",
                "--slo: errors are limited by a share with a % sign, 0% to 100%, as in errors<0.1%, got errors<1",
            ),
            (
                "errors<101%",
                "--slo: errors are limited by a share with a % sign, 0% to 100%, as in errors<0.1%, got errors<101%",
            ),
            ("p99<5", "--slo: a time needs a unit (us, ms, s, m or h), as in p99<5ms, got p99<5"),
            ("max <= 0.5", "--slo: a time needs a unit (us, ms, s, m or h), as in max <= 0.5ms, got \"max <= 0.5\""),
            (
                "service.p50<0",
                "--slo: a time needs a unit (us, ms, s, m or h), as in service.p50<0ms, got service.p50<0",
            ),
            ("p99<5x", "--slo: must be a duration in us, ms, s, m or h, as in 10s, 500ms or 1m30s, got 5x"),
            ("rate>x", "--slo: must be a rate of 0.1 to 1G requests per second, as in 2000, 0.5 or 10k, got x"),
        ] {
            assert_eq!(slo(text).expect_err(text).to_string(), rule);
        }
    }
}
