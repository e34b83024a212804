//! Unpacked backups that nobody will put back: a note beside each says whose it is, from before it is unpacked until it is
//! removed. What an abandoned run left is removed by the next one that works on backups of the server.

use super::unpacked::Unpacked;
use crate::failure::{Context, Kind, Result};
use crate::machine::archive::ASIDE;
use crate::machine::files::{private_folder, sync_folder_of, write_private_durably};
use crate::machine::tree;
use crate::output::word;
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How the name of a note ends, after that of the folder with the unpacked backup.
const ENDING: &str = ".of";
/// How the name of such a folder begins.
pub const RESTORE: &str = ".restore-";

/// Whose an unpacked backup is.
#[derive(Serialize, Deserialize)]
struct Note {
    server: String,
    run: String,
    /// Whether something of it was put back: then more than the folder is left, and what was replaced is beside it.
    is_used: bool,
    /// What putting it back has made beside what it would replace, while nothing is replaced.
    #[serde(default)]
    pieces: Vec<PathBuf>,
}

/// The plan by which files are put back, in the folder of the unpacked backup: from when it is there, something is replaced.
pub const PLAN: &str = "plan.json";

/// What others left, in sentences for people.
#[derive(Default)]
pub struct Leftover {
    pub removed: Vec<String>,
    /// What may hold the only way to what was replaced.
    pub kept: Vec<String>,
}

fn file(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(ENDING);
    name.into()
}

/// Says whose the folder is, before anything is unpacked into it.
pub fn note(folder: &Path, server: &str, run: &str) -> Result<()> {
    private_folder(folder.parent().unwrap_or(folder))?;
    write(
        folder,
        &Note { server: server.to_owned(), run: run.to_owned(), is_used: false, pieces: Vec::new() },
    )
}

/// From now on its files are brought to where they are put back, which may make these.
pub fn begin(unpacked: &Unpacked, pieces: Vec<PathBuf>) -> Result<()> {
    match read(&file(&unpacked.folder)) {
        Some(note) if !note.is_used => write(&unpacked.folder, &Note { pieces, ..note }),
        _ => Ok(()),
    }
}

/// From now on something of it is put back.
pub fn use_up(unpacked: &Unpacked) -> Result<()> {
    match read(&file(&unpacked.folder)) {
        Some(note) if !note.is_used => write(&unpacked.folder, &Note { is_used: true, ..note }),
        _ => Ok(()),
    }
}

/// The folder is gone: so is what is said of it.
pub fn end(folder: &Path) -> Result<()> {
    let file = file(folder);
    let removed = match std::fs::remove_file(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        removed => removed,
    };
    let removed = removed.and_then(|()| sync_folder_of(&file));
    removed.or_fail(Kind::Refused, || format!("`{}` can't be removed", file.display()))
}

/// Removes what other runs left in a folder of backups, who can't need it any more: the lock of the server is held by this
/// `run`, and only one that put something back could still be resumed.
pub fn remove(backups: &Path, server: &str, run: &str) -> Result<Leftover> {
    let mut leftover = Leftover::default();
    for path in super::card::listed(backups)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(folder) = name.strip_suffix(ENDING).filter(|name| name.starts_with(RESTORE)) else {
            continue;
        };
        let Some(note) = read(&path).filter(|note| note.server == server && note.run != run) else {
            continue;
        };
        let id = folder.trim_start_matches(RESTORE).to_owned();
        let folder = backups.join(folder);
        if (note.is_used || folder.join(PLAN).exists()) && folder.symlink_metadata().is_ok() {
            leftover.kept.push(format!(
                "`{}` is left of the abandoned run `{}`, which put some of it back: what that replaced is still aside; when \
                 nobody needs either, `drop_replaced` in `banister repl` removes both",
                folder.display(),
                note.run
            ));
            continue;
        }
        // Whoever may write among the backups may write a note: by what another's says, only what was unpacked is removed.
        let is_own = path.symlink_metadata().is_ok_and(|found| found.uid() == geteuid().as_raw());
        let pieces = note.pieces.iter().filter(|path| is_own && is_piece(path, &id));
        let all = pieces.chain([&folder]);
        let kept: Vec<String> = all.filter_map(|path| kept(path, &note.run)).collect();
        if !kept.is_empty() {
            leftover.kept.extend(kept);
            continue;
        }
        end(&folder)?;
        leftover.removed.push(format!("removed `{}`, which an abandoned run had unpacked", folder.display()));
    }
    Ok(leftover)
}

/// Whether a path has a name that only a restore gives.
fn is_piece(path: &Path, id: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = format!(".new.{id}");
    let is_beside = name.starts_with('.') && name.trim_end_matches(".part").ends_with(&beside);
    is_beside || name.strip_prefix(ASIDE) == Some(id)
}

/// Removes what an abandoned run had unpacked; why it is still there, if it is.
fn kept(path: &Path, run: &str) -> Option<String> {
    let error = tree::remove(path).err()?;
    let (shown, word) = (path.display(), word(path.display()));
    Some(format!(
        "`{shown}`, which the abandoned run `{run}` had unpacked, can't be removed: {error}; as root: `rm -rf -- {word}`"
    ))
}

fn write(folder: &Path, note: &Note) -> Result<()> {
    let text = serde_json::to_vec(note).or_fail(Kind::Bug, || "a note is not plain data".into())?;
    write_private_durably(&file(folder), &text)
}

/// What a note says; nothing if it can't be read, and then its folder stays. What only has such a name is not opened.
fn read(file: &Path) -> Option<Note> {
    file.symlink_metadata().ok().filter(Metadata::is_file)?;
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}
