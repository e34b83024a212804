//! Text of others without what only a terminal understands.
//!
//! A commit message, a changelog, a file's name or another machine's answer may hold escape sequences: shown as they
//! are they could move the cursor, hide a question, or set the window's title. Colours of our own pass as [`Paint`],
//! which is none of the characters that texts are made of, and become escape sequences last of all.

/// Our own ways to draw a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Plain,
    Bold,
    Dim,
    Bad,
    Good,
    Warn,
}

impl Paint {
    const ALL: [Paint; 6] = [Paint::Plain, Paint::Bold, Paint::Dim, Paint::Bad, Paint::Good, Paint::Warn];

    /// What stands for it in a text: one of the characters that Unicode keeps for use within a program.
    pub fn letter(self) -> char {
        match self {
            Paint::Plain => '\u{fdd0}',
            Paint::Bold => '\u{fdd1}',
            Paint::Dim => '\u{fdd2}',
            Paint::Bad => '\u{fdd3}',
            Paint::Good => '\u{fdd4}',
            Paint::Warn => '\u{fdd5}',
        }
    }

    /// What a terminal understands.
    fn sequence(self) -> &'static str {
        match self {
            Paint::Plain => "\x1b[0m",
            Paint::Bold => "\x1b[1m",
            Paint::Dim => "\x1b[2m",
            Paint::Bad => "\x1b[31m",
            Paint::Good => "\x1b[32m",
            Paint::Warn => "\x1b[33m",
        }
    }

    pub(super) fn of(letter: char) -> Option<Paint> {
        // Nearly every character ends here.
        if !('\u{fdd0}'..='\u{fdd5}').contains(&letter) {
            return None;
        }
        Paint::ALL.into_iter().find(|paint| paint.letter() == letter)
    }
}

/// A text of several lines, cleaned line by line.
pub fn text(text: &str) -> String {
    match text.chars().all(is_plain) {
        true => text.to_owned(),
        false => text.split('\n').map(line).collect::<Vec<_>>().join("\n"),
    }
}

/// A line without escape sequences and control characters.
pub fn line(line: &str) -> String {
    let mut rest = line;
    let mut clean = String::with_capacity(rest.len());
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = if character == '\x1b' { after_escape(after) } else { after };
        if character != '\n' && is_plain(character) {
            clean.push(character);
        }
    }
    clean
}

/// The same text with our own colours as a terminal understands them.
pub fn painted(text: &str) -> String {
    let mut painted = String::with_capacity(text.len());
    for letter in text.chars() {
        match Paint::of(letter) {
            Some(paint) => painted.push_str(paint.sequence()),
            None => painted.push(letter),
        }
    }
    painted
}

/// Neither a control character nor one that turns the direction of what follows, by which a text reads as another.
fn is_plain(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c == '\t' || c == '\n' || !c.is_control()) && !turns
}

/// What follows an escape sequence, as ECMA-48 forms them; `text` begins after the escape character.
fn after_escape(text: &str) -> &str {
    let behind = |at: usize| text[at..].chars().next().map_or("", |last| &text[at + last.len_utf8()..]);
    match text.chars().next() {
        // A control sequence (colours, movements) ends with a letter or the like.
        Some('[') => match text[1..].find(|c| !(' '..='?').contains(&c)) {
            Some(end) => behind(end + 1),
            None => "",
        },
        // A string (title, link) ends with a bell or another escape sequence.
        Some(']' | 'P' | 'X' | '^' | '_') => match text.find(['\x07', '\x1b']) {
            Some(end) if text[end..].starts_with("\x1b\\") => &text[end + 2..],
            Some(end) if text[end..].starts_with('\x07') => &text[end + 1..],
            Some(end) => &text[end..],
            None => "",
        },
        // Others are some characters from space to slash, and one more.
        Some(_) => text.find(|c| !(' '..='/').contains(&c)).map_or("", behind),
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_can_neither_move_the_cursor_nor_turn_what_is_read() {
        let foreign = "one\x1b[2J\x1b[H two\r\nthree\u{202e}eerht \x1b]0;title\x07\u{9b}2J\tend\n";
        assert_eq!(text(foreign), "one two\nthreeeerht 2J\tend\n");
        let own = format!("{}bold{}", Paint::Bold.letter(), Paint::Plain.letter());
        assert_eq!(painted(&text(&own)), "\x1b[1mbold\x1b[0m");
    }
}
