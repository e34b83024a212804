//! Words and shapes that all reports share.

use crate::output::clean::Paint;
pub use crate::output::counted;
use crate::output::width;
pub use crate::output::width::cut;

/// Whether and how to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub color: bool,
}

impl Style {
    fn paint(self, paint: Paint, text: &str) -> String {
        match self.color {
            true => format!("{}{text}{}", paint.letter(), Paint::Plain.letter()),
            false => text.to_owned(),
        }
    }

    pub fn bold(self, text: &str) -> String {
        self.paint(Paint::Bold, text)
    }

    pub fn dim(self, text: &str) -> String {
        self.paint(Paint::Dim, text)
    }

    pub fn good(self, text: &str) -> String {
        self.paint(Paint::Good, text)
    }

    pub fn bad(self, text: &str) -> String {
        self.paint(Paint::Bad, text)
    }

    pub fn warn(self, text: &str) -> String {
        self.paint(Paint::Warn, text)
    }
}

/// A length of time as a person reads it: `0.3s`, `12s`, `3m 05s`, `1h 02m`.
pub fn elapsed(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1}s"),
        0..60 => format!("{whole}s"),
        60..3600 => format!("{}m {:02}s", whole / 60, whole % 60),
        _ => format!("{}h {:02}m", whole / 3600, whole / 60 % 60),
    }
}

/// The columns between two cells.
const GAP: usize = 2;
/// No column is made narrower than this to fit a terminal.
const NARROWEST: usize = 8;

/// Rows as columns, each as wide as its widest cell, two spaces between. On a terminal it is no wider than that: cells of
/// the widest columns are parted between words then.
pub fn table(rows: &[Vec<String>]) -> String {
    table_within(rows, crate::output::columns())
}

fn table_within(rows: &[Vec<String>], room: Option<usize>) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width::of(cell)).max();
    let mut widths: Vec<usize> = (0..count).map(|column| widest(column).unwrap_or(0)).collect();
    while room.is_some_and(|room| widths.iter().sum::<usize>() + GAP * count.saturating_sub(1) > room)
        && let Some(widest) = widths.iter_mut().max().filter(|width| **width > NARROWEST)
    {
        *widest -= 1;
    }
    let mut text = String::new();
    for row in rows {
        let part = |(cell, width): (&String, &usize)| match width::of(cell) > *width {
            true => width::wrap(cell, *width, true),
            false => vec![cell.clone()],
        };
        let cells: Vec<Vec<String>> = row.iter().zip(&widths).map(part).collect();
        for n in 0..cells.iter().map(Vec::len).max().unwrap_or(1).max(1) {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(&widths) {
                let part = cell.get(n).map_or("", String::as_str);
                let fill = width.saturating_sub(width::of(part)) + GAP;
                line += &format!("{part}{}", " ".repeat(fill));
            }
            text += &(line.trim_end().to_owned() + "\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_tables_are_short() {
        assert_eq!(
            [0.04, 9.94, 10.2, 65.0, 3720.0].map(elapsed),
            ["0.0s", "9.9s", "10s", "1m 05s", "1h 02m"]
        );
        let rows = [vec!["a".into(), "b".into()], vec!["long".into(), "c".into()]];
        assert_eq!(table_within(&rows, None), "a     b\nlong  c\n");
        let rows = [vec!["漢".into(), "b".into()], vec!["one two three four".into(), "c".into()]];
        assert_eq!(table_within(&rows, Some(16)), "漢             b\none two three  c\nfour\n");
    }
}
