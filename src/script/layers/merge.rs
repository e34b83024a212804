//! A site's file laid on the bundled file of its name, and a kind's file on that of the kind that it extends: one text of
//! both, before anything is parsed.
//!
//! Why text, and not syntax trees or tables of functions: a hook that stands in the step's own block sees what the step
//! sees, and `return`, `on_failure` and `parallel` in it work, because nothing tells it from the step; the parser, the
//! check, the plan and the run all see one ordinary script; and keys of a journal count what is called there, as ever.
//! Each line and column is kept through the name of the text (see `source`).
//!
//! A function of the upper file is the one that all calls reach; the lower one of that name is called `base__name` from
//! then on, which is what `base::name(…)` is read as: it is as long, so that columns stay. Where there are more than two
//! files, the next is called `base1_name`.

use super::Text;
use super::problems::problems;
use crate::script::text::outline::{self, Hook, Outline, outline};
use crate::script::text::source::{Line, files, layered, line_at};
use std::collections::BTreeSet;
use std::ops::Range;

/// A place in the lower text where the upper one comes in.
#[derive(Clone, Copy)]
enum Edit {
    /// Before the name of a function that the upper file replaces.
    Rename,
    /// Where such a function begins that nothing calls any more, up to where it ends.
    Drop(usize),
    /// Where the body of a step begins, by the step's number.
    Open(usize),
    /// Where it ends.
    Close(usize),
}

/// How the upper of two files lies on the lower.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// A site's on a bundled one: it may say anything of it, and hooks the steps of all functions.
    Layer,
    /// A kind's on that of the kind that it extends.
    Kind,
}

/// One text of a bundled file, or of one that is made of several, and of the site's of the same name.
pub fn compose(bundled: &Text, site: &Text) -> Text {
    made_of(bundled, site, Sort::Layer)
}

/// One text of a kind's file and of that of the kind that it extends. It is called after the kind's own.
pub fn inherit(parent: &Text, own: &Text) -> Text {
    made_of(parent, own, Sort::Kind)
}

/// Whether a function is one that an upper file has replaced.
pub fn is_base(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A function's name in the file that it is from.
pub fn written(name: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// What is said of a text of several files, in the words of who wrote them.
pub fn as_written(said: String) -> String {
    PREFIXES.iter().fold(said, |said, prefix| said.replace(prefix, "base::"))
}

/// What the names of replaced functions begin with, all as long as `base::`.
const PREFIXES: [&str; 10] =
    ["base__", "base1_", "base2_", "base3_", "base4_", "base5_", "base6_", "base7_", "base8_", "base9_"];

fn made_of(lower: &Text, upper: &Text, sort: Sort) -> Text {
    let (below, above) = (outline(&lower.text), outline(&upper.text));
    let prefix = PREFIXES.into_iter().find(|prefix| !lower.text.contains(prefix)).unwrap_or_default();
    let own = own_text(&upper.text, &below, &above, prefix, sort);
    let base = base_text(&lower.text, &upper.text, sort);
    let mut rest = own.clone();
    above.hooks.iter().for_each(|hook| blank(&mut rest, hook.whole.clone()));
    let mut writer = Writer::default();
    match sort {
        // A hook may stand above everything else of the site's file, and needs its imports.
        Sort::Layer => {
            for import in added_imports(&below, &above) {
                writer.piece(Side::Above, &upper.text, import, "");
            }
        }
        Sort::Kind => {
            // What both import is imported once.
            let both = above.imports.iter().filter(|import| is_in(&below, import));
            both.for_each(|import| blank(&mut rest, import.whole.clone()));
            writer.piece(Side::Above, &rest, 0..rest.len(), "");
        }
    }
    let hooks = |step: usize| -> Vec<&Hook> {
        above.hooks.iter().filter(|hook| hook.step == below.steps[step].name).collect()
    };
    let mut at = 0;
    let mut begun = true;
    for (place, edit) in edits(&lower.text, &below, &above, sort) {
        // What stands in a step that is replaced is gone with it.
        if place < at {
            continue;
        }
        writer.below(&base, at..place, begun);
        (at, begun) = (place, true);
        match edit {
            Edit::Drop(end) => at = end,
            Edit::Rename => {
                writer.line(prefix);
                begun = false;
            }
            Edit::Open(step) => {
                let hooks = hooks(step);
                for hook in hooks.iter().filter(|hook| hook.sort == outline::Sort::Before) {
                    writer.block(&own, hook);
                }
                let ends = |hook: &&&Hook| matches!(hook.sort, outline::Sort::Replace | outline::Sort::Skip);
                if let Some(hook) = hooks.iter().find(ends) {
                    writer.block(&own, hook);
                    at = below.steps[step].body.end;
                    for hook in hooks.iter().filter(|hook| hook.sort == outline::Sort::After) {
                        writer.block(&own, hook);
                    }
                }
            }
            Edit::Close(step) => {
                for hook in hooks(step).iter().filter(|hook| hook.sort == outline::Sort::After) {
                    writer.block(&own, hook);
                }
            }
        }
    }
    writer.below(&base, at..base.len(), begun);
    if sort == Sort::Layer {
        writer.piece(Side::Above, &rest, 0..rest.len(), "");
    }
    let hooked: BTreeSet<usize> = below
        .steps
        .iter()
        .enumerate()
        .filter(|(n, _)| !hooks(*n).is_empty())
        .map(|(_, step)| line_of(&base, step.place))
        .collect();
    let lines: Vec<Line> = writer
        .lines
        .iter()
        .map(|(side, line)| match side {
            Side::Above => Line { file: upper.source.clone(), line: *line, hooked: None },
            Side::Below => {
                let mut there = line_at(&lower.source, *line);
                there.hooked = hooked.contains(line).then(|| upper.source.clone()).or(there.hooked);
                there
            }
        })
        .collect();
    let first = match sort {
        Sort::Layer => files(&lower.source)[0],
        Sort::Kind => upper.source.as_str(),
    };
    let mut written = lower.own.clone();
    written.push((upper.source.clone(), upper.text.clone()));
    let mut found = lower.problems.clone();
    found.extend(problems(&below, &above, upper));
    Text { source: layered(first, &lines), text: writer.text, own: written, problems: found }
}

/// All places where the lower text is changed, in its order.
fn edits(text: &str, below: &Outline, above: &Outline, sort: Sort) -> Vec<(usize, Edit)> {
    let replaced = |name: &str| above.functions.iter().any(|function| function.name == name);
    let is_called = |name: &str| above.base_calls.iter().any(|call| call.name == name);
    let functions = below.functions.iter().filter(|function| replaced(&function.name));
    let mut edits: Vec<(usize, Edit)> = functions
        .map(|function| match sort == Sort::Layer || is_called(&function.name) {
            true => (function.place, Edit::Rename),
            // With its documentation, which would be that of the next one.
            false => (comment_start(text, function.whole.start), Edit::Drop(function.whole.end)),
        })
        .collect();
    for (n, step) in below.steps.iter().enumerate() {
        if above.hooks.iter().any(|hook| hook.step == step.name) {
            edits.extend([(step.body.start, Edit::Open(n)), (step.body.end, Edit::Close(n))]);
        }
    }
    edits.sort_by_key(|(place, _)| *place);
    edits
}

/// Where the documentation begins that ends before a place.
fn comment_start(text: &str, place: usize) -> usize {
    let mut start = place;
    for line in text[..place].split_inclusive('\n').rev() {
        if !line.trim_start().starts_with("///") {
            break;
        }
        start -= line.len();
    }
    start
}

fn is_in(below: &Outline, import: &outline::Import) -> bool {
    below.imports.iter().any(|other| (&other.alias, &other.path) == (&import.alias, &import.path))
}

fn added_imports(below: &Outline, above: &Outline) -> Vec<Range<usize>> {
    let added = above.imports.iter().filter(|import| !is_in(below, import));
    added.map(|import| import.whole.clone()).collect()
}

/// The upper text with the names that the lower functions go by now; that of a site without its imports. Every byte stays
/// at its place.
fn own_text(text: &str, below: &Outline, above: &Outline, prefix: &str, sort: Sort) -> String {
    let mut own = text.to_owned();
    if sort == Sort::Layer {
        above.imports.iter().for_each(|import| blank(&mut own, import.whole.clone()));
    }
    for call in above.base_calls.iter() {
        let replaced = above.functions.iter().any(|function| function.name == call.name);
        let there = below.functions.iter().any(|function| function.name == call.name);
        match replaced && there {
            true => own.replace_range(call.place..call.place + "base::".len(), prefix),
            false => blank(&mut own, call.place..call.place + "base::".len()),
        }
    }
    own
}

/// The lower text, without its documentation if the upper file has its own, as any kind must.
fn base_text(lower: &str, upper: &str, sort: Sort) -> String {
    let mut base = lower.to_owned();
    if sort == Sort::Kind || upper.lines().any(|line| line.starts_with("//!")) {
        let mut at = 0;
        for line in lower.split_inclusive('\n') {
            if line.starts_with("//!") {
                blank(&mut base, at..at + line.len());
            }
            at += line.len();
        }
    }
    base
}

/// Puts a blank for each byte that ends no line.
fn blank(text: &mut String, range: Range<usize>) {
    let blanks: String = text[range.clone()].bytes().map(|c| if c == b'\n' { '\n' } else { ' ' }).collect();
    text.replace_range(range, &blanks);
}

/// The line of a place, from 1.
fn line_of(text: &str, place: usize) -> usize {
    text[..place].matches('\n').count() + 1
}

/// Writes the text, and which line of which file each of its lines is.
#[derive(Default)]
struct Writer {
    text: String,
    lines: Vec<(Side, usize)>,
}

/// Which of the two files a line is from.
#[derive(Clone, Copy)]
enum Side {
    Below,
    Above,
}

impl Writer {
    /// A part of a file, on a line of its own and in the columns that it has there. `lead` is put before it.
    fn piece(&mut self, side: Side, file: &str, range: Range<usize>, lead: &str) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let line = line_of(file, range.start);
        let start = file[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let column = file[start..range.start].chars().count();
        self.text.extend(std::iter::repeat_n(' ', column.saturating_sub(lead.chars().count())));
        self.text.push_str(lead);
        self.lines.push((side, line));
        self.rest(side, line, &file[range]);
    }

    /// The text itself, whose first line is known.
    fn rest(&mut self, side: Side, line: usize, text: &str) {
        self.text.push_str(text);
        let ends = text.matches('\n').count();
        self.lines.extend((1..=ends).map(|n| (side, line + n)));
        // The next piece begins the line that this one only ended.
        if text.ends_with('\n') {
            self.lines.pop();
        }
    }

    /// A part of the lower file; in the middle of a line if it does not begin one.
    fn below(&mut self, file: &str, range: Range<usize>, begun: bool) {
        match begun {
            true => self.piece(Side::Below, file, range, ""),
            false => self.rest(Side::Below, line_of(file, range.start), &file[range]),
        }
    }

    /// A word of ours in the middle of a line, or at the beginning of one that the piece before only ended.
    fn line(&mut self, word: &str) {
        if self.text.ends_with('\n')
            && let Some((side, line)) = self.lines.last().copied()
        {
            self.lines.push((side, line + 1));
        }
        self.text.push_str(word);
    }

    /// What a hook does, as a block of its own: its variables are not the step's.
    fn block(&mut self, own: &str, hook: &Hook) {
        if hook.sort == outline::Sort::Skip {
            self.piece(Side::Above, own, hook.body.clone(), "; skipped(");
            self.line(");");
            return;
        }
        self.piece(Side::Above, own, hook.body.clone(), "; {");
        self.line(" }");
    }
}
