//! The origin's tags beside those of the checkout: new ones are added, and those that are there never move.

use super::Checkout;
use super::remote::ORIGIN_TAGS;
use crate::command::{self, Spec};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::release::Release;
use crate::units::Duration;
use git2::Oid;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

const ADD: Duration = Duration::seconds(300);

/// A tag that stands for another commit at the origin than here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedTag {
    pub tag: String,
    /// Both commits, short.
    pub here: String,
    pub origin: String,
}

impl Checkout {
    /// Adds the tags that the last fetch brought and that are not here yet. Doing it twice is the same as once.
    pub fn add_new_tags(&self) -> Result<()> {
        self.add_new_tags_in(&self.folder)
    }

    /// The same, for the repository in another folder.
    pub(super) fn add_new_tags_in(&self, folder: &Path) -> Result<()> {
        let known = self.named("refs/tags/")?;
        let mut commands = String::new();
        for (tag, object) in self.named(ORIGIN_TAGS)? {
            if !known.contains_key(&tag) && has_room(&known, &tag) {
                commands += &format!("create refs/tags/{tag} {object}\n");
            }
        }
        if commands.is_empty() {
            return Ok(());
        }
        let failed = || format!("the new tags can't be added in {}", self.shown());
        let mut input = tempfile::tempfile().or_fail(Kind::Refused, failed)?;
        input.write_all(commands.as_bytes()).or_fail(Kind::Refused, failed)?;
        let mut spec = Spec::new(["git", "update-ref", "--stdin"], folder);
        spec.within = Some(ADD);
        let said = command::feed(&spec, &input, None, &|| false)?;
        if said.exit.success() {
            return Ok(());
        }
        Err(Failure::new(Kind::Refused, failed()).why(said.stderr.trim()))
    }

    /// The releases that the origin, as it was last fetched, has at another commit than this checkout.
    pub fn moved_releases(&self) -> Result<Vec<MovedTag>> {
        let here = self.tags()?;
        let mut moved = Vec::new();
        for (tag, object) in self.named(ORIGIN_TAGS)? {
            let Some(known) = here.get(&tag) else { continue };
            let is_release = tag.parse::<Release>().is_ok_and(|release| self.is_release(&release));
            let Ok(commit) = self.repository.find_object(object, None).and_then(|it| it.peel_to_commit())
            else {
                continue;
            };
            if is_release && commit.id() != *known {
                moved.push(MovedTag { tag, here: self.short(*known), origin: self.short(commit.id()) });
            }
        }
        Ok(moved)
    }

    /// The names below `prefix`, and what they stand for: a commit, or an annotated tag.
    pub(super) fn named(&self, prefix: &str) -> Result<BTreeMap<String, Oid>> {
        let failed = |error: git2::Error| self.failed("the tags can't be read", &error);
        let mut found = BTreeMap::new();
        for reference in self.repository.references_glob(&format!("{prefix}*")).map_err(failed)? {
            let reference = reference.map_err(failed)?;
            let (Ok(name), Some(object)) = (reference.name(), reference.target()) else { continue };
            if let Some(name) = name.strip_prefix(prefix) {
                found.insert(name.to_owned(), object);
            }
        }
        Ok(found)
    }
}

/// Whether git can keep a tag beside the others: `v1` and `v1/x` exclude each other.
fn has_room(known: &BTreeMap<String, Oid>, tag: &str) -> bool {
    let above: BTreeSet<&str> = tag.match_indices('/').filter_map(|(at, _)| tag.get(..at)).collect();
    let below = format!("{tag}/");
    !known.keys().any(|known| above.contains(known.as_str()) || known.starts_with(&below))
}
