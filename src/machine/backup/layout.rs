//! The layout of archives that another program made: they have no manifest, so their names say what they hold, as the kind of
//! the server knows them.

use crate::failure::{Failure, Kind, Result};
use crate::kind::{Layout, Means, Member};
use crate::machine::archive::Entry;
use crate::machine::part::{Engine, Part};
use std::collections::{BTreeMap, BTreeSet};

/// The owner, and the group, of a member where it is put back.
pub fn owner(layout: &Layout, member: &str) -> Option<u64> {
    let name = plain(member);
    layout.0.iter().find_map(|known| known.of(name).and(known.owner))
}

/// So many of them are believed.
const MOST: usize = 1000;

/// The parts that an archive with these members holds.
pub fn parts(layout: &Layout, members: impl Iterator<Item = Result<Entry>>) -> Result<Vec<Part>> {
    let mut found: Vec<BTreeSet<(String, String)>> = vec![BTreeSet::new(); layout.0.len()];
    for member in members {
        let member = member?;
        let name = plain(&member.name);
        for (known, found) in layout.0.iter().zip(&mut found) {
            found.extend(known.of(name).map(|(whole, named)| (whole.to_owned(), named.to_owned())));
        }
        if found.iter().map(BTreeSet::len).sum::<usize>() > MOST {
            let message =
                format!("the archive holds more than {MOST} files of the configuration and databases");
            let help = "take another one: no kind of servers has so many";
            return Err(Failure::new(Kind::Refused, message).help(help));
        }
    }
    let all = layout.0.iter().zip(found);
    Ok(all
        .flat_map(|(known, found)| found.into_iter().map(|(name, named)| part(known, name, &named)))
        .collect())
}

fn plain(member: &str) -> &str {
    member.trim_start_matches("./").trim_end_matches('/')
}

/// One of a layout's members; `named` is what `*` is in its name.
fn part(known: &Member, name: String, named: &str) -> Part {
    let filled = |text: &str| text.replacen('*', named, 1);
    match &known.means {
        Means::Files(path) => Part::Files { name, path: filled(path) },
        Means::Volume(volume) => Part::Volume { name, volume: filled(volume) },
        Means::Database { database, service } => {
            let (engine, rows) = (Engine::Postgres, BTreeMap::new());
            Part::Database { name, service: service.clone(), database: filled(database), engine, rows }
        }
        Means::Search { service, port, folder, inside } => Part::Search {
            name,
            service: service.clone(),
            port: *port,
            folder: folder.clone(),
            inside: inside.clone(),
            snapshot: String::new(),
            documents: BTreeMap::new(),
            indices: BTreeSet::new(),
        },
    }
}
