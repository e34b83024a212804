//! Tries a backup: puts everything back where nobody uses it, counts, and removes it again.

use super::restore::{load, put_index_back, search_parts, service_url};
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
/// removes them, also if this fails. Files and volumes were compared when they were unpacked.
pub fn drill(unpacked: &Unpacked, place: &Place) -> Result<Drilled> {
    let mut drilled = Drilled::default();
    for part in &unpacked.parts {
        let Part::Database { name, service, database, rows } = part else { continue };
        let container = place.running(service)?;
        let postgres = Postgres { docker: place.docker(), container: &container.name };
        let scratch = format!("{database}_drill_{}", unpacked.id);
        let loaded = load(unpacked, &postgres, name, rows, &scratch);
        let dropped = postgres.drop(&scratch);
        // Why it could not be loaded comes before why nothing could be tidied up.
        let tried = loaded.and_then(|rows| dropped.map(|()| rows));
        let rows = tried.map_err(|failure| place.explain(service, failure))?;
        drilled.rows.insert(database.clone(), rows.values().sum());
    }
    for part in search_parts(unpacked, place) {
        let url = service_url(&part, place)?;
        let search = place.search(&url);
        let prefix = format!("banister-drill-{}-", unpacked.id);
        let counted = put_index_back(unpacked, &part, place, &search, &prefix);
        if let Ok(counts) = &counted {
            counts.keys().try_for_each(|index| search.delete(&format!("{prefix}{index}")))?;
        }
        drilled.documents.extend(counted?);
    }
    Ok(drilled)
}
