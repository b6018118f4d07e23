//! Foreign text in Markdown.

/// As plain text, on one line: no markup of Markdown or HTML in it takes effect.
pub(super) fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// As code, also inside a table, whose bars need their backslash even there.
pub(super) fn code(raw: &str) -> String {
    if raw.contains('`') || raw.contains(char::is_control) || raw.trim() != raw || raw.is_empty() {
        return text(raw);
    }
    format!("`{}`", raw.replace('|', "\\|"))
}
