//! What git says about the way from one commit to another: release notes, and files that an admin must know of.

use super::Checkout;
use super::settings::settings;
use crate::failure::Result;
use crate::machine::release::Release;
use git2::{Delta, Oid};
use serde::{Deserialize, Serialize};

/// What is said about one release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub name: String,
    /// From its annotated tag, or its section of `CHANGELOG.md`, or both; empty if nothing is said.
    pub text: String,
}

/// A file that changed and that an admin must look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    pub path: String,
    /// `new settings: A, B`, `configuration template changed`, …
    pub what: String,
}

impl Checkout {
    /// What is said about each of the releases, from their tags and from the changelog at `to`.
    pub fn notes(&self, releases: &[&Release], to: Oid) -> Result<Vec<Note>> {
        let changelog = self.text_at(to, "CHANGELOG.md")?.unwrap_or_default();
        let note = |release: &&Release| {
            let tag = self.tag_message(release.tag()).unwrap_or_default();
            let section = section(&changelog, release).unwrap_or_default();
            let (tag, section) = (tag.trim(), section.trim());
            // Many projects put the changelog's section into the tag.
            let text = match () {
                () if section.contains(tag) => section.to_owned(),
                () if tag.contains(section) => tag.to_owned(),
                () => format!("{tag}\n\n{section}"),
            };
            Note { name: release.tag().to_owned(), text }
        };
        Ok(releases.iter().map(note).collect())
    }

    /// The first lines of the commits after one and up to another, oldest first; of many, the newest `most`.
    pub fn commits(&self, from: Oid, to: Oid, most: usize) -> Result<Vec<String>> {
        let failed = |error: git2::Error| self.failed("the commits can't be read", &error);
        let mut walk = self.repository.revwalk().map_err(failed)?;
        walk.push(to).and_then(|()| walk.hide(from)).map_err(failed)?;
        let mut lines = Vec::new();
        for id in walk {
            let commit = self.commit(id.map_err(failed)?)?;
            // A merge says nothing that its commits don't say.
            if commit.parent_count() < 2 {
                let bytes = commit.summary_bytes().unwrap_or_default();
                lines.push(format!("{} {}", self.short(commit.id()), String::from_utf8_lossy(bytes)));
            }
        }
        if lines.len() > most {
            let more = lines.len() - most;
            lines.truncate(most);
            lines.push(format!("and {more} older ones"));
        }
        lines.reverse();
        Ok(lines)
    }

    /// The message of an annotated tag.
    fn tag_message(&self, tag: &str) -> Option<String> {
        let reference = self.repository.find_reference(&format!("refs/tags/{tag}")).ok()?;
        let tag = reference.peel_to_tag().ok()?;
        tag.message_bytes().map(|message| String::from_utf8_lossy(message).into_owned())
    }

    /// The text of a file at a commit.
    pub fn text_at(&self, commit: Oid, path: &str) -> Result<Option<String>> {
        let tree = self.tree(commit)?;
        let Ok(entry) = tree.get_path(std::path::Path::new(path)) else { return Ok(None) };
        let blob = self.repository.find_blob(entry.id()).ok();
        Ok(blob.map(|blob| String::from_utf8_lossy(blob.content()).into_owned()))
    }

    /// The files that changed between two commits and that an admin must know of.
    pub fn attention(&self, from: Oid, to: Oid) -> Result<Vec<Touched>> {
        let (old, new) = (self.tree(from)?, self.tree(to)?);
        let diff = self
            .repository
            .diff_tree_to_tree(Some(&old), Some(&new), None)
            .map_err(|error| self.failed("two releases can't be compared", &error))?;
        let mut touched = Vec::new();
        for delta in diff.deltas() {
            let Some(path) = delta.new_file().path().or(delta.old_file().path()) else { continue };
            let path = path.to_string_lossy().into_owned();
            let verb = match delta.status() {
                Delta::Added => "is new",
                Delta::Deleted => "is gone",
                _ => "changed",
            };
            let settings = self.new_settings(from, to, &path)?;
            if !settings.is_empty() {
                touched.push(Touched {
                    path: path.clone(),
                    what: format!("new settings: {}", settings.join(", ")),
                });
            }
            if let Some(sort) = sort(&path) {
                touched.push(Touched { path, what: format!("{sort} {verb}") });
            }
        }
        Ok(touched)
    }

    /// Settings that a Makefile writes, or an example of `.env` holds, at `to` but not at `from`.
    fn new_settings(&self, from: Oid, to: Oid, path: &str) -> Result<Vec<String>> {
        let name = path.rsplit('/').next().unwrap_or_default();
        if name != "Makefile" && !name.starts_with(".env") && !name.ends_with(".env") {
            return Ok(Vec::new());
        }
        let names = |commit| -> Result<Vec<String>> {
            let text = self.text_at(commit, path)?.unwrap_or_default();
            Ok(settings(&text).into_iter().map(|setting| setting.name).collect())
        };
        let before = names(from)?;
        Ok(names(to)?.into_iter().filter(|name| !before.contains(name)).collect())
    }
}

/// What sort of file it is, if of one that an admin must know of.
fn sort(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let compose = (name.starts_with("docker-compose") || name.starts_with("compose"))
        && (name.ends_with(".yaml") || name.ends_with(".yml"));
    match name {
        _ if path.split('/').any(|part| part == "migrations" || part == "migrate") => {
            Some("database migration")
        }
        _ if compose => Some("Compose file"),
        _ if name.ends_with(".tmpl") || name.ends_with(".template") => Some("configuration template"),
        "config.yaml" | "config.yml" | "config.json" | "config.toml" => Some("configuration default"),
        "Dockerfile" => Some("image recipe"),
        "Makefile" => Some("Makefile"),
        _ => None,
    }
}

/// The section of a changelog whose heading names the release.
fn section<'a>(changelog: &'a str, release: &Release) -> Option<&'a str> {
    let version = release.version();
    let heading = |line: &str| line.starts_with("## ") || line.starts_with("# ");
    let names = |line: &str| {
        let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '+'));
        heading(line) && words.map(|word| word.strip_prefix('v').unwrap_or(word)).any(|word| word == version)
    };
    let mut start = None;
    let mut at = 0;
    for line in changelog.split_inclusive('\n') {
        match start {
            None if names(line) => start = Some(at + line.len()),
            Some(start) if heading(line) => return Some(&changelog[start..at]),
            _ => {}
        }
        at += line.len();
    }
    start.map(|start| &changelog[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_of_a_changelog_ends_where_the_next_begins() {
        let text = "# Changelog\n\n## 0.2.10 (today)\n\nten\n\n## [v0.2.1]\none\n";
        assert_eq!(section(text, &"0.2.10".parse().unwrap()).map(str::trim), Some("ten"));
        assert_eq!(section(text, &"0.2.1".parse().unwrap()), Some("one\n"));
        assert_eq!(section(text, &"0.2.2".parse().unwrap()), None);
    }
}
