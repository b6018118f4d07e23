//! Text for a terminal's width: no line breaks inside a word.

use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Terminals narrower than this get lines of so many columns all the same.
const NARROWEST: usize = 20;

/// `text` with lines of at most `width` columns, broken between words. What a line goes on with stands below its last column that
/// begins in the left half, else two further in than the line. A word that is longer than the width, such as a URL, stays whole.
#[must_use]
pub fn fold(text: &str, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        if display_width(line) <= width {
            out.push_str(line);
        } else {
            let indent = " ".repeat(hanging(line, width / 2));
            out.push_str(&textwrap::fill(line, whole_words(width).subsequent_indent(&indent)));
        }
        out.push_str(end);
    }
    out
}

/// Lines of at most `width` columns, broken at spaces alone: options keep their dashes, and URLs are whole.
#[must_use]
pub fn whole_words<'a>(width: usize) -> Options<'a> {
    Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
}

/// The column below which a line goes on, `most` at most.
fn hanging(line: &str, most: usize) -> usize {
    let bare = without_colours(line);
    let leading = bare.chars().take_while(|c| *c == ' ').count();
    let (mut column, mut spaces, mut words) = (None, 0, false);
    for (at, c) in bare.chars().enumerate() {
        match c {
            ' ' => spaces += 1,
            _ => {
                if words && spaces > 1 && at <= most {
                    column = Some(at);
                }
                (spaces, words) = (0, true);
            }
        }
    }
    match column {
        Some(column) => column,
        // Already below a column.
        None if leading > 4 && leading <= most => leading,
        None => (leading + 2).min(most),
    }
}

fn without_colours(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |bare, part| bare + part.split_once('m').map_or(part, |(_, words)| words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_goes_on_stands_where_it_belongs() {
        for (text, width, folded) in [
            ("short enough\n", 20, "short enough\n"),
            ("no end of line, and longer than that", 20, "no end of line, and\n  longer than that"),
            (
                "  Limit         the server: of the workers none had to wait\n",
                40,
                "  Limit         the server: of the\n                workers none had to wait\n",
            ),
            ("  Warning: one two three four five six.\n", 30, "  Warning: one two three four\n    five six.\n"),
            (
                "\x1b[33m  Warning: one two three four five six.\x1b[0m\n",
                30,
                "\x1b[33m  Warning: one two three four\n    five six.\x1b[0m\n",
            ),
            (
                "          why it matters, in several words\n",
                36,
                "          why it matters, in several\n          words\n",
            ),
            (
                "saturing: unknown option --conections; did you mean --connections?\n",
                40,
                "saturing: unknown option --conections;\n  did you mean --connections?\n",
            ),
            (
                "see http://a-host.example/a/path/that/is/too/long\n",
                20,
                "see\n  http://a-host.example/a/path/that/is/too/long\n",
            ),
            // A column that begins too far right is none to stand below.
            ("    a value   that begins far right\n", 20, "    a value   that\n      begins far\n      right\n"),
        ] {
            assert_eq!(fold(text, width), folded, "{text:?} in {width}");
        }
    }

    proptest! {
        #[test]
        fn words_stay_whole_and_lines_fit(text in "( {0,12}[a-z=<-]{1,18}){0,30}\n", width in 20usize..120) {
            let folded = fold(&text, width);
            prop_assert!(folded.split_whitespace().eq(text.split_whitespace()));
            for line in folded.lines() {
                prop_assert!(display_width(line) <= width || line.split_whitespace().count() == 1, "{line:?} in {width}");
            }
        }
    }
}
