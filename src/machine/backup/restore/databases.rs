//! Puts databases back.

use super::super::place::answers;
use crate::failure::{Failure, Kind, Result};
use crate::machine::backup::{Place, Unpacked};
use crate::machine::files::open;
use crate::machine::part::Part;
use crate::machine::postgres::Postgres;
use std::collections::{BTreeMap, BTreeSet};

struct Database<'a> {
    member: &'a str,
    name: &'a str,
    rows: &'a BTreeMap<String, u64>,
}

/// Loads every dump into a new database and counts its rows; when all are there they take the places of the old ones,
/// all at the same moment. The names of the databases. Whoever uses them is disconnected.
pub fn databases(unpacked: &Unpacked, place: &Place) -> Result<Vec<String>> {
    let mut done = Vec::new();
    for service in services(unpacked) {
        let put_back = of_service(unpacked, place, service);
        done.extend(put_back.map_err(|failure| place.explain(service, failure))?);
    }
    Ok(done)
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
        load(unpacked, &postgres, part.member, part.rows, &new)?;
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
            Part::Database { service, .. } => Some(service),
            _ => None,
        }
    }
    unpacked.parts.iter().filter_map(service).collect()
}

fn parts<'a>(unpacked: &'a Unpacked, of: &'a str) -> impl Iterator<Item = Database<'a>> {
    unpacked.parts.iter().filter_map(move |part| match part {
        Part::Database { name, service, database, rows } if service == of => {
            Some(Database { member: name, name: database, rows })
        }
        _ => None,
    })
}

/// Loads a dump into the database `new`, which must then have all of its rows; how many, by table. `rows` is what the
/// backup says of them.
pub fn load(
    unpacked: &Unpacked,
    postgres: &Postgres,
    member: &str,
    rows: &BTreeMap<String, u64>,
    new: &str,
) -> Result<BTreeMap<String, u64>> {
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

pub(super) fn drop_aside(unpacked: &Unpacked, place: &Place) -> Result<()> {
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
