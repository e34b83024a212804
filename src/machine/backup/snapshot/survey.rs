//! Looks at what is to go into a snapshot: what it must hold, and what is left out.

use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::{Excluded, Left, Own, real};
use crate::machine::backup::reference::Tree;
use crate::machine::exclude::Exclude;
use crate::machine::restic::{pattern, patterns_below};
use crate::machine::tree::{Next, What, walk};
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::hash::BuildHasher;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What was seen.
pub struct Survey {
    pub trees: Vec<Tree>,
    /// Of each of them, what is left out of it.
    owns: Vec<Own>,
    own: Own,
    /// The lines of `--exclude-file`.
    pub excluded: Vec<Vec<u8>>,
    /// What is left out, by its name in the backup, and why, for people.
    pub left_out: Vec<(String, String)>,
    /// How much each pattern of `exclude` left out.
    by_pattern: HashMap<String, u64>,
    /// Digests of the paths of all files and folders, as restic says them, that it did not store yet.
    paths: HashSet<u64>,
    /// By the digest of each path, one of what tells that it is as it was.
    stamps: HashMap<u64, u64>,
    hasher: RandomState,
}

/// So many names of what is left out are listed: all are told.
const LISTED: usize = 1000;

impl Survey {
    /// `own` is what is left out of the folders of the server.
    pub fn new(own: &Own) -> Survey {
        Survey {
            trees: Vec::new(),
            owns: Vec::new(),
            own: own.clone(),
            excluded: Vec::new(),
            left_out: Vec::new(),
            by_pattern: HashMap::new(),
            paths: HashSet::new(),
            stamps: HashMap::new(),
            hasher: RandomState::new(),
        }
    }

    /// Looks at one file or folder, and all below. Patterns of `exclude` are about the server's folders, and leave nothing
    /// out of what was made for the backup.
    pub fn add(&mut self, name: &str, path: &Path, staging: &Path, is_made: bool) -> Result<()> {
        let own = match is_made {
            true => self.own.clone().excluding(Exclude::default()),
            false => self.own.clone(),
        };
        self.owns.push(own.clone());
        let own = &own;
        let path = real(path);
        let mut tree = Tree { name: name.to_owned(), path: path.clone(), ..Tree::default() };
        walk(&path, &mut |found| {
            if let Some(left) = Left::of(found, name, own)? {
                if found.below.is_empty() {
                    let message = format!("`{}` can't be backed up: {}", found.path.display(), left.why());
                    return Err(Failure::new(Kind::Refused, message)
                        .help("name the folders in it that hold data, in `backup` in `site.toml`"));
                }
                if staging.starts_with(found.path) {
                    self.excluded.extend(patterns_below(found.path, staging));
                    tree.around_staging = Some(found.path.to_owned());
                } else {
                    self.excluded.push(pattern(found.path));
                }
                if let Left::Excluded(pattern) = left {
                    *self.by_pattern.entry(pattern).or_default() += 1;
                } else if left != Left::Aside {
                    let whole = format!("{name}/{}", told(found.below.as_bytes()));
                    self.left_out.push((whole, left.why()));
                }
                return Ok(Next::Pass);
            }
            match found.what {
                What::File => {
                    tree.files += 1;
                    tree.bytes += found.metadata.map_or(0, Metadata::len);
                    tree.holes += u64::from(found.metadata.is_some_and(has_holes));
                }
                What::Folder => tree.folders += 1,
                What::Link => tree.links += 1,
                What::Other | What::Border => return Ok(Next::Pass),
            }
            let path = self.hasher.hash_one(told(found.path.as_os_str().as_bytes()));
            if let Some(metadata) = found.metadata {
                self.stamps.insert(path, self.hasher.hash_one(stamp(metadata)));
            }
            if found.what != What::Link {
                self.paths.insert(path);
            }
            Ok(Next::Enter)
        })?;
        self.trees.push(tree);
        Ok(())
    }

    /// A path was stored, as restic says it.
    pub fn stored(&mut self, path: &str) {
        self.paths.remove(&self.hasher.hash_one(path));
    }

    /// The files and folders that were not stored; none if all were.
    pub fn missing(&self) -> Result<Vec<PathBuf>> {
        let mut missing = Vec::new();
        if self.paths.is_empty() {
            return Ok(missing);
        }
        for tree in &self.trees {
            let looked = walk(&tree.path, &mut |found| {
                let path = told(found.path.as_os_str().as_bytes());
                if self.paths.contains(&self.hasher.hash_one(path)) && missing.len() < LISTED {
                    missing.push(found.path.to_owned());
                }
                Ok(Next::Enter)
            });
            match looked {
                Err(failure) if failure.kind == Kind::NotFound => {}
                looked => looked?,
            }
        }
        Ok(missing)
    }

    /// The names in the backup of what is not as it was when it was looked at, came since, or vanished: what is stored of it
    /// may be of any moment between.
    pub fn changed(&self) -> Result<Vec<String>> {
        let mut changed = Vec::new();
        let mut seen = 0;
        for (tree, own) in self.trees.iter().zip(&self.owns) {
            let looked = walk(&tree.path, &mut |found| {
                if Left::of(found, &tree.name, own)?.is_some() {
                    return Ok(Next::Pass);
                }
                let Some(metadata) = found.metadata else { return Ok(Next::Pass) };
                let path = self.hasher.hash_one(told(found.path.as_os_str().as_bytes()));
                let before = self.stamps.get(&path);
                seen += usize::from(before.is_some());
                if before != Some(&self.hasher.hash_one(stamp(metadata))) && changed.len() <= LISTED {
                    let below = told(found.below.as_bytes());
                    changed.push(format!("{}/{below}", tree.name).trim_end_matches('/').to_owned());
                }
                Ok(Next::Enter)
            });
            match looked {
                Err(failure) if failure.kind == Kind::NotFound => changed.push(tree.name.clone()),
                looked => looked?,
            }
        }
        // Where something vanished its folder changed, which is among them.
        if seen < self.stamps.len() && changed.is_empty() {
            changed.push("something that vanished".into());
        }
        if changed.len() > LISTED {
            changed.truncate(LISTED);
            changed.push("and more".into());
        }
        Ok(changed)
    }

    /// The names of what is left out, as a card lists them.
    pub fn not_included(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.left_out.iter().take(LISTED).map(|(name, _)| name.clone()).collect();
        if self.left_out.len() > LISTED {
            names.push("and more".into());
        }
        names
    }

    /// How much each pattern of `exclude` left out, as a card lists it.
    pub fn by_pattern(&self) -> Vec<Excluded> {
        let count = |pattern: &String| self.by_pattern.get(pattern).copied().unwrap_or(0);
        let written = self.own.exclude().written();
        written
            .map(|pattern| Excluded { pattern: pattern.to_owned(), count: count(&pattern.to_owned()) })
            .collect()
    }

    /// The paths that restic is given: those that are in no other.
    pub fn tops(&self) -> Vec<&Path> {
        let paths: Vec<&Path> = self.trees.iter().map(|tree| tree.path.as_path()).collect();
        let is_within = |path: &Path| paths.iter().any(|other| path != *other && path.starts_with(other));
        let mut tops: Vec<&Path> = paths.iter().copied().filter(|path| !is_within(path)).collect();
        tops.sort_unstable();
        tops.dedup();
        tops
    }
}

/// Whether a file takes less room than it is long.
fn has_holes(found: &Metadata) -> bool {
    found.blocks().saturating_mul(512) < found.len()
}

/// What tells that something is as it was: which file it is, how long, and when it changed.
fn stamp(found: &Metadata) -> [i128; 6] {
    [
        found.dev().into(),
        found.ino().into(),
        found.len().into(),
        found.mode().into(),
        i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec()),
        i128::from(found.ctime()) * 1_000_000_000 + i128::from(found.ctime_nsec()),
    ]
}

/// A path as restic says it in JSON: each byte that is no text is replaced.
fn told(path: &[u8]) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}
