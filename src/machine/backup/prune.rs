//! Looks which backups of a server are old, and removes them.

use super::access::Access;
use super::card::{Card, ENDING, Level, catalogue, listed};
use super::keep::Keep;
use super::reference::is_reference;
use super::retention::{Aged, Fit, fuller, is_future, needed, old, restored};
use super::snapshot;
use crate::failure::Result;
use crate::machine::archive::{Compression, DataSource};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is in a folder of backups, as far as it concerns one server.
pub struct Aging {
    /// The old ones, the oldest first.
    pub old: Vec<Card>,
    /// The others of the server, the oldest first.
    pub young: Vec<Card>,
    /// Those of the others that a restore of what is installed would need, and that hold what is missing in these.
    pub needed: Vec<Card>,
    /// The names of those that hold what is missing in newer ones, with these parts.
    pub fuller: BTreeMap<String, BTreeSet<DataSource>>,
    /// Those of the server from the future, which are among neither: they stay, and count for nothing.
    pub future: Vec<Card>,
    /// Archives that no card calls a backup of the server: nobody here can know what they are worth.
    pub foreign: usize,
    /// Cards of backups of the server that are gone. A crash between the two leaves such a one.
    pub left: Vec<Card>,
}

/// Looks through the backups of `server` in `folder`. `may_be_empty` says of which parts a backup need hold nothing.
pub fn look(
    folder: &Path,
    server: &str,
    keep: &Keep,
    fit: &Fit,
    may_be_empty: &dyn Fn(&DataSource) -> bool,
    now: Timestamp,
) -> Result<Aging> {
    let is_own = |card: &Card| card.server.as_deref() == Some(server);
    let (own, foreign): (Vec<Card>, Vec<Card>) = catalogue(folder)?.into_iter().partition(is_own);
    let mut own: Vec<(Timestamp, Card)> =
        own.into_iter().map(|card| (created(&card).unwrap_or(now), card)).collect();
    // Those of the same second stay in the order of their files.
    own.sort_by_key(|(created, _)| *created);
    let aged: Vec<Aged> = own
        .iter()
        .map(|(created, card)| Aged {
            created: *created,
            is_proven: card.level >= Level::Verified,
            release: card.release.clone(),
            held: card
                .held
                .iter()
                .filter(|(part, _)| !may_be_empty(part))
                .map(|(part, held)| (part.clone(), *held))
                .collect(),
        })
        .collect();
    let (places, needed) = (old(&aged, keep, fit, now, &TimeZone::system()), needed(&aged, fit, now));
    let needed = needed.into_iter().map(|place| own[place].1.clone()).collect();
    let fuller = fuller(&aged, &restored(&aged, fit, now));
    let fuller = fuller.into_iter().map(|(place, parts)| (own[place].1.name.clone(), parts)).collect();
    let is_future = |(_, (created, _)): &(usize, (Timestamp, Card))| is_future(*created, now);
    let (future, own): (Vec<_>, Vec<_>) = own.into_iter().enumerate().partition(is_future);
    let (old, young): (Vec<_>, Vec<_>) = own.into_iter().partition(|(place, _)| places.contains(place));
    let cards = |of: Vec<(usize, (Timestamp, Card))>| of.into_iter().map(|(_, (_, card))| card).collect();
    let left = left(folder)?.into_iter().filter(is_own).collect();
    let (old, young, future) = (cards(old), cards(young), cards(future));
    Ok(Aging { old, young, needed, fuller, future, foreign: foreign.len(), left })
}

/// Removes backups of `server`, each with its card: the snapshots of those in the repository at once, before anything that
/// says what they were. How many bytes that freed in the repository, if restic says it.
pub fn remove(
    cards: &[&Card],
    access: &Access,
    folder: &Path,
    server: &str,
    stop: &dyn Fn() -> bool,
) -> Result<Option<u64>> {
    let stored: Vec<PathBuf> = cards
        .iter()
        .map(|card| card.path.clone())
        .filter(|path| is_reference(path) && path.exists())
        .collect();
    let freed = match stored.first() {
        Some(first) => snapshot::forget(access.repository(first)?, folder, server, &stored, stop)?,
        None => None,
    };
    cards.iter().try_for_each(|card| card.remove())?;
    Ok(freed)
}

/// When it was made, as its card says, or else its file.
fn created(card: &Card) -> Option<Timestamp> {
    let said = card.created.as_ref().and_then(|created| created.parse().ok());
    said.or_else(|| Timestamp::try_from(card.path.metadata().ok()?.modified().ok()?).ok())
}

/// The cards without archives.
fn left(folder: &Path) -> Result<Vec<Card>> {
    let mut found = Vec::new();
    for path in listed(folder)? {
        let text = path.display().to_string();
        let Some(archive) = text.strip_suffix(ENDING).map(PathBuf::from) else { continue };
        let is_gone =
            archive.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
        if !is_gone || Compression::of(&archive).is_err() && !is_reference(&archive) {
            continue;
        }
        let card = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Card>(&text).ok());
        found.extend(card.map(|card| Card { path: archive, ..card }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::archive::About;

    fn card(folder: &Path, name: &str, server: &str) -> Card {
        let path = folder.join(name);
        std::fs::write(&path, name).unwrap();
        let about =
            About { server: server.into(), created: "2026-01-01T00:00:00Z".into(), ..About::default() };
        let card = Card::of(&path).unwrap().about(&about).verified("digest".into());
        card.keep().unwrap();
        card
    }

    #[test]
    fn a_card_is_left_over_only_if_its_archive_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for (name, server) in
            [("web-1.tar.zst", "web"), ("web-2.tar.zst", "web"), ("lab-1.tar.gz.age", "lab")]
        {
            card(at, name, server);
        }
        std::fs::write(at.join("notes.card.json"), "{}").unwrap();
        std::fs::write(at.join("web-3.tar.zst.card.json"), "torn").unwrap();
        std::fs::remove_file(at.join("web-1.tar.zst")).unwrap();
        std::fs::remove_file(at.join("lab-1.tar.gz.age")).unwrap();
        let keep = Keep { count: Some(1), ..Keep::default() };
        let aging = look(at, "web", &keep, &Fit::Any, &|_| false, Timestamp::now()).unwrap();
        let left: Vec<_> = aging.left.iter().map(|card| card.path.clone()).collect();
        assert_eq!(left, [at.join("web-1.tar.zst")]);
        aging.left[0].remove().unwrap();
        let aging = look(at, "web", &keep, &Fit::Any, &|_| false, Timestamp::now()).unwrap();
        assert_eq!((aging.left.len(), aging.old.len(), aging.young.len(), aging.foreign), (0, 0, 1, 0));
        assert_eq!(
            look(&at.join("none"), "web", &keep, &Fit::Any, &|_| false, Timestamp::now()).unwrap().young,
            []
        );
    }

    #[test]
    fn an_archive_that_no_card_calls_one_of_the_server_is_foreign() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for number in 1..4 {
            card(at, &format!("web-{number}.tar.zst"), "web");
        }
        card(at, "lab-1.tar.zst", "lab");
        std::fs::write(at.join("web-0.tar.gz"), "of another program").unwrap();
        // What has another length than its card says is not what the card is of.
        std::fs::write(at.join("web-2.tar.zst"), "longer than it was written").unwrap();
        let keep = Keep { count: Some(1), ..Keep::default() };
        let aging = look(at, "web", &keep, &Fit::Any, &|_| false, Timestamp::now()).unwrap();
        let old: Vec<_> = aging.old.iter().map(|card| card.name.as_str()).collect();
        assert_eq!((old, aging.young.len(), aging.foreign), (vec!["web-1.tar.zst"], 1, 3));
    }
}
