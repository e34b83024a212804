//! What changed between two texts.
//!
//! Of the algorithms of `similar` one is used, and for one type: its usual ways in bring all of them, again for each type,
//! and would be a thirtieth of the program.

use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::udiff::UnifiedHunkHeader;
use similar::{DiffOp, group_diff_ops};

/// How many lines are shown around a change.
const AROUND: usize = 2;

/// What became of each part of the old text, and what is new, in order.
pub fn operations(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut found = Compact::new(Replace::new(Capture::new()), old, new);
    let Ok(()) = myers::diff(&mut found, old, 0..old.len(), new, 0..new.len());
    found.into_inner().into_inner().into_ops()
}

/// The lines that differ, as `diff -U2` shows them, without the names of files. Empty if none does.
pub fn unified(old: &str, new: &str) -> String {
    let lines = |text| str::split_inclusive(text, '\n').collect::<Vec<_>>();
    let (old, new) = (lines(old), lines(new));
    let mut text = String::new();
    let show = |mark: char, lines: &[&str], text: &mut String| {
        for line in lines {
            text.push(mark);
            text.push_str(line);
            if !line.ends_with('\n') {
                text.push_str("\n\\ No newline at end of file\n");
            }
        }
    };
    for group in group_diff_ops(operations(&old, &new), AROUND).into_iter().filter(|group| !group.is_empty())
    {
        text.push_str(&format!("{}\n", UnifiedHunkHeader::new(&group)));
        for operation in group {
            let (before, after) = (&old[operation.old_range()], &new[operation.new_range()]);
            if let DiffOp::Equal { .. } = operation {
                show(' ', before, &mut text);
            } else {
                show('-', before, &mut text);
                show('+', after, &mut text);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn changed_lines_are_shown_with_two_around_them() {
        assert_eq!(unified("a\nb\n", "a\nb\n"), "");
        let old: String = ('a'..='z').map(|letter| format!("{letter}\n")).collect();
        let new = old.replace("m\n", "M\nN\n").replace("z\n", "z");
        let expected = "@@ -11,5 +11,6 @@\n k\n l\n-m\n+M\n+N\n n\n o\n@@ -24,3 +25,3 @@\n x\n y\n-z\n+z\n\
                        \\ No newline at end of file\n";
        assert_eq!(unified(&old, &new), expected);
    }
}
