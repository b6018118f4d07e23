//! Placeholders in commands, variables and bodies.
//!
//! `{python}`, `{pypy}`: the interpreters that bench/setup.sh makes; `{venv}`: the former's folder; `{saturing}`: this program;
//! `{host}`, `{port}`: where to listen; `{port2}`: another free port; `{work}`: a folder of this run's own; `{cache}`: one that is
//! kept; `{cores}`: how many CPUs there are for it; `{NAME}`, `{NAME.host}`, `{NAME.port}`: where backend NAME listens. Braces
//! around anything that is no such word stand for themselves.

use std::collections::BTreeMap;

/// Words and what they stand for.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(BTreeMap<String, String>);

impl Words {
    pub(super) fn set(&mut self, word: impl Into<String>, meaning: impl ToString) {
        self.0.insert(word.into(), meaning.to_string());
    }

    /// `text` with meanings in place of placeholders.
    ///
    /// # Errors
    /// A placeholder stands for nothing: a sentence part.
    pub(super) fn fill(&self, text: &str) -> Result<String, String> {
        let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(at) = rest.find('{') {
            filled.push_str(&rest[..at]);
            rest = &rest[at..];
            let word = rest[1..].find('}').map(|end| &rest[1..=end]).filter(|word| is_word(word));
            match word {
                Some(word) => {
                    let known = || self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                    let meaning = self
                        .0
                        .get(word)
                        .ok_or_else(|| format!("{{{word}}} stands for nothing; there are {}", known()))?;
                    filled.push_str(meaning);
                    rest = &rest[word.len() + 2..];
                }
                None => {
                    filled.push('{');
                    rest = &rest[1..];
                }
            }
        }
        Ok(filled + rest)
    }

    /// The same for each of several.
    pub(super) fn fill_all(&self, texts: &[String]) -> Result<Vec<String>, String> {
        texts.iter().map(|text| self.fill(text)).collect()
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        let mut words = Words::default();
        words.set("port", 80);
        words.set("redis.host", "h");
        for (text, filled) in [
            ("", ""),
            ("plain", "plain"),
            ("{port}", "80"),
            ("a{port}{port}b{redis.host}", "a8080bh"),
            (r#"{"port": {port}, "x": {}}"#, r#"{"port": 80, "x": {}}"#),
            ("{", "{"),
            ("{port", "{port"),
            ("{{port}}", "{80}"),
        ] {
            assert_eq!(words.fill(text).as_deref(), Ok(filled), "{text}");
        }
        assert_eq!(words.fill("{prot}"), Err("{prot} stands for nothing; there are port, redis.host".to_owned()));
    }
}
