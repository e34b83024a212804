//! A script's text taken apart: words, texts, comments and brackets, also while it is unfinished.
//!
//! The only reader of Rhai's letters beside the engine's own. That one says nothing of a text that is not whole, which is
//! what is typed most of the time; it knows where a word begins and not where it ends, keeps no comments, and needs the
//! parser to find its way through `${…}`.

use std::ops::Range;

/// What a part of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Word,
    Number,
    /// With its quotes, as far as they are there.
    Text {
        quote: char,
        closed: bool,
    },
    Comment {
        closed: bool,
    },
    Open,
    Close,
    /// An operator, a comma, a dot.
    Sign,
}

/// A part of the text; what is between two parts is blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub sort: Sort,
    pub place: Range<usize>,
}

/// Takes a text apart.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (sort, end) = token(text, at, first);
        tokens.push(Token { sort, place: at..end });
        at = end;
    }
    tokens
}

fn token(text: &str, at: usize, first: char) -> (Sort, usize) {
    let rest = &text[at..];
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let while_in = |held: &dyn Fn(char) -> bool| rest.find(|c| !held(c)).map_or(text.len(), |n| at + n);
    match first {
        _ if rest.starts_with("//") => {
            let end = rest.find('\n').map_or(text.len(), |n| at + n);
            (Sort::Comment { closed: true }, end)
        }
        _ if rest.starts_with("/*") => match comment_end(rest) {
            Some(end) => (Sort::Comment { closed: true }, at + end),
            None => (Sort::Comment { closed: false }, text.len()),
        },
        '"' | '`' | '\'' => match quote_end(rest, first) {
            Some(end) => (Sort::Text { quote: first, closed: true }, at + end),
            None => (Sort::Text { quote: first, closed: false }, text.len()),
        },
        '#' if rest.starts_with("#{") => (Sort::Open, at + 2),
        '(' | '[' | '{' => (Sort::Open, at + 1),
        ')' | ']' | '}' => (Sort::Close, at + 1),
        c if c.is_ascii_digit() => (Sort::Number, while_in(&word)),
        c if word(c) => (Sort::Word, while_in(&word)),
        ':' if rest.starts_with("::") => (Sort::Sign, at + 2),
        other => (Sort::Sign, at + other.len_utf8()),
    }
}

/// Comments of this kind nest.
fn comment_end(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let step = match rest {
            _ if rest.starts_with("/*") => {
                depth += 1;
                2
            }
            _ if rest.starts_with("*/") => {
                depth -= 1;
                2
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        at += step;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Behind the quote that closes the first; what `${…}` holds may have quotes of its own.
fn quote_end(text: &str, quote: char) -> Option<usize> {
    let mut letters = text.char_indices().skip(1);
    let mut depth = 0usize;
    while let Some((at, c)) = letters.next() {
        match c {
            '\\' if quote != '`' => drop(letters.next()),
            '{' if quote == '`' && (depth > 0 || text[..at].ends_with('$')) => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '"' | '`' if depth > 0 => {
                let inner = quote_end(&text[at..], c)?;
                while letters.clone().next().is_some_and(|(next, _)| next < at + inner) {
                    letters.next();
                }
            }
            // Only a line that ends with a backslash goes on.
            '\n' if quote == '"' => return None,
            c if c == quote && depth == 0 => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

/// The text with blanks for what is in comments and `_` for what is in quotes, byte for byte at the same places.
pub fn mask(text: &str) -> Vec<u8> {
    let mut code = text.as_bytes().to_vec();
    for Token { sort, place } in tokens(text) {
        match sort {
            Sort::Comment { .. } => {
                code[place].iter_mut().filter(|c| **c != b'\n').for_each(|c| *c = b' ');
            }
            Sort::Text { closed, .. } => code[place.start + 1..place.end - usize::from(closed)].fill(b'_'),
            _ => {}
        }
    }
    code
}

/// Whether more has to be typed: a bracket, a text or a comment is open.
pub fn is_open(text: &str) -> bool {
    let mut depth = 0i64;
    for token in tokens(text) {
        match token.sort {
            Sort::Open => depth += 1,
            Sort::Close => depth -= 1,
            Sort::Text { quote: '`', closed: false } | Sort::Comment { closed: false } => return true,
            Sort::Text { closed: false, .. } => return text.ends_with('\\'),
            _ => {}
        }
    }
    depth > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_also_while_it_is_unfinished() {
        let parts = |text: &str| {
            tokens(text).into_iter().map(|token| text[token.place].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            parts("web.make(\"a b\", #{ n: 5.minutes }) // x"),
            ["web", ".", "make", "(", "\"a b\"", ",", "#{", "n", ":", "5", ".", "minutes", "}", ")", "// x"]
        );
        assert_eq!(parts("hoss::x(`a ${b(\"}`\")} c`"), ["hoss", "::", "x", "(", "`a ${b(\"}`\")} c`"]);
        for open in ["f(", "step \"x\" {", "`a", "`a ${b", "/* a", "#{ a: [1,", "\"a\\"] {
            assert!(is_open(open), "{open}");
        }
        for whole in ["f()", "\"a", "`${ {1} }`", "'('", "// (", "/* ( */", "}", "ä(\"ö\")"] {
            assert!(!is_open(whole), "{whole}");
        }
    }
}
