//! The origin of the practice server: a real git repository whose commits are the same every time.

pub mod release;

use super::world::World;
use crate::failure::{Context, Failure, Kind, Result};
use git2::{Commit, Index, IndexEntry, IndexTime, ObjectType, Oid, Repository, Signature, Time};
use include_dir::{Dir, include_dir};
use release::{AHEAD, BROKEN, Change, RELEASES, Release};
use std::collections::BTreeMap;

static TREE: Dir = include_dir!("$CARGO_MANIFEST_DIR/src/practice/origin/tree");

/// 2024-01-01 12:00 UTC; each release is a month later.
const FIRST_RELEASE: i64 = 1_704_110_400;
const MONTH: i64 = 30 * 86_400;

type Files = BTreeMap<String, Vec<u8>>;

fn failed<E: std::fmt::Display>(error: E) -> Failure {
    Failure::new(Kind::Refused, "the practice origin can't be made").why(error)
}

/// Makes the repository with the first release.
pub fn create(world: &World) -> Result<()> {
    let mut options = git2::RepositoryInitOptions::new();
    options.bare(true).initial_head("main").external_template(false);
    let repository = Repository::init_opts(world.path("origin.git"), &options).map_err(failed)?;
    let commit = commit_release(&repository, &RELEASES[0], None)?;
    repository.reference("refs/heads/main", commit, true, "release").map_err(failed)?;
    Ok(())
}

/// Adds the good releases after the first, and what `main` has beyond them.
pub fn grow(world: &World) -> Result<()> {
    let repository = open(world)?;
    for release in &RELEASES[1..] {
        let parent = head(&repository)?;
        let commit = commit_release(&repository, release, Some(&parent))?;
        repository.reference("refs/heads/main", commit, true, "release").map_err(failed)?;
    }
    let parent = head(&repository)?;
    let newest = &RELEASES[RELEASES.len() - 1];
    let mut files = files_of(newest)?;
    apply(&mut files, AHEAD)?;
    let when = FIRST_RELEASE + MONTH * RELEASES.len() as i64 - 86_400 * 7;
    let commit = commit(&repository, &files, Some(&parent), "Begin a list of recent datasets", when)?;
    repository.reference("refs/heads/main", commit, true, "work").map_err(failed)?;
    Ok(())
}

/// Adds a broken release. It grows from the newest good one, beside `main`.
pub fn add(world: &World, version: &str) -> Result<()> {
    let repository = open(world)?;
    let missing = || Failure::new(Kind::NotFound, format!("there is no release `{version}` to add"));
    let release = BROKEN.iter().find(|release| release.version == version).ok_or_else(missing)?;
    let newest = RELEASES[RELEASES.len() - 1].version;
    let parent = repository.revparse_single(&format!("refs/tags/{newest}")).map_err(failed)?;
    let parent = parent.peel_to_commit().map_err(failed)?;
    commit_release(&repository, release, Some(&parent)).map(drop)
}

/// Takes a broken release away. Clones that have it keep it.
pub fn remove(world: &World, version: &str) -> Result<()> {
    let name = format!("refs/tags/{version}");
    open(world)?.find_reference(&name).and_then(|mut tag| tag.delete()).map_err(failed)
}

fn open(world: &World) -> Result<Repository> {
    Repository::open_bare(world.path("origin.git"))
        .or_fail(Kind::NotFound, || "the practice origin can't be opened".into())
}

fn head(repository: &Repository) -> Result<Commit<'_>> {
    repository.find_reference("refs/heads/main").and_then(|head| head.peel_to_commit()).map_err(failed)
}

/// All files of a release.
fn files_of(release: &Release) -> Result<Files> {
    let mut files = Files::new();
    collect(&TREE, &mut files);
    let good = RELEASES.iter().take_while(|good| good.version != release.version);
    let before: Vec<&Release> = good.collect();
    let mut changelog = String::new();
    for release in before.iter().copied().chain([release]) {
        apply(&mut files, release.changes)?;
        changelog = format!("\n## {}\n\n{}{changelog}", release.version, release.notes);
    }
    files.insert("CHANGELOG.md".into(), format!("# Changelog\n{changelog}").into());
    files.insert("server/VERSION".into(), format!("{}\n", release.version).into());
    Ok(files)
}

fn collect(folder: &Dir, files: &mut Files) {
    for file in folder.files() {
        files.insert(file.path().to_string_lossy().into_owned(), file.contents().to_vec());
    }
    folder.dirs().for_each(|folder| collect(folder, files));
}

fn apply(files: &mut Files, changes: &[Change]) -> Result<()> {
    for change in changes {
        match change {
            Change::Put(path, text) => _ = files.insert(path.to_string(), text.as_bytes().to_vec()),
            Change::Edit(path, old, new) => {
                let text = String::from_utf8_lossy(files.get(*path).map_or(&[], Vec::as_slice)).into_owned();
                if text.matches(old).count() != 1 {
                    return Err(Failure::new(
                        Kind::Bug,
                        format!("a release's edit of `{path}` does not fit"),
                    ));
                }
                files.insert(path.to_string(), text.replace(old, new).into_bytes());
            }
        }
    }
    Ok(())
}

fn commit_release(repository: &Repository, release: &Release, parent: Option<&Commit>) -> Result<Oid> {
    let place = RELEASES.iter().chain(BROKEN).position(|other| other.version == release.version).unwrap_or(0);
    let when = FIRST_RELEASE + MONTH * place as i64;
    let commit =
        commit(repository, &files_of(release)?, parent, &format!("Release {}", release.version), when)?;
    let target = repository.find_object(commit, Some(ObjectType::Commit)).map_err(failed)?;
    let tag = if release.annotated {
        repository.tag(release.version, &target, &author(when)?, release.notes, true)
    } else {
        repository.tag_lightweight(release.version, &target, true)
    };
    tag.map_err(failed)?;
    Ok(commit)
}

fn author(when: i64) -> Result<Signature<'static>> {
    Signature::new("Practice", "practice@example.org", &Time::new(when, 0)).map_err(failed)
}

fn commit(
    repository: &Repository,
    files: &Files,
    parent: Option<&Commit>,
    message: &str,
    when: i64,
) -> Result<Oid> {
    let mut index = Index::new().map_err(failed)?;
    for (path, content) in files {
        let script = path.ends_with(".sh");
        let entry = IndexEntry {
            ctime: IndexTime::new(0, 0),
            mtime: IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            mode: if script { 0o100755 } else { 0o100644 },
            uid: 0,
            gid: 0,
            file_size: 0,
            id: repository.blob(content).map_err(failed)?,
            flags: 0,
            flags_extended: 0,
            path: path.clone().into_bytes(),
        };
        index.add(&entry).map_err(failed)?;
    }
    let tree = index.write_tree_to(repository).map_err(failed)?;
    let tree = repository.find_tree(tree).map_err(failed)?;
    let author = author(when)?;
    let parents: Vec<&Commit> = parent.into_iter().collect();
    repository.commit(None, &author, &author, message, &tree, &parents).map_err(failed)
}
