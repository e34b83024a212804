//! Images: what `docker-compose build` makes of a service's folder, kept as files named by their digest.

use crate::failure::{Failure, Kind, Result};
use crate::practice::world::{World, digest, make_folder, now, read_json, write_json, write_whole};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One step of a database's history; go-pg's `gopg_migrations` counts them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Migration {
    pub number: i64,
    pub statements: String,
}

/// An image, `images/DIGEST.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Image {
    /// `sha256:` and the digest of what it was made from.
    pub id: String,
    pub service: String,
    /// Release and commit that were built in; empty for an image from a registry.
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub commit: String,
    /// How the program behaves, from `program.json` in the service's folder.
    #[serde(default)]
    pub program: Value,
    #[serde(default)]
    pub migrations: Vec<Migration>,
    /// The mapping of the search index.
    #[serde(default)]
    pub mapping: Value,
    pub created: String,
}

impl Image {
    /// The image that a service's folder and build arguments give. The same input gives the same identity.
    pub fn of_folder(service: &str, folder: &Path, arguments: &BTreeMap<String, String>) -> Result<Image> {
        let mut files = Vec::new();
        collect(folder, &mut files)?;
        let mut parts = vec![service.to_string(), format!("{arguments:?}")];
        let mut migrations = Vec::new();
        for path in &files {
            let content = std::fs::read(path).unwrap_or_default();
            let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
            parts.push(format!("{name} {}", digest(&content)));
            // `migrations/4_owner.sql` is migration 4.
            if let Some(file) = name.strip_prefix("migrations/")
                && let Some(number) = file.split('_').next().and_then(|number| number.parse().ok())
                && file.ends_with(".sql")
            {
                migrations
                    .push(Migration { number, statements: String::from_utf8_lossy(&content).into_owned() });
            }
        }
        migrations.sort_by_key(|migration| migration.number);
        let argument = |name: &str| arguments.get(name).cloned().unwrap_or_default();
        Ok(Image {
            id: format!("sha256:{}", digest(parts.join("\n"))),
            service: service.into(),
            version: argument("VERSION"),
            commit: argument("COMMIT_HASH"),
            program: read_json(&folder.join("program.json")).unwrap_or(Value::Null),
            migrations,
            mapping: read_json(&folder.join("pkg/opensearch/index.json")).unwrap_or(Value::Null),
            created: now(),
        })
    }

    /// The image that a registry has under that name.
    pub fn from_registry(name: &str, service: &str) -> Image {
        Image {
            id: format!("sha256:{}", digest(name)),
            service: service.into(),
            version: String::new(),
            commit: String::new(),
            program: Value::Null,
            migrations: Vec::new(),
            mapping: Value::Null,
            created: now(),
        }
    }

    /// As `docker image inspect` shows it.
    pub fn inspect(&self, world: &World) -> Value {
        let names: Vec<String> =
            names(world).into_iter().filter(|(_, id)| *id == self.id).map(|(name, _)| name).collect();
        json!({ "Id": self.id, "RepoTags": names, "RepoDigests": [], "Created": self.created, "Size": 20_000_000,
                "Os": "linux", "Architecture": "amd64",
                "Config": { "Labels": { "practice.version": self.version, "practice.commit": self.commit } } })
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let missing = |error| {
        Failure::new(Kind::NotFound, format!("the build context `{}` can't be read", folder.display()))
            .why(error)
    };
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).map_err(missing)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// A name with its tag, as in `docker images`.
pub fn full_name(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') { name.into() } else { format!("{name}:latest") }
}

/// Whether Docker takes it for a name with or without a tag: small letters before the tag, and no blanks.
fn is_reference(name: &str) -> bool {
    let full = full_name(name);
    let (path, tag) = full.rsplit_once(':').unwrap_or((&full, ""));
    let of = |text: &str, more: &str, is: fn(char) -> bool| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && text.chars().all(|c| is(c) || more.contains(c))
    };
    let is_part = |part: &str| of(part, "._-", |c| c.is_ascii_lowercase() || c.is_ascii_digit());
    path.split('/').all(is_part) && tag.len() <= 128 && of(tag, "._-", |c| c.is_ascii_alphanumeric())
}

fn tag_file(world: &World, name: &str) -> PathBuf {
    world.path("images/tags").join(full_name(name).replace('/', "%"))
}

/// Stores an image; a name, if given, points to it from now on.
pub fn store(world: &World, image: &Image, name: &str) -> Result<()> {
    make_folder(&world.path("images/tags"))?;
    let path = file(world, &image.id);
    if !path.exists() {
        write_json(&path, image)?;
    }
    tag(world, &image.id, name)
}

/// Points a name to an image. The image that had it stays, without a name.
pub fn tag(world: &World, id: &str, name: &str) -> Result<()> {
    if !is_reference(name) {
        let message = format!("Error parsing reference: \"{name}\" is not a valid repository/tag");
        return Err(Failure::new(Kind::Invalid, format!("{message}: invalid reference format")));
    }
    write_whole(&tag_file(world, name), id.as_bytes())
}

/// Takes a name away; whether it was there.
pub fn untag(world: &World, name: &str) -> bool {
    std::fs::remove_file(tag_file(world, name)).is_ok()
}

fn file(world: &World, id: &str) -> PathBuf {
    world.path("images").join(format!("{}.json", id.trim_start_matches("sha256:")))
}

/// All names with what they point to.
pub fn names(world: &World) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(world.path("images/tags")).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().replace('%', "/");
            Some((name, std::fs::read_to_string(entry.path()).ok()?))
                .filter(|(name, _)| !name.ends_with(".new"))
        })
        .collect()
}

/// All images.
pub fn all(world: &World) -> Vec<Image> {
    let entries = std::fs::read_dir(world.path("images")).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "json"))
        .filter_map(|entry| read_json(&entry.path()).ok())
        .collect()
}

/// Deletes an image that no name points to.
pub fn remove(world: &World, id: &str) {
    _ = std::fs::remove_file(file(world, id));
}

/// The image with this name, identity or beginning of an identity.
pub fn find(world: &World, reference: &str) -> Option<Image> {
    if let Ok(id) = std::fs::read_to_string(tag_file(world, reference)) {
        return read_json(&file(world, &id)).ok();
    }
    let wanted = reference.trim_start_matches("sha256:");
    let hexadecimal = wanted.len() >= 6 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    all(world).into_iter().find(|image| hexadecimal && image.id["sha256:".len()..].starts_with(wanted))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_is_refused_as_docker_refuses_it() {
        for good in ["hoss-core", "hoss-core:0.2.13", "kept/web-core:1a2b3c4d5e6f", "a.b_c:Tag"] {
            assert!(super::is_reference(good), "{good}");
        }
        for bad in ["kept/core:main at 1a2b3c4", "Core:1", "core:feature/x", "core:", "", "a//b", "-a"] {
            assert!(!super::is_reference(bad), "{bad}");
        }
    }
}
