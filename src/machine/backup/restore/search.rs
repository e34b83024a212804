//! Puts the search index back.

use super::super::place::answers;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::{Place, Unpacked};
use crate::machine::part::Part;
use crate::machine::search::Search;
use crate::machine::tree::{copy_path as copy, remove};
use rustix::process::geteuid;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};

/// What the snapshot of the old indices is called.
const BEFORE: &str = "before";

/// The search part of a backup.
pub struct Index<'a> {
    member: &'a str,
    service: &'a str,
    port: u16,
    folder: PathBuf,
    inside: &'a str,
    snapshot: &'a str,
    documents: &'a BTreeMap<String, u64>,
}

impl Index<'_> {
    /// A repository by its name: where it is on this machine, and in the container.
    fn repository(&self, name: &str) -> (PathBuf, String) {
        (self.folder.join(name), format!("{}/{name}", self.inside.trim_end_matches('/')))
    }
}

/// The search parts of a backup.
pub fn search_parts<'a>(unpacked: &'a Unpacked, place: &'a Place) -> impl Iterator<Item = Index<'a>> {
    unpacked.parts.iter().filter_map(|part| match part {
        Part::Search { name, service, port, folder, inside, snapshot, documents } => Some(Index {
            member: name,
            service,
            port: *port,
            folder: (place.path)(folder),
            inside,
            snapshot,
            documents,
        }),
        _ => None,
    })
}

/// Puts all indices of the backup's snapshot back; the names of the indices. Those that are there are kept in a snapshot
/// of their own first. Whoever writes to them must not run: it could make an index anew in between.
pub fn search(unpacked: &Unpacked, place: &Place) -> Result<Vec<String>> {
    let mut done = Vec::new();
    for part in search_parts(unpacked, place) {
        let put_back = of_service(unpacked, place, &part);
        done.extend(put_back.map_err(|failure| place.explain(part.service, failure))?.into_keys());
    }
    Ok(done)
}

fn of_service(unpacked: &Unpacked, place: &Place, part: &Index) -> Result<BTreeMap<String, u64>> {
    let url = service_url(part, place)?;
    let search = place.search(&url);
    let (_, old) = unpacked.new_and_old("banister", "-");
    // What was kept by an attempt before is what was there before that.
    answers(place, part.service, || search.register(&old, &part.repository(&old).1))?;
    if search.newest(&old)?.is_none() {
        search.snapshot(&old, BEFORE)?;
    }
    put_index_back(unpacked, part, place, &search, "")
}

/// Where the service of a part answers.
pub fn service_url(part: &Index, place: &Place) -> Result<String> {
    place.search_url(part.service, part.port)
}

/// Puts the indices of the snapshot back, called after `prefix`, waits until that is done, and counts their documents.
pub fn put_index_back(
    unpacked: &Unpacked,
    part: &Index,
    place: &Place,
    search: &Search,
    prefix: &str,
) -> Result<BTreeMap<String, u64>> {
    let (new, _) = unpacked.new_and_old("banister", "-");
    let (folder, location) = part.repository(&new);
    let failed = || format!("the snapshot can't be put into `{}`", folder.display());
    hand_over(&unpacked.path(part.member), &folder, &part.folder).or_fail(Kind::Refused, failed)?;
    answers(place, part.service, || search.register(&new, &location))?;
    let snapshot = match part.snapshot {
        "" => search.newest(&new)?.ok_or_else(|| {
            Failure::new(Kind::Refused, "the backup holds no whole snapshot of the search index")
        })?,
        name => name.to_owned(),
    };
    let indices = search.indices(&new, &snapshot)?;
    search.restore(&new, &snapshot, &indices, prefix)?;
    let counts = search.count(&indices, prefix)?;
    if !part.documents.is_empty() && counts != *part.documents {
        let message = "the search index has other documents than the backup says";
        return Err(Failure::new(Kind::Refused, message)
            .why(format!("{counts:?} instead of {:?}", part.documents))
            .help("try it again: banister resume"));
    }
    search.forget(&new)?;
    remove(&folder).or_fail(Kind::Refused, || format!("`{}` can't be removed", folder.display()))?;
    Ok(counts)
}

/// Removes what [`put_index_back`] put beside what is there, however far it came.
pub fn remove_index(unpacked: &Unpacked, part: &Index, search: &Search, prefix: &str) -> Result<()> {
    search.present(prefix)?.iter().try_for_each(|index| search.delete(index))?;
    let (new, _) = unpacked.new_and_old("banister", "-");
    search.forget(&new)?;
    let folder = part.repository(&new).0;
    remove(&folder).or_fail(Kind::Refused, || format!("`{}` can't be removed", folder.display()))
}

/// Copies a snapshot to where the service finds it, as the owner of that folder.
fn hand_over(from: &Path, to: &Path, folder: &Path) -> io::Result<()> {
    remove(to)?;
    copy(from, to)?;
    let owner = folder.metadata()?;
    if geteuid().is_root() { give(to, owner.uid(), owner.gid()) } else { Ok(()) }
}

fn give(path: &Path, owner: u32, group: u32) -> io::Result<()> {
    lchown(path, Some(owner), Some(group))?;
    if path.symlink_metadata()?.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give(&entry?.path(), owner, group)?;
        }
    }
    Ok(())
}

pub(super) fn drop_aside(unpacked: &Unpacked, place: &Place) -> Result<()> {
    for part in search_parts(unpacked, place) {
        let url = service_url(&part, place)?;
        let (new, old) = unpacked.new_and_old("banister", "-");
        for name in [new, old] {
            place.search(&url).forget(&name)?;
            let folder = part.repository(&name).0;
            remove(&folder).or_fail(Kind::Refused, || format!("`{}` can't be removed", folder.display()))?;
        }
    }
    Ok(())
}
