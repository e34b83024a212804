//! Which of the releases that a forge lists are those that are asked for.

use crate::machine::release::Release;
use std::cmp::Ordering;

/// All texts together, in bytes: a person is to read them.
const LONGEST: usize = 256 << 10;
const TOO_LONG: &str = "(not shown: the notes of all these releases are too long)";

/// How surely a listed release is one that is asked for; the surer is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sureness {
    /// The same tag.
    Tag,
    /// Another spelling of it, as an image has no `v`.
    Spelling,
    /// A tag of another series with the same version: of a project that has several, it may be another part of it.
    Version,
}

/// What was found for each of them.
pub(super) struct Found<'a> {
    wanted: Vec<(&'a Release, Option<Text>)>,
}

struct Text {
    sureness: Sureness,
    tag: Release,
    text: String,
    /// Whether another tag is as sure.
    is_ambiguous: bool,
}

impl<'a> Found<'a> {
    pub fn of(wanted: &'a [Release]) -> Found<'a> {
        Found { wanted: wanted.iter().map(|release| (release, None)).collect() }
    }

    /// Whether no other page can say more.
    pub fn is_all(&self) -> bool {
        let is_sure =
            |text: &Option<Text>| text.as_ref().is_some_and(|text| text.sureness != Sureness::Version);
        self.wanted.iter().all(|(_, text)| is_sure(text))
    }

    /// Adds what is said of a tag.
    pub fn add(&mut self, tag: &str, text: String) {
        let Ok(tag) = tag.parse::<Release>() else { return };
        for (release, known) in &mut self.wanted {
            let Some(sureness) = sureness(release, &tag) else { continue };
            match known {
                Some(known) if known.sureness < sureness => {}
                Some(known) if known.sureness == sureness => known.is_ambiguous |= known.tag != tag,
                _ => {
                    let (tag, text) = (tag.clone(), text.clone());
                    *known = Some(Text { sureness, tag, text, is_ambiguous: false });
                }
            }
        }
    }

    /// The releases of which something is known, with that.
    pub fn texts(self) -> Vec<(Release, String)> {
        let mut length = 0;
        let known = self.wanted.into_iter().filter_map(|(release, text)| Some((release, text?)));
        let sure = known.filter(|(_, text)| !text.is_ambiguous);
        sure.map(|(release, text)| {
            length += text.text.len();
            (release.clone(), if length > LONGEST { TOO_LONG.to_owned() } else { text.text })
        })
        .collect()
    }
}

fn sureness(release: &Release, listed: &Release) -> Option<Sureness> {
    let bare = release.tag().strip_prefix('v').unwrap_or(release.tag());
    match () {
        () if release == listed => Some(Sureness::Tag),
        () if release.compare(listed) == Some(Ordering::Equal) => Some(Sureness::Spelling),
        () if bare == release.version() && bare == listed.version() => Some(Sureness::Version),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(wanted: &[&str], listed: &[&str]) -> Vec<(String, String)> {
        let wanted: Vec<Release> = wanted.iter().map(|tag| tag.parse().unwrap()).collect();
        let mut found = Found::of(&wanted);
        listed.iter().for_each(|tag| found.add(tag, format!("of {tag}")));
        found.texts().into_iter().map(|(release, text)| (release.tag().to_owned(), text)).collect()
    }

    #[test]
    fn a_release_is_known_by_its_tag_its_version_or_not_at_all() {
        let one = |tag: &str, text: &str| vec![(tag.to_owned(), text.to_owned())];
        assert_eq!(found(&["1.2.0"], &["v1.2.0", "v1.3.0"]), one("1.2.0", "of v1.2.0"));
        assert_eq!(found(&["1.2.0"], &["v1.2.0", "1.2.0"]), one("1.2.0", "of 1.2.0"));
        assert_eq!(found(&["1.2.0"], &["version/1.2.0"]), one("1.2.0", "of version/1.2.0"));
        // A project with several parts.
        assert_eq!(found(&["1.2.0"], &["helm-1.2.0", "app-1.2.0"]), []);
        assert_eq!(found(&["n8n-core@1.2.0"], &["n8n@1.2.0"]), []);
        assert_eq!(found(&["n8n@1.2.0"], &["n8n-core@1.2.0", "n8n@1.2.0"]), one("n8n@1.2.0", "of n8n@1.2.0"));
    }

    #[test]
    fn so_much_is_shown_and_no_more() {
        let wanted: Vec<Release> = (0..100).map(|n| format!("v1.{n}").parse().unwrap()).collect();
        let mut found = Found::of(&wanted);
        (0..100).for_each(|n| found.add(&format!("v1.{n}"), "x".repeat(10_000)));
        let length: usize = found.texts().iter().map(|(_, text)| text.len()).sum();
        assert!(length < LONGEST + 100 * TOO_LONG.len(), "{length}");
    }
}
