//! The words and signs of a script, as far as its mutations need them. Written for itself: what is tested must not be
//! what tests.

/// The words that the language keeps for itself: none of them is a variable.
pub const KEYWORDS: [&str; 24] = [
    "fn",
    "let",
    "const",
    "if",
    "else",
    "for",
    "in",
    "while",
    "loop",
    "return",
    "throw",
    "try",
    "catch",
    "import",
    "as",
    "true",
    "false",
    "private",
    "step",
    "on_failure",
    "break",
    "continue",
    "global",
    "switch",
];

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Word,
    Number,
    /// Text between `"`, with its quotes.
    Text,
    /// A backtick, at either end.
    Tick,
    /// Everything else, a letter each; `::` and `#{` are one.
    Sign,
}

#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    pub sort: Sort,
    pub text: &'a str,
    /// Of a backtick.
    pub opens: bool,
    /// In bytes.
    pub start: usize,
    pub end: usize,
}

/// All of them, those within `${…}` too; neither comments nor what else stands between backticks.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    // For each `${` around the place, how many braces are open in it.
    let mut inside: Vec<usize> = Vec::new();
    let mut at = 0;
    let mut quoted = false;
    while at < bytes.len() {
        let start = at;
        let run = |from: usize, is: &dyn Fn(u8) -> bool| {
            (from..bytes.len()).find(|n| !is(bytes[*n])).unwrap_or(bytes.len())
        };
        let sort = match bytes[at] {
            b'`' => {
                (quoted, at) = (!quoted, at + 1);
                Sort::Tick
            }
            b'$' if quoted && bytes[at + 1] == b'{' => {
                (quoted, at) = (false, at + 2);
                inside.push(0);
                continue;
            }
            _ if quoted => {
                at += 1;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = run(at, &|c| c != b'\n');
                continue;
            }
            b'"' => {
                at += 1;
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                Sort::Text
            }
            b'}' if inside.last() == Some(&0) => {
                inside.pop();
                (quoted, at) = (true, at + 1);
                continue;
            }
            c if c.is_ascii_alphabetic() || c == b'_' => {
                at = run(at, &|c| c.is_ascii_alphanumeric() || c == b'_');
                Sort::Word
            }
            c if c.is_ascii_digit() => {
                at = run(at, &|c| c.is_ascii_digit());
                Sort::Number
            }
            c if c.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            c => {
                at += if text[at..].starts_with("::") || text[at..].starts_with("#{") { 2 } else { 1 };
                if let Some(open) = inside.last_mut() {
                    match c {
                        b'{' | b'#' => *open += 1,
                        b'}' => *open -= 1,
                        _ => {}
                    }
                }
                Sort::Sign
            }
        };
        found.push(Token { sort, text: &text[start..at], opens: quoted, start, end: at });
    }
    found
}

/// The number of the token that closes the bracket which the one at `open` opens.
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (n, token) in tokens.iter().enumerate().skip(open).filter(|(_, token)| token.sort == Sort::Sign) {
        match token.text {
            "(" | "[" | "{" | "#{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return n;
        }
    }
    panic!("a bundled script has a bracket that is not closed")
}

/// The ranges of bytes of the arguments between the bracket at `open` and its other one.
pub fn arguments(tokens: &[Token], open: usize) -> Vec<std::ops::Range<usize>> {
    let end = closing(tokens, open);
    let mut found = Vec::new();
    let mut first = open + 1;
    let mut at = first;
    let mut parameters = false;
    while at < end {
        match tokens[at].text {
            "(" | "[" | "{" | "#{" if tokens[at].sort == Sort::Sign => at = closing(tokens, at),
            // The parameters of a closure have commas of their own.
            "|" => parameters = !parameters,
            "," if !parameters => {
                found.push(tokens[first].start..tokens[at - 1].end);
                first = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    if first < end {
        found.push(tokens[first].start..tokens[end - 1].end);
    }
    found
}
