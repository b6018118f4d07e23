//! Placeholders as they are typed: `{RAND:min:max}`, `{SEQ:start}`, `{UUID}`, `{NOW_MS}`.

use std::fmt;
use std::ops::Range;

use memchr::memchr;

/// What a placeholder stands for, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// A random number from `min` to `max`, padded with zeros to max's width.
    Rand {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// The next number of the sequence that begins with `start`.
    Seq {
        /// The first.
        start: u64,
    },
    /// A random UUID.
    Uuid,
    /// The time, in milliseconds since 1970-01-01 UTC.
    NowMs,
}

/// A placeholder in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it stands, braces included.
    pub range: Range<usize>,
    /// What stands for it.
    pub typed: Typed,
    /// Bytes that take its place.
    pub width: u8,
}

/// What looks like a placeholder and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where it begins.
    pub at: usize,
    /// It, up to its closing brace.
    pub given: String,
    /// What is wrong with it.
    rule: &'static str,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule)
    }
}

impl std::error::Error for Wrong {}

/// The longest that a placeholder can be: longer ones have more digits than a number can.
const MAX_LENGTH: usize = 64;

const KNOWN: &str = "a placeholder is {RAND:min:max}, {SEQ:start}, {UUID} or {NOW_MS}";

/// All placeholders of a text. Braces around anything else are left as they are, but for an unknown name in capitals with a colon
/// behind it, as in `{RANDOM:1:9}`.
///
/// # Errors
/// The first that is wrong.
pub fn find(text: &[u8]) -> Result<Vec<Found>, Wrong> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(start) = memchr(b'{', &text[at..]).map(|ahead| at + ahead) {
        at = start + 1;
        let rest = &text[at..text.len().min(at + MAX_LENGTH)];
        let name_length = rest.iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_').count();
        let (name, behind) = rest.split_at(name_length);
        let wrong = |rule| {
            let end = memchr(b'}', rest).map_or(rest.len().min(name_length + 1), |end| end + 1);
            Err(Wrong { at: start, given: String::from_utf8_lossy(&text[start..at + end]).into_owned(), rule })
        };
        let (is_known, has_colon) =
            (matches!(name, b"RAND" | b"SEQ" | b"UUID" | b"NOW_MS"), behind.first() == Some(&b':'));
        if name.is_empty() || !(is_known && matches!(behind.first(), Some(b':' | b'}')) || has_colon) {
            continue;
        }
        if !is_known {
            return wrong(KNOWN);
        }
        let Some(end) = memchr(b'}', behind) else { return wrong("a placeholder ends with }") };
        let values = behind[..end].strip_prefix(b":");
        let found = match (name, values) {
            (b"RAND", Some(values)) => rand(values),
            (b"SEQ", Some(values)) => seq(values),
            (b"UUID", None) => Ok((Typed::Uuid, 36)),
            (b"NOW_MS", None) => Ok((Typed::NowMs, 13)),
            (b"RAND", None) => Err(RAND),
            (b"SEQ", None) => Err(SEQ),
            _ => Err("{UUID} and {NOW_MS} take no value"),
        };
        let (typed, width) = match found {
            Ok(found) => found,
            Err(rule) => return wrong(rule),
        };
        at += name_length + end + 1;
        all.push(Found { range: start..at, typed, width });
    }
    Ok(all)
}

const RAND: &str = "{RAND:min:max} takes two whole numbers up to 18446744073709551615, the first no greater";
const SEQ: &str = "{SEQ:start} takes a whole number of at most 19 digits";

fn rand(values: &[u8]) -> Result<(Typed, u8), &'static str> {
    let text = std::str::from_utf8(values).map_err(|_| RAND)?;
    let (min, max) = text.split_once(':').ok_or(RAND)?;
    let (min, max) = (number(min).ok_or(RAND)?, number(max).ok_or(RAND)?);
    if min > max {
        return Err(RAND);
    }
    Ok((Typed::Rand { min, max }, max.max(1).ilog10() as u8 + 1))
}

fn seq(values: &[u8]) -> Result<(Typed, u8), &'static str> {
    let text = std::str::from_utf8(values).map_err(|_| SEQ)?;
    let start = number(text).filter(|_| text.len() <= 19).ok_or(SEQ)?;
    Ok((Typed::Seq { start }, text.len() as u8))
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_found_and_what_is_left_alone() {
        let rand = |min, max| Typed::Rand { min, max };
        for (text, expected) in [
            ("", vec![]),
            ("{RAND:1:100}", vec![(0..12, rand(1, 100), 3)]),
            ("a{RAND:0:0}b{RAND:7:7}", vec![(1..11, rand(0, 0), 1), (12..22, rand(7, 7), 1)]),
            ("{RAND:0:18446744073709551615}", vec![(0..29, rand(0, u64::MAX), 20)]),
            ("{SEQ:0001}{SEQ:9}", vec![(0..10, Typed::Seq { start: 1 }, 4), (10..17, Typed::Seq { start: 9 }, 1)]),
            ("{\"id\":{SEQ:1}}", vec![(6..13, Typed::Seq { start: 1 }, 1)]),
            ("{UUID} {NOW_MS}", vec![(0..6, Typed::Uuid, 36), (7..15, Typed::NowMs, 13)]),
            ("{{UUID}}", vec![(1..7, Typed::Uuid, 36)]),
            ("{} {a:1} {\"A\":1} {ID} {A_B} {RANDOM} { RAND:1:2} {", vec![]),
            ("{UUID", vec![]),
            ("{RAND", vec![]),
        ] {
            let found: Vec<_> =
                find(text.as_bytes()).expect(text).into_iter().map(|one| (one.range, one.typed, one.width)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, at, given, rule) in [
            ("x{RAND:1}", 1, "{RAND:1}", RAND),
            ("{RAND}", 0, "{RAND}", RAND),
            ("{RAND:9:1}", 0, "{RAND:9:1}", RAND),
            ("{RAND:-1:1}", 0, "{RAND:-1:1}", RAND),
            ("{RAND:+1:2}", 0, "{RAND:+1:2}", RAND),
            ("{RAND:1:2:3}", 0, "{RAND:1:2:3}", RAND),
            ("{RAND:0:18446744073709551616}", 0, "{RAND:0:18446744073709551616}", RAND),
            ("{SEQ}", 0, "{SEQ}", SEQ),
            ("{SEQ:}", 0, "{SEQ:}", SEQ),
            ("{SEQ:a}", 0, "{SEQ:a}", SEQ),
            ("{SEQ:00000000000000000001}", 0, "{SEQ:00000000000000000001}", SEQ),
            ("{UUID:4}", 0, "{UUID:4}", "{UUID} and {NOW_MS} take no value"),
            ("ab {RANDOM:1:9} c", 3, "{RANDOM:1:9}", KNOWN),
            ("{SEQ:1", 0, "{SEQ:", "a placeholder ends with }"),
        ] {
            let wrong = find(text.as_bytes()).expect_err(text);
            assert_eq!((wrong.at, wrong.given.as_str(), wrong.rule), (at, given, rule), "{text}");
        }
    }

    proptest! {
        /// Whatever the bytes, ranges are inside, in order, apart, and begin and end with braces.
        #[test]
        fn ranges_are_sound(text in prop::collection::vec(prop_oneof![
            Just(b'{'), Just(b'}'), Just(b':'), Just(b'R'), Just(b'1'), any::<u8>()], 0..60),
            inserted in prop::sample::select(vec!["", "{RAND:1:22}", "{SEQ:007}", "{UUID}", "{NOW_MS}"]),
            at in any::<prop::sample::Index>())
        {
            let mut text = text;
            let at = at.index(text.len() + 1);
            text.splice(at..at, inserted.bytes());
            if let Ok(found) = find(&text) {
                let mut end = 0;
                for one in &found {
                    prop_assert!(one.range.start >= end && one.range.end <= text.len() && one.width > 0);
                    prop_assert_eq!((text[one.range.start], text[one.range.end - 1]), (b'{', b'}'));
                    end = one.range.end;
                }
                prop_assert!(inserted.is_empty() || !found.is_empty());
            }
        }
    }
}
