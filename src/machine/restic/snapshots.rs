//! The snapshots of a server in a repository, which others may share.

use super::Repository;
use crate::failure::{Context, Kind, Result};
use serde::Deserialize;

/// What marks the snapshots that this program took.
const OWN: &str = "banister";

/// How a snapshot is marked: it is found by that, and never by its id, which changes with its tags.
#[derive(Clone, Debug)]
pub struct Tags {
    pub server: String,
    /// A name that no other backup has.
    pub set: String,
}

impl Tags {
    /// As `--tag` takes them. A comma would begin another.
    pub fn as_option(&self) -> String {
        format!("{},set={}", of_server(&self.server), self.set)
    }
}

fn of_server(server: &str) -> String {
    format!("{OWN},server={}", server.replace(',', "_"))
}

/// A snapshot that this program took.
#[derive(Clone, Debug, Deserialize)]
pub struct Snapshot {
    pub id: String,
    #[serde(default)]
    tags: Option<Vec<String>>,
    #[serde(default)]
    pub paths: Vec<String>,
}

impl Snapshot {
    /// The backup that it is of.
    pub fn set(&self) -> Option<&str> {
        self.tags.iter().flatten().find_map(|tag| tag.strip_prefix("set="))
    }
}

impl Repository {
    /// The snapshots of a server, in the order in which they were taken.
    pub fn snapshots(&self, server: &str, stop: &dyn Fn() -> bool) -> Result<Vec<Snapshot>> {
        let what = "the snapshots can't be listed";
        let tags = of_server(server);
        let said = self.ask(&["snapshots", "--json", "--tag", &tags], what, stop)?;
        let said = if said.trim().is_empty() { "[]" } else { said.trim() };
        serde_json::from_str(said).or_fail(Kind::Refused, || what.to_owned())
    }

    /// Forgets snapshots, and removes what only they needed.
    pub fn forget(&self, snapshots: &[&Snapshot], stop: &dyn Fn() -> bool) -> Result<()> {
        if snapshots.is_empty() {
            return Ok(());
        }
        let ids = snapshots.iter().map(|snapshot| snapshot.id.as_str());
        let words: Vec<&str> = ["forget", "--quiet", "--prune"].into_iter().chain(ids).collect();
        self.ask(&words, "old snapshots can't be removed", stop).map(drop)
    }
}
