//! The outline of a script's text: its functions, its steps and its hooks, with the places where they stand.
//!
//! The parser of Rhai keeps neither the end of a function nor the text between two places, and does not know hooks. What
//! is looked for here is so plain (words, brackets, quotes) that the text itself tells it.

use super::tokens::mask;
use std::ops::Range;

/// Everything that a layer can say something about. All places are byte offsets.
#[derive(Debug, Default)]
pub struct Outline {
    pub functions: Vec<Function>,
    pub steps: Vec<Step>,
    pub hooks: Vec<Hook>,
    pub imports: Vec<Import>,
    pub base_calls: Vec<BaseCall>,
}

/// `base::name(…)`.
#[derive(Debug)]
pub struct BaseCall {
    pub name: String,
    /// Where `base` begins.
    pub place: usize,
}

/// A function at the top of the text.
#[derive(Debug)]
pub struct Function {
    pub name: String,
    pub parameters: usize,
    /// Where its name begins.
    pub place: usize,
    /// From `fn`, or `private`, to its last bracket.
    pub whole: Range<usize>,
}

/// `step "name" { … }`.
#[derive(Debug)]
pub struct Step {
    /// As it stands between the quotes.
    pub name: String,
    pub place: usize,
    /// What is between its brackets.
    pub body: Range<usize>,
}

/// What a hook does with its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Before,
    After,
    Replace,
    Skip,
}

impl Sort {
    pub fn word(self) -> &'static str {
        match self {
            Sort::Before => "before",
            Sort::After => "after",
            Sort::Replace => "replace",
            Sort::Skip => "skip",
        }
    }
}

/// The words of hooks.
pub const HOOKS: [&str; 4] = ["before", "after", "replace", "skip"];

/// `before("step") { … }` and the like, at the top of a site's file.
#[derive(Debug)]
pub struct Hook {
    pub sort: Sort,
    pub step: String,
    /// Where the name of the step begins, at its quote.
    pub place: usize,
    /// From its word to its last bracket.
    pub whole: Range<usize>,
    /// What is between its brackets; of `skip`, the reason with its quotes.
    pub body: Range<usize>,
}

/// `import "path" as alias;` at the top of the text.
#[derive(Debug, PartialEq)]
pub struct Import {
    pub path: String,
    pub alias: String,
    pub whole: Range<usize>,
}

/// Looks through a text.
pub fn outline(text: &str) -> Outline {
    let masked = mask(text);
    let code = masked.as_slice();
    let mut outline = Outline { base_calls: base_calls(text, code), ..Outline::default() };
    let mut depth = 0usize;
    let mut at = 0;
    while at < code.len() {
        match code[at] {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            c if is_word(c) => {
                let end = (at..code.len()).find(|n| !is_word(code[*n])).unwrap_or(code.len());
                let word = &text[at..end];
                let free = at == 0 || code[at - 1] != b'.';
                match word {
                    "fn" if depth == 0 => outline.functions.extend(function(text, code, at, end)),
                    "import" if depth == 0 => outline.imports.extend(import(text, code, at, end)),
                    "step" if free => outline.steps.extend(step(text, code, at, end)),
                    _ if depth == 0 => {
                        if let Some(hook) = hook(text, code, at, end) {
                            at = hook.whole.end;
                            outline.hooks.push(hook);
                            continue;
                        }
                    }
                    _ => {}
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    outline
}

/// Every `base::name`, wherever it stands.
fn base_calls(text: &str, code: &[u8]) -> Vec<BaseCall> {
    let before = b"base::";
    let starts = (0..code.len()).filter(|at| {
        code[*at] == before[0]
            && code[*at..].starts_with(before)
            && (*at == 0 || !(is_word(code[at - 1]) || code[at - 1] == b':'))
    });
    let call = |place: usize| {
        let start = place + before.len();
        let end = (start..code.len()).find(|n| !is_word(code[*n])).unwrap_or(code.len());
        BaseCall { name: text[start..end].to_owned(), place }
    };
    starts.map(call).collect()
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_'
}

fn skip_space(code: &[u8], from: usize) -> usize {
    (from..code.len()).find(|n| !code[*n].is_ascii_whitespace()).unwrap_or(code.len())
}

/// Where the bracket that opens here is closed.
fn closing(code: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in code.iter().enumerate().skip(open) {
        match c {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// What stands between the quotes at this place, and where the text goes on.
fn quoted<'a>(text: &'a str, code: &[u8], at: usize) -> Option<(&'a str, usize)> {
    let quote = *code.get(at).filter(|c| matches!(c, b'"' | b'`'))?;
    let end = (at + 1..code.len()).find(|n| code[*n] == quote)?;
    Some((&text[at + 1..end], end + 1))
}

fn function(text: &str, code: &[u8], word: usize, end: usize) -> Option<Function> {
    let place = skip_space(code, end);
    let open = (place..code.len()).find(|n| !is_word(code[*n]))?;
    let list = skip_space(code, open);
    if code.get(list) != Some(&b'(') {
        return None;
    }
    let closed = closing(code, list)?;
    let named = std::str::from_utf8(&code[list + 1..closed]).ok()?;
    let body = skip_space(code, closed + 1);
    let last = closing(code, body)?;
    let before = text[..word].trim_end();
    let start = if before.ends_with("private") { before.len() - "private".len() } else { word };
    Some(Function {
        name: text[place..open].to_owned(),
        parameters: named.split(',').filter(|name| !name.trim().is_empty()).count(),
        place,
        whole: start..last + 1,
    })
}

fn import(text: &str, code: &[u8], word: usize, end: usize) -> Option<Import> {
    let (path, after) = quoted(text, code, skip_space(code, end))?;
    let semicolon = (after..code.len()).find(|n| code[*n] == b';')?;
    let alias = text[after..semicolon].trim().strip_prefix("as ")?.trim();
    Some(Import { path: path.to_owned(), alias: alias.to_owned(), whole: word..semicolon + 1 })
}

fn step(text: &str, code: &[u8], word: usize, end: usize) -> Option<Step> {
    let (name, after) = quoted(text, code, skip_space(code, end))?;
    let open = skip_space(code, after);
    if code.get(open) != Some(&b'{') {
        return None;
    }
    Some(Step { name: name.to_owned(), place: word, body: open + 1..closing(code, open)? })
}

fn hook(text: &str, code: &[u8], word: usize, end: usize) -> Option<Hook> {
    let sorts = [Sort::Before, Sort::After, Sort::Replace, Sort::Skip];
    let sort = sorts.into_iter().find(|sort| sort.word() == &text[word..end])?;
    let list = skip_space(code, end);
    if code.get(list) != Some(&b'(') {
        return None;
    }
    let place = skip_space(code, list + 1);
    let (name, after) = quoted(text, code, place)?;
    let closed = closing(code, list)?;
    let next = skip_space(code, closed + 1);
    let (body, last) = if sort == Sort::Skip {
        let comma = skip_space(code, after);
        let reason = skip_space(code, comma + 1);
        let (_, reason_end) = quoted(text, code, reason).filter(|_| code[comma] == b',')?;
        (reason..reason_end, if code.get(next) == Some(&b';') { next } else { closed })
    } else {
        if code.get(next) != Some(&b'{') {
            return None;
        }
        let last = closing(code, next)?;
        (next + 1..last, last)
    };
    Some(Hook { sort, step: current(name).to_owned(), place, whole: word..last + 1, body })
}

/// The names that bundled steps had in earlier versions, and what they are called now: a site's hooks keep working.
const FORMER: [(&str, &str); 2] =
    [("Let go of the way back", "Remove kept images"), ("Drop the ways back", "Remove kept images")];

fn current(name: &str) -> &str {
    FORMER.iter().find(|(former, _)| *former == name).map_or(name, |(_, current)| current)
}
