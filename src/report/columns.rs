//! Tables whose columns are as wide as what stands in them: on a slow machine figures have more digits than anybody planned for.

/// Rows of cells, flush right, the heads first; behind the last column a row may go on.
pub(super) struct Columns<const N: usize> {
    widths: [usize; N],
    rows: Vec<([String; N], String)>,
}

impl<const N: usize> Columns<N> {
    /// With the widths that columns have at least.
    pub(super) fn new(least: [usize; N], heads: [&str; N], tail: &str) -> Columns<N> {
        let mut columns = Columns { widths: least, rows: Vec::new() };
        columns.push(heads.map(str::to_owned), tail.to_owned());
        columns
    }

    pub(super) fn push(&mut self, cells: [String; N], tail: String) {
        for (at, cell) in cells.iter().enumerate() {
            // A space before all but the first.
            self.widths[at] = self.widths[at].max(cell.chars().count() + usize::from(at > 0));
        }
        self.rows.push((cells, tail));
    }

    /// What the columns came to be.
    pub(super) fn widths(&self) -> [usize; N] {
        self.widths
    }

    /// A line for each row, indented by two.
    pub(super) fn lines(&self) -> String {
        let mut out = String::new();
        for (cells, tail) in &self.rows {
            let line: String = cells.iter().zip(self.widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
            out += format!("  {line}{tail}").trim_end();
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_figure_touches_another() {
        let mut columns = Columns::new([4, 4], ["a", "b"], "  rest");
        columns.push(["1".into(), "22".into()], "  x".into());
        assert_eq!(columns.lines(), "     a   b  rest\n     1  22  x\n");
        columns.push(["12250161".into(), "17500".into()], String::new());
        assert_eq!(columns.lines(), "         a     b  rest\n         1    22  x\n  12250161 17500\n");
        assert_eq!(columns.widths(), [8, 6]);
    }
}
