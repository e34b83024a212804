//! The name of a text, from which every place in it can be told.
//!
//! Rhai gives an error the name of its text and a line. A text that was made of several files has a name that says of each
//! line which file it is from: the names of the files, `bundled:update.rhai` or a path, and the runs of lines, with a unit
//! separator between them. So a place needs nothing but the name and the line, in any thread and in any module.

/// What the source of a bundled text begins with.
pub const BUNDLED: &str = "bundled:";

const SEPARATOR: char = '\u{1f}';

/// Where a line of a text of several files is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// The file that hooks the step in this line.
    pub hooked: Option<String>,
}

/// The name of a text of several files, which is called after the first; `lines` says of each of its lines where it is from.
///
/// A run is the line in the text, the number of its file as a letter, that of the file that hooks it as a capital, and the
/// line there: `12a34,` and `13aB35,`.
pub fn layered(first: &str, lines: &[Line]) -> String {
    let mut files = vec![first];
    let mut runs = String::new();
    let mut expected: Option<Line> = None;
    for (n, line) in lines.iter().enumerate() {
        let file = letter(&mut files, &line.file, b'a');
        let hooked = line.hooked.as_deref().map(|hooked| letter(&mut files, hooked, b'A'));
        if expected.as_ref() != Some(line) {
            runs.push_str(&format!("{}{file}", n + 1));
            runs.extend(hooked);
            runs.push_str(&format!("{},", line.line));
        }
        expected = Some(Line { line: line.line + 1, ..line.clone() });
    }
    files.push(&runs);
    files.join(&SEPARATOR.to_string())
}

/// The number of a file as a letter, from `begin` on.
fn letter<'a>(files: &mut Vec<&'a str>, file: &'a str, begin: u8) -> char {
    let place = files.iter().position(|known| *known == file).unwrap_or(files.len());
    if place == files.len() {
        files.push(file);
    }
    char::from(begin + u8::try_from(place).unwrap_or_default())
}

/// The files that a text is made of, the one first that it is called after.
pub fn files(source: &str) -> Vec<&str> {
    let mut files: Vec<&str> = source.split(SEPARATOR).collect();
    if files.len() > 1 {
        files.pop();
    }
    files
}

/// The file that a line is from, its number there, and the file that hooks it.
fn resolve(source: &str, line: usize) -> (&str, usize, Option<&str>) {
    let files = files(source);
    let first = files.first().copied().unwrap_or_default();
    let Some((_, runs)) = source.rsplit_once(SEPARATOR) else { return (first, line, None) };
    fn parsed(run: &str) -> Option<(usize, u8, Option<u8>, usize)> {
        let letter = run.find(|c: char| c.is_ascii_alphabetic())?;
        let start: usize = run[..letter].parse().ok()?;
        let rest = &run.as_bytes()[letter..];
        let hooked = rest.get(1).copied().filter(u8::is_ascii_uppercase);
        let there: usize = run[letter + 1 + usize::from(hooked.is_some())..].parse().ok()?;
        Some((start, rest[0] - b'a', hooked.map(|letter| letter - b'A'), there))
    }
    let file = |number: u8| files.get(usize::from(number)).copied().unwrap_or_default();
    match runs.split(',').filter_map(parsed).take_while(|(start, ..)| *start <= line).last() {
        Some((start, number, hooked, there)) => (file(number), there + line - start, hooked.map(file)),
        None => (first, line, None),
    }
}

/// Where a line of a text is from.
pub fn line_at(source: &str, line: usize) -> Line {
    let (file, line, hooked) = resolve(source, line);
    Line { file: file.to_owned(), line, hooked: hooked.map(str::to_owned) }
}

/// The source of the file that a line is from, and its number there.
pub fn file_line(source: &str, line: usize) -> (&str, usize) {
    let (file, line, _) = resolve(source, line);
    (file, line)
}

/// Whether a text is made of several files.
pub fn is_layered(source: &str) -> bool {
    source.contains(SEPARATOR)
}

/// A source as people read it: the path of a site's file, the name of a bundled one, also if others lie on it.
pub fn shown(source: &str) -> &str {
    let first = source.split(SEPARATOR).next().unwrap_or_default();
    first.strip_prefix(BUNDLED).unwrap_or(first)
}

/// The name by which a text is imported, which is that of its kind if it is one of a kind. The text of a kind that defines
/// no function of its own is called after its `kind.toml`.
pub fn module_name(source: &str) -> &str {
    let file = shown(source);
    let file = file.strip_suffix("/kind.toml").unwrap_or(file).rsplit('/').next().unwrap_or_default();
    file.strip_suffix(".rhai").unwrap_or(file)
}

/// A source as `show --json` names it, for a step in this line: `bundled`, or the path of the site's file that has or
/// hooks it.
pub fn origin(source: &str, line: usize) -> &str {
    let (file, _, hooked) = resolve(source, line);
    match hooked.unwrap_or(file) {
        file if file.starts_with(BUNDLED) => "bundled",
        file => file,
    }
}
