//! Figures out of the text that load generators print.

/// A time as in `62.00us`, `1.11ms`, `1.20s`, `1.50m`, `1.00h`: nanoseconds.
pub(super) fn time_ns(text: &str) -> Option<f64> {
    let (number, unit) = split(text)?;
    let ns = match unit {
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3_600e9,
        _ => return None,
    };
    Some(number * ns)
}

/// A size as in `442B`, `15.77MB`, in powers of 1024: bytes.
pub(super) fn bytes(text: &str) -> Option<f64> {
    let (number, unit) = split(text)?;
    let power = ["B", "KB", "MB", "GB", "TB", "PB"].iter().position(|name| *name == unit)?;
    Some(number * 1024_f64.powi(i32::try_from(power).ok()?))
}

/// What stands between `before` and `after` in one line of `text`, without blanks around it.
pub(super) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let rest = line.split_once(before)?.1;
        rest.split_once(after).map(|(found, _)| found.trim())
    })
}

/// The words after `label` in the line that begins with it, blanks before it aside.
pub(super) fn after<'a>(text: &'a str, label: &str) -> Option<Vec<&'a str>> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(label))?;
    Some(line.split_whitespace().collect())
}

/// A count in a line `..., 50 LABEL, ...` of `text` that begins with `line`.
pub(super) fn count(text: &str, line: &str, label: &str) -> Option<u64> {
    let rest = text.lines().find_map(|found| found.trim_start().strip_prefix(line))?;
    let words = |part: &str| part.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    rest.split(',').map(words).find_map(|words| match &words[..] {
        [number, name] if name == label => number.parse().ok(),
        _ => None,
    })
}

/// A number that is finite and not negative, and the unit behind it.
fn split(text: &str) -> Option<(f64, &str)> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number: f64 = text[..at].parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some((number, &text[at..]))
}
