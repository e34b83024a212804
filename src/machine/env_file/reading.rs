//! What a reader of any dialect finds in a settings file.

use std::collections::BTreeMap;
use std::ops::Range;

/// The environment of the program that reads the file.
pub(super) type Outside = BTreeMap<String, String>;

/// A value, or nothing if the setting is named but not set; or why only the program itself can tell.
pub(super) type Value = Result<Option<String>, String>;

/// A place that gives a name a value.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub name: String,
    /// What an edit replaces: the value with its quotes; of make, the whole line.
    pub place: Range<usize>,
    /// The number of its first line, from 1.
    pub line: usize,
    pub form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Given,
    /// Speaks only if nothing was said before.
    IfUnset,
    /// A name without `=`.
    Bare,
}

/// A whole file.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    /// In the order of the file.
    pub settings: Vec<Setting>,
    /// By name.
    values: BTreeMap<String, Value>,
    /// Which of the settings decides, by name.
    decisive: BTreeMap<String, usize>,
}

impl Reading {
    pub fn new(settings: Vec<Setting>, values: BTreeMap<String, Value>) -> Reading {
        let mut decisive: BTreeMap<String, usize> = BTreeMap::new();
        for (n, setting) in settings.iter().enumerate() {
            let known = decisive.get(&setting.name).map(|known| settings[*known].form);
            // The last one, unless it only speaks when nothing was said before.
            if setting.form != Form::IfUnset || known.is_none_or(|known| known == Form::IfUnset) {
                decisive.insert(setting.name.clone(), n);
            }
        }
        Reading { settings, values, decisive }
    }

    /// All names that are set, each once, in the order of the file.
    pub fn names(&self) -> Vec<&str> {
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for (n, setting) in self.settings.iter().enumerate() {
            first.entry(&setting.name).or_insert(n);
        }
        let mut names: Vec<(&str, usize)> = first.into_iter().collect();
        names.sort_by_key(|(_, n)| *n);
        names.into_iter().map(|(name, _)| name).filter(|name| self.value(name) != Some(&Ok(None))).collect()
    }

    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The setting that decides its value.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.decisive.get(name).map(|n| &self.settings[*n])
    }
}

/// How much may be put into values in place of references. Each line can double the one before, and a small file so
/// ask for more memory than there is.
pub(super) struct Budget(usize);

/// A value of more bytes is not one that anybody wrote.
pub(super) const LONGEST: usize = 1 << 20;
/// All values of a file together, and each reference counted as a byte.
const MOST: usize = 1 << 26;
/// How deep references may be nested.
pub(super) const DEEPEST: usize = 100;

impl Budget {
    pub fn new() -> Budget {
        Budget(MOST)
    }

    /// Fails, now and ever after, if there is no more left.
    pub fn spend(&mut self, bytes: usize) -> Result<(), String> {
        self.0 = self.0.saturating_sub(bytes.saturating_add(1));
        match self.0 {
            0 => Err("its references stand for too much text".into()),
            _ => Ok(()),
        }
    }
}

/// Counts lines while a reader moves on in a text.
pub(super) struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    pub fn new(text: &'a str) -> Lines<'a> {
        Lines { text, at: 0, line: 1 }
    }

    /// The number of the line with this place, which is not before the last one asked for.
    pub fn at(&mut self, place: usize) -> usize {
        if let Some(passed) = self.text.get(self.at..place) {
            self.line += passed.bytes().filter(|byte| *byte == b'\n').count();
            self.at = place;
        }
        self.line
    }
}
