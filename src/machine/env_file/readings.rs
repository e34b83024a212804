//! All that different programs may show of a setting, for hiding it.

use super::dialect::Dialect;
use super::edit;
use super::reading::{Outside, Reading};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// How each dialect reads a text, made when it is asked for first.
#[derive(Clone, Debug, Default)]
pub(super) struct Readings(OnceLock<Arc<Known>>);

#[derive(Debug)]
struct Known {
    by_dialect: Vec<(Dialect, Reading)>,
    /// What stands to the right of the names, by name.
    raw: BTreeMap<String, Vec<String>>,
}

impl Readings {
    /// All that a setting may be seen as, each once, the empty one left out.
    pub fn of(&self, text: &str, outside: &Outside, key: &str) -> Vec<String> {
        let known = self.known(text, outside);
        let mut seen: BTreeSet<String> = known.raw.get(key).into_iter().flatten().cloned().collect();
        let values = known.by_dialect.iter().filter_map(|(_, reading)| reading.value(key));
        seen.extend(values.filter_map(|value| value.clone().ok().flatten()));
        seen.remove("");
        seen.into_iter().collect()
    }

    /// The value by another dialect, if it knows one.
    pub fn value(&self, text: &str, outside: &Outside, dialect: Dialect, key: &str) -> Option<String> {
        let known = self.known(text, outside);
        let (_, reading) = known.by_dialect.iter().find(|(other, _)| *other == dialect)?;
        reading.value(key)?.clone().ok()?
    }

    fn known(&self, text: &str, outside: &Outside) -> &Known {
        self.0.get_or_init(|| Arc::new(Known::of(text, outside)))
    }
}

impl Known {
    fn of(text: &str, outside: &Outside) -> Known {
        let mut raw: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut by_dialect = Vec::new();
        for dialect in Dialect::ALL {
            let Ok(reading) = edit::read(text, dialect, outside) else { continue };
            // Make's places are whole lines.
            for setting in reading.settings.iter().filter(|_| dialect != Dialect::Make) {
                let seen = raw.entry(setting.name.clone()).or_default();
                add(seen, &text[setting.place.clone()]);
            }
            by_dialect.push((dialect, reading));
        }
        for line in text.split('\n') {
            let Some((name, written)) = line.split_once(['=', ':']) else { continue };
            let name = name.trim().trim_start_matches('\u{feff}');
            let name =
                name.strip_prefix("export").filter(|it| it.starts_with(char::is_whitespace)).unwrap_or(name);
            add(raw.entry(name.trim().to_owned()).or_default(), written);
        }
        Known { by_dialect, raw }
    }
}

fn add(seen: &mut Vec<String>, written: &str) {
    let trimmed = written.trim();
    let bare = ['"', '\''].into_iter().find_map(|quote| trimmed.strip_prefix(quote)?.strip_suffix(quote));
    for text in [Some(written.trim_end_matches('\r')), Some(trimmed), bare].into_iter().flatten() {
        if seen.last().is_none_or(|last| last != text) {
            seen.push(text.to_owned());
        }
    }
}
