//! The sentences: what findings are called in every report, as their `Display`. Nothing is judged here, and no sentence of a finding
//! is made elsewhere.

mod causes;
mod machine;
mod reasons;
mod slo;
#[cfg(test)]
mod tests;
mod times;
mod tls;
mod warnings;

/// Adds a warning of another run; the same with other figures says nothing new.
pub fn add_warning(warnings: &mut Vec<String>, warning: &str) {
    fn bare(text: &str) -> impl Iterator<Item = char> + '_ {
        text.chars().filter(|c| !c.is_ascii_digit() && *c != '.')
    }
    if !warnings.iter().any(|known| bare(known).eq(bare(warning))) {
        warnings.push(warning.to_owned());
    }
}

/// A share as people read it; never 100 % or 0 % unless it is.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let near_end = (percent > 0.0 && percent < 1.0) || (percent > 99.0 && percent < 100.0);
    if near_end { format!("{percent:.1}%") } else { format!("{percent:.0}%") }
}

/// Shares of errors: `12.5%`.
fn tenths(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 0.1 { format!("{percent:.1}%") } else { "less than 0.1%".to_owned() }
}

/// Numbers with commas between.
fn list(numbers: &[usize]) -> String {
    let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    words.join(",")
}

/// Those that are more than none, as in `3 refused, 1 timed out`.
fn counted<W: AsRef<str>>(counts: impl IntoIterator<Item = (u64, W)>) -> String {
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, what)| format!("{count} {}", what.as_ref())).collect::<Vec<_>>().join(", ")
}

/// The same, the most frequent first.
fn ranked<W: AsRef<str>, const N: usize>(mut counts: [(u64, W); N]) -> String {
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    counted(counts)
}

/// ` (words)`, or nothing.
fn bracketed(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(" ({words})") }
}
