//! What of a server a backup is to hold: as a script asks for it, else as its site says.

use super::{Arguments, Part};
use crate::command::Spec;
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::About;
use crate::machine::backup::{Asked, AskedDatabase, AskedFiles, AskedRedis, AskedVolume, name_of};
use crate::site::Server;
use serde_json::json;
use std::path::PathBuf;

/// Fails with [`Kind::Invalid`] if that is nothing.
pub(super) fn asked(arguments: &Arguments, server: &Server) -> Result<Asked> {
    let files = arguments.files.clone().unwrap_or(server.backup.iter().cloned().map(Part::Path).collect());
    let dumps = arguments.dumps.as_ref().unwrap_or(&server.dumps);
    let spec = |command: &[String]| {
        let mut spec = Spec::new(command.iter().cloned(), server.make_folder());
        spec.environment = server.environment.clone();
        spec
    };
    let asked = Asked {
        files: real(files.into_iter().map(named).collect(), server),
        databases: or(&arguments.databases, &server.databases).map(AskedDatabase::named).collect(),
        redis: or(&arguments.redis, &server.redis).map(AskedRedis::named).collect(),
        volumes: or(&arguments.volumes, &server.volumes).map(AskedVolume::named).collect(),
        outputs: dumps.iter().map(|(name, dump)| (name.clone(), spec(&dump.dump))).collect(),
        search: arguments.search.clone(),
        // Known when the backup has a name.
        snapshot: String::new(),
        texts: Vec::new(),
    };
    let nothing = asked.files.is_empty() && asked.databases.is_empty() && asked.redis.is_empty();
    let nothing = nothing && asked.volumes.is_empty() && asked.outputs.is_empty();
    if nothing && arguments.search.is_none() {
        return Err(Failure::new(Kind::Invalid, format!("a backup of `{}` would be empty", server.name))
            .help("name files in `backup` or commands in `dumps` in `site.toml`, or give them as options"));
    }
    Ok(asked)
}

/// Adds what is called after the instant, or tells of the release.
pub(super) fn complete(asked: Asked, arguments: &Arguments, about: &About, prefix: &str) -> Asked {
    let snapshot = format!("{prefix}{}", about.created.to_lowercase().replace(':', ""));
    let version = json!({ "version": about.release, "build": about.commit });
    let texts = arguments.version_file.iter().map(|name| (name.clone(), version.to_string())).collect();
    Asked { snapshot, texts, ..asked }
}

/// What is given, else what the site says.
fn or<T: Clone>(given: &Option<Vec<T>>, site: &[T]) -> std::vec::IntoIter<T> {
    given.clone().unwrap_or_else(|| site.to_vec()).into_iter()
}

/// With the name that it has in the archive.
fn named(part: Part) -> AskedFiles {
    match part {
        Part::Named(files) => files,
        Part::Path(path) => AskedFiles { name: name_of(&path), path },
    }
}

/// Of links to files, the files that they lead to: a link alone would be no backup. What is in a folder of the others is in
/// the backup with it.
fn real(files: Vec<AskedFiles>, server: &Server) -> Vec<AskedFiles> {
    let resolved = |asked: &AskedFiles| server.linked_file(&asked.path);
    let tops: Vec<PathBuf> = files
        .iter()
        .filter(|asked| resolved(asked).is_none())
        .filter_map(|asked| server.path(&asked.path).canonicalize().ok())
        .collect();
    let real = files.into_iter().filter_map(|asked| match resolved(&asked) {
        Some(path) if tops.iter().any(|top| path.starts_with(top)) => None,
        Some(path) => Some(AskedFiles { path: path.display().to_string(), ..asked }),
        None => Some(asked),
    });
    real.collect()
}
