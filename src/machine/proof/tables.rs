//! Which tables of a database have rows: what can be known of it without being told.

use super::count::{SECONDS, WITHIN};
use crate::failure::{Kind, Result};
use crate::machine::backup::{AskedDatabase, Place};
use crate::machine::mariadb::{MariaDb, identifier};
use crate::machine::part::{Engine, Part};
use crate::machine::postgres::{self, Postgres};
use serde::{Deserialize, Serialize};

/// So many tables of a database are looked at, the first by name.
const TABLES: usize = 500;

/// The tables of a database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tables {
    /// As people name the database.
    pub name: String,
    /// Those that have at least one row.
    pub filled: Vec<String>,
    /// Why it is not known; else empty.
    pub why: String,
}

impl Tables {
    /// Those with rows in a backup; nothing of a part that is no database, or of one of which no rows were counted.
    pub fn of_backup(part: &Part) -> Option<Tables> {
        let Part::Database { service, database, rows, .. } = part else { return None };
        let filled: Vec<String> =
            rows.iter().filter(|(_, count)| **count > 0).map(|(name, _)| name.replace('"', "")).collect();
        let name = named(database, service);
        (!filled.is_empty()).then_some(Tables { name, filled, why: String::new() })
    }

    /// Looks. What can't be seen says why. Fails with [`Kind::Interrupted`] only.
    pub fn of(database: &AskedDatabase, place: &Place) -> Result<Tables> {
        let name = named(&database.database, &database.service);
        match filled(database, place) {
            Ok(filled) => Ok(Tables { name, filled, why: String::new() }),
            Err(failure) if failure.kind == Kind::Interrupted => Err(failure),
            Err(failure) => Ok(Tables { name, filled: Vec::new(), why: failure.in_words() }),
        }
    }
}

fn named(database: &str, service: &str) -> String {
    format!("{database} in {service}")
}

fn filled(database: &AskedDatabase, place: &Place) -> Result<Vec<String>> {
    let container = place.running(&database.service)?;
    let (docker, container, name) = (place.docker(), container.name.as_str(), database.database.as_str());
    // By name, and as SQL writes it.
    let tables: Vec<(String, String)> = match database.engine {
        Engine::Postgres => {
            let listed = Postgres { docker, container }.ask_within(SECONDS, name, POSTGRES)?;
            let tables = listed.lines().filter_map(|line| line.split_once('|'));
            let quoted = postgres::identifier;
            tables
                .map(|(schema, name)| {
                    (format!("{schema}.{name}"), format!("{}.{}", quoted(schema), quoted(name)))
                })
                .collect()
        }
        Engine::MariaDb => {
            let tables =
                MariaDb { docker, container }.tables(name)?.into_iter().filter(|table| !table.is_view);
            tables.map(|table| (table.name.clone(), identifier(&table.name))).collect()
        }
    };
    let has_row = |(n, (_, table)): (usize, &(String, String))| {
        let dual = if database.engine == Engine::MariaDb { " FROM DUAL" } else { "" };
        format!("SELECT {n}{dual} WHERE EXISTS (SELECT 1 FROM {table})")
    };
    let tables = &tables[..tables.len().min(TABLES)];
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let statement = tables.iter().enumerate().map(has_row).collect::<Vec<_>>().join(" UNION ALL ");
    let said = match database.engine {
        Engine::Postgres => Postgres { docker, container }.ask_within(SECONDS, name, &statement)?,
        Engine::MariaDb => MariaDb { docker, container }.ask_within(WITHIN, name, &statement)?,
    };
    let places = said.lines().filter_map(|line| line.trim().parse::<usize>().ok());
    Ok(places.filter_map(|place| tables.get(place)).map(|(name, _)| name.clone()).collect())
}

const POSTGRES: &str = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' \
                        AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2 LIMIT 500";
