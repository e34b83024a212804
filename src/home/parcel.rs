//! What a run needs of a site, sent to its home: the server's part of `site.toml`, and the site's own scripts.
//!
//! It is unpacked into a folder of the run, `sites/KEY/RUN` in the state folder there, where KEY is the same for all runs on
//! the server, whoever begins them. Nothing there can be read by others.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{private_folder, sha256_of, write_private_durably};
use crate::machine::tree;
use crate::site::{FILE, Server, Site};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

/// The folders of a site with what a run may need.
const FOLDERS: [&str; 3] = ["runbooks", "stdlib", "releases"];
/// More is no site.
const MOST_FILES: usize = 5000;
const MOST_BYTES: u64 = 32 << 20;

/// The keys of a server's table that mean nothing there.
const OF_HERE: [&str; 3] = ["ssh", "agent", "needs"];

/// See the module.
#[derive(Serialize, Deserialize)]
pub struct Parcel {
    key: String,
    /// `site.toml`.
    toml: String,
    /// By path.
    files: BTreeMap<String, String>,
    /// Variables of the environment that hold secrets: only those whose names are in the scripts. They are handed to the
    /// runner in its environment, and are never written down.
    pub secrets: BTreeMap<String, String>,
}

/// What runs on this server are kept under at its home: it is the same for each site that means the same server.
pub fn key(server: &Server) -> String {
    let text = format!("{}\0{}", server.name, server.checkout.display());
    sha256_of(text.as_bytes()).chars().take(16).collect()
}

/// At the end of the name of a site that is replaced where two folders can't change places at once.
pub const OLD: &str = ".old";

/// Where a site is while another one takes its place.
pub fn aside(site: &Path) -> PathBuf {
    let name = site.file_name().unwrap_or_default().to_string_lossy();
    site.with_file_name(format!(".{name}{OLD}"))
}

/// The folder of all sites at a home.
pub fn sites(state: &Path) -> PathBuf {
    state.join("sites")
}

/// The folder of all runs of the server at its home.
pub fn folder(state: &Path, key: &str) -> PathBuf {
    sites(state).join(key)
}

/// Whether two paths of `site.toml` are those of runs on the same server at its home.
pub fn is_same(a: &Path, b: &Path) -> bool {
    let around = |path: &Path| {
        let of_server = path.parent()?.parent()?;
        (of_server.parent()?.file_name()? == "sites").then(|| of_server.to_owned())
    };
    around(a).is_some_and(|folder| Some(folder) == around(b))
}

impl Parcel {
    /// What a run on this server needs, which knows it by `name`: its table may have been renamed since that began. Fails with [`Kind::Invalid`] if something of it can't be sent, by its name.
    pub fn of(site: &Site, server: &Server, name: &str) -> Result<Parcel> {
        let toml = part(site, server, name)?;
        let mut files = BTreeMap::new();
        let mut bytes = 0;
        for folder in FOLDERS {
            collect(site.folder(), Path::new(folder), &mut files, &mut bytes)?;
            if bytes > MOST_BYTES || files.len() > MOST_FILES {
                return Err(too_large(server));
            }
        }
        let secrets = secrets(files.values().chain([&toml]));
        Ok(Parcel { key: key(server), toml, files, secrets })
    }

    /// Unpacks it for a new run. Gives the folder.
    pub fn unpack(&self, state: &Path, run: &str) -> Result<PathBuf> {
        // Each is the name of a folder.
        let is_name = |text: &str| {
            !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        };
        if !is_name(&self.key) || !is_name(run) {
            return Err(Failure::new(Kind::Invalid, format!("`{}/{run}` is no run", self.key)));
        }
        let around = folder(state, &self.key);
        private_folder(&around)?;
        let to = around.join(run);
        self.unpack_to(&to)?;
        Ok(to)
    }

    /// Unpacks it in the place of what is in the folder: whoever reads there sees all of the old or all of the new.
    pub fn unpack_to(&self, to: &Path) -> Result<()> {
        let failed = || format!("the site can't be unpacked in `{}`", to.display());
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        let new = to.with_file_name(format!(".{name}.{}", std::process::id()));
        _ = tree::remove(&new);
        private_folder(&new)?;
        write_private_durably(&new.join(FILE), self.toml.as_bytes())?;
        for (path, text) in &self.files {
            let path = Path::new(path);
            let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
            if !is_inside || !FOLDERS.iter().any(|folder| path.starts_with(folder)) {
                return Err(Failure::new(
                    Kind::Invalid,
                    format!("`{}` is no file of a site", path.display()),
                ));
            }
            let file = new.join(path);
            private_folder(file.parent().unwrap_or(&new))?;
            write_private_durably(&file, text.as_bytes())?;
        }
        if to.exists() {
            match renameat_with(CWD, &new, CWD, to, RenameFlags::EXCHANGE) {
                Ok(()) => {}
                // A file system without exchange: for a moment there is none.
                Err(_) => {
                    let old = aside(to);
                    _ = tree::remove(&old);
                    let replaced = fs::rename(to, &old).and_then(|()| fs::rename(&new, to));
                    replaced.or_fail(Kind::Refused, failed)?;
                    _ = tree::remove(&old);
                }
            }
            // What stays of it harms nobody.
            _ = tree::remove(&new);
            return Ok(());
        }
        fs::rename(&new, to).or_fail(Kind::Refused, failed)
    }
}

fn too_large(server: &Server) -> Failure {
    let folders = FOLDERS.map(|name| format!("`{name}`")).join(", ");
    let message = format!("the folders {folders} of the site are too large to be sent to `{}`", server.name);
    let most = format!("the most are {MOST_FILES} files and {} MB together", MOST_BYTES >> 20);
    Failure::new(Kind::Invalid, message).why(most).help(
        "put what is no script and no note elsewhere, or have runs work on this machine: `home = \"here\"` in site.toml",
    )
}

/// Whether it is what an editor leaves beside a file while that is edited.
fn is_of_an_editor(name: &str) -> bool {
    let is_swap = name.starts_with('.') && [".swp", ".swo", ".swx"].iter().any(|end| name.ends_with(end));
    let is_lock = name.starts_with(".#") || name.starts_with('#') && name.ends_with('#');
    is_swap || is_lock || name.ends_with('~') || name == "4913"
}

/// Removes what was unpacked for a run that did not begin.
pub fn remove(folder: &Path) {
    _ = tree::remove(folder);
}

/// The part of `site.toml` that is about the server, as `name`, and about runs.
fn part(site: &Site, server: &Server, name: &str) -> Result<String> {
    let shown = site.file.display();
    let failed = || format!("`{shown}` can't be sent to `{}`", server.name);
    let text = fs::read_to_string(&site.file).or_fail(Kind::Invalid, failed)?;
    let mut whole: toml::Table = toml::from_str(&text).or_fail(Kind::Invalid, failed)?;
    let servers = whole.remove("servers").and_then(|servers| match servers {
        toml::Value::Table(mut servers) => servers.remove(&server.name),
        _ => None,
    });
    let Some(toml::Value::Table(mut own)) = servers else {
        return Err(Failure::new(
            Kind::Invalid,
            format!("there is no server `{}` in `{shown}`", server.name),
        ));
    };
    OF_HERE.iter().for_each(|key| _ = own.remove(*key));
    // The file is on this machine.
    ["home", "metrics"].iter().for_each(|key| _ = whole.remove(*key));
    // A command of this machine's site that is beside it is not there.
    for notify in whole.get("notify").and_then(toml::Value::as_array).into_iter().flatten() {
        let first = notify.get("command").and_then(|words| words.get(0)).and_then(toml::Value::as_str);
        if let Some(word) = first.filter(|word| word.contains('/') && !word.starts_with('/')) {
            let message =
                format!("`{word}`, a command of `notify`, is not on the machine of `{}`", server.name);
            return Err(Failure::new(Kind::Invalid, message).help(
                "write its path there from `/` on, or have runs work on this machine: `home = \"here\"` in site.toml",
            ));
        }
    }
    let servers = toml::Table::from_iter([(name.to_owned(), toml::Value::Table(own))]);
    whole.insert("servers".into(), toml::Value::Table(servers));
    toml::to_string(&whole).or_fail(Kind::Bug, failed)
}

/// Puts the files below a folder of the site into `files`, by their paths.
fn collect(site: &Path, below: &Path, files: &mut BTreeMap<String, String>, bytes: &mut u64) -> Result<()> {
    let folder = site.join(below);
    let failed = || format!("`{}` can't be sent to the server", folder.display());
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.or_fail(Kind::Invalid, failed)?,
    };
    for entry in entries {
        let name = entry.or_fail(Kind::Invalid, failed)?.file_name();
        if name.to_str().is_some_and(is_of_an_editor) {
            continue;
        }
        let (path, shown) = (folder.join(&name), folder.join(&name));
        let refused = |why: &str| {
            let message = format!("`{}` can't be sent to the server: {why}", shown.display());
            Err(Failure::new(Kind::Invalid, message).help("remove it from the folder, or put it elsewhere"))
        };
        let Some(name) = name.to_str() else { return refused("its name is not UTF-8") };
        let about =
            path.metadata().or_fail(Kind::Invalid, || format!("`{}` can't be read", path.display()))?;
        let inner = below.join(name);
        if about.is_dir() {
            // A folder that leads to itself would have no end.
            if inner.components().count() > 20 {
                return refused("it is too deep");
            }
            collect(site, &inner, files, bytes)?;
            continue;
        }
        if !about.is_file() {
            return refused("it is no file");
        }
        *bytes += about.len();
        // Nobody reads more than can be sent.
        if *bytes > MOST_BYTES || files.len() > MOST_FILES {
            return Ok(());
        }
        match String::from_utf8(fs::read(&path).or_fail(Kind::Invalid, failed)?) {
            Ok(text) => _ = files.insert(inner.to_string_lossy().into_owned(), text),
            Err(_) => return refused("it is no text"),
        }
    }
    Ok(())
}

/// Whether a script reads a secret whose name is not in its text: `secret(name)`, or `secret("token-" + n)`.
fn names_one_by_computing(text: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices("secret(").any(|(at, called)| {
        let before = text[..at].chars().next_back();
        let argument = text[at + called.len()..].trim_start();
        // As a method, the name stands before it.
        let is_method = before == Some('.');
        let whole = argument.strip_prefix('"').and_then(|rest| rest.split_once('"'));
        let is_literal = whole.is_some_and(|(_, rest)| rest.trim_start().starts_with(')'));
        !before.is_some_and(is_word) && (is_method || !is_literal)
    })
}

/// The secrets of this process's environment whose names are in one of the texts, however they are written there; all of them
/// if one of the scripts computes a name.
fn secrets<'a>(texts: impl Iterator<Item = &'a String> + Clone) -> BTreeMap<String, String> {
    let given: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("BANISTER_SECRET_"))
        .collect();
    if given.is_empty() {
        return BTreeMap::new();
    }
    if texts.clone().any(|text| names_one_by_computing(text)) {
        return given.into_iter().collect();
    }
    let is_end = |c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c);
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let words: BTreeSet<String> =
        texts.flat_map(|text| text.split(is_end)).map(|word| word.chars().map(letter).collect()).collect();
    let is_named = |name: &str| {
        let own = name.strip_prefix("BANISTER_SECRET_").unwrap_or_default();
        !own.is_empty() && (words.contains(own) || words.contains(name))
    };
    given.into_iter().filter(|(name, _)| is_named(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_secret_that_is_computed_is_seen() {
        for text in [
            "secret(name)",
            "secret(\"token-\" + n)",
            "secret(`token-${n}`)",
            "let x = name.secret();",
            "secret( \n name)",
        ] {
            assert!(names_one_by_computing(text), "{text}");
        }
        for text in [
            "secret(\"token\")",
            "secret( \"a b\" )",
            "check_secret(other)",
            "a secret (which)",
            "secrets(name)",
        ] {
            assert!(!names_one_by_computing(text), "{text}");
        }
    }

    #[test]
    fn what_an_editor_leaves_is_not_sent() {
        for name in [".try.rhai.swp", "try.rhai~", ".#try.rhai", "#try.rhai#", "4913"] {
            assert!(is_of_an_editor(name), "{name}");
        }
        for name in ["try.rhai", "swp", ".hidden", "4914", "notes#.md"] {
            assert!(!is_of_an_editor(name), "{name}");
        }
    }
}
