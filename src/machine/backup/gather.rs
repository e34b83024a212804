//! Gathers what goes into a backup.

use super::place::Place;
use crate::command::{self, Exit, Spec, look};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::{Content, Member};
use crate::machine::part::Part;
use crate::machine::postgres::Postgres;
use crate::machine::search::Search;
use crate::machine::tree;
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// How often a volume is copied again because it changed meanwhile, and a snapshot taken again.
const TRIES: usize = 5;
/// How long the search service may take to forget a snapshot.
const TIDYING: Duration = Duration::seconds(60);

/// What a backup is to hold.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub files: Vec<AskedFiles>,
    pub volumes: Vec<AskedVolume>,
    pub databases: Vec<AskedDatabase>,
    pub search: Option<AskedSearch>,
    /// What the snapshot of the search service is called.
    pub snapshot: String,
    /// Commands whose output is kept, by the member's name.
    pub outputs: Vec<(String, Spec)>,
    /// Texts, by the member's name.
    pub texts: Vec<(String, String)>,
}

/// A file, or a folder with all that is in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedFiles {
    pub name: String,
    /// As it was written.
    pub path: String,
}

/// A volume of the Compose project.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedVolume {
    pub name: String,
    /// Its name in the Compose files.
    pub volume: String,
    /// A command that prints the same before and after the copy, unless something was written meanwhile: then the
    /// volume is copied again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady: Option<Vec<String>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedDatabase {
    pub name: String,
    pub service: String,
    pub database: String,
}

/// The indices of a search service. `folder` and `inside` are where it may have repositories, on this machine and in
/// its container.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedSearch {
    pub name: String,
    pub service: String,
    pub port: u16,
    pub folder: String,
    pub inside: String,
}

/// All that an archive is written from. What was made for it alone is removed when this is dropped.
pub struct Gathered {
    pub parts: Vec<Part>,
    pub members: Vec<Member>,
    snapshot: Option<Snapshot>,
}

impl Gathered {
    /// Tidies up after a failure, which then tells of what could not be done, too.
    pub fn fail(self, failure: Failure) -> Failure {
        self.tidy().into_iter().fold(failure, Failure::why)
    }

    /// The tidying-up that could not be done, for people; empty if all is clean.
    pub fn tidy(mut self) -> Vec<String> {
        self.snapshot.take().map_or(Vec::new(), Snapshot::remove)
    }
}

/// A repository that was made for one backup.
struct Snapshot {
    url: String,
    repository: String,
    folder: PathBuf,
}

impl Snapshot {
    fn remove(self) -> Vec<String> {
        let search = Search { url: &self.url, within: TIDYING, stop: &|| false };
        let forgotten = search.forget(&self.repository).err();
        let removed = tree::remove(&self.folder).err();
        let told = |error: String| {
            format!("the snapshot in `{}` could not be removed: {error}", self.folder.display())
        };
        let errors = forgotten.map(|failure| failure.to_string()).into_iter();
        errors.chain(removed.map(|error| error.to_string())).map(told).collect()
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        _ = self.snapshot.take().map(Snapshot::remove);
    }
}

/// Gathers all that was asked for. What has to be kept before it can be written goes into unnamed files in `folder`,
/// of which nothing stays.
///
/// Databases, then volumes, then the search index, then files: what refers to something is taken before it.
pub fn gather(asked: &Asked, place: &Place, folder: &Path, tell: &dyn Fn(String)) -> Result<Gathered> {
    let mut gathered = Gathered { parts: Vec::new(), members: Vec::new(), snapshot: None };
    match add(asked, place, folder, tell, &mut gathered) {
        Ok(()) => Ok(gathered),
        Err(failure) => Err(gathered.fail(failure)),
    }
}

fn add(
    asked: &Asked,
    place: &Place,
    folder: &Path,
    tell: &dyn Fn(String),
    gathered: &mut Gathered,
) -> Result<()> {
    for files in &asked.files {
        gathered.parts.push(Part::Files { name: files.name.clone(), path: files.path.clone() });
        let content = Content::Path((place.path)(&files.path));
        gathered.members.push(Member { name: files.name.clone(), content });
    }
    for database in &asked.databases {
        tell(format!("dumping {}", database.database));
        let dumped = dump(database, place, folder);
        let (part, content) = dumped.map_err(|failure| place.explain(&database.service, failure))?;
        gathered.parts.push(part);
        gathered.members.push(Member { name: database.name.clone(), content });
    }
    for volume in &asked.volumes {
        tell(format!("copying the volume {}", volume.volume));
        gathered.parts.push(Part::Volume { name: volume.name.clone(), volume: volume.volume.clone() });
        let content = Content::Tar(copy(volume, place, folder)?);
        gathered.members.push(Member { name: volume.name.clone(), content });
    }
    if let Some(search) = &asked.search {
        tell(format!("taking a snapshot of {}", search.service));
        let taken = snapshot(search, &asked.snapshot, place, tell, gathered);
        taken.map_err(|failure| place.explain(&search.service, failure))?;
    }
    for (name, spec) in &asked.outputs {
        gathered.parts.push(Part::Output { name: name.clone() });
        let content = Content::Output(output(name, spec, folder, place.stop)?);
        gathered.members.push(Member { name: name.clone(), content });
    }
    for (name, text) in &asked.texts {
        gathered
            .members
            .push(Member { name: name.clone(), content: Content::Bytes(text.clone().into_bytes()) });
    }
    Ok(())
}

fn dump(asked: &AskedDatabase, place: &Place, folder: &Path) -> Result<(Part, Content)> {
    let container = place.running(&asked.service)?;
    let postgres = Postgres { docker: place.docker(), container: &container.name };
    let file = output(&asked.name, &postgres.dump(&asked.database)?, folder, place.stop)?;
    let rows = postgres.rows(&file, folder)?;
    let part = Part::Database {
        name: asked.name.clone(),
        service: asked.service.clone(),
        database: asked.database.clone(),
        rows,
    };
    Ok((part, Content::Output(file)))
}

fn copy(asked: &AskedVolume, place: &Place, folder: &Path) -> Result<File> {
    let docker = place.docker();
    let spec = docker.read_volume(&docker.volume(place.project, &asked.volume)?);
    let Some(steady) = &asked.steady else { return output(&asked.name, &spec, folder, place.stop) };
    let mut steady = Spec::new(steady.iter().cloned(), "/");
    steady.environment = place.environment.clone();
    let say = || -> Result<String> {
        let looked = look(&steady, place.stop)?;
        let program = steady.arguments.join(" ");
        match looked.exit {
            Exit::Status(0) => Ok(looked.stdout),
            exit => Err(Failure::new(Kind::CommandFailed, format!("`{program}` failed ({exit})"))
                .why(looked.stderr.trim())),
        }
    };
    let mut before = say()?;
    for _ in 0..TRIES {
        let file = output(&asked.name, &spec, folder, place.stop)?;
        let after = say()?;
        if before == after {
            return Ok(file);
        }
        before = after;
    }
    Err(Failure::new(
        Kind::Refused,
        format!("the volume `{}` changed during each of {TRIES} copies", asked.volume),
    )
    .help("run it again when the server is less busy"))
}

fn snapshot(
    asked: &AskedSearch,
    name: &str,
    place: &Place,
    tell: &dyn Fn(String),
    gathered: &mut Gathered,
) -> Result<()> {
    let url = place.search_url(&asked.service, asked.port)?;
    let search = place.search(&url);
    let repository = format!("banister-{name}");
    let folder = (place.path)(&asked.folder).join(&repository);
    // What an attempt that was cut off left.
    search.forget(&repository)?;
    if folder.exists() {
        let failed = || format!("`{}`, left by an earlier attempt, can't be removed", folder.display());
        tree::remove(&folder).or_fail(Kind::Refused, failed)?;
    }
    let made = Snapshot { url: url.clone(), repository: repository.clone(), folder: folder.clone() };
    gathered.snapshot = Some(made);
    search.register(&repository, &format!("{}/{repository}", asked.inside.trim_end_matches('/')))?;
    let documents = snapshot_and_count(&search, &repository, name)?;
    if documents.is_none() {
        tell(format!("{} is written to: nothing will say how many documents it had", asked.service));
    }
    gathered.parts.push(Part::Search {
        name: asked.name.clone(),
        service: asked.service.clone(),
        port: asked.port,
        folder: asked.folder.clone(),
        inside: asked.inside.clone(),
        snapshot: name.to_owned(),
        documents: documents.unwrap_or_default(),
    });
    gathered.members.push(Member { name: asked.name.clone(), content: Content::Path(folder) });
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

/// Runs a command; its output in an unnamed file.
fn output(name: &str, spec: &Spec, folder: &Path, stop: &dyn Fn() -> bool) -> Result<File> {
    let failed = || format!("the output for `{name}` can't be kept in `{}`", folder.display());
    let output = tempfile::tempfile_in(folder).or_fail(Kind::Refused, failed)?;
    let looked = command::look_into(spec, &output, stop)?;
    if looked.exit == Exit::Status(0) {
        return Ok(output);
    }
    let lines: Vec<&str> = looked.stderr.trim_end().lines().collect();
    let program = spec.arguments.first().map_or("", String::as_str);
    let message = format!("`{program}` for `{name}` failed ({})", looked.exit);
    let last = lines[lines.len().saturating_sub(STDERR_LINES)..].iter();
    Err(last.fold(Failure::new(Kind::CommandFailed, message), |failure, line| failure.why(line)))
}

/// How many of the last lines of a failed command's stderr are shown.
const STDERR_LINES: usize = 10;

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
