//! Three versions of a file as one.

use crate::command::{self, Exit, Spec};
use crate::failure::{Context, Kind, Result};
use crate::output::difference::unified;
use crate::units::Duration;

const MERGE: Duration = Duration::seconds(60);

/// `mine` with what changed between `base` and `theirs`; nothing if both changed the same lines.
pub(super) fn merged(mine: &[u8], base: &[u8], theirs: &[u8]) -> Result<Option<Vec<u8>>> {
    let merged = line_by_line(mine, base, theirs)?;
    let (here, before) = (LineEnds::of(mine), LineEnds::of(base));
    // An editor that writes all line ends in its own way edits every line.
    if merged.is_some() || here == before || [here, before].contains(&LineEnds::Mixed) {
        return Ok(merged);
    }
    let merged = line_by_line(&without(mine), &without(base), &without(theirs))?;
    Ok(merged.map(|text| if here == LineEnds::Both { with(&text) } else { text }))
}

fn line_by_line(mine: &[u8], base: &[u8], theirs: &[u8]) -> Result<Option<Vec<u8>>> {
    if base == theirs || mine == theirs {
        return Ok(Some(mine.to_vec()));
    }
    if mine == base {
        return Ok(Some(theirs.to_vec()));
    }
    let failed = || "two versions of a file can't be merged".to_owned();
    let folder = tempfile::tempdir().or_fail(Kind::Refused, failed)?;
    for (name, text) in [("mine", mine), ("base", base), ("theirs", theirs)] {
        std::fs::write(folder.path().join(name), text).or_fail(Kind::Refused, failed)?;
    }
    let mut spec = Spec::new(["git", "merge-file", "--quiet", "mine", "base", "theirs"], folder.path());
    spec.within = Some(MERGE);
    match command::look(&spec, &|| false)?.exit {
        Exit::Status(0) => std::fs::read(folder.path().join("mine")).or_fail(Kind::Refused, failed).map(Some),
        _ => Ok(None),
    }
}

/// How the lines of a file end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LineEnds {
    /// `\n`.
    One,
    /// `\r\n`.
    Both,
    Mixed,
}

impl LineEnds {
    fn of(text: &[u8]) -> LineEnds {
        let all = text.iter().filter(|byte| **byte == b'\n').count();
        match text.windows(2).filter(|pair| pair == b"\r\n").count() {
            0 => LineEnds::One,
            both if both == all => LineEnds::Both,
            _ => LineEnds::Mixed,
        }
    }
}

fn without(text: &[u8]) -> Vec<u8> {
    let is_needless = |at: usize| text[at] == b'\r' && text.get(at + 1) == Some(&b'\n');
    (0..text.len()).filter(|at| !is_needless(*at)).map(|at| text[at]).collect()
}

fn with(text: &[u8]) -> Vec<u8> {
    text.iter()
        .flat_map(|byte| if *byte == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(byte) })
        .copied()
        .collect()
}

/// From one text to another, as `diff` shows it.
pub(super) fn difference(old: &[u8], new: &[u8]) -> String {
    match (std::str::from_utf8(old), std::str::from_utf8(new)) {
        (Ok(old), Ok(new)) => unified(old, new),
        _ => "it is no text, and another one".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_taken_away_and_put_back() {
        assert_eq!(without(b"a\r\nb\rc\r\n\r"), b"a\nb\rc\n\r");
        assert_eq!(with(b"a\nb"), b"a\r\nb");
        assert!(LineEnds::of(b"a\r\nb\n") == LineEnds::Mixed && LineEnds::of(b"a") == LineEnds::One);
    }
}
