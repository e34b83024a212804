//! Databases of MariaDB and MySQL.

mod exchange;
mod rows;

use super::{Drilled, Group, Restored, Store};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::Content;
use crate::machine::backup::asked::{Asked, AskedDatabase};
use crate::machine::backup::gathered::{Gathered, Workshop};
use crate::machine::backup::place::{answers, only_when_late, tidied};
use crate::machine::backup::{Place, Unpacked};
use crate::machine::files::open;
use crate::machine::mariadb::MariaDb;
use crate::machine::part::{Engine, Part};
use rows::{Dump, read};
use std::collections::BTreeMap;

/// Databases, each with a dump.
pub struct Databases;

impl Store for Databases {
    fn group(&self) -> Group {
        Group::Databases
    }

    fn take(&self, asked: &Asked, workshop: &Workshop, gathered: &mut Gathered) -> Result<()> {
        for database in asked.databases.iter().filter(|asked| asked.engine == Engine::MariaDb) {
            (workshop.tell)(format!("dumping {}", database.database));
            let dumped = dump(database, workshop);
            let (part, content) =
                dumped.map_err(|failure| workshop.place.explain(&database.service, failure))?;
            gathered.add(part, content);
        }
        Ok(())
    }

    /// Without events: the server would run them.
    fn drill(&self, unpacked: &Unpacked, place: &Place, drilled: &mut Drilled) -> Result<()> {
        for part in parts(unpacked) {
            let container = place.running(part.service)?;
            let server = MariaDb { docker: place.docker(), container: &container.name };
            let scratch = unpacked.scratch(part.name);
            let loaded = load(unpacked, &server, &part, &scratch).map(|(_, rows)| rows);
            let late = only_when_late();
            let tidy = Place { stop: &late, ..*place };
            let dropped = MariaDb { docker: tidy.docker(), container: &container.name }.drop(&scratch);
            let rows = tidied(loaded, dropped).map_err(|failure| place.explain(part.service, failure))?;
            drilled.rows.insert(part.name.to_owned(), rows.values().sum());
        }
        Ok(())
    }

    /// All tables of a database take the places of the old ones in one statement. Whoever uses them must not run: until
    /// its views, triggers and routines are there again, it would fail.
    fn put_back(&self, unpacked: &Unpacked, place: &Place, done: &mut Restored) -> Result<()> {
        for part in parts(unpacked) {
            let container = place.running(part.service)?;
            let server = MariaDb { docker: place.docker(), container: &container.name };
            let put_back = answers(place, part.service, || server.sql("information_schema", "SELECT 1"))
                .and_then(|_| exchange::exchange(unpacked, &server, &part));
            put_back.map_err(|failure| place.explain(part.service, failure))?;
            done.names.push(part.name.to_owned());
        }
        Ok(())
    }

    fn drop_aside(&self, unpacked: &Unpacked, place: &Place) -> Result<()> {
        for part in parts(unpacked) {
            let container = place.running(part.service)?;
            let server = MariaDb { docker: place.docker(), container: &container.name };
            let (new, old) = unpacked.new_and_old(part.name, "_");
            server.drop(&new)?;
            server.drop(&old)?;
        }
        Ok(())
    }
}

fn dump(asked: &AskedDatabase, workshop: &Workshop) -> Result<(Part, Content)> {
    let container = workshop.place.running(&asked.service)?;
    let server = MariaDb { docker: workshop.place.docker(), container: &container.name };
    if server.charset(&asked.database)?.is_none() {
        let message = format!("`{}` has no database `{}`", asked.service, asked.database);
        return Err(Failure::new(Kind::NotFound, message).help("correct its name where it is asked for"));
    }
    let file = workshop.output(&asked.name, &server.dump(&asked.database)?)?;
    let failed = || format!("the dump of `{}` can't be read", asked.database);
    let again = file.try_clone().or_fail(Kind::Refused, failed)?;
    let Dump { rows, .. } = read(again, workshop.folder)?;
    let part = Part::Database {
        name: asked.name.clone(),
        service: asked.service.clone(),
        database: asked.database.clone(),
        engine: Engine::MariaDb,
        rows,
    };
    Ok((part, Content::Output(file)))
}

/// A database of a backup.
struct Database<'a> {
    member: &'a str,
    service: &'a str,
    name: &'a str,
    rows: &'a BTreeMap<String, u64>,
}

fn parts(unpacked: &Unpacked) -> impl Iterator<Item = Database<'_>> {
    unpacked.parts.iter().filter_map(|part| match part {
        Part::Database { name, service, database, engine: Engine::MariaDb, rows } => {
            Some(Database { member: name, service, name: database, rows })
        }
        _ => None,
    })
}

/// Loads the data of a dump into the database `new`, which must then have all of its rows; the dump, and how many rows,
/// by table.
fn load(
    unpacked: &Unpacked,
    server: &MariaDb,
    part: &Database,
    new: &str,
) -> Result<(Dump, BTreeMap<String, u64>)> {
    let dump = read(open(&unpacked.path(part.member))?, &unpacked.folder)?;
    let mismatch = |what: &str, is: &BTreeMap<String, u64>, should: &BTreeMap<String, u64>| {
        let message = format!("{what} of `{}` has other rows than the backup says", part.member);
        Failure::new(Kind::Refused, message).why(format!("{is:?} instead of {should:?}"))
    };
    if dump.rows != *part.rows {
        return Err(mismatch("the dump", &dump.rows, part.rows));
    }
    server.create(new, server.charset(part.name)?.as_ref())?;
    server.load(&dump.data, new)?;
    let loaded = server.count(new, dump.rows.keys().cloned())?;
    if loaded != dump.rows {
        return Err(mismatch("the new database", &loaded, &dump.rows));
    }
    Ok((dump, loaded))
}
