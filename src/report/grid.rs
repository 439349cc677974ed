//! Rows in columns that fit a width, drawn by comfy-table without borders.

use super::text::{shorten, width};
use comfy_table::{Cell, CellAlignment, ColumnConstraint, Table, Width};

/// Spaces between columns.
const GAP: usize = 2;
/// Narrowest column of text.
const NARROW: usize = 8;

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Heading.
    pub title: &'static str,
    /// How it is laid out.
    pub kind: Kind,
    /// Lines that one of its texts may take; what is longer is cut.
    pub lines: usize,
}

/// How a column is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As wide as its content, to the right.
    Number,
    /// As wide as its content.
    Short,
    /// As wide as there is room.
    Long,
}

impl Column {
    /// A column whose texts take one line each.
    pub const fn new(title: &'static str, kind: Kind) -> Self {
        Self { title, kind, lines: 1 }
    }
}

/// Columns and their widths.
#[derive(Debug)]
pub(crate) struct Grid {
    columns: Vec<Column>,
    widths: Vec<usize>,
}

impl Grid {
    /// Columns as wide as `rows` need, together no more than `width`. Cells are escaped already, line breaks in
    /// them are kept.
    pub(crate) fn fit(columns: &[Column], rows: &[Vec<String>], width: usize) -> Self {
        let mut wanted: Vec<usize> = columns.iter().map(|c| self::width(c.title)).collect();
        for row in rows {
            for (wanted, cell) in wanted.iter_mut().zip(row) {
                *wanted = cell.lines().map(self::width).chain([*wanted]).max().unwrap_or(*wanted);
            }
        }
        let room = width.saturating_sub(GAP * columns.len().saturating_sub(1)).max(columns.len());
        Self { columns: columns.to_vec(), widths: shares(columns, &wanted, room) }
    }

    /// The headings.
    pub(crate) fn header(&self) -> String {
        let titles = self.columns.iter().map(|c| c.title.to_owned()).collect();
        self.lines(&[titles]).into_iter().next().unwrap_or_default()
    }

    /// The rows, drawn.
    pub(crate) fn lines(&self, rows: &[Vec<String>]) -> Vec<String> {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        for row in rows {
            let cells = row.iter().zip(&self.columns).zip(&self.widths);
            table.add_row(cells.map(|((text, column), &width)| {
                let room = width * column.lines;
                let lines: Vec<_> = text.lines().map(|line| shorten(line, room)).collect();
                Cell::new(lines.join("\n"))
            }));
        }
        for (index, (column, &width)) in self.columns.iter().zip(&self.widths).enumerate() {
            if let Some(drawn) = table.column_mut(index) {
                let padded = u16::try_from(width + GAP).unwrap_or(u16::MAX);
                drawn.set_padding((0, GAP as u16));
                // A long text is cut where its line is full: paths and addresses have no words.
                drawn.set_delimiter('\0');
                drawn.set_constraint(ColumnConstraint::Absolute(Width::Fixed(padded)));
                if column.kind == Kind::Number {
                    drawn.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        table.lines().map(|line| line.trim_end().to_owned()).collect()
    }
}

/// Gives each column what it wants if there is room; else the widest long ones give way, then all.
fn shares(columns: &[Column], wanted: &[usize], room: usize) -> Vec<usize> {
    let total = |cap: usize, all: bool| -> (usize, Vec<usize>) {
        let widths: Vec<usize> = columns
            .iter()
            .zip(wanted)
            .map(|(c, &w)| if all || c.kind == Kind::Long { w.min(cap) } else { w })
            .map(|w| w.max(1))
            .collect();
        (widths.iter().sum(), widths)
    };
    let largest = wanted.iter().copied().max().unwrap_or(1);
    let long = (NARROW..=largest).rev().map(|cap| total(cap, false));
    let any = (1..=largest).rev().map(|cap| total(cap, true));
    long.chain(any).find(|(sum, _)| *sum <= room).map_or_else(|| vec![1; columns.len()], |(_, widths)| widths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_text_gives_way() {
        let columns = [
            Column::new("N", Kind::Number),
            Column::new("HOST", Kind::Long),
            Column::new("PATH", Kind::Long),
            Column::new("STATE", Kind::Short),
        ];
        let row = ["12345", "a.example.test", "/a/very/long/path/that/goes/on/and/on", "closed"];
        let rows = [row.map(str::to_owned).to_vec(), ["1", "漢字", "/", "open"].map(str::to_owned).to_vec()];
        let grid = Grid::fit(&columns, &rows, 48);
        let lines = [vec![grid.header()], grid.lines(&rows)].concat();
        assert_eq!(
            lines,
            [
                "    N  HOST            PATH               STATE",
                "12345  a.example.test  /a/very/long/pat…  closed",
                "    1  漢字            /                  open",
            ]
        );
        for width in [10, 20, 30, 80] {
            let grid = Grid::fit(&columns, &rows, width);
            assert!(grid.lines(&rows).iter().all(|line| self::width(line) <= width), "{width}");
        }
    }
}
