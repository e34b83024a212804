//! Who hears of runs by a `site.toml` in which something else may be wrong.

use crate::machine::notify::Notify;
use serde::Deserialize;
use std::path::Path;

/// Each is read by itself: one in which there is a mistake keeps no other from hearing of it.
#[derive(Deserialize)]
struct Hearers {
    #[serde(default)]
    notify: Vec<toml::Value>,
}

/// The places in `notify` of the file, as far as they can be understood.
pub fn hearers(file: &Path) -> Vec<Notify> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let read = |text: &str| toml::from_str::<Hearers>(text).ok();
    // They stand at the beginning, and what can't be parsed may come after them.
    let beginning = text.split("\n[servers").next().unwrap_or_default();
    let found = read(&text).or_else(|| read(beginning)).map(|read| read.notify).unwrap_or_default();
    let read = |place: toml::Value| place.try_into::<Notify>().ok();
    found.into_iter().filter_map(read).filter(|place| place.check().is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_elsewhere_hides_nobody() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (rest, count) in [("", 1), ("odd = 1\n", 1), ("kind = \n", 1), ("\"", 1)] {
            let notify = "[[notify]]\ncommand = [\"true\"]\n\n[[notify]]\nmail = [\"nobody\"]\n";
            std::fs::write(file.path(), format!("{notify}\n[servers.web]\n{rest}")).unwrap();
            assert_eq!(hearers(file.path()).len(), count, "{rest}");
        }
        let text = "[[notify]]\ncomand = [\"true\"]\n\n[[notify]]\ncommand = [\"true\"]\n";
        std::fs::write(file.path(), text).unwrap();
        assert_eq!(hearers(file.path()).len(), 1, "nor in another of them");
        std::fs::write(file.path(), "[[notify").unwrap();
        assert!(hearers(file.path()).is_empty());
    }
}
