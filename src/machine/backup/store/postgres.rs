//! Databases of PostgreSQL.

use super::{Drilled, Group, Restored, Store};
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::Content;
use crate::machine::backup::asked::{Asked, AskedDatabase};
use crate::machine::backup::gathered::{Gathered, Workshop};
use crate::machine::backup::place::{answers, only_when_late, tidied};
use crate::machine::backup::{Place, Unpacked};
use crate::machine::files::open;
use crate::machine::part::{Engine, Part};
use crate::machine::postgres::Postgres;
use std::collections::{BTreeMap, BTreeSet};

/// Databases, each with a dump.
pub struct Databases;

impl Store for Databases {
    fn group(&self) -> Group {
        Group::Databases
    }

    fn take(&self, asked: &Asked, workshop: &Workshop, gathered: &mut Gathered) -> Result<()> {
        for database in asked.databases.iter().filter(|asked| asked.engine == Engine::Postgres) {
            (workshop.tell)(format!("dumping {}", database.database));
            let dumped = dump(database, workshop);
            let (part, content) =
                dumped.map_err(|failure| workshop.place.explain(&database.service, failure))?;
            gathered.add(part, content);
        }
        Ok(())
    }

    fn drill(&self, unpacked: &Unpacked, place: &Place, drilled: &mut Drilled) -> Result<()> {
        for service in services(unpacked) {
            let container = place.running(service)?;
            let postgres = Postgres { docker: place.docker(), container: &container.name };
            for part in parts(unpacked, service) {
                let scratch = unpacked.scratch(part.name);
                let loaded = load(unpacked, &postgres, &part, &scratch);
                let late = only_when_late();
                let tidy = Place { stop: &late, ..*place };
                let dropped = Postgres { docker: tidy.docker(), container: &container.name }.drop(&scratch);
                let rows = tidied(loaded, dropped).map_err(|failure| place.explain(service, failure))?;
                drilled.rows.insert(part.name.to_owned(), rows.values().sum());
            }
        }
        Ok(())
    }

    /// All databases of a service take the places of the old ones at the same moment; whoever uses them is disconnected.
    fn put_back(&self, unpacked: &Unpacked, place: &Place, done: &mut Restored) -> Result<()> {
        for service in services(unpacked) {
            let put_back = of_service(unpacked, place, service);
            done.names.extend(put_back.map_err(|failure| place.explain(service, failure))?);
        }
        Ok(())
    }

    fn drop_aside(&self, unpacked: &Unpacked, place: &Place) -> Result<()> {
        for service in services(unpacked) {
            let container = place.running(service)?;
            let postgres = Postgres { docker: place.docker(), container: &container.name };
            for part in parts(unpacked, service) {
                let (new, old) = unpacked.new_and_old(part.name, "_");
                postgres.drop(&new)?;
                postgres.drop(&old)?;
            }
        }
        Ok(())
    }
}

fn dump(asked: &AskedDatabase, workshop: &Workshop) -> Result<(Part, Content)> {
    let container = workshop.place.running(&asked.service)?;
    let postgres = Postgres { docker: workshop.place.docker(), container: &container.name };
    let file = workshop.output(&asked.name, &postgres.dump(&asked.database, workshop.compressed)?)?;
    let rows = postgres.rows(&file, workshop.folder)?;
    let part = Part::Database {
        name: asked.name.clone(),
        service: asked.service.clone(),
        database: asked.database.clone(),
        engine: Engine::Postgres,
        rows,
    };
    Ok((part, Content::Output(file)))
}

struct Database<'a> {
    member: &'a str,
    name: &'a str,
    rows: &'a BTreeMap<String, u64>,
}

fn of_service(unpacked: &Unpacked, place: &Place, service: &str) -> Result<Vec<String>> {
    let container = place.running(service)?;
    let postgres = Postgres { docker: place.docker(), container: &container.name };
    let known = answers(place, service, || postgres.databases())?;
    // On a fresh host the data folder was filled with another password than the one in the configuration that was put
    // back, with which every service comes from now on. No dump has it.
    postgres.take_password_of_environment()?;
    let parts: Vec<Database> = parts(unpacked, service).collect();
    let done = parts.iter().map(|part| part.name.to_owned()).collect();
    // All were renamed together.
    if parts.iter().any(|part| known.contains(&unpacked.new_and_old(part.name, "_").1)) {
        return Ok(done);
    }
    let mut names = Vec::new();
    for part in &parts {
        let (new, old) = unpacked.new_and_old(part.name, "_");
        load(unpacked, &postgres, part, &new)?;
        if known.iter().any(|name| name == part.name) {
            names.push((part.name.to_owned(), old));
        }
        names.push((new, part.name.to_owned()));
    }
    postgres.rename(&names)?;
    Ok(done)
}

fn services(unpacked: &Unpacked) -> BTreeSet<&str> {
    fn service(part: &Part) -> Option<&str> {
        match part {
            Part::Database { service, engine: Engine::Postgres, .. } => Some(service),
            _ => None,
        }
    }
    unpacked.parts.iter().filter_map(service).collect()
}

fn parts<'a>(unpacked: &'a Unpacked, of: &'a str) -> impl Iterator<Item = Database<'a>> {
    unpacked.parts.iter().filter_map(move |part| match part {
        Part::Database { name, service, database, engine: Engine::Postgres, rows } if service == of => {
            Some(Database { member: name, name: database, rows })
        }
        _ => None,
    })
}

/// Loads a dump into the database `new`, which must then have all of its rows; how many, by table.
fn load(
    unpacked: &Unpacked,
    postgres: &Postgres,
    part: &Database,
    new: &str,
) -> Result<BTreeMap<String, u64>> {
    let Database { member, rows, .. } = *part;
    let dump = open(&unpacked.path(member))?;
    let in_dump = postgres.rows(&dump, &unpacked.folder)?;
    let mismatch = |what: &str, is: &BTreeMap<String, u64>, should: &BTreeMap<String, u64>| {
        let message = format!("{what} of `{member}` has other rows than the backup says");
        Failure::new(Kind::Refused, message).why(format!("{is:?} instead of {should:?}"))
    };
    // Another program's archive says nothing of its rows.
    if !rows.is_empty() && in_dump != *rows {
        return Err(mismatch("the dump", &in_dump, rows));
    }
    postgres.load(&dump, new)?;
    let loaded = postgres.count(new, &in_dump)?;
    if loaded != in_dump {
        return Err(mismatch("the new database", &loaded, &in_dump));
    }
    Ok(loaded)
}
