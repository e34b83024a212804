//! A typed line in colours.

use crate::script::text::tokens::{Sort, Token, tokens};

const WORDS: [&str; 22] = [
    "let",
    "const",
    "fn",
    "private",
    "if",
    "else",
    "for",
    "in",
    "while",
    "loop",
    "do",
    "switch",
    "try",
    "catch",
    "throw",
    "return",
    "break",
    "continue",
    "import",
    "as",
    "step",
    "on_failure",
];

/// The line with its texts, numbers, comments and words of the language painted; the pair of brackets at the cursor
/// stands out. Takes as much room as the line.
pub fn paint(line: &str, cursor: usize) -> String {
    let tokens = tokens(line);
    let pair = pair(&tokens, cursor);
    let mut painted = String::new();
    let mut at = 0;
    for (n, token) in tokens.iter().enumerate() {
        let text = &line[token.place.clone()];
        let code = match token.sort {
            Sort::Text { closed: true, .. } => "32",
            // One that is open yet.
            Sort::Text { closed: false, .. } => "33",
            Sort::Number => "36",
            Sort::Comment { .. } => "2",
            Sort::Word if WORDS.contains(&text) || matches!(text, "true" | "false") => "1",
            Sort::Open | Sort::Close if pair.is_some_and(|(a, b)| n == a || n == b) => "1;34",
            _ => "",
        };
        painted.push_str(&line[at..token.place.start]);
        match code {
            "" => painted.push_str(text),
            code => painted.push_str(&format!("\x1b[{code}m{text}\x1b[0m")),
        }
        at = token.place.end;
    }
    painted.push_str(&line[at..]);
    painted
}

/// The bracket under or before the cursor, and the one that belongs to it.
fn pair(tokens: &[Token], cursor: usize) -> Option<(usize, usize)> {
    let touches = |token: &Token| token.place.contains(&cursor) || token.place.end == cursor;
    let is_bracket = |token: &Token| matches!(token.sort, Sort::Open | Sort::Close);
    let at = tokens.iter().rposition(|token| is_bracket(token) && touches(token))?;
    let (own, other) = match tokens[at].sort {
        Sort::Open => (Sort::Open, Sort::Close),
        _ => (Sort::Close, Sort::Open),
    };
    let mut depth = 0usize;
    let mut belongs = |n: &usize| {
        match tokens[*n].sort {
            sort if sort == own => depth += 1,
            sort if sort == other => depth -= 1,
            _ => {}
        }
        depth == 0
    };
    let found = match own {
        Sort::Open => (at..tokens.len()).find(|n| belongs(n)),
        _ => (0..=at).rev().find(|n| belongs(n)),
    };
    found.map(|found| (at, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_its_letters_and_the_pair_at_the_cursor_stands_out() {
        let line = "let x = f(\"a (\", 5, [1]) // why";
        let painted = paint(line, 24);
        let bare: String = painted
            .split("\x1b[")
            .enumerate()
            .map(|(n, part)| match n {
                0 => part,
                _ => part.split_once('m').unwrap().1,
            })
            .collect();
        assert_eq!(bare, line);
        assert!(
            painted.starts_with("\x1b[1mlet\x1b[0m x = f\x1b[1;34m(\x1b[0m\x1b[32m\"a (\"\x1b[0m"),
            "{painted:?}"
        );
        assert!(painted.contains("\x1b[2m// why\x1b[0m"), "{painted:?}");
        assert!(!paint(line, 5).contains("1;34"));
        assert!(!paint("f(", 2).contains("1;34"), "nothing belongs to it yet");
    }
}
