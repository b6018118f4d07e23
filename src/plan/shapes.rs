//! The shapes of a load as they are typed: rates, stages and steps.

use std::time::Duration;

use super::units;
use super::{Error, MAX_CONNECTIONS, MAX_STEPS, RateStage, Step, Until};

/// `2k`, or `1k:5k` for a rate that goes evenly from one to the other. Either end of such a ramp may be 0.
///
/// # Errors
/// A part is no rate.
pub fn rate(argument: &'static str, text: &str) -> Result<(f64, f64), Error> {
    match text.split_once(':') {
        Some((from, to)) => Ok((rate_or_none(argument, from)?, rate_or_none(argument, to)?)),
        None => units::rate(argument, text).map(|rate| (rate, rate)),
    }
}

/// A rate, or 0 for none.
fn rate_or_none(argument: &'static str, text: &str) -> Result<f64, Error> {
    match units::decimal(text) {
        Some(0.0) => Ok(0.0),
        _ => units::rate(argument, text)
            .map_err(|_| Error::argument(argument, format!("must be 0, or {}", units::RATE), text)),
    }
}

/// `30s@1k,5s@0,1m@5k:20k`: stretches of time, each with its rate; one at 0 is a pause.
///
/// # Errors
/// A part is not of that form, or its time or rate breaks a rule.
pub fn stages(text: &str) -> Result<Vec<RateStage>, Error> {
    let stage = |part: &str| {
        let rule = "must be a list of TIME@RATE or TIME@A:B, as in 30s@1k,1m@5k:20k";
        let (time, per_s) = part.split_once('@').ok_or_else(|| Error::argument("--stages", rule, part))?;
        let (from, to) = per_s.split_once(':').unwrap_or((per_s, per_s));
        let (from_per_s, to_per_s) = (rate_or_none("--stages", from)?, rate_or_none("--stages", to)?);
        match units::duration("--stages", time)? {
            Duration::ZERO => Err(Error::argument("--stages", "each must have some time, as in 30s@1k", part)),
            time => Ok(RateStage { duration: Some(time), from_per_s, to_per_s }),
        }
    };
    text.split(',').map(stage).collect()
}

/// `10..50+10x10000`, `1,8,64x5s`: numbers of connections, and how many requests or how long for each. Behind the `x` a lower-case
/// `m` is minutes and an upper-case `M` millions.
///
/// # Errors
/// It is not of that form, or there are too many steps or none.
pub fn steps(text: &str) -> Result<Vec<Step>, Error> {
    let form = || {
        let rule = "must be connections x requests or time, as in 10..50+10x10000 or 1,8,64x5s";
        Error::argument("--steps", rule, text)
    };
    let (numbers, load) = text.split_once(['x', 'X']).ok_or_else(form)?;
    let until = until(load)?;
    let mut steps = Vec::new();
    for part in numbers.split(',') {
        for connections in series(part, form)? {
            if steps.len() == MAX_STEPS {
                return Err(Error::argument("--steps", format!("must be at most {MAX_STEPS} steps"), text));
            }
            let connections = usize::try_from(connections).unwrap_or(usize::MAX);
            steps.push(Step { connections, until });
        }
    }
    if steps.is_empty() { Err(form()) } else { Ok(steps) }
}

/// `64`, or `10..50+10`: from, to and by how many.
fn series(text: &str, form: impl Fn() -> Error) -> Result<impl Iterator<Item = u64>, Error> {
    let number = |text: &str| units::count("--steps", text);
    let (from, to, by) = match text.split_once("..") {
        None => (number(text)?, number(text)?, 1),
        Some((from, rest)) => match rest.split_once('+') {
            None => (number(from)?, number(rest)?, 1),
            Some((to, by)) => (number(from)?, number(to)?, number(by)?),
        },
    };
    if by == 0 || from > to || to > MAX_CONNECTIONS as u64 {
        return Err(form());
    }
    Ok((from..=to).step_by(usize::try_from(by).unwrap_or(usize::MAX)))
}

fn until(text: &str) -> Result<Until, Error> {
    let counted = text.ends_with(|c: char| c.is_ascii_digit() || matches!(c, 'k' | 'K' | 'M' | 'g' | 'G'));
    Ok(match counted {
        true => Until { duration: None, requests: Some(units::count("--steps", text)?) },
        false => Until { duration: Some(units::duration("--steps", text)?), requests: None },
    })
}

/// The longest of `stages` together; `None` when one has no end.
#[must_use]
pub fn whole(stages: &[RateStage]) -> Option<Duration> {
    stages.iter().map(|stage| stage.duration).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: u64) -> Option<Duration> {
        Some(Duration::from_secs(s))
    }

    #[test]
    fn rates() {
        for (text, want) in [
            ("2000", (2_000.0, 2_000.0)),
            ("0.1", (0.1, 0.1)),
            ("1.5k", (1_500.0, 1_500.0)),
            ("1k:20k", (1_000.0, 20_000.0)),
            ("2M:0.5", (2e6, 0.5)),
            ("0:1k", (0.0, 1e3)),
            ("1k:0.0", (1e3, 0.0)),
        ] {
            assert_eq!(rate("--rate", text), Ok(want), "{text}");
        }
        for text in ["", ":", "1k:", "x", "-5", "0", "0.05", "2G", "1:2:3", "1e3", "5/s", "0:0.05", "-0:5"] {
            let error = rate("--rate", text).expect_err(text).to_string();
            assert!(error.starts_with("--rate: must be "), "{error}");
            assert!(error.contains("a rate of 0.1 to 1G requests per second"), "{error}");
        }
    }

    #[test]
    fn stages_have_a_time_and_a_rate_each() {
        let stage = |s, from_per_s, to_per_s| RateStage { duration: seconds(s), from_per_s, to_per_s };
        assert_eq!(
            stages("30s@1k,30s@5k,1m@5k:20k"),
            Ok(vec![stage(30, 1e3, 1e3), stage(30, 5e3, 5e3), stage(60, 5e3, 20e3)])
        );
        assert_eq!(stages("1s@1k,5s@0,1s@0:1k"), Ok(vec![stage(1, 1e3, 1e3), stage(5, 0.0, 0.0), stage(1, 0.0, 1e3)]));
        assert_eq!(stages("1m30s@10"), Ok(vec![stage(90, 10.0, 10.0)]));
        assert_eq!(whole(&stages("1@10,2@20").expect("stages")), seconds(3));
        let error = stages("1s@1k,0s@2k").expect_err("no time").to_string();
        assert_eq!(error, "--stages: each must have some time, as in 30s@1k, got 0s@2k");
        for text in ["", "30s", "30s@", "@1k", "30s@1k,", "30s@1k;30s@2k", "x@1k"] {
            let error = stages(text).expect_err(text).to_string();
            assert!(error.starts_with("--stages: must be "), "{error}");
        }
    }

    #[test]
    fn steps_have_connections_and_a_load_each() {
        let numbers = |text| -> Vec<usize> { steps(text).expect(text).iter().map(|step| step.connections).collect() };
        assert_eq!(numbers("10..50+10x10000"), [10, 20, 30, 40, 50]);
        assert_eq!(numbers("1..3x1s"), [1, 2, 3]);
        assert_eq!(numbers("10..35+10x1s"), [10, 20, 30]);
        assert_eq!(numbers("1,8,64x5s"), [1, 8, 64]);
        assert_eq!(numbers("1,4..6,64x5s"), [1, 4, 5, 6, 64]);
        let load = |text| steps(text).expect(text)[0].until;
        let by_time = |s| Until { duration: seconds(s), requests: None };
        let by_count = |n| Until { duration: None, requests: Some(n) };
        assert_eq!(load("1x10000"), by_count(10_000));
        assert_eq!(load("1x5M"), by_count(5_000_000));
        assert_eq!(load("1x10k"), by_count(10_000));
        assert_eq!(load("1x5m"), by_time(300));
        assert_eq!(load("1x30s"), by_time(30));
        assert_eq!(load("1x1m30s"), by_time(90));
        for text in ["", "x", "10", "10x", "x5s", "50..10x5s", "1..9+0x5s", "1..2000000x1s", "1,,2x5s", "a..bx1s"] {
            let error = steps(text).expect_err(text).to_string();
            assert!(error.starts_with("--steps: must be "), "{error}");
        }
        let error = steps("1..1001x1s").expect_err("too many").to_string();
        assert_eq!(error, "--steps: must be at most 1000 steps, got 1..1001x1s");
    }
}
