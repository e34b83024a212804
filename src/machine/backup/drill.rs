//! Tries a backup: puts everything back where nobody uses it, counts, and removes it again.

use super::place::{only_when_late, tidied};
use super::restore::{load, put_index_back, remove_index, search_parts, service_url};
use super::{Place, Unpacked};
use crate::failure::Result;
use crate::machine::part::Part;
use crate::machine::postgres::Postgres;
use std::collections::BTreeMap;

/// What a drill counted.
#[derive(Clone, Debug, Default)]
pub struct Drilled {
    /// Rows by database, over all tables.
    pub rows: BTreeMap<String, u64>,
    /// Documents by index.
    pub documents: BTreeMap<String, u64>,
}

/// Loads every dump into a scratch database beside the live ones, and every index under another name; counts, and
/// removes them, also if this fails or is stopped. Files and volumes were compared with the manifest when they were
/// unpacked, if the backup has one.
pub fn drill(unpacked: &Unpacked, place: &Place) -> Result<Drilled> {
    let mut drilled = Drilled::default();
    for part in &unpacked.parts {
        let Part::Database { name, service, database, rows } = part else { continue };
        let container = place.running(service)?;
        let postgres = Postgres { docker: place.docker(), container: &container.name };
        let scratch = format!("{database}_drill_{}", unpacked.id);
        let loaded = load(unpacked, &postgres, name, rows, &scratch);
        let late = only_when_late();
        let tidy = Place { stop: &late, ..*place };
        let dropped = Postgres { docker: tidy.docker(), container: &container.name }.drop(&scratch);
        let rows = tidied(loaded, dropped).map_err(|failure| place.explain(service, failure))?;
        drilled.rows.insert(database.clone(), rows.values().sum());
    }
    for part in search_parts(unpacked, place) {
        let url = service_url(&part, place)?;
        let search = place.search(&url);
        let prefix = format!("banister-drill-{}-", unpacked.id);
        let counted = put_index_back(unpacked, &part, place, &search, &prefix);
        let late = only_when_late();
        let tidy = Place { stop: &late, ..*place };
        let removed = remove_index(unpacked, &part, &tidy.search(&url), &prefix);
        drilled.documents.extend(tidied(counted, removed)?);
    }
    Ok(drilled)
}
