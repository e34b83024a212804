//! One run among those that are at their servers.

use super::{Found, ask};
use crate::cli::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::home::wire::Listed;
use crate::journal::run::{self, Glance};

/// The run that is named, or the newest one that `wanted` holds for, if it is at its server. A run on this machine of that
/// name goes before it.
///
/// Fails with [`Kind::Unreachable`] if that is not known.
pub fn find(
    context: &Context,
    name: Option<&str>,
    wanted: impl Fn(&Listed) -> bool,
) -> Result<Option<Found>> {
    if name.is_some_and(|name| name.contains('/') || run::find(&context.state, name).is_ok()) {
        return Ok(None);
    }
    let homes = ask(context, name.is_some())?;
    let Some(name) = name else {
        let found = homes.runs.iter().rev().find(|found| wanted(&found.listed)).cloned();
        // There may be a newer one where nobody answers.
        return match homes.silent.into_iter().next() {
            Some((server, failure)) => Err(unknown(&server, failure)),
            None => Ok(found),
        };
    };
    let end = format!("-{name}");
    let fits = |run: &str| run == name || run.ends_with(&end);
    let fitting: Vec<&Found> = homes.runs.iter().filter(|found| fits(&found.listed.run)).collect();
    match fitting.as_slice() {
        [only] => Ok(Some((*only).clone())),
        [] => {
            if let Some((known, failure)) = homes.unknown.into_iter().find(|(known, _)| fits(&known.run)) {
                return Err(unknown(&known.server, failure));
            }
            match homes.silent.into_iter().next() {
                Some((server, failure)) => Err(unknown(&server, failure)),
                None => Ok(None),
            }
        }
        _ => {
            let names: Vec<String> = fitting.iter().map(|found| format!("`{}`", found.listed.run)).collect();
            Err(Failure::new(Kind::Invalid, format!("there are several runs `{name}`"))
                .why(names.join(", "))
                .help("give more of the name"))
        }
    }
}

/// The same, unless `here`, which is on this machine, began later. `otherwise` says what comes of a failure, beside the run that
/// is here.
pub fn newest(
    context: &Context,
    name: Option<&str>,
    here: Option<Glance>,
    wanted: impl Fn(&Listed) -> bool,
    otherwise: impl FnOnce(Option<Glance>, Failure) -> Result<Option<Found>>,
) -> Result<Option<Found>> {
    match find(context, name, wanted) {
        Ok(found) => Ok(found.filter(|found| here.is_none_or(|here| here.is_before(&found.listed.started)))),
        Err(failure) => otherwise(here, failure),
    }
}

/// Nobody here knows how the runs there stand.
fn unknown(server: &str, failure: Failure) -> Failure {
    let message = format!("it is unknown which runs are on `{server}`");
    let unknown = Failure::new(failure.kind, message).why(&failure.message);
    let unknown = failure.why.iter().fold(unknown, |unknown, why| unknown.why(why));
    match failure.help {
        Some(help) => unknown.help(help),
        None => unknown.help("nothing was done; try again when it can be reached"),
    }
}
