//! Takes a backup into a repository.

use super::begun;
use super::changed;
use super::read_back::read_back;
use super::repository::{find, keep, short};
use super::staging::Staging;
use super::stored::{WHAT, store};
use super::survey::Survey;
use crate::failure::{Context, Kind, Result};
use crate::machine::archive::{self, About, Content, Member, Watch};
use crate::machine::backup::reference::{INVENTORY, Inventory, Reference};
use crate::machine::files::{private_folder, sha256_of};
use crate::machine::restic::Repository;
use std::path::Path;

/// What a backup is taken of.
pub struct Order<'a> {
    pub repository: &'a Repository,
    /// The folder of the server's backups on this machine.
    pub folder: &'a Path,
    pub members: &'a [Member],
    pub about: About,
    pub watch: &'a Watch<'a>,
    pub tell: &'a dyn Fn(String),
}

/// The lines of `--exclude-file`, beside the inventory.
const EXCLUDED: &str = "banister/excluded";

/// Takes it, and compares what the repository holds then. The reference is not kept yet.
///
/// Fails with [`Kind::Refused`](crate::failure::Kind) if something can't be read, or differs when read back, and as
/// restic does.
pub fn take(order: Order) -> Result<Reference> {
    let Order { repository, folder, members, about, watch, tell } = order;
    repository.location.check_owner()?;
    private_folder(folder)?;
    let found = find(repository, folder, &about.server, WHAT, watch.stop)?;
    if let Some(before) = &found.before {
        let (location, id, before) = (&repository.location, short(&found.id), short(before));
        (watch.warn)(format!(
            "`{location}` is another repository than before, {id} and not {before}: the backups from before are not in it"
        ));
    }
    let set = begun::begin(folder, &about.server)?;
    let staging = Staging::make(folder, &about.server)?;
    let mut inventory = Inventory::new(about, &set, &staging.folder);
    for member in members {
        inventory.staged.extend(staging.put(member)?);
    }
    // What programs changed through maps of memory has its new time only then.
    for member in members {
        if let Content::Path(path) = &member.content
            && let Ok(open) = std::fs::File::open(path)
            && let Err(error) = rustix::fs::syncfs(&open)
        {
            (watch.warn)(format!("what programs changed in memory only may be missed: {error}"));
        }
    }
    let mut survey = Survey::new(watch.own);
    for member in members {
        if let Content::Path(path) = &member.content {
            let is_made =
                inventory.about.parts.iter().any(|part| part.name() == member.name && !part.is_files());
            survey.add(&member.name, path, &staging.folder, is_made)?;
        }
    }
    for (name, why) in &survey.left_out {
        (watch.warn)(format!("`{name}` is not in the backup: {why}"));
    }
    inventory.about.not_included.extend(survey.not_included());
    inventory.about.excluded = survey.by_pattern();
    inventory.trees.clone_from(&survey.trees);
    // Without a key on the disk nobody could compare it later.
    if crate::secret::keep_key().is_ok() {
        inventory.origin = inventory.sealed();
    }
    let text = inventory.text()?;
    staging.write(INVENTORY, &text)?;
    let excluded = staging.write(EXCLUDED, &survey.excluded.join(&b'\n'))?;
    tell(format!("storing it in `{}`", repository.location));
    let stored = store(repository, &inventory, &mut survey, &excluded, watch.stop)?;
    let changed = [inventory.about.changed.clone(), stored.changed].concat();
    if let Some(changed) = archive::changed(&changed) {
        (watch.warn)(changed);
    }
    changed::store(repository, &inventory, &staging, &changed, watch.stop)?;
    tell(format!("reading it back from `{}`", repository.location));
    read_back(repository, &inventory, &sha256_of(&text), watch.stop)?;
    if found.before.is_some() {
        keep(repository, folder, &inventory.about.server, &found.id);
    }
    let manifest = String::from_utf8(text).or_fail(Kind::Bug, || "a manifest is no text".into())?;
    Ok(Reference {
        repository: repository.location.to_string(),
        id: Some(found.id),
        inventory,
        manifest,
        added: Some(stored.added),
        changed,
    })
}
