//! Numbers as they are typed: counts with k, M and G, durations with us, ms, s, m and h.
//!
//! Parsed without floating point, so that what is typed is what is meant.

use super::Error;
use std::time::Duration;

/// What a count's suffix multiplies by; case does not matter, as in wrk.
const COUNTS: &[(&str, u64)] = &[("", 1), ("k", 1_000), ("m", 1_000_000), ("g", 1_000_000_000)];

const SECOND_NS: u64 = 1_000_000_000;
/// A duration's units in nanoseconds; case does not matter, as in wrk.
const DURATIONS: &[(&str, u64)] = &[
    ("", SECOND_NS),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND_NS),
    ("m", 60 * SECOND_NS),
    ("h", 3_600 * SECOND_NS),
];
/// Nanoseconds since any start stay far below what 64 bits hold.
const LONGEST_H: u64 = 10_000;

/// A whole number: `64`, `10k`, `1.5M`.
///
/// # Errors
/// `text` is no such number, not whole, or above 2^64 - 1.
pub fn count(argument: &'static str, text: &str) -> Result<u64, Error> {
    let bad = |rule: &str| Error::argument(argument, rule, text);
    match scaled(text, COUNTS) {
        Ok(Scaled { whole, exact: true }) => u64::try_from(whole).map_err(|_| bad("is too large a number")),
        Ok(_) | Err(Malformed) => Err(bad("must be a whole number, as in 64, 10k or 1.5M")),
    }
}

/// A duration: `500ms`, `0.5s`, `1m30s`; a bare number is seconds. What is finer than a nanosecond
/// is cut off. Of several parts each has a unit, the largest comes first, and none comes twice.
///
/// # Errors
/// `text` is no such duration, or longer than 10000 h.
pub fn duration(argument: &'static str, text: &str) -> Result<Duration, Error> {
    let bad = |rule: &str| Error::argument(argument, rule, text);
    let Some(whole) = scaled(text, DURATIONS).ok().map(|one| one.whole).or_else(|| several(text)) else {
        return Err(bad("must be a duration in us, ms, s, m or h, as in 10s, 500ms or 1m30s"));
    };
    match u64::try_from(whole) {
        Ok(ns) if ns <= LONGEST_H * 3_600 * SECOND_NS => Ok(Duration::from_nanos(ns)),
        _ => Err(bad("must be at most 10000h")),
    }
}

/// `1h30m`, `1m30s500ms`, in nanoseconds: parts with units that grow smaller.
fn several(text: &str) -> Option<u128> {
    let (mut rest, mut sum, mut above) = (text, 0, u64::MAX);
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit = rest[number..].find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len() - number);
        let (part, behind) = rest.split_at(number + unit);
        let (_, ns) = DURATIONS.iter().find(|(name, _)| part[number..].eq_ignore_ascii_case(name))?;
        if *ns >= above || unit == 0 {
            return None;
        }
        // At most 20 digits for each of five units.
        sum += scaled(part, DURATIONS).ok()?.whole;
        (rest, above) = (behind, *ns);
    }
    (above != u64::MAX).then_some(sum)
}

/// What a rate has to be.
pub(super) const RATE: &str = "a rate of 0.1 to 1G requests per second, as in 2000, 0.5 or 10k";

/// Requests per second: `0.1`, `2000`, `1.5k`.
///
/// # Errors
/// `text` is no such number, or outside 0.1 to 1G.
pub fn rate(argument: &'static str, text: &str) -> Result<f64, Error> {
    // In thousandths, which is finer than any rate makes sense.
    const THOUSANDTHS: &[(&str, u64)] =
        &[("", 1_000), ("k", 1_000_000), ("m", 1_000_000_000), ("g", 1_000_000_000_000)];
    match scaled(text, THOUSANDTHS) {
        Ok(Scaled { whole, .. }) if (100..=1_000_000_000_000).contains(&whole) => Ok(whole as f64 / 1e3),
        _ => Err(Error::argument(argument, format!("must be {RATE}"), text)),
    }
}

/// A plain decimal number: digits, at most one point with digits on both sides.
pub fn decimal(text: &str) -> Option<f64> {
    scaled(text, &[("", 1)]).ok()?;
    text.parse().ok()
}

/// A number times its suffix.
struct Scaled {
    whole: u128,
    /// Whether nothing was cut off behind the point.
    exact: bool,
}

struct Malformed;

/// Reads digits, at most one point with digits on both sides, and one of `units`.
fn scaled(text: &str, units: &[(&str, u64)]) -> Result<Scaled, Malformed> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let known = units.iter().find(|(unit, _)| suffix.eq_ignore_ascii_case(unit));
    let unit = known.map(|(_, unit)| u128::from(*unit)).ok_or(Malformed)?;
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, digits(fraction)?),
        None => (number, 0),
    };
    let places = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    // 20 digits times the largest unit, 42 bits, fit 128 bits with room to spare.
    let behind = fraction * unit;
    let divisor = 10_u128.pow(u32::try_from(places).map_err(|_| Malformed)?);
    Ok(Scaled { whole: digits(whole)? * unit + behind / divisor, exact: behind.is_multiple_of(divisor) })
}

/// One to 20 digits as a number.
fn digits(text: &str) -> Result<u128, Malformed> {
    match text.len() {
        1..=20 => text.parse().map_err(|_| Malformed),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        for (text, value) in [
            ("0", 0),
            ("64", 64),
            ("007", 7),
            ("1k", 1_000),
            ("10K", 10_000),
            ("1.5k", 1_500),
            ("1.0", 1),
            ("2M", 2_000_000),
            ("2m", 2_000_000),
            ("0.001M", 1_000),
            ("3g", 3_000_000_000),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(count("-c", text), Ok(value), "{text}");
        }
    }

    #[test]
    fn counts_refused() {
        let form = "must be a whole number, as in 64, 10k or 1.5M";
        let large = "is too large a number";
        for (text, rule, given) in [
            ("", form, "\"\""),
            ("k", form, "k"),
            ("-5", form, "-5"),
            ("+5", form, "+5"),
            ("1.5", form, "1.5"),
            ("1.2345k", form, "1.2345k"),
            ("1.", form, "1."),
            (".5k", form, ".5k"),
            ("1.2.3k", form, "1.2.3k"),
            ("1 k", form, "\"1 k\""),
            ("1e3", form, "1e3"),
            ("0x10", form, "0x10"),
            ("10kk", form, "10kk"),
            ("5s", form, "5s"),
            ("\u{664}", form, "\u{664}"),
            ("1000000000000000000000", form, "1000000000000000000000"),
            ("18446744073709551616", large, "18446744073709551616"),
            ("99999999999999999999G", large, "99999999999999999999G"),
        ] {
            let message = format!("--connections: {rule}, got {given}");
            assert_eq!(count("--connections", text).expect_err(text).to_string(), message);
        }
    }

    #[test]
    fn durations() {
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        for (text, value) in [
            ("10", s(10)),
            ("10s", s(10)),
            ("30S", s(30)),
            ("500ms", ms(500)),
            ("0.5s", ms(500)),
            ("0.5", ms(500)),
            ("1.5m", s(90)),
            ("2h", s(7200)),
            ("250us", Duration::from_micros(250)),
            ("1.5us", Duration::from_nanos(1500)),
            ("0.0001us", Duration::ZERO),
            ("0", Duration::ZERO),
            ("10000h", s(36_000_000)),
            ("1m30s", s(90)),
            ("1h30m", s(5_400)),
            ("1H2M3S", s(3_723)),
            ("1m30s500ms", ms(90_500)),
            ("1h0.5m", s(3_630)),
            ("1ms500us", Duration::from_micros(1_500)),
        ] {
            assert_eq!(duration("-d", text), Ok(value), "{text}");
        }
    }

    #[test]
    fn durations_refused() {
        let form = "must be a duration in us, ms, s, m or h, as in 10s, 500ms or 1m30s";
        let long = "must be at most 10000h";
        for (text, rule, given) in [
            ("", form, "\"\""),
            ("s", form, "s"),
            ("-1s", form, "-1s"),
            ("1.s", form, "1.s"),
            ("10 s", form, "\"10 s\""),
            ("10sec", form, "10sec"),
            ("1d", form, "1d"),
            ("5ns", form, "5ns"),
            ("inf", form, "inf"),
            ("NaN", form, "NaN"),
            ("1m30", form, "1m30"),
            ("30s1m", form, "30s1m"),
            ("1m1m", form, "1m1m"),
            ("1m30s5", form, "1m30s5"),
            ("1m-30s", form, "1m-30s"),
            ("1m 30s", form, "\"1m 30s\""),
            ("m30s", form, "m30s"),
            ("1m30x", form, "1m30x"),
            ("1mü", form, "1mü"),
            ("10000h1us", long, "10000h1us"),
            ("10000.1h", long, "10000.1h"),
            ("99999999999999999999h", long, "99999999999999999999h"),
        ] {
            let message = format!("--duration: {rule}, got {given}");
            assert_eq!(duration("--duration", text).expect_err(text).to_string(), message);
        }
    }
}
