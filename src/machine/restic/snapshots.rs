//! The snapshots of a server in a repository, which others may share.

use super::Repository;
use crate::failure::{Context, Kind, Result};
use serde::Deserialize;

/// What marks the snapshots that this program took.
const OWN: &str = "banister";
/// What marks those that only say what changed while another one was taken: that is known when the other is done.
const CHANGED: &str = "banister-changed";

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
        format!("{},set={}", of_server(OWN, &self.server), self.set)
    }

    /// The same of the one that says what changed while it was taken.
    pub fn of_changed(&self) -> String {
        format!("{},of={}", of_server(CHANGED, &self.server), self.set)
    }
}

fn of_server(mark: &str, server: &str) -> String {
    format!("{mark},server={}", server.replace(',', "_"))
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

    /// The backup of which it says what changed.
    pub fn changed_of(&self) -> Option<&str> {
        self.tags.iter().flatten().find_map(|tag| tag.strip_prefix("of="))
    }

    /// Whether it is of that backup, in either way.
    pub fn is_of(&self, set: &str) -> bool {
        self.set() == Some(set) || self.changed_of() == Some(set)
    }
}

impl Repository {
    /// The snapshots of a server, in the order in which they were taken.
    pub fn snapshots(&self, server: &str, stop: &dyn Fn() -> bool) -> Result<Vec<Snapshot>> {
        let what = "the snapshots can't be listed";
        let (own, changed) = (of_server(OWN, server), of_server(CHANGED, server));
        let said = self.ask(&["snapshots", "--json", "--tag", &own, "--tag", &changed], what, stop)?;
        let said = if said.trim().is_empty() { "[]" } else { said.trim() };
        serde_json::from_str(said).or_fail(Kind::Refused, || what.to_owned())
    }

    /// Forgets snapshots, and removes what only they needed; how many bytes that freed, if restic says it.
    pub fn forget(&self, snapshots: &[&Snapshot], stop: &dyn Fn() -> bool) -> Result<Option<u64>> {
        if snapshots.is_empty() {
            return Ok(None);
        }
        let ids = snapshots.iter().map(|snapshot| snapshot.id.as_str());
        let words: Vec<&str> = ["forget", "--prune"].into_iter().chain(ids).collect();
        Ok(freed(&self.ask(&words, "old snapshots can't be removed", stop)?))
    }
}

/// How many bytes `prune` says that it removed, to four digits.
fn freed(said: &str) -> Option<u64> {
    let line = said.lines().find_map(|line| line.trim().strip_prefix("total prune:"))?;
    let mut words = line.split_once('/')?.1.split_whitespace();
    let number: f64 = words.next()?.parse().ok()?;
    let unit = match words.next()? {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    Some((number * (1u64 << unit) as f64).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_freed_is_what_restic_says() {
        let said =
            |line: &str| format!("to delete:             8 blobs / 1 B\n{line}\nremaining: 0 blobs / 0 B\n");
        assert_eq!(freed(&said("total prune:           8 blobs / 294.564 KiB")), Some(301_634));
        assert_eq!(freed(&said("total prune:           0 blobs / 0 B")), Some(0));
        assert_eq!(freed(&said("total prune:           9 blobs / 1.500 GiB")), Some(1_610_612_736));
        assert_eq!(freed(&said("nothing was pruned")), None);
        assert_eq!(freed(&said("total prune: 9 blobs / many")), None);
    }
}
