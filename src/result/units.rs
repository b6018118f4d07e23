//! Figures with their units, spelt as wrk spells them: two decimals, and the next unit from 0.85
//! of its scale on (893 us are `0.89ms`).

/// Microseconds as `us` or `ms`, from one second on `s` or `m`.
#[must_use]
pub fn time_us(us: f64) -> String {
    if us >= 1e6 { scaled(us / 1e6, 60.0, &["s", "m"]) } else { scaled(us, 1_000.0, &["us", "ms"]) }
}

/// Nanoseconds, as [`time_us`] has them.
#[must_use]
pub fn time_ns(ns: f64) -> String {
    time_us(ns / 1e3)
}

/// A count or rate in powers of 1000: `56.20k`.
#[must_use]
pub fn metric(n: f64) -> String {
    scaled(n, 1_000.0, &["", "k", "M", "G", "T"])
}

/// A size in powers of 1024, to be followed by `B`: `17.76G`.
#[must_use]
pub fn binary(n: f64) -> String {
    scaled(n, 1_024.0, &["", "K", "M", "G", "T"])
}

/// A planned duration, exact and as short as it goes: `10s`, `2m`, `90s`, `1.5s`, `500ms`.
///
/// wrk rounds here (90 s is its `2m`); where it does not, the spelling is the same.
#[must_use]
pub fn duration_s(s: f64) -> String {
    if s >= 60.0 && s % 60.0 == 0.0 {
        format!("{}m", s / 60.0)
    } else if s >= 1.0 || s == 0.0 {
        format!("{s}s")
    } else {
        // In whole microseconds, so that no binary fraction shows.
        format!("{}ms", (s * 1e6).round() / 1e3)
    }
}

/// `figure` flush right, with its unit hanging: two columns are kept for the unit, so that the
/// digits of `1.20ms`, `2.76k` and `121.21` stand below each other. A figure too long for its
/// column widens it; wrk would cut it.
#[must_use]
pub fn hang(figure: &str, width: usize) -> String {
    let letters = figure.chars().rev().take(2);
    let pad = 2 - letters.take_while(char::is_ascii_alphabetic).count();
    format!("{figure:>0$}{1:2$}", width - pad, "", pad)
}

fn scaled(mut n: f64, scale: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while unit + 1 < units.len() && n >= scale * 0.85 {
        n /= scale;
        unit += 1;
    }
    format!("{n:.2}{}", units[unit])
}

/// Whole, with commas between thousands: `1,234,567`.
#[must_use]
pub fn grouped(n: f64) -> String {
    let digits = format!("{:.0}", n.abs());
    let mut out = if n < 0.0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_spelt_as_wrk_spells_them() {
        type Format = fn(f64) -> String;
        // The right-hand sides are what wrk 4.1's own format functions return.
        let table: [(Format, f64, &str); 21] = [
            (time_us, 0.0, "0.00us"),
            (time_us, 849.0, "849.00us"),
            (time_us, 850.0, "0.85ms"),
            (time_us, 893.0, "0.89ms"),
            (time_us, 12_920.0, "12.92ms"),
            (time_us, 999_999.0, "1000.00ms"),
            (time_us, 1e6, "1.00s"),
            (time_us, 50.9e6, "50.90s"),
            (time_us, 51e6, "0.85m"),
            (time_us, 7.2e9, "120.00m"),
            (metric, 121.214, "121.21"),
            (metric, 850.0, "0.85k"),
            (metric, 56_200.0, "56.20k"),
            (metric, 1.5e15, "1500.00T"),
            (binary, 0.0, "0.00"),
            (binary, 870.0, "870.00"),
            (binary, 871.0, "0.85K"),
            (binary, 32_400.0, "31.64K"),
            (binary, 17.76 * 1024.0 * 1024.0 * 1024.0, "17.76G"),
            (time_ns, 350.0, "0.35us"),
            (time_ns, 1_200_000.0, "1.20ms"),
        ];
        for (format, n, want) in table {
            assert_eq!(format(n), want, "{n}");
        }
    }

    #[test]
    fn planned_durations_are_exact() {
        let table = [
            (10.0, "10s"),
            (60.0, "1m"),
            (90.0, "90s"),
            (7_200.0, "120m"),
            (1.5, "1.5s"),
            (0.5, "500ms"),
            (0.007, "7ms"),
            (0.000_25, "0.25ms"),
            (0.0, "0s"),
        ];
        for (s, want) in table {
            assert_eq!(duration_s(s), want);
        }
    }

    #[test]
    fn units_hang_in_two_columns() {
        let table = [
            ("635.91us", 8, "635.91us"),
            ("56.20k", 8, " 56.20k "),
            ("121.21", 9, " 121.21  "),
            ("1.03s", 8, "  1.03s "),
            ("100000000.00", 8, "100000000.00  "),
        ];
        for (figure, width, want) in table {
            assert_eq!(hang(figure, width), want);
        }
    }
}
