//! The indices of OpenSearch and Elasticsearch, in snapshots.

use super::{Drilled, Group, Restored, Store};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::Content;
use crate::machine::backup::asked::{Asked, AskedSearch};
use crate::machine::backup::gathered::{Gathered, Workshop};
use crate::machine::backup::place::{answers, only_when_late, tidied};
use crate::machine::backup::{Place, Unpacked};
use crate::machine::part::Part;
use crate::machine::search::Search;
use crate::machine::tree::{copy_path as copy, remove};
use crate::units::Duration;
use rustix::process::geteuid;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};

/// How often a snapshot is taken again because documents came or went meanwhile.
const TRIES: usize = 5;
/// How long the search service may take to forget a snapshot.
const TIDYING: Duration = Duration::seconds(60);
/// What the snapshot of the old indices is called.
const BEFORE: &str = "before";

/// All indices of a search service.
pub struct Indices;

impl Store for Indices {
    fn group(&self) -> Group {
        Group::Search
    }

    fn take(&self, asked: &Asked, workshop: &Workshop, gathered: &mut Gathered) -> Result<()> {
        let Some(search) = &asked.search else { return Ok(()) };
        (workshop.tell)(format!("taking a snapshot of {}", search.service));
        let taken = take(search, &asked.snapshot, workshop, gathered);
        taken.map_err(|failure| workshop.place.explain(&search.service, failure))
    }

    /// Under other names, beside the live ones.
    fn drill(&self, unpacked: &Unpacked, place: &Place, drilled: &mut Drilled) -> Result<()> {
        for part in parts(unpacked, place) {
            let url = service_url(&part, place)?;
            let search = place.search(&url);
            let prefix = format!("banister-drill-{}-", unpacked.id);
            let counted = put_index_back(unpacked, &part, place, &search, &prefix);
            let late = only_when_late();
            let tidy = Place { stop: &late, ..*place };
            let removed = remove_index(unpacked, &part, &tidy.search(&url), &prefix);
            drilled.documents.extend(tidied(counted, removed)?);
        }
        Ok(())
    }

    /// Those that are there are kept in a snapshot of their own first. Whoever writes to them must not run: it could make
    /// an index anew in between.
    fn put_back(&self, unpacked: &Unpacked, place: &Place, done: &mut Restored) -> Result<()> {
        for part in parts(unpacked, place) {
            let put_back = of_service(unpacked, place, &part);
            done.names.extend(put_back.map_err(|failure| place.explain(part.service, failure))?.into_keys());
        }
        Ok(())
    }

    fn drop_aside(&self, unpacked: &Unpacked, place: &Place) -> Result<()> {
        for part in parts(unpacked, place) {
            let url = service_url(&part, place)?;
            let (new, old) = unpacked.new_and_old("banister", "-");
            for name in [new, old] {
                place.search(&url).forget(&name)?;
                let folder = part.repository(&name).0;
                let failed = || format!("`{}` can't be removed", folder.display());
                remove(&folder).or_fail(Kind::Refused, failed)?;
            }
        }
        Ok(())
    }
}

/// Takes a snapshot, in a repository that is made for it alone.
fn take(asked: &AskedSearch, name: &str, workshop: &Workshop, gathered: &mut Gathered) -> Result<()> {
    let place = workshop.place;
    let url = place.search_url(&asked.service, asked.port)?;
    let search = place.search(&url);
    let repository = format!("banister-{name}");
    let folder = (place.path)(&asked.folder).join(&repository);
    // What an attempt that was cut off left.
    search.forget(&repository)?;
    if folder.exists() {
        let failed = || format!("`{}`, left by an earlier attempt, can't be removed", folder.display());
        remove(&folder).or_fail(Kind::Refused, failed)?;
    }
    let made = (url.clone(), repository.clone(), folder.clone());
    gathered.afterwards(move || forget(&made.0, &made.1, &made.2));
    search.register(&repository, &format!("{}/{repository}", asked.inside.trim_end_matches('/')))?;
    let documents = snapshot_and_count(&search, &repository, name)?;
    if documents.is_none() {
        (workshop.tell)(format!(
            "{} is written to: nothing will say how many documents it had",
            asked.service
        ));
    }
    let part = Part::Search {
        name: asked.name.clone(),
        service: asked.service.clone(),
        port: asked.port,
        folder: asked.folder.clone(),
        inside: asked.inside.clone(),
        snapshot: name.to_owned(),
        documents: documents.unwrap_or_default(),
    };
    gathered.add(part, Content::Path(folder));
    Ok(())
}

/// Takes a snapshot, and again while documents come or go meanwhile; how many each index has. None if they never stayed
/// as many: a count of another moment would be held against the snapshot for ever.
fn snapshot_and_count(
    search: &Search,
    repository: &str,
    name: &str,
) -> Result<Option<BTreeMap<String, u64>>> {
    let mut before = search.count(&search.present("")?, "")?;
    for _ in 0..TRIES {
        search.snapshot(repository, name)?;
        let after = search.count(&search.indices(repository, name)?, "")?;
        if before == after {
            return Ok(Some(after));
        }
        before = after;
    }
    Ok(None)
}

/// Removes a snapshot that was taken for one backup; what could not be removed, for people.
fn forget(url: &str, repository: &str, folder: &Path) -> Vec<String> {
    let search = Search { url, within: TIDYING, stop: &|| false };
    let forgotten = search.forget(repository).err();
    let removed = remove(folder).err();
    let told =
        |error: String| format!("the snapshot in `{}` could not be removed: {error}", folder.display());
    let errors = forgotten.map(|failure| failure.to_string()).into_iter();
    errors.chain(removed.map(|error| error.to_string())).map(told).collect()
}

/// The search part of a backup.
struct Index<'a> {
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
fn parts<'a>(unpacked: &'a Unpacked, place: &'a Place) -> impl Iterator<Item = Index<'a>> {
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
fn service_url(part: &Index, place: &Place) -> Result<String> {
    place.search_url(part.service, part.port)
}

/// Puts the indices of the snapshot back, called after `prefix`, waits until that is done, and counts their documents.
fn put_index_back(
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
fn remove_index(unpacked: &Unpacked, part: &Index, search: &Search, prefix: &str) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A search service with one index, of which `count` says how many documents it has. A restore never ends.
    fn service(count: impl Fn() -> u64 + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut waiting = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut asked = vec![0; 4096];
                let read = stream.read(&mut asked).unwrap();
                let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
                let path = asked.split(' ').nth(1).unwrap();
                let body = match path {
                    _ if path.contains("_restore") => {
                        waiting.push(stream);
                        continue;
                    }
                    _ if path.starts_with("/_cat/indices") => r#"[{"index":"a"},{"index":".own"}]"#.into(),
                    "/a/_count" => format!(r#"{{"count":{}}}"#, count()),
                    _ => r#"{"snapshots":[{"state":"SUCCESS","indices":["a"]}]}"#.into(),
                };
                let length = body.len();
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            }
        });
        url
    }

    /// Else what is written between the snapshot and the count fails every restore of it.
    #[test]
    fn documents_are_counted_only_if_none_came_while_the_snapshot_was_taken() {
        let taken = |until: u64| {
            let counted = AtomicU64::new(0);
            let url = service(move || counted.fetch_add(1, Ordering::Relaxed).min(until));
            let search = Search { url: &url, within: Duration::seconds(5), stop: &|| false };
            snapshot_and_count(&search, "repository", "name").unwrap()
        };
        for until in [0, 1, TRIES as u64 - 1] {
            assert_eq!(taken(until), Some(BTreeMap::from([("a".into(), until)])));
        }
        assert_eq!(taken(1000), None);
    }

    #[test]
    fn putting_a_snapshot_back_hears_a_signal() {
        let url = service(|| 0);
        let search = Search { url: &url, within: Duration::seconds(3600), stop: &|| true };
        let failure = search.restore("repository", "name", &["a".into()], "").unwrap_err();
        assert_eq!(failure.kind, Kind::Interrupted);
    }
}
