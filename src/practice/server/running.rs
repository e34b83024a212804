//! Practice servers that run on this machine, whoever made them: a demo that failed leaves its server, so that something can
//! be done with it.

use crate::practice::world::start::MARK;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The folder of each, with how many processes it has. Only those are found whose processes this user may see.
pub fn running() -> BTreeMap<PathBuf, usize> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0).skip(1);
        if words.next() != Some(MARK.as_bytes()) {
            continue;
        }
        if let Some(folder) = words.next().filter(|folder| folder.starts_with(b"/")) {
            *found.entry(PathBuf::from(OsStr::from_bytes(folder))).or_insert(0) += 1;
        }
    }
    found
}
