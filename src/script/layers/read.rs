//! What is read for a name: the bundled file, the site's on it, and of a kind what it inherits.

use super::merge::{compose, inherit};
use super::stale::stale;
use super::{BASE, Folder, Layers, Text};
use crate::failure::{Failure, Kind, Result};
use crate::kind::{FILE, OwnKey, STDLIB, Written, extends, path_of};
use crate::script::text::source::BUNDLED;

/// Of kinds that extend each other, so many are followed.
const LONGEST_LINE: usize = 50;

impl Layers {
    /// A file, with what it lies on.
    pub(super) fn read(&self, folder: Folder, name: &str) -> Result<Option<Text>> {
        self.read_below(folder, name, &mut Vec::new())
    }

    /// `above` are the kinds that inherit from this one.
    fn read_below(&self, folder: Folder, name: &str, above: &mut Vec<String>) -> Result<Option<Text>> {
        if name.is_empty() || name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Ok(None);
        }
        let path = format!("{}/{name}.rhai", folder.name());
        let below = format!("{BASE}/{path}");
        let site = self.own(&path)?;
        let bundled = match self.bundled {
            true => folder.bundled().get_file(format!("{name}.rhai")).and_then(|file| {
                Some(Text::new(format!("{BUNDLED}{name}.rhai"), file.contents_utf8()?.to_owned()))
            }),
            false => self.own(&below)?.map(|text| Text { source: format!("{BUNDLED}{name}.rhai"), ..text }),
        };
        let kind = match folder {
            Folder::Stdlib => self.kind_file(name)?,
            _ => None,
        };
        let parent = self.parent_of(name, kind.as_ref(), above)?;
        let heir = |text: Text| match &parent {
            Some(parent) => inherit(parent, &text),
            None => text,
        };
        let used = |path: &str, text: &Text| {
            let mut used = self.used.lock();
            used.insert(path.to_owned(), text.clone());
        };
        Ok(match (bundled, site) {
            (Some(bundled), Some(site)) => {
                used(&below, &bundled);
                used(&path, &site);
                let mut text = compose(&heir(bundled), &site);
                if let Some(kept) = self.kept(folder, name)? {
                    let now = Layers::bundled_text(folder, name).unwrap_or_default();
                    text.problems.extend(stale(&kept, &now, &site));
                }
                Some(text)
            }
            (None, None) => match (kind, parent) {
                // A kind that differs from another one in no function.
                (Some(kind), Some(parent)) => Some(inherit(&parent, &Text::new(kind.source, String::new()))),
                _ => None,
            },
            (bundled, site) => {
                let text = site.or(bundled);
                text.iter().for_each(|text| used(&path, text));
                text.map(heir)
            }
        })
    }

    /// A text in the place of that of a module, with what it inherits if that is a kind.
    pub fn inherited(&self, name: &str, text: Text) -> Result<Text> {
        let parent = self.parent_of(name, self.kind_file(name)?.as_ref(), &mut Vec::new())?;
        Ok(parent.map_or_else(|| text.clone(), |parent| inherit(&parent, &text)))
    }

    /// Whether a name is that of a kind with a `kind.toml`.
    pub fn is_kind(&self, name: &str) -> bool {
        self.kind_text(name).is_ok_and(|text| text.is_some())
    }

    /// Whether the `kind.toml` of a kind says itself what a restore may replace.
    pub fn restores(&self, kind: &str) -> bool {
        let text = self.kind_text(kind).ok().flatten();
        text.and_then(|text| Written::parse(&text.text, &text.source).ok())
            .is_some_and(|written| written.restores.is_some())
    }

    /// The kind that one extends.
    pub fn extends(&self, kind: &str) -> Option<String> {
        self.kind_text(kind).ok().flatten().and_then(|file| extends(&file.text))
    }

    /// The keys that kinds have of their own, each with the kind that says it.
    pub fn own_keys(&self) -> Vec<(String, String, OwnKey)> {
        let names = self.list(Folder::Stdlib).into_iter().map(|(name, _)| name);
        let written = names.filter_map(|name| {
            let file = self.kind_text(&name).ok().flatten()?;
            Some((name, Written::parse(&file.text, &file.source).ok()?))
        });
        let keys = |(name, written): (String, Written)| {
            written.keys.into_iter().map(move |(key, own)| (name.clone(), key, own))
        };
        written.flat_map(keys).collect()
    }

    /// The kinds that inherit a key from a kind, each with none of its own of that name.
    pub fn heirs(&self, kind: &str, key: &str) -> Vec<String> {
        let keys = self.own_keys();
        let has_own = |name: &str| keys.iter().any(|(of, own, _)| of == name && own == key);
        let names = self.list(Folder::Stdlib).into_iter().map(|(name, _)| name);
        let inherits = |name: &String| {
            let mut at = name.clone();
            // No line of kinds is so long; one that is a circle is a finding of `check`.
            for _ in 0..LONGEST_LINE {
                match self.extends(&at) {
                    Some(parent) if parent == kind => return true,
                    Some(parent) if !has_own(&parent) => at = parent,
                    _ => return false,
                }
            }
            false
        };
        names.filter(|name| !has_own(name)).filter(inherits).collect()
    }

    /// The text of the kind that one extends, as its `kind.toml` says.
    fn parent_of(&self, name: &str, kind: Option<&Text>, above: &mut Vec<String>) -> Result<Option<Text>> {
        match kind.and_then(|kind| extends(&kind.text)) {
            Some(parent) => self.parent(name, &parent, above),
            None => Ok(None),
        }
    }

    /// The text of the kind that another one extends.
    fn parent(&self, name: &str, parent: &str, above: &mut Vec<String>) -> Result<Option<Text>> {
        above.push(name.to_owned());
        if above.iter().any(|kind| kind == parent) {
            return Err(Failure::new(Kind::Invalid, format!("the kind `{parent}` extends itself"))
                .help("correct `extends` in its `kind.toml`, or in those of the kinds that it extends"));
        }
        let text = self.read_below(Folder::Stdlib, parent, above)?;
        text.map(Some).ok_or_else(|| {
            let message = format!("there is no kind `{parent}`, which the kind `{name}` extends");
            Failure::new(Kind::Invalid, message).help(format!("correct `extends` in its `{FILE}`"))
        })
    }

    /// The `kind.toml` of a kind: the site's own, else the bundled one.
    pub(super) fn kind_file(&self, name: &str) -> Result<Option<Text>> {
        let text = self.kind_text(name)?;
        let mut used = self.used.lock();
        let path = format!("{}/{}", Folder::Stdlib.name(), path_of(name));
        text.iter().for_each(|text| drop(used.insert(path.clone(), text.clone())));
        Ok(text)
    }

    fn kind_text(&self, name: &str) -> Result<Option<Text>> {
        let path = format!("{}/{}", Folder::Stdlib.name(), path_of(name));
        Ok(match self.own(&path)? {
            None if self.bundled => STDLIB.get_file(path_of(name)).and_then(|file| {
                Some(Text::new(format!("{BUNDLED}{}", path_of(name)), file.contents_utf8()?.to_owned()))
            }),
            own => own,
        })
    }
}
