//! Two versions of a text, side by side, as `sdiff` shows them.

use crate::output::difference::operations;
use crate::output::width;
use similar::DiffOp;

/// Columns of each side.
const WIDTH: usize = 58;

/// The lines of both, with a mark between them: `|` where they differ, `<` and `>` where only one side has a line.
pub fn side_by_side(before: &str, now: &str) -> Vec<String> {
    let (left, right): (Vec<&str>, Vec<&str>) = (before.lines().collect(), now.lines().collect());
    let mut rows = Vec::new();
    for operation in operations(&left, &right) {
        let is_equal = matches!(operation, DiffOp::Equal { .. });
        let (old, new) = (&left[operation.old_range()], &right[operation.new_range()]);
        for n in 0..old.len().max(new.len()) {
            let mark = match (old.get(n), new.get(n)) {
                _ if is_equal => ' ',
                (Some(_), Some(_)) => '|',
                (Some(_), None) => '<',
                _ => '>',
            };
            let side = |lines: &[&str]| cut(lines.get(n).copied().unwrap_or_default());
            let (old, new) = (side(old), side(new));
            let gap = " ".repeat(WIDTH - width::of(&old));
            rows.push(format!("{old}{gap} {mark} {new}").trim_end().to_owned());
        }
    }
    rows
}

fn cut(line: &str) -> String {
    let line = line.replace('\t', " ");
    match width::of(&line) > WIDTH {
        true => format!("{}…", width::head(&line, WIDTH - 1)),
        false => line,
    }
}

#[cfg(test)]
mod tests {
    use super::side_by_side;

    #[test]
    fn lines_stand_beside_those_that_they_were() {
        let rows = side_by_side("a\nb\nc\n", "a\nB\nc\nd\n");
        let marks: String = rows.iter().map(|row| row.chars().nth(59).unwrap_or(' ')).collect();
        assert_eq!(marks, " | >", "{rows:#?}");
        assert!(side_by_side(&"x".repeat(99), "").concat().ends_with("… <"));
        // A character of two columns takes the place of two.
        assert_eq!(side_by_side("網\n", "a\n"), [format!("網{} | a", " ".repeat(56))]);
    }
}
