//! Which bracket or backtick was not closed, of a text that does not parse. The parser notices that only later, often at
//! the end of the file; people indent what they write, and that says where it is.

use crate::script::text::tokens::mask;

/// A line and a column in characters, from 1.
pub type Place = (usize, usize);

/// Something that was opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Open {
    pub sign: char,
    pub place: Place,
    /// The blanks before the first word of its line.
    indent: usize,
}

/// What was opened and not closed, as far as that can be told from what stands up to `stopped`, where the parser gave up.
pub fn unclosed(text: &str, stopped: Place) -> Option<Open> {
    let (signs, whole) = signs(text);
    unclosed_tick(text, &signs, stopped)
        .or_else(|| unclosed_bracket(&signs, whole, stopped).filter(|open| is_lost(&signs, open.sign)))
}

/// The bracket of a list around a place that was opened in an earlier line.
pub fn around(text: &str, place: Place) -> Option<Open> {
    let (signs, _) = signs(text);
    open_at(&signs, place).pop().map(|sign| sign.open).filter(|last| last.place.0 < place.0)
}

/// The bracket of a list around a place, if a block begins right behind it, as in `keys( {`.
pub fn before_block(text: &str, place: Place) -> Option<Open> {
    let (signs, _) = signs(text);
    let beside = |pair: &&[&Sign]| {
        let (list, block) = (pair[0], pair[1]);
        list.open.sign == '(' && block.open.sign == '{' && text[list.at + 1..block.at].trim().is_empty()
    };
    open_at(&signs, place).windows(2).find(beside).map(|pair| pair[0].open)
}

/// The brackets around a place, the innermost last.
fn open_at(signs: &[Sign], place: Place) -> Vec<&Sign> {
    let mut open = Vec::new();
    for sign in signs.iter().take_while(|sign| sign.open.place < place) {
        match sign.open.sign {
            '(' | '[' | '{' => open.push(sign),
            ')' | ']' | '}' => drop(open.pop()),
            _ => {}
        }
    }
    open
}

impl Open {
    /// Whether fewer of its sort are closed than opened in the whole text.
    pub fn is_one_too_many(&self, text: &str) -> bool {
        is_lost(&signs(text).0, self.sign)
    }

    /// Whether its line is indented at least as much as another, which then belongs to nothing that this opens.
    pub fn is_as_far_in(&self, text: &str, line: usize) -> bool {
        text.lines().nth(line - 1).is_some_and(|line| indent(line) <= self.indent)
    }
}

/// A bracket, a backtick, or a word at the very start of a line.
struct Sign {
    open: Open,
    /// Whether it begins its line.
    first: bool,
    /// In bytes.
    at: usize,
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).count()
}

/// All of them; and whether that is so, because after a quote that is not closed on its line nobody knows what is text.
fn signs(text: &str) -> (Vec<Sign>, bool) {
    let code = mask(text);
    let mut signs = Vec::new();
    let mut quoted = false;
    let mut start = 0;
    for (n, line) in text.split('\n').enumerate() {
        for (column, (offset, letter)) in line.char_indices().enumerate() {
            let masked = code[start + offset];
            quoted ^= masked == b'"';
            let begins = column == 0 && (masked.is_ascii_lowercase() || line.starts_with("///"));
            let sign = if begins { 'f' } else { char::from(masked) };
            if begins
                || (matches!(masked, b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'`')
                    && masked == letter as u8)
            {
                let open = Open { sign, place: (n + 1, column + 1), indent: indent(line) };
                signs.push(Sign { open, first: column == indent(line), at: start + offset });
            }
        }
        start += line.len() + 1;
        if quoted {
            return (signs, false);
        }
    }
    (signs, true)
}

/// Whether fewer brackets of a sort are closed than opened.
fn is_lost(signs: &[Sign], sign: char) -> bool {
    let count = |sign: char| signs.iter().filter(|other| other.open.sign == sign).count();
    let closing = match sign {
        '(' => ')',
        '[' => ']',
        _ => '}',
    };
    count(sign) > count(closing)
}

/// What stands in backticks is followed by a sign. If a word follows on the line, that stood in backticks itself once.
fn unclosed_tick(text: &str, signs: &[Sign], stopped: Place) -> Option<Open> {
    let ticks: Vec<&Sign> = signs.iter().filter(|sign| sign.open.sign == '`').collect();
    for pair in ticks.chunks(2) {
        let [opens, closes] = pair else { return Some(pair[0].open) };
        if opens.open.place > stopped {
            return None;
        }
        let next = text[closes.at + 1..].trim_start_matches(' ').chars().next().unwrap_or(';');
        let inside = &text[opens.at..closes.at];
        // It would open text that begins on the next line.
        let opening = inside.contains('\n') && inside.trim_end_matches(' ').ends_with(['=', '(']);
        // It would end in the middle of a documentation.
        let documented = inside.contains('\n')
            && inside.lines().last().is_some_and(|line| line.trim_start().starts_with("///"));
        if opening || documented || next.is_alphanumeric() || matches!(next, '$' | '_' | '"' | '(' | '[') {
            return Some(opens.open);
        }
    }
    None
}

fn unclosed_bracket(signs: &[Sign], whole: bool, stopped: Place) -> Option<Open> {
    let mut open: Vec<Open> = Vec::new();
    for sign in signs {
        if sign.open.place > stopped {
            break;
        }
        let closes = match sign.open.sign {
            ')' => '(',
            ']' => '[',
            '}' => '{',
            '(' | '[' | '{' => {
                open.push(sign.open);
                continue;
            }
            // A definition begins, so that all before it should be closed.
            'f' if !open.is_empty() => return open.first().copied(),
            _ => continue,
        };
        let last = open.pop()?;
        if last.sign != closes {
            // What closes nothing stands where the parser gave up.
            return Some(last).filter(|_| closes == '{');
        }
        if sign.first && sign.open.place.0 > last.place.0 && last.indent > sign.open.indent {
            return Some(last);
        }
    }
    let ended = whole && signs.last().is_some_and(|sign| sign.open.place < stopped);
    open.first().copied().filter(|_| ended)
}
