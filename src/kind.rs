//! What is known of a kind of servers as data: `kind.toml` in the folder of the kind, with all that it inherits.
//!
//! What a kind does is a script, and left to `script`; no kind is named in Rust.

use crate::failure::{Context, Failure, Kind, Result};
use crate::output::nearest::nearest;
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

mod detect;
mod fields;
mod keys;
mod members;
mod written;

pub use detect::{detectable, filled};
pub use fields::{Field, fields};
pub use keys::{Form, OwnKey};
pub use members::Layout;
pub use written::{
    Archive, Detect, Fits, Links, Means, Member, Restores, Source, Stores, Written, documented,
};

/// The modules and kinds that the program brings.
pub static STDLIB: Dir = include_dir!("$CARGO_MANIFEST_DIR/stdlib");

/// The file's name, in the folder of the kind.
pub const FILE: &str = "kind.toml";

/// What holds for the servers of a kind. A kind without `kind.toml` says nothing of itself but its functions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The kinds that it extends, the nearest one first.
    pub lineage: Vec<String>,
    /// Whether it can show users a page; nothing, if that is not known.
    pub maintenance_page: Option<bool>,
    /// Where its backups are, with the names of settings in it.
    pub backups: Option<String>,
    /// Whether its functions run the make targets that the server's table names.
    pub make_targets: bool,
    /// Where its releases come from.
    pub source: Source,
    /// Whether `banister adopt` writes servers of it.
    #[serde(skip)]
    pub adopts: bool,
    pub fits: Fits,
    pub archive: Archive,
    /// What archives hold that another program made.
    pub layout: Layout,
    /// What a restore may replace; nothing, if only its script knows that.
    pub restores: Option<Restores>,
    /// What the keys of a server's table are, if it does not say.
    #[serde(skip)]
    pub defaults: toml::Table,
    /// The keys that a server's table may have beside those of all.
    #[serde(skip)]
    pub keys: BTreeMap<String, OwnKey>,
}

/// The kinds that the program brings, by name.
pub fn bundled() -> Vec<String> {
    let kinds = STDLIB.dirs().filter(|dir| dir.contains(dir.path().join(FILE)));
    let mut names: Vec<String> = kinds.map(|dir| dir.path().display().to_string()).collect();
    names.sort();
    names
}

/// The path of the file of a kind in a site, or in what the program brings.
pub fn path_of(name: &str) -> String {
    format!("{name}/{FILE}")
}

/// The kind that one with this `kind.toml` extends. What is wrong with the rest of it is said elsewhere.
pub fn extends(text: &str) -> Option<String> {
    let table: toml::Table = text.parse().ok()?;
    table.get("extends")?.as_str().map(str::to_owned)
}

impl Facts {
    /// The facts of a kind for the site in `folder`. Fails with [`Kind::Invalid`] if a `kind.toml` can't be read.
    pub fn of(folder: Option<&Path>, name: &str) -> Result<Facts> {
        let mut levels = Vec::new();
        let mut next = Some(name.to_owned());
        while let Some(name) = next {
            if levels.iter().any(|(known, _)| *known == name) {
                let message = format!("the kind `{name}` extends itself");
                return Err(Failure::new(Kind::Invalid, message)
                    .help("correct `extends` in its `kind.toml`, or in those of the kinds that it extends"));
            }
            let Some((shown, text)) = read(folder, &name)? else {
                levels.push((name, Written::default()));
                break;
            };
            let written = Written::parse(&text, &shown)?;
            written.keys.iter().try_for_each(|(name, key)| key.check(name, &shown))?;
            next = written.extends.clone();
            if let Some(parent) = next.as_ref().filter(|parent| !is_there(folder, parent)) {
                let message = format!("there is no kind `{parent}`, which the kind `{name}` extends");
                let near = nearest(parent, bundled().iter().map(String::as_str)).map(str::to_owned);
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(Failure::new(Kind::Invalid, message)
                    .help(format!("correct `extends` in `{shown}`{near}")));
            }
            levels.push((name, written));
        }
        let lineage = levels.iter().skip(1).map(|(name, _)| name.clone()).collect();
        let mut facts = levels.into_iter().rev().fold(Facts::default(), |facts, (_, own)| facts.with(own));
        facts.lineage = lineage;
        Ok(facts)
    }

    /// With what a kind that extends this one says.
    fn with(mut self, own: Written) -> Facts {
        self.defaults.extend(own.defaults);
        self.keys.extend(own.keys);
        Facts {
            lineage: self.lineage,
            maintenance_page: own.maintenance_page.or(self.maintenance_page),
            backups: own.backups.or(self.backups),
            make_targets: own.make_targets.unwrap_or(self.make_targets),
            source: own.source.unwrap_or(self.source),
            adopts: own.adopts.unwrap_or(false),
            fits: own.fits.unwrap_or(self.fits),
            archive: own.archive.unwrap_or(self.archive),
            layout: own.layout.map(Layout).unwrap_or(self.layout),
            restores: own.restores.or(self.restores),
            defaults: self.defaults,
            keys: self.keys,
        }
    }
}

/// Whether there is a kind of this name.
fn is_there(folder: Option<&Path>, name: &str) -> bool {
    let files = [path_of(name), format!("{name}.rhai")];
    let own = |file: &String| folder.is_some_and(|site| site.join("stdlib").join(file).is_file());
    files.iter().any(|file| own(file) || STDLIB.contains(file))
}

/// The text of a `kind.toml`, with the name by which people know the file: the site's own, else the bundled one.
fn read(folder: Option<&Path>, name: &str) -> Result<Option<(String, String)>> {
    let path = path_of(name);
    if name.is_empty() || name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Ok(None);
    }
    let own = folder.map(|site| site.join("stdlib").join(&path)).filter(|file| file.exists());
    if let Some(file) = own {
        let shown = file.display().to_string();
        let text =
            std::fs::read_to_string(&file).or_fail(Kind::Invalid, || format!("can't read `{shown}`"))?;
        return Ok(Some((shown, text)));
    }
    let bundled = STDLIB.get_file(&path).and_then(|file| file.contents_utf8());
    Ok(bundled.map(|text| (path, text.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundled_kind_is_read_and_has_its_functions() {
        assert!(!bundled().is_empty());
        for name in bundled() {
            let facts = Facts::of(None, &name).unwrap();
            assert!(facts.restores.is_some(), "{name}");
            assert!(STDLIB.get_file(format!("{name}.rhai")).is_some(), "{name}");
        }
    }

    #[test]
    fn what_a_kind_says_overrides_what_it_inherits_key_by_key() {
        let site = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("one", "fits = \"first_two_numbers\"\n[defaults]\nfolder = \"a\"\nproject = \"p\"\n"),
            ("two", "extends = \"one\"\n[defaults]\nfolder = \"b\"\n"),
            ("round", "extends = \"round\"\n"),
        ] {
            std::fs::create_dir_all(site.path().join("stdlib").join(name)).unwrap();
            std::fs::write(site.path().join("stdlib").join(path_of(name)), text).unwrap();
        }
        let facts = Facts::of(Some(site.path()), "two").unwrap();
        assert_eq!((facts.lineage, facts.fits), (vec!["one".to_owned()], Fits::FirstTwoNumbers));
        assert_eq!(facts.defaults["folder"].as_str(), Some("b"));
        assert_eq!(facts.defaults["project"].as_str(), Some("p"));
        let failure = Facts::of(Some(site.path()), "round").unwrap_err();
        assert_eq!(failure.message, "the kind `round` extends itself");
        assert_eq!(Facts::of(Some(site.path()), "none").unwrap(), Facts::default());
    }
}
