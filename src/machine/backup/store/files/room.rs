//! Whether there is room for what is put back: where it is brought to another disk, it is copied, and what is there stays
//! until all is healthy.

use super::Target;
use crate::failure::{Failure, Kind, Result};
use crate::machine::files::free_space;
use crate::machine::tree::{Next, walk};
use crate::units::Size;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How many bytes a block has, as a file system counts them.
const BLOCK: u64 = 512;

/// Fails with [`Kind::Refused`] if a disk has too little room for what is still to be brought there.
pub fn check(targets: &[Target]) -> Result<()> {
    let mut needed: BTreeMap<u64, (u64, &Path)> = BTreeMap::new();
    let mut linked = BTreeSet::new();
    for target in targets {
        let Ok(from) = target.from.symlink_metadata() else { continue };
        let nearest = target.place.ancestors().find_map(|path| path.metadata().ok());
        let Some(device) = nearest.map(|found| found.dev()).filter(|device| *device != from.dev()) else {
            continue;
        };
        let (bytes, _) = needed.entry(device).or_insert((0, target.place.as_path()));
        walk(&target.from, &mut |found| {
            // What has several names is brought once.
            let is_new = |found: &&Metadata| found.nlink() == 1 || linked.insert((found.dev(), found.ino()));
            let file = found.metadata.filter(is_new);
            let room = file.map_or(0, |found| found.blocks().saturating_mul(BLOCK).min(found.len()));
            *bytes = bytes.saturating_add(room);
            Ok(Next::Enter)
        })?;
    }
    for (needed, place) in needed.into_values() {
        let free = free_space(place)?.free;
        if needed > free {
            let message = format!(
                "`{}` can't be restored: its disk has {} left, and {} are brought there",
                place.display(),
                Size(free),
                Size(needed)
            );
            return Err(Failure::new(Kind::Refused, message)
                .why("what is there stays until the server is healthy")
                .help("make room on that disk, then start it again"));
        }
    }
    Ok(())
}
