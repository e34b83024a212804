//! How wide texts are on a terminal, in columns: a wide character takes two, a combining one none.

use super::clean::Paint;
use super::digest::shortened;
use unicode_width::UnicodeWidthChar;

/// The columns of a character.
pub fn of_char(c: char) -> usize {
    match Paint::of(c) {
        Some(_) => 0,
        None => c.width().unwrap_or(0),
    }
}

/// The columns of a text without tabs.
pub fn of(text: &str) -> usize {
    text.chars().map(of_char).sum()
}

/// As much of a text as fits into `width` columns; what is left out is told by `…`, after a whole word if one fits.
pub fn cut(text: &str, width: usize) -> String {
    // What is cut off could no longer be shortened.
    let text: &str = &shortened(text);
    if of(text) <= width {
        return text.to_owned();
    }
    let head = head(text, width.saturating_sub(1));
    let word = head.trim_end().rfind(' ').map_or("", |end| head[..end].trim_end());
    // A long word alone, such as a path, is better in part than not at all.
    let kept = if 2 * of(word) >= width { word } else { head };
    format!("{kept}…")
}

/// What fits into `width` columns.
pub fn head(text: &str, width: usize) -> &str {
    let mut columns = 0;
    let end = text.char_indices().find(|(_, c)| {
        columns += of_char(*c);
        columns > width
    });
    end.map_or(text, |(end, _)| &text[..end])
}

/// A line as lines of at most `width` columns, parted between words; those that follow begin below the text of the first.
/// A word that is wider stands on a line of its own, and is parted only if `all` must fit.
pub fn wrap(line: &str, width: usize, all: bool) -> Vec<String> {
    let line = line.replace('\t', "    ");
    if of(&line) <= width || width == 0 {
        return vec![line];
    }
    let hang = hang(&line);
    let hang = if hang * 2 > width { 0 } else { hang };
    let mut lines = vec![String::new()];
    let mut columns = 0;
    for (n, word) in line.split(' ').enumerate() {
        let wide = of(word);
        let last = lines.len() - 1;
        let gap = usize::from(n > 0);
        let is_begun = lines[last].chars().any(|c| c != ' ');
        if is_begun && columns + gap + wide > width {
            let end = lines[last].trim_end().len();
            lines[last].truncate(end);
            lines.push(" ".repeat(hang));
            columns = hang;
        } else if gap > 0 {
            lines[last].push(' ');
            columns += 1;
        }
        let mut rest = word;
        while all && columns + of(rest) > width {
            let first = head(rest, width.saturating_sub(columns));
            // A character that is wider than the terminal.
            if first.is_empty() && columns <= hang {
                break;
            }
            rest = &rest[first.len()..];
            let last = lines.len() - 1;
            lines[last].push_str(first);
            lines.push(" ".repeat(hang));
            columns = hang;
        }
        let last = lines.len() - 1;
        lines[last].push_str(rest);
        columns += of(rest);
    }
    lines
}

/// The column where the text of a line begins: after blanks, and after a word that names what follows.
fn hang(line: &str) -> usize {
    let blanks = line.len() - line.trim_start_matches(' ').len();
    let rest = &line[blanks..];
    let word = rest.split(' ').next().unwrap_or_default();
    let bare: String = word.chars().filter(|c| Paint::of(*c).is_none()).collect();
    let names = bare.ends_with(':') || ["at", "why", "help", "|"].contains(&bare.as_str());
    let gap = rest[word.len()..].len() - rest[word.len()..].trim_start_matches(' ').len();
    match names && of(word) <= 12 {
        true => blanks + of(word) + gap,
        false => blanks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_parted_between_words_and_wide_characters_are_two() {
        assert_eq!(of("a漢e\u{301}"), 4);
        assert_eq!(wrap("note: one two three", 12, false), ["note: one", "      two", "      three"]);
        assert_eq!(wrap("  a bb ccc", 6, false), ["  a bb", "  ccc"]);
        assert_eq!(wrap("漢字 漢字 漢", 5, false), ["漢字", "漢字", "漢"]);
        assert_eq!(wrap("see /srv/a/long/path now", 8, false), ["see", "/srv/a/long/path", "now"]);
        assert_eq!(wrap("abcdefgh", 3, true), ["abc", "def", "gh"]);
        assert_eq!(wrap("x 漢漢漢", 4, true), ["x", "漢漢", "漢"]);
    }

    #[test]
    fn what_is_cut_ends_with_a_word() {
        assert_eq!(cut("one two three", 10), "one two…");
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("abcdefghij", 5), "abcd…");
        assert_eq!(cut("漢字漢字", 6), "漢字…");
    }
}
