//! One logical line of a settings file, as GNU make takes it apart (its `read.c`: `readline`,
//! `collapse_continuations`, `remove_comments`, `parse_var_assignment`).

use std::ops::Range;

/// A line, with the lines that a backslash at its end joins to it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Where it stands in the text, its end included.
    pub range: Range<usize>,
    /// From `#` on, without the line's end.
    pub comment: Option<String>,
    /// Absent for empty lines, comments, and what is no setting.
    pub statement: Option<Statement>,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// `export ` with the blanks around it, as it is written.
    pub prefix: String,
    pub name: String,
    pub operator: Operator,
    /// What is to be expanded.
    pub value: String,
}

/// How a setting is given its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `=`: expanded when it is used.
    Later,
    /// `:=`: expanded at once.
    AtOnce,
    /// `?=`
    IfUnset,
    /// `+=`
    Append,
    /// `!=`: the output of a command.
    Shell,
}

/// Words that make take for more than a setting.
const DIRECTIVES: [&str; 15] = [
    "define", "endef", "undefine", "ifdef", "ifndef", "ifeq", "ifneq", "else", "endif", "include",
    "-include", "sinclude", "load", "override", "private",
];

const BLANKS: [char; 2] = [' ', '\t'];

impl Line {
    /// Reads the line that begins at `start`.
    pub fn read(text: &str, start: usize) -> Result<Line, String> {
        let mut end = start;
        let mut physical: Vec<&str> = Vec::new();
        loop {
            let length = text[end..].find('\n').map_or(text.len() - end, |found| found + 1);
            let line = &text[end..end + length];
            end += length;
            let line = line.strip_suffix('\n').map_or(line, |line| match line.strip_suffix('\r') {
                // A lone line of `\r` stays one for make 4.3; nobody writes that.
                Some(without) => without,
                None => line,
            });
            physical.push(line);
            if backslashes(line).is_multiple_of(2) || !text[..end].ends_with('\n') {
                break;
            }
            if end == text.len() {
                // The last line is joined with nothing.
                physical.push("");
                break;
            }
        }
        let first = if start == 0 { physical[0].trim_start_matches('\u{feff}') } else { physical[0] };
        let mut joined = first.to_owned();
        for next in &physical[1..] {
            let count = backslashes(&joined);
            joined.truncate(joined.len() - count);
            joined.push_str(&"\\".repeat(count / 2));
            if count / 2 == 0 {
                joined.truncate(joined.trim_end_matches(BLANKS).len());
            }
            joined.push(' ');
            joined.push_str(next.trim_start_matches(BLANKS));
        }
        // Only a NUL at all ends a line early; nothing good can come of it.
        if joined.contains('\0') {
            return Err("it holds a NUL".into());
        }
        let (code, comment) = cut_comment(&joined);
        let statement = statement(&code)?;
        Ok(Line { range: start..end, comment, statement })
    }
}

fn backslashes(line: &str) -> usize {
    line.len() - line.trim_end_matches('\\').len()
}

/// What stands before the first `#` that no backslash quotes, and the rest. Of the backslashes before a `#` half are
/// dropped.
fn cut_comment(line: &str) -> (String, Option<String>) {
    let mut code = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('#') {
        let before = &rest[..at];
        let count = backslashes(before);
        code.push_str(&before[..at - count]);
        code.push_str(&"\\".repeat(count / 2));
        if count.is_multiple_of(2) {
            return (code, Some(rest[at..].to_owned()));
        }
        code.push('#');
        rest = &rest[at + 1..];
    }
    code.push_str(rest);
    (code, None)
}

fn statement(code: &str) -> Result<Option<Statement>, String> {
    let mut rest = code.trim_start_matches(BLANKS);
    let mut prefix_end = code.len() - rest.len();
    // Looked for once: a line may begin with any number of `export`.
    let found = Assigned::find(code);
    loop {
        if let Some(found) = &found
            && let Some(name) = found.name(code, prefix_end)?
        {
            return Ok(Some(Statement {
                prefix: code[..prefix_end].to_owned(),
                name: name.to_owned(),
                operator: found.operator,
                value: code[found.value..].trim_start_matches(BLANKS).to_owned(),
            }));
        }
        let word = rest.split(BLANKS).next().unwrap_or_default();
        let is_directive =
            |it: &str| word.strip_prefix(it).is_some_and(|rest| rest.is_empty() || rest.starts_with('('));
        if DIRECTIVES.into_iter().any(is_directive) {
            return Err(format!("`{word}` is more than a setting"));
        }
        if word != "export" {
            return Ok(None);
        }
        rest = rest[word.len()..].trim_start_matches(BLANKS);
        prefix_end = code.len() - rest.len();
    }
}

/// The first `=` of a line, with what belongs to it.
struct Assigned {
    name_end: usize,
    operator: Operator,
    value: usize,
}

impl Assigned {
    fn find(code: &str) -> Option<Assigned> {
        let at = code.find('=')?;
        let left = &code[..at];
        let (name, operator) = match left.chars().next_back() {
            Some(':') => (left.trim_end_matches(':'), Operator::AtOnce),
            Some('?') => (&left[..left.len() - 1], Operator::IfUnset),
            Some('+') => (&left[..left.len() - 1], Operator::Append),
            Some('!') => (&left[..left.len() - 1], Operator::Shell),
            _ => (left, Operator::Later),
        };
        Some(Assigned { name_end: name.trim_end_matches(BLANKS).len(), operator, value: at + 1 })
    }

    /// The name, if a setting begins at this place.
    fn name<'a>(&self, code: &'a str, start: usize) -> Result<Option<&'a str>, String> {
        let Some(name) = code.get(start..self.name_end).filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        match name.find(BLANKS) {
            Some(_) => Ok(None),
            None if name.contains(['$', ':', '(', ')']) => {
                Err(format!("make reads more than a setting in `{name}`"))
            }
            None => Ok(Some(name)),
        }
    }
}

/// The value as it must be written; nothing if no line of make's can hold it.
pub(super) fn escape(value: &str) -> Option<String> {
    if value.starts_with(BLANKS)
        || value.contains(['\n', '\r', '\0'])
        || !backslashes(value).is_multiple_of(2)
    {
        return None;
    }
    let mut written = String::new();
    for c in value.chars() {
        match c {
            '$' => written.push_str("$$"),
            '#' => {
                let count = backslashes(&written);
                written.push_str(&"\\".repeat(count + 1));
                written.push('#');
            }
            c => written.push(c),
        }
    }
    Some(written)
}
