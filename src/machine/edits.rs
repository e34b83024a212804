//! What an administrator edited in files that a program writes anew each time: kept before, and put back after.
//!
//! Copies are kept beside the lock of the server. Whether a file was edited is known from the template it is made from: a
//! file that is its template, with anything in the places of `{{…}}`, was not.

use super::files::{hexadecimal, private_folder, write_private_durably};
use super::git::Checkout;
use super::installation;
use crate::command::{self, Exit, Spec};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::tree;
use crate::units::Duration;
use git2::Oid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file, or a folder, and what it is made from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// As the site writes paths.
    pub file: String,
    /// The template's path in the repository.
    pub template: String,
}

/// An edit that is not in the file any more.
#[derive(Debug)]
pub struct Lost {
    /// What the file is made from.
    pub template: String,
    /// The file as it is, if there is one, and as it is to be.
    pub now: Vec<u8>,
    pub wanted: Vec<u8>,
    /// Whether what the release changed in the same file stays, too.
    pub clean: bool,
    /// Whether an administrator edited it. If not, the program that wrote it anew left values empty that were there.
    pub edited: bool,
}

/// Keeps copies of the files that are there, in the place of all that were kept before, in the server's `state` folder. Folders are kept with all that is
/// in them. `path` finds a file.
pub fn keep(state: &Path, files: &[String], path: &dyn Fn(&str) -> PathBuf) -> Result<()> {
    let folder = folder(state);
    let failed = || format!("copies can't be kept in `{}`", folder.display());
    tree::remove(&folder).or_fail(Kind::Refused, failed)?;
    if files.is_empty() {
        return Ok(());
    }
    installation::prepare(state)?;
    private_folder(&folder)?;
    for written in files {
        for file in below(&path(written))? {
            let content =
                std::fs::read(&file).or_fail(Kind::Refused, || format!("can't read `{}`", file.display()))?;
            write_private_durably(&copy(state, &file), &content)?;
        }
    }
    Ok(())
}

/// The edits of one file, or of those in one folder, that are gone, by file. `from` and `to` are the commits of the release
/// that wrote it before, and of the one that wrote it now.
pub fn lost(
    checkout: &Checkout,
    made: &Made,
    (from, to): (Oid, Oid),
    path: &dyn Fn(&str) -> PathBuf,
) -> Result<BTreeMap<String, Lost>> {
    let mut found = BTreeMap::new();
    let root = path(&made.file);
    for file in below(&root)? {
        let Ok(before) = std::fs::read(copy(&checkout.state_folder(), &file)) else { continue };
        let now =
            std::fs::read(&file).or_fail(Kind::Refused, || format!("can't read `{}`", file.display()))?;
        let inner = file.strip_prefix(&root).unwrap_or(Path::new("")).to_string_lossy().into_owned();
        let joined = |base: &str| if inner.is_empty() { base.to_owned() } else { format!("{base}/{inner}") };
        let template = joined(&made.template);
        let (old, new) = (checkout.text_at(from, &template)?, checkout.text_at(to, &template)?);
        if let Some(lost) = compare(before, now, old, new)? {
            found.insert(joined(&made.file), Lost { template, ..lost });
        }
    }
    Ok(found)
}

fn compare(before: Vec<u8>, now: Vec<u8>, old: Option<String>, new: Option<String>) -> Result<Option<Lost>> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let (Some(mine), Some(theirs)) = (text(&before), text(&now)) else {
        // A picture, say: it is the template's, or the administrator's.
        let is_edited = before != now && old.as_ref().is_none_or(|old| old.as_bytes() != before);
        let clean = old == new;
        return Ok(is_edited.then_some(Lost {
            template: String::new(),
            now,
            wanted: before,
            clean,
            edited: true,
        }));
    };
    if before == now {
        return Ok(None);
    }
    let Some(old) = old else {
        return Ok(Some(Lost { template: String::new(), now, wanted: before, clean: false, edited: true }));
    };
    // A value that was there and is empty now is lost, too.
    let mut edited = true;
    if let Some(values) = values(&old, &mine) {
        if new.as_deref().and_then(|new| self::values(new, &theirs)).is_none_or(|others| {
            values.len() != others.len()
                || values.iter().zip(&others).all(|(mine, theirs)| mine.is_empty() || !theirs.is_empty())
        }) {
            return Ok(None);
        }
        edited = false;
    }
    if new.as_deref() == Some(&old) {
        return Ok(Some(Lost { template: String::new(), now, wanted: before, clean: true, edited }));
    }
    let (merged, clean) = merge(&mine, &old, &theirs)?;
    // What has places of its own for each installation is no base to merge on.
    let clean = clean && !old.contains("{{");
    let wanted = if clean { merged.into_bytes() } else { before };
    Ok((wanted != now).then_some(Lost { template: String::new(), now, wanted, clean, edited }))
}

/// What stands in the places of `{{…}}`, line by line; nothing if the text is not made from this template.
fn values<'a>(template: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut found = Vec::new();
    let (lines, templates) = (text.lines(), template.lines());
    if lines.clone().count() != templates.clone().count() {
        return None;
    }
    for (line, template) in lines.zip(templates) {
        let mut parts = template.split("{{");
        let mut rest = line.strip_prefix(parts.next().unwrap_or_default())?;
        for part in parts {
            let literal = part.split_once("}}").map_or("", |(_, literal)| literal);
            let at = if literal.is_empty() { rest.len() } else { rest.find(literal)? };
            found.push(&rest[..at]);
            rest = &rest[at + literal.len()..];
        }
        if !rest.is_empty() {
            return None;
        }
    }
    Some(found)
}

/// `mine` with what changed between `base` and `theirs`, as git merges it, and whether that went without a conflict.
fn merge(mine: &str, base: &str, theirs: &str) -> Result<(String, bool)> {
    let failed = || "two versions of a file can't be merged".to_owned();
    let folder = tempfile::tempdir().or_fail(Kind::Refused, failed)?;
    for (name, text) in [("mine", mine), ("base", base), ("theirs", theirs)] {
        std::fs::write(folder.path().join(name), text).or_fail(Kind::Refused, failed)?;
    }
    let mut spec = Spec::new(["git", "merge-file", "--stdout", "mine", "base", "theirs"], folder.path());
    spec.within = Some(Duration::seconds(60));
    let looked = command::look(&spec, &|| false)?;
    match looked.exit {
        Exit::Status(0) => Ok((looked.stdout, true)),
        // The number of conflicts.
        Exit::Status(1..=127) => Ok((looked.stdout, false)),
        exit => Err(Failure::new(Kind::CommandFailed, failed()).why(exit).why(looked.stderr.trim())),
    }
}

/// A file, or all files below a folder; none if there is none.
fn below(path: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() && !path.is_symlink() {
            let failed = || format!("can't read `{}`", path.display());
            for entry in std::fs::read_dir(&path).or_fail(Kind::Refused, failed)? {
                open.push(entry.or_fail(Kind::Refused, failed)?.path());
            }
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn folder(state: &Path) -> PathBuf {
    state.join("kept")
}

fn copy(state: &Path, file: &Path) -> PathBuf {
    let digest = Sha256::digest(file.as_os_str().as_encoded_bytes());
    folder(state).join(hexadecimal(&digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(before: &str, now: &str, old: &str, new: &str) -> Option<(String, bool)> {
        let some = |text: &str| Some(text.to_owned());
        let lost = compare(before.into(), now.into(), some(old), some(new)).unwrap()?;
        Some((String::from_utf8(lost.wanted).unwrap(), lost.clean))
    }

    #[test]
    fn only_what_an_administrator_edited_is_lost() {
        let old = "level: INFO\nhost: {{host}}\nend\n";
        assert_eq!(compared("level: INFO\nhost: a\nend\n", "level: INFO\nhost: b\nend\n", old, old), None);
        let edited = "level: DEBUG\nhost: a\nend\n";
        assert_eq!(compared(edited, "level: INFO\nhost: a\nend\n", old, old), Some((edited.into(), true)));
        // The release changed it as well, and the template has a place.
        let now = "level: INFO\nhost: a\nnew\nend\n";
        assert_eq!(
            compared(edited, now, old, "level: INFO\nhost: {{host}}\nnew\nend\n"),
            Some((edited.into(), false))
        );
        // A value that was there is gone, and no administrator did that.
        let (was, is) = ("level: INFO\nhost: a\nend\n", "level: INFO\nhost: \nend\n");
        assert_eq!(compared(was, is, old, old), Some((was.into(), true)));
        let is_edited = |mine: &str| {
            compare(mine.into(), is.into(), Some(old.into()), Some(old.into())).unwrap().unwrap().edited
        };
        assert_eq!((is_edited(was), is_edited(edited)), (false, true));
    }

    #[test]
    fn what_the_release_changed_elsewhere_in_a_plain_file_stays() {
        let old = "one\ntwo\nthree\nfour\nfive\nsix\n";
        let new = "one\ntwo\nthree\nfour\nfive\nSIX\n";
        let edited = "ONE\ntwo\nthree\nfour\nfive\nsix\n";
        assert_eq!(
            compared(edited, new, old, new),
            Some(("ONE\ntwo\nthree\nfour\nfive\nSIX\n".into(), true))
        );
        let other = "one\ntwo\nthree\nfour\nfive\nsix of mine\n";
        assert_eq!(compared(other, new, old, new), Some((other.into(), false)));
        // Once it is put back, nothing is lost any more.
        let merged = "ONE\ntwo\nthree\nfour\nfive\nSIX\n";
        assert_eq!(compared(edited, merged, old, new), None);
    }
}
