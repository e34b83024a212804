//! The indices of OpenSearch and Elasticsearch, in snapshots.

mod ground;

use super::{Drilled, Group, Restored, Store};
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::Content;
use crate::machine::backup::asked::{Asked, AskedSearch};
use crate::machine::backup::gathered::{Gathered, Workshop};
use crate::machine::backup::place::{answers, only_when_late, tidied};
use crate::machine::backup::{Place, Unpacked};
use crate::machine::compose::Docker;
use crate::machine::part::Part;
use crate::machine::search::Search;
use crate::units::Duration;
use ground::Ground;
use std::collections::{BTreeMap, BTreeSet};

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
        for part in parts(unpacked, place)? {
            let url = service_url(&part, place)?;
            let search = place.search(&url);
            let prefix = format!("banister-drill-{}-", unpacked.id);
            let counted = put_index_back(unpacked, &part, place, &search, &prefix);
            let late = only_when_late();
            let tidy = Place { stop: &late, ..*place };
            let removed = remove_index(unpacked, &part, &tidy, &url, &prefix);
            drilled.documents.extend(tidied(counted, removed)?);
        }
        Ok(())
    }

    /// Those that are there are kept in a snapshot of their own first. Whoever writes to them must not run: it could make
    /// an index anew in between.
    fn put_back(&self, unpacked: &Unpacked, place: &Place, done: &mut Restored) -> Result<()> {
        for part in parts(unpacked, place)? {
            let put_back = of_service(unpacked, place, &part);
            done.names.extend(put_back.map_err(|failure| place.explain(part.service, failure))?.into_keys());
        }
        Ok(())
    }

    fn drop_aside(&self, unpacked: &Unpacked, place: &Place) -> Result<()> {
        for part in parts(unpacked, place)? {
            let url = service_url(&part, place)?;
            let (new, old) = unpacked.new_and_old("banister", "-");
            for name in [new, old] {
                place.search(&url).forget(&name)?;
                part.ground.clear(&place.docker(), &name)?;
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
    let ground = Ground::find(place, &asked.service, &asked.folder, &asked.inside)?;
    // What an attempt that was cut off left.
    search.forget(&repository)?;
    ground.clear(&place.docker(), &repository)?;
    let made = (url.clone(), repository.clone(), ground.clone(), place.environment.clone());
    gathered.afterwards(move || forget(&made.0, &made.1, &made.2, &made.3));
    search.register(&repository, &ground.inside(&repository), false)?;
    let closed = search.present("")?.closed;
    if !closed.is_empty() {
        let names = closed.join(", ");
        (workshop.tell)(format!("closed indices of {} are not in the backup: {names}", asked.service));
    }
    let (documents, indices) = snapshot_and_count(&search, &repository, name)?;
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
        indices,
    };
    gathered.add(part, Content::Path(ground.outside(&repository)));
    Ok(())
}

/// How many documents each index has, if that is known.
type Counts = Option<BTreeMap<String, u64>>;

/// Takes a snapshot, and again while documents come or go meanwhile; how many each index has, and which there are. No
/// numbers if they never stayed the same: a count of another moment would be held against the snapshot for ever.
///
/// Fails with [`Kind::Refused`] if the snapshot lacks an index that was there all the time.
fn snapshot_and_count(search: &Search, repository: &str, name: &str) -> Result<(Counts, BTreeSet<String>)> {
    let mut there = search.present("")?.open;
    let mut before = search.count(&there, "")?;
    let mut indices = Vec::new();
    for _ in 0..TRIES {
        search.snapshot(repository, name)?;
        indices = search.indices(repository, name)?;
        let still = search.present("")?.open;
        let lost = |index: &&String| still.contains(index) && !indices.contains(index);
        let lost: Vec<&str> = there.iter().filter(lost).map(String::as_str).collect();
        if !lost.is_empty() {
            let message = format!("the snapshot `{name}` lacks indices: {}", lost.join(", "));
            return Err(Failure::new(Kind::Refused, message)
                .help("check the search service's log, then run it again"));
        }
        let after = search.count(&indices, "")?;
        if before == after {
            return Ok((Some(after), indices.into_iter().collect()));
        }
        (before, there) = (after, still);
    }
    Ok((None, indices.into_iter().collect()))
}

/// Removes a snapshot that was taken for one backup; what could not be removed, for people.
fn forget(
    url: &str,
    repository: &str,
    ground: &Ground,
    environment: &BTreeMap<String, String>,
) -> Vec<String> {
    let search = Search { url, within: TIDYING, stop: &|| false };
    let docker = Docker { environment, within: TIDYING, stop: &|| false };
    let errors = [search.forget(repository).err(), ground.clear(&docker, repository).err()];
    let told = |failure: Failure| format!("the snapshot `{repository}` could not be removed: {failure}");
    errors.into_iter().flatten().map(told).collect()
}

/// The search part of a backup.
struct Index<'a> {
    member: &'a str,
    service: &'a str,
    port: u16,
    ground: Ground,
    snapshot: &'a str,
    documents: &'a BTreeMap<String, u64>,
    indices: &'a BTreeSet<String>,
}

/// The search parts of a backup, each with where its service has repositories now.
fn parts<'a>(unpacked: &'a Unpacked, place: &'a Place) -> Result<Vec<Index<'a>>> {
    let mut found = Vec::new();
    for part in &unpacked.parts {
        let Part::Search { name, service, port, folder, inside, snapshot, documents, indices } = part else {
            continue;
        };
        let ground = Ground::find(place, service, folder, inside)?;
        found.push(Index { member: name, service, port: *port, ground, snapshot, documents, indices });
    }
    Ok(found)
}

fn of_service(unpacked: &Unpacked, place: &Place, part: &Index) -> Result<BTreeMap<String, u64>> {
    let url = service_url(part, place)?;
    let search = place.search(&url);
    let (_, old) = unpacked.new_and_old("banister", "-");
    // What was kept by an attempt before is what was there before that.
    answers(place, part.service, || search.register(&old, &part.ground.inside(&old), false))?;
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
    part.ground.hand_over(&place.docker(), &unpacked.path(part.member), &new)?;
    answers(place, part.service, || search.register(&new, &part.ground.inside(&new), true))?;
    let snapshot = match part.snapshot {
        "" => search.newest(&new)?.ok_or_else(|| {
            Failure::new(Kind::Refused, "the backup holds no whole snapshot of the search index")
        })?,
        name => name.to_owned(),
    };
    let indices = search.indices(&new, &snapshot)?;
    let lost: Vec<&str> =
        part.indices.iter().filter(|index| !indices.contains(index)).map(String::as_str).collect();
    if !lost.is_empty() {
        let message =
            format!("the snapshot `{snapshot}` lacks indices that the backup says: {}", lost.join(", "));
        return Err(Failure::new(Kind::Refused, message)
            .help("restore another backup; `banister backup list` shows them"));
    }
    search.restore(&new, &snapshot, &indices, prefix)?;
    let counts = search.count(&indices, prefix)?;
    if !part.documents.is_empty() && counts != *part.documents {
        let message = "the search index has other documents than the backup says";
        return Err(Failure::new(Kind::Refused, message)
            .why(format!("{counts:?} instead of {:?}", part.documents))
            .help("try it again with `banister resume`"));
    }
    search.forget(&new)?;
    part.ground.clear(&place.docker(), &new)?;
    Ok(counts)
}

/// Removes what [`put_index_back`] put beside what is there, however far it came.
fn remove_index(unpacked: &Unpacked, part: &Index, place: &Place, url: &str, prefix: &str) -> Result<()> {
    let search = place.search(url);
    let present = search.present(prefix)?;
    present.open.iter().chain(&present.closed).try_for_each(|index| search.delete(index))?;
    let (new, _) = unpacked.new_and_old("banister", "-");
    search.forget(&new)?;
    part.ground.clear(&place.docker(), &new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A search service with one index, of which `count` says how many documents it has. A restore never ends.
    fn service(count: impl Fn() -> u64 + Send + 'static) -> String {
        service_with(r#"[{"index":"a"},{"index":".own"},{"index":"old","status":"close"}]"#, count)
    }

    fn service_with(indices: &'static str, count: impl Fn() -> u64 + Send + 'static) -> String {
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
                    _ if path.starts_with("/_cat/indices") => indices.into(),
                    "/a/_count" | "/b/_count" => format!(r#"{{"count":{}}}"#, count()),
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
            snapshot_and_count(&search, "repository", "name").unwrap().0
        };
        for until in [0, 1, TRIES as u64 - 1] {
            assert_eq!(taken(until), Some(BTreeMap::from([("a".into(), until)])));
        }
        assert_eq!(taken(1000), None);
    }

    #[test]
    fn a_snapshot_that_lacks_an_index_is_no_backup() {
        let url = service_with(r#"[{"index":"a"},{"index":"b"}]"#, || 1);
        let search = Search { url: &url, within: Duration::seconds(5), stop: &|| false };
        let failure = snapshot_and_count(&search, "repository", "name").unwrap_err();
        assert_eq!(failure.message, "the snapshot `name` lacks indices: b");
    }

    #[test]
    fn putting_a_snapshot_back_hears_a_signal() {
        let url = service(|| 0);
        let search = Search { url: &url, within: Duration::seconds(3600), stop: &|| true };
        let failure = search.restore("repository", "name", &["a".into()], "").unwrap_err();
        assert_eq!(failure.kind, Kind::Interrupted);
    }
}
