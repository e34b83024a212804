//! Which repository a server's backups are in. What restic says is kept, so that it need not be asked each time.

use crate::failure::{Failure, Kind, Result};
use crate::machine::backup::reference::Reference;
use crate::machine::files::write_private_durably;
use crate::machine::restic::Repository;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The repository of which something was asked last.
#[derive(Serialize, Deserialize)]
struct Known {
    /// Without a password.
    location: String,
    id: String,
    /// A digest of its file `config`; none where only restic reads that.
    config: Option<String>,
}

/// The id of the repository, and that of another one that was in its place before.
pub struct Found {
    pub id: String,
    pub before: Option<String>,
}

fn file(folder: &Path, server: &str) -> PathBuf {
    folder.join(format!(".restic-{}.repository", server.replace('/', "-")))
}

/// Which repository it is; fails for `what` if that can't be known. `folder` is that of the server's backups.
pub fn find(
    repository: &Repository,
    folder: &Path,
    server: &str,
    what: &str,
    stop: &dyn Fn() -> bool,
) -> Result<Found> {
    let file = file(folder, server);
    // One that can't be read says nothing: then restic is asked, and it is written anew.
    let text = std::fs::read(&file).ok();
    let known = text.and_then(|text| serde_json::from_slice::<Known>(&text).ok());
    let location = repository.location.to_string();
    let known = known.filter(|known| known.location == location);
    let config = repository.digest_of_config();
    if let Some(known) = known.as_ref().filter(|known| config.is_some() && known.config == config) {
        return Ok(Found { id: known.id.clone(), before: None });
    }
    let id = repository.id(what, stop)?;
    let before = known.as_ref().map(|known| known.id.clone()).filter(|before| *before != id);
    // That another one took its place is told until a backup goes into it.
    if before.is_none() {
        keep(repository, folder, server, &id);
    }
    Ok(Found { id, before })
}

/// From now on this is the repository of the server.
pub fn keep(repository: &Repository, folder: &Path, server: &str, id: &str) {
    let location = repository.location.to_string();
    let known = Known { location, id: id.to_owned(), config: repository.digest_of_config() };
    let file = file(folder, server);
    let Ok(text) = serde_json::to_vec_pretty(&known) else { return };
    if folder.is_dir() && std::fs::read(&file).ok().as_ref() != Some(&text) {
        // It only spares a start of restic, so that a folder nobody may write to keeps nobody from reading.
        _ = write_private_durably(&file, &text);
    }
}

/// Fails with [`Kind::Refused`] if the repository is another than the one that the backup is in.
pub fn check(
    reference: &Reference,
    repository: &Repository,
    folder: &Path,
    what: &str,
    stop: &dyn Fn() -> bool,
) -> Result<()> {
    let Some(meant) = &reference.id else { return Ok(()) };
    let found = find(repository, folder, &reference.inventory.about.server, what, stop)?.id;
    if found == *meant {
        return Ok(());
    }
    let message = format!("`{}` is another repository than the one with this backup", repository.location);
    Err(Failure::new(Kind::Refused, message)
        .why(format!("the backup is in the repository {}, and this is {}", short(meant), short(&found)))
        .why(what)
        .help(
            "mount the right disk there, or correct `repository` in `site.toml`; nothing says that the backup itself is \
             damaged or gone",
        ))
}

/// As restic shows an id.
pub fn short(id: &str) -> String {
    format!("`{}`", id.chars().take(8).collect::<String>())
}
