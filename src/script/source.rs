//! The name of a text, from which every place in it can be told.
//!
//! Rhai gives an error the name of its text and a line. A text that was made of two files has a name that says of each
//! line which file it is from: `bundled:update.rhai`, the path of the site's file and the runs of lines, with a unit
//! separator between them. So a place needs nothing but the name and the line, in any thread and in any module.

/// What the source of a bundled text begins with.
pub const BUNDLED: &str = "bundled:";

const SEPARATOR: char = '\u{1f}';

/// Which file a line of a layered text is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    Bundled,
    /// A line of the bundled file with a step that the site's file hooks.
    Hooked,
    Site,
}

impl Layer {
    fn letter(self) -> char {
        match self {
            Layer::Bundled => 'b',
            Layer::Hooked => 'h',
            Layer::Site => 's',
        }
    }
}

/// The name of a text of two files; `lines` says of each of its lines which line of which file it is, from 1.
pub fn layered(bundled: &str, site: &str, lines: &[(Layer, usize)]) -> String {
    let mut runs = String::new();
    let mut expected = None;
    for (n, (layer, line)) in lines.iter().enumerate() {
        if expected != Some((*layer, *line)) {
            runs.push_str(&format!("{}{}{line},", n + 1, layer.letter()));
        }
        expected = Some((*layer, line + 1));
    }
    format!("{bundled}{SEPARATOR}{site}{SEPARATOR}{runs}")
}

/// The file that a line is from, and its number there.
fn resolve(source: &str, line: usize) -> (Layer, &str, usize) {
    let mut parts = source.split(SEPARATOR);
    let (first, site, runs) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let (Some(site), Some(runs)) = (site, runs) else {
        let layer = if first.starts_with(BUNDLED) { Layer::Bundled } else { Layer::Site };
        return (layer, first, line);
    };
    fn parsed(run: &str) -> Option<(usize, &str, usize)> {
        let letter = run.find(|c: char| c.is_ascii_alphabetic())?;
        let start: usize = run[..letter].parse().ok()?;
        let there: usize = run[letter + 1..].parse().ok()?;
        Some((start, &run[letter..=letter], there))
    }
    match runs.split(',').filter_map(parsed).take_while(|(start, ..)| *start <= line).last() {
        Some((start, "s", there)) => (Layer::Site, site, there + line - start),
        Some((start, "h", there)) => (Layer::Hooked, first, there + line - start),
        Some((start, _, there)) => (Layer::Bundled, first, there + line - start),
        None => (Layer::Bundled, first, line),
    }
}

/// The source of the file that a line is from, and its number there.
pub fn file_line(source: &str, line: usize) -> (&str, usize) {
    let (_, file, line) = resolve(source, line);
    (file, line)
}

/// Whether a line of a layered text is one of the site's file.
pub fn is_site(source: &str, line: usize) -> bool {
    source.contains(SEPARATOR) && resolve(source, line).0 == Layer::Site
}

/// A source as people read it: the path of a site's file, the name of a bundled one, also if a site's lies on it.
pub fn shown(source: &str) -> &str {
    let first = source.split(SEPARATOR).next().unwrap_or_default();
    first.strip_prefix(BUNDLED).unwrap_or(first)
}

/// A source as `show --json` names it, for a step in this line: `bundled`, or the path of the site's file that has or
/// hooks it.
pub fn origin(source: &str, line: usize) -> &str {
    match resolve(source, line) {
        (Layer::Hooked, ..) => source.split(SEPARATOR).nth(1).unwrap_or_default(),
        (_, file, _) if file.starts_with(BUNDLED) => "bundled",
        (_, file, _) => file,
    }
}
