//! A site's file laid on the bundled file of its name: one text of both, before anything is parsed.
//!
//! Why text, and not syntax trees or tables of functions: a hook that stands in the step's own block sees what the step
//! sees, and `return`, `on_failure` and `parallel` in it work, because nothing tells it from the step; the parser, the
//! check, the plan and the run all see one ordinary script; and keys of a journal count what is called there, as ever.
//! Each line and column is kept through the name of the text (see `source`).
//!
//! A function of the site's file is the one that all calls reach; the bundled one of that name is called `base__name`
//! from then on, which is what `base::name(…)` is read as: it is as long, so that columns stay.

use super::layer_check::problems;
use super::layers::Text;
use super::outline::{Hook, Outline, Sort, outline};
use super::source::{Layer, layered};
use std::collections::BTreeSet;
use std::ops::Range;

/// A place in the bundled text where the site's comes in.
#[derive(Clone, Copy)]
enum Edit {
    /// Before the name of a function that the site's file replaces.
    Rename,
    /// Where the body of a step begins, by the step's number.
    Open(usize),
    /// Where it ends.
    Close(usize),
}

/// One text of both.
pub fn compose(bundled: &Text, site: &Text) -> Text {
    let (below, above) = (outline(&bundled.text), outline(&site.text));
    let own = own_text(&site.text, &below, &above);
    let base = base_text(&bundled.text, &site.text);
    let mut writer = Writer::default();
    // A hook may stand above everything else of the site's file, and needs its imports.
    for import in added_imports(&below, &above) {
        writer.piece(Layer::Site, &site.text, import, "");
    }
    let hooks = |step: usize| -> Vec<&Hook> {
        above.hooks.iter().filter(|hook| hook.step == below.steps[step].name).collect()
    };
    let mut at = 0;
    let mut begun = true;
    for (place, edit) in edits(&below, &above) {
        // What stands in a step that is replaced is gone with it.
        if place < at {
            continue;
        }
        writer.bundled(&base, at..place, begun);
        (at, begun) = (place, true);
        match edit {
            Edit::Rename => {
                writer.line("base__");
                begun = false;
            }
            Edit::Open(step) => {
                let hooks = hooks(step);
                for hook in hooks.iter().filter(|hook| hook.sort == Sort::Before) {
                    writer.block(&own, hook);
                }
                let instead = hooks.iter().find(|hook| matches!(hook.sort, Sort::Replace | Sort::Skip));
                if let Some(hook) = instead {
                    writer.block(&own, hook);
                    at = below.steps[step].body.end;
                    for hook in hooks.iter().filter(|hook| hook.sort == Sort::After) {
                        writer.block(&own, hook);
                    }
                }
            }
            Edit::Close(step) => {
                for hook in hooks(step).iter().filter(|hook| hook.sort == Sort::After) {
                    writer.block(&own, hook);
                }
            }
        }
    }
    writer.bundled(&base, at..base.len(), begun);
    let mut rest = own;
    above.hooks.iter().for_each(|hook| blank(&mut rest, hook.whole.clone()));
    writer.piece(Layer::Site, &rest, 0..rest.len(), "");
    let hooked: BTreeSet<usize> = below
        .steps
        .iter()
        .enumerate()
        .filter(|(n, _)| !hooks(*n).is_empty())
        .map(|(_, step)| line_of(&base, step.place))
        .collect();
    for (layer, line) in &mut writer.lines {
        if *layer == Layer::Bundled && hooked.contains(line) {
            *layer = Layer::Hooked;
        }
    }
    let source = layered(&bundled.source, &site.source, &writer.lines);
    Text { source, text: writer.text, own: site.text.clone(), problems: problems(&below, &above, site) }
}

/// All places where the bundled text is changed, in its order.
fn edits(below: &Outline, above: &Outline) -> Vec<(usize, Edit)> {
    let replaced = |name: &str| above.functions.iter().any(|function| function.name == name);
    let functions = below.functions.iter().filter(|function| replaced(&function.name));
    let mut edits: Vec<(usize, Edit)> = functions.map(|function| (function.place, Edit::Rename)).collect();
    for (n, step) in below.steps.iter().enumerate() {
        if above.hooks.iter().any(|hook| hook.step == step.name) {
            edits.extend([(step.body.start, Edit::Open(n)), (step.body.end, Edit::Close(n))]);
        }
    }
    edits.sort_by_key(|(place, _)| *place);
    edits
}

fn added_imports(below: &Outline, above: &Outline) -> Vec<Range<usize>> {
    let there = |import: &&super::outline::Import| {
        !below.imports.iter().any(|other| (&other.alias, &other.path) == (&import.alias, &import.path))
    };
    above.imports.iter().filter(there).map(|import| import.whole.clone()).collect()
}

/// The site's text without its imports, and with the names that the bundled functions go by now. Every byte stays at
/// its place.
fn own_text(text: &str, below: &Outline, above: &Outline) -> String {
    let mut own = text.to_owned();
    above.imports.iter().for_each(|import| blank(&mut own, import.whole.clone()));
    for call in above.base_calls.iter() {
        let replaced = above.functions.iter().any(|function| function.name == call.name);
        let there = below.functions.iter().any(|function| function.name == call.name);
        match replaced && there {
            true => own.replace_range(call.place..call.place + "base::".len(), "base__"),
            false => blank(&mut own, call.place..call.place + "base::".len()),
        }
    }
    own
}

/// The bundled text, without its documentation if the site's file has its own.
fn base_text(bundled: &str, site: &str) -> String {
    let mut base = bundled.to_owned();
    if site.lines().any(|line| line.starts_with("//!")) {
        let mut at = 0;
        for line in bundled.split_inclusive('\n') {
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
    lines: Vec<(Layer, usize)>,
}

impl Writer {
    /// A part of a file, on a line of its own and in the columns that it has there. `lead` is put before it.
    fn piece(&mut self, layer: Layer, file: &str, range: Range<usize>, lead: &str) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let line = line_of(file, range.start);
        let start = file[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let column = file[start..range.start].chars().count();
        self.text.extend(std::iter::repeat_n(' ', column.saturating_sub(lead.chars().count())));
        self.text.push_str(lead);
        self.lines.push((layer, line));
        self.rest(layer, line, &file[range]);
    }

    /// The text itself, whose first line is known.
    fn rest(&mut self, layer: Layer, line: usize, text: &str) {
        self.text.push_str(text);
        let ends = text.matches('\n').count();
        self.lines.extend((1..=ends).map(|n| (layer, line + n)));
        // The next piece begins the line that this one only ended.
        if text.ends_with('\n') {
            self.lines.pop();
        }
    }

    /// A part of the bundled file; in the middle of a line if it does not begin one.
    fn bundled(&mut self, file: &str, range: Range<usize>, begun: bool) {
        match begun {
            true => self.piece(Layer::Bundled, file, range, ""),
            false => self.rest(Layer::Bundled, line_of(file, range.start), &file[range]),
        }
    }

    /// A word of ours in the middle of a line, or at the beginning of one that the piece before only ended.
    fn line(&mut self, word: &str) {
        if self.text.ends_with('\n')
            && let Some((layer, line)) = self.lines.last().copied()
        {
            self.lines.push((layer, line + 1));
        }
        self.text.push_str(word);
    }

    /// What a hook does, as a block of its own: its variables are not the step's.
    fn block(&mut self, own: &str, hook: &Hook) {
        if hook.sort == Sort::Skip {
            self.piece(Layer::Site, own, hook.body.clone(), "; skipped(");
            self.line(");");
            return;
        }
        self.piece(Layer::Site, own, hook.body.clone(), "; {");
        self.line(" }");
    }
}
