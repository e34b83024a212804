//! `unpack_backup(server, backup: text, #{ folder: text, files: array })`
//!
//! Reads a whole backup, and unpacks it beside the backups, to be restored by `put_back`.
//!
//! `backup` is the path of an archive, or its name in the folder of the server's backups, or a unique beginning of
//! that name. Archives of another tool work, too, if the kind says their `layout`; then only their own checksums prove that they are complete. An
//! encrypted archive is decrypted with `identity` of the site, or with the keyring of `gpg`.
//!
//! # Options
//! - `folder`: where the backups are. Default: `backups` of the site, or of its kind, else
//!   `~/backups/SERVER`.
//! - `files`: more files and folders that a restore may replace, as texts, besides `backup` of the site and those that
//!   its kind always has. A backup that holds any other is refused: places never come from an archive. Default: none.
//!
//! # Returns
//! - `folder`: the folder with the unpacked backup; only its owner can read it.
//! - `path`: the archive.
//! - `server`: the server that it was made of, or `()`.
//! - `release`: the release at that time, or `()`.
//! - `commit`: the commit at that time, shortened, or `()`.
//! - `created`: when it was made, or `()`.
//! - `parts`: how many parts of each kind it has: `files`, `volume`, `database`, `search`, `output`.
//! - `not_included`: a description of the server's data that is not in it, and what was left out of its folders.
//! - `changed`: what changed while it was read, and may be inconsistent in it.
//! - `changes`: the same as a sentence about the first of it, with the SQLite databases that were not copied by SQLite, or
//!   an empty text.
//! - `lost`: what of its files can't be kept here or was not kept when it was made, as a text with the first of it, or an
//!   empty text.
//! - `left_alone`: what a restore would leave alone in the folders that it restores, each with the reason: mounts, links
//!   out of them, sockets, the backups, the checkout and what belongs to banister itself.
//! - `unlinked`: the links in these folders that a restore would replace by files or folders, each with where it leads; an
//!   empty list in plans.
//! - `places`: the files and folders that a restore replaces, as the backup writes them.
//! - `made_here`: whether this user made it on this machine. Of another one nobody can know who made it.
//! - `unloaded`: outputs of commands that no command of the site loads: `put_back` only keeps them.
//! - `tables`: for each database, as `tables` of `count_proofs`, those with rows in it.
//! - `stripped`: the programs in it that would run as their owner or group; unless it was made here they lose that.
//!
//! # Errors
//! `not_found` if there is no such archive, or no program to decrypt it; `invalid` if several names begin so; `refused`
//! if it is damaged, has paths outside its folder, holds what is no place of the server, would not fit, or can't be decrypted, or if it holds data for something
//! that a restore leaves alone, or this user may not restore it. Nothing was changed then.
//!
//! # After a crash
//! It is unpacked again. If the run is abandoned before anything is put back, the next run that takes or unpacks a backup
//! of the server removes what was unpacked.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let saved = server.backup("for the example", #{ files: ["~/.hoss/.env"] });
//! let unpacked = server.unpack_backup(saved.path);
//! let same = unpacked.release == saved.release;
//! server.drop_replaced(unpacked.folder);
//! same
//! // => true
//! ```

use crate::data::{self, ServerName};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::{self, About, Entry, several};
use crate::machine::backup::{
    Card, Reference, Unpacked, adopt, catalogue, foresee, is_reference, left_alone, leftover, parts_of,
};
use crate::machine::part::Part;
use crate::machine::proof::Tables;
use crate::machine::tree;
use crate::primitive::{Act, AfterCrash, Host, Primitive, Told};
use crate::site::Server;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub struct UnpackBackup;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    backup: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    folder: PathBuf,
    path: PathBuf,
    server: Option<String>,
    release: Option<String>,
    commit: Option<String>,
    created: Option<String>,
    parts: BTreeMap<String, u64>,
    not_included: Vec<String>,
    #[serde(default)]
    changed: Vec<String>,
    #[serde(default)]
    changes: String,
    #[serde(default)]
    lost: String,
    #[serde(default)]
    left_alone: Vec<String>,
    #[serde(default)]
    unlinked: Vec<String>,
    #[serde(default)]
    places: Vec<String>,
    #[serde(default)]
    made_here: bool,
    #[serde(default)]
    unloaded: Vec<String>,
    #[serde(default)]
    tables: Vec<Tables>,
    #[serde(default)]
    stripped: Vec<String>,
}

impl Primitive for UnpackBackup {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "unpack_backup";
    const SOURCE: &'static str = include_str!("unpack_backup.rs");
    const ACT: Act<Self> = Act::Change { touches: &[], perform, predict, after_crash: AfterCrash::Repeat };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let path = find(arguments, server, host)?;
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    // As an attempt is repeated, so is the name: its folder is the attempt's own.
    let id = identity(host, &folder)?;
    let into = folder.join(restore_folder(&id));
    let left = leftover::remove(&folder, &server.name, &host.run())?;
    left.removed.into_iter().for_each(|text| (host.tell)(Told::Progress(text.into())));
    left.kept.into_iter().for_each(|text| (host.tell)(Told::Warning(text.into())));
    let stop = || host.stop.is_asked();
    let places = server.places(&arguments.files);
    let check = |parts: &[Part]| {
        places.check(parts, &path, &|path| server.path(path))?;
        leftover::note(&into, &server.name, &host.run())
    };
    let unpacked = Unpacked::make(&path, &server.access()?, &into, &id, &stop, &check).and_then(|unpacked| {
        let ground = server.ground(server.kept_folders(Some(&folder)), None);
        let foreseen = foresee(&unpacked, &ground.place(&stop))?;
        Ok((unpacked, foreseen))
    });
    let (unpacked, foreseen) = unpacked.map_err(|failure| {
        // The next attempt has a folder of its own, and may need the room.
        let removed =
            tree::remove(&into).map_err(|left| format!("`{}` can't be removed: {left}", into.display()));
        match removed.and_then(|()| leftover::end(&into).map_err(|left| left.to_string())) {
            Ok(()) => failure,
            Err(left) => failure.why(left),
        }
    })?;
    let version = std::fs::read(unpacked.path("version.json")).ok();
    let version: Value = version.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let said = |name: &str| version[name].as_str().map(str::to_owned);
    let about = unpacked.about.clone();
    let changed = about.as_ref().map(|about| about.changed.clone()).unwrap_or_default();
    let mut lost = about.as_ref().map(|about| about.lost.clone()).unwrap_or_default();
    lost.extend(unpacked.lost);
    Ok(Outcome {
        folder: into,
        path,
        server: about.as_ref().map(|about| about.server.clone()),
        release: about.as_ref().map_or_else(|| said("version"), |about| about.release.clone()),
        commit: about.as_ref().map_or_else(|| said("build"), |about| about.commit.clone()),
        created: about.as_ref().map(|about| about.created.clone()),
        parts: kinds(&unpacked.parts),
        changes: about.as_ref().and_then(About::doubts).unwrap_or_default(),
        not_included: about.map(|about| about.not_included).unwrap_or_default(),
        changed,
        lost: several(&lost).unwrap_or_default(),
        left_alone: foreseen.left_alone,
        unlinked: foreseen.unlinked,
        places: places_of(&unpacked.parts),
        made_here: unpacked.is_own,
        unloaded: unloaded(&unpacked.parts, server),
        tables: unpacked.parts.iter().filter_map(Tables::of_backup).collect(),
        stripped: unpacked.stripped,
    })
}

/// The files and folders that a restore replaces, as the backup writes them.
fn places_of(parts: &[Part]) -> Vec<String> {
    let path = |part: &Part| if let Part::Files { path, .. } = part { Some(path.clone()) } else { None };
    parts.iter().filter_map(path).collect()
}

/// The outputs that no command loads.
fn unloaded(parts: &[Part], server: &Server) -> Vec<String> {
    let name = |part: &Part| if let Part::Output { name } = part { Some(name.clone()) } else { None };
    let loads = |name: &String| server.dumps.get(name).is_some_and(|dump| dump.load.is_some());
    parts.iter().filter_map(name).filter(|name| !loads(name)).collect()
}

/// How many parts there are of each kind.
fn kinds(parts: &[Part]) -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    for part in parts {
        *kinds.entry(part.kind().to_owned()).or_default() += 1;
    }
    kinds
}

/// The archive's path.
fn find(arguments: &Arguments, server: &Server, host: &Host) -> Result<PathBuf> {
    let folder = match &arguments.folder {
        Some(folder) => server.path(folder),
        None => server.backup_folder(),
    };
    let given = server.path(&arguments.backup);
    let places = [given, folder.join(&arguments.backup)];
    if let Some(path) = places.into_iter().find(|path| path.is_file()) {
        return Ok(path);
    }
    let beginning = || -> Result<Vec<Card>> {
        let mut cards = catalogue(&folder)?;
        cards.retain(|card| card.name.starts_with(&arguments.backup));
        Ok(cards)
    };
    server.check_backups_there(&folder)?;
    let mut begins = beginning()?;
    if let (true, Some(repository)) = (begins.is_empty(), &server.access()?.repository) {
        adopt(repository, &folder, &server.name, &|| host.stop.is_asked())?;
        begins = beginning()?;
    }
    // Another server may keep its backups in the same folder, and `web` begins the names of `web-staging`, too.
    if begins.iter().any(|card| card.server.as_ref() == Some(&server.name)) {
        begins.retain(|card| card.server.as_ref() == Some(&server.name));
    }
    match begins.as_slice() {
        [card] => Ok(card.path.clone()),
        [] => Err(Failure::new(Kind::NotFound, format!("there is no backup `{}`", arguments.backup))
            .why(format!(
                "neither is there such a file, nor one whose name begins so in `{}`",
                folder.display()
            ))
            .help("see what there is with `banister backup list`")),
        several => {
            let names: Vec<&str> = several.iter().map(|card| card.name.as_str()).collect();
            Err(Failure::new(Kind::Invalid, format!("several backups begin with `{}`", arguments.backup))
                .why(names.join(", "))
                .help("name the one that is meant, as `banister backup list` shows it"))
        }
    }
}

/// What the folder is called that a backup is unpacked into.
fn restore_folder(id: &str) -> String {
    format!("{}{id}", leftover::RESTORE)
}

/// Digits that are the same for each try of this attempt, and of no other that unpacks into this folder.
fn identity(host: &Host, folder: &Path) -> Result<String> {
    let file = host.folder.join("identity");
    let failed = || format!("`{}` can't be kept", file.display());
    if let Ok(text) = std::fs::read_to_string(&file) {
        return Ok(text);
    }
    // A way back may follow within a second what it takes back.
    let now = || jiff::Timestamp::now().strftime("%Y%m%d%H%M%S%6f").to_string();
    let mut id = now();
    while folder.join(restore_folder(&id)).symlink_metadata().is_ok() {
        id = now();
    }
    crate::machine::files::private_folder(host.folder)?;
    crate::machine::files::write_private_durably(&file, id.as_bytes()).or_fail(Kind::Journal, failed)?;
    Ok(id)
}

/// A plan reads the archive, too, and so knows whether it is whole.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let path = find(arguments, server, host)?;
    if is_reference(&path) {
        return predict_snapshot(arguments, host, &path);
    }
    let contents = archive::inspect(&path, &server.keys(), u64::MAX, &|| host.stop.is_asked())?;
    let parts = parts_of(&contents, &server.facts.layout)?;
    let about = contents.manifest.map(|manifest| manifest.about);
    server.places(&arguments.files).check(&parts, &path, &|path| server.path(path))?;
    let (ground, stop) =
        (server.ground(server.kept_folders(path.parent()).as_in(about.as_ref()), None), || {
            host.stop.is_asked()
        });
    let place = ground.place(&stop);
    let is_stripped = |member: &Entry| !contents.is_own && archive::is_risen(member.sort, member.mode);
    let stripped = contents.members.filter(is_stripped)?.into_iter().map(|member| member.name);
    let stripped: Vec<String> = stripped.collect();
    let changed = about.as_ref().map(|about| about.changed.clone()).unwrap_or_default();
    let lost = about.as_ref().map(|about| about.lost.clone()).unwrap_or_default();
    let of_archive = |value: Option<Value>, what: &str| {
        value.unwrap_or_else(|| data::unknown(format!("the {what} of `{}`", path.display())))
    };
    Ok(json!({
        "folder": data::unknown("where it is unpacked"),
        "path": path,
        "server": about.as_ref().map(|about| about.server.clone()),
        "release": of_archive(about.as_ref().map(|about| json!(about.release)), "release"),
        "commit": of_archive(about.as_ref().map(|about| json!(about.commit)), "commit"),
        "created": about.as_ref().map(|about| about.created.clone()),
        "parts": kinds(&parts),
        "changes": about.as_ref().and_then(About::doubts).unwrap_or_default(),
        "not_included": about.map(|about| about.not_included).unwrap_or_default(),
        "changed": changed,
        "lost": several(&lost).unwrap_or_default(),
        "left_alone": left_alone(&parts, &place)?.left_alone,
        "unlinked": [],
        "places": places_of(&parts),
        "made_here": contents.is_own,
        "unloaded": unloaded(&parts, server),
        "stripped": stripped,
    }))
}

/// The same of a backup in a repository, as its manifest says; it is read when it is unpacked.
fn predict_snapshot(arguments: &Arguments, host: &Host, path: &Path) -> Result<Value> {
    let server = host.server()?;
    let reference = Reference::open(path)?;
    server.access()?.repository(path)?;
    let (about, is_own) = (reference.about(), reference.inventory.is_own());
    server.places(&arguments.files).check(&about.parts, path, &|path| server.path(path))?;
    let (ground, stop) = (server.ground(server.kept_folders(path.parent()), None), || host.stop.is_asked());
    Ok(json!({
        "folder": data::unknown("where it is unpacked"),
        "path": path,
        "server": about.server,
        "release": about.release,
        "commit": about.commit,
        "created": about.created,
        "parts": kinds(&about.parts),
        "not_included": about.not_included,
        "changes": about.doubts().unwrap_or_default(),
        "changed": about.changed,
        "lost": several(&about.lost).unwrap_or_default(),
        "left_alone": left_alone(&about.parts, &ground.place(&stop))?.left_alone,
        "unlinked": [],
        "places": places_of(&about.parts),
        "made_here": is_own,
        "unloaded": unloaded(&about.parts, server),
        // Only of another's are they looked for.
        "stripped": if is_own { json!([]) } else { data::unknown("which programs lose their special rights") },
    }))
}
