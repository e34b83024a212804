//! From what was typed in `site.toml` to what it means: with the keys that the kind of a server says.

use super::needs::{self, Mistake};
use super::spot::inside;
use super::window::{OneOrMany, Windows};
use super::{Home, KEYS, Server, Table, Unattended, said};
use crate::failure::{Failure, Kind, Result};
use crate::kind::Facts;
use crate::machine::notify::Notify;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue, Deserializer};
use toml::{Spanned, Value};

/// What `site.toml` says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteFile {
    #[serde(default)]
    notify: Vec<Notify>,
    #[serde(default, deserialize_with = "Unattended::typed")]
    unattended: Option<Unattended>,
    #[serde(default)]
    metrics: Option<PathBuf>,
    window: Option<OneOrMany>,
    closed: Option<OneOrMany>,
    #[serde(default)]
    home: Home,
    servers: BTreeMap<String, Table>,
}

/// What `site.toml` means.
pub struct Typed {
    pub notify: Vec<Notify>,
    pub unattended: Option<Unattended>,
    pub metrics: Option<PathBuf>,
    pub windows: Windows,
    pub home: Home,
    pub servers: BTreeMap<String, Server>,
    /// Their names, in the order of the text.
    pub order: Vec<String>,
}

/// The servers in a text. `shown` is the name of the file for people, and `folder` where it is.
pub fn servers(text: &str, shown: &str, folder: Option<&Path>) -> Result<Typed> {
    let mut added = Vec::new();
    let wrong = |mut error: toml::de::Error, added: &[String]| {
        error.set_input(Some(text));
        let (said, keys) = said::plainly(error.to_string().trim_end(), added);
        let keys = keys.map(|keys| format!("; the keys there: {}", keys.join(", "))).unwrap_or_default();
        Failure::new(Kind::Invalid, format!("`{shown}` is not right"))
            .why(said)
            .help(format!("correct it and check again with `banister check`{keys}"))
    };
    let mut tree = DeTable::parse(text).map_err(|error| wrong(error, &[]))?;
    let mut plain: toml::Table = toml::from_str(text).map_err(|error| wrong(error, &[]))?;
    let mut plain = plain.remove("servers").and_then(|servers| match servers {
        Value::Table(servers) => Some(servers),
        _ => None,
    });
    // What only a kind knows is taken out of both, so that all that is left is known to everybody.
    let mut meant = BTreeMap::new();
    for (name, table) in plain.iter_mut().flatten() {
        let Value::Table(table) = table else { continue };
        let Some(kind) = table.get("kind").and_then(Value::as_str) else { continue };
        let facts = Facts::of(folder, kind).map_err(|failure| at(shown, name, failure))?;
        added.extend(facts.keys.keys().cloned());
        let spans = take(&mut tree, name, &facts);
        let own = own_keys(table, &facts, |key| spans.get(key).and_then(|span| excerpt(text, span.clone())))
            .map_err(|failure| at(shown, name, failure))?;
        meant.insert(name.clone(), (facts, own));
    }
    let order = order(tree.get_ref());
    let typed = SiteFile::deserialize(Deserializer::from(tree)).map_err(|error| wrong(error, &added))?;
    let server = |(name, table): (String, Table)| {
        let plain = plain.as_mut().and_then(|servers| servers.remove(&name));
        let (facts, own) = meant.remove(&name).unwrap_or_default();
        let table = with_defaults(table, plain, &facts).map_err(|failure| at(shown, &name, failure))?;
        let (site_folder, neighbours) = (None, Vec::<PathBuf>::new());
        Ok((name.clone(), Server { name, site_folder, neighbours, facts, own, table }))
    };
    let servers: BTreeMap<String, Server> = typed.servers.into_iter().map(server).collect::<Result<_>>()?;
    if let Some(Mistake { server, need, message }) = needs::mistake(&servers, &order) {
        let place = DeTable::parse(text).ok().and_then(|tree| needs::place(tree.get_ref(), &server, &need));
        let shown_there = place.and_then(|place| excerpt(text, place)).unwrap_or_default();
        let failure = Failure::new(Kind::Invalid, format!("`needs` in `{shown}` is not right"))
            .why(shown_there + message.as_str())
            .help("correct `needs`, and check again with `banister check`");
        return Err(at(shown, &server, failure));
    }
    typed.notify.iter().try_for_each(Notify::check).map_err(|failure| {
        let place = format!("{shown}, `notify`");
        Failure { at: Some(place), ..failure }
    })?;
    let SiteFile { notify, home, unattended, metrics, window, closed, .. } = typed;
    let windows = Windows::read(&window, &closed)
        .map_err(|failure| Failure { at: Some(shown.to_owned()), ..failure })?;
    Ok(Typed { notify, home, unattended, metrics, windows, servers, order })
}

/// The names of the servers in the order of the text.
fn order(tree: &DeTable) -> Vec<String> {
    let servers = inside(tree, "servers");
    let mut names: Vec<(usize, String)> = servers
        .into_iter()
        .flat_map(|servers| servers.iter())
        .map(|(name, _)| (name.span().start, name.get_ref().to_string()))
        .collect();
    names.sort();
    names.into_iter().map(|(_, name)| name).collect()
}

/// Takes the keys of a kind out of a server's table, each with the place of its value.
fn take(tree: &mut Spanned<DeTable>, server: &str, facts: &Facts) -> BTreeMap<String, Range<usize>> {
    let Some(DeValue::Table(servers)) = tree.get_mut().get_mut("servers").map(Spanned::get_mut) else {
        return BTreeMap::new();
    };
    let Some(DeValue::Table(table)) = servers.get_mut(server).map(Spanned::get_mut) else {
        return BTreeMap::new();
    };
    let taken = facts.keys.keys().filter_map(|key| Some((key.clone(), table.remove(key.as_str())?.span())));
    taken.collect()
}

/// The keys of a kind in a server's table, which they are taken out of. `place` says where one is written.
fn own_keys(
    table: &mut toml::Table,
    facts: &Facts,
    place: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, serde_json::Value>> {
    let mut own = BTreeMap::new();
    for (name, key) in &facts.keys {
        if KEYS.contains(name) || ["name", "home", "facts", "own"].contains(&name.as_str()) {
            let message = format!("the kind has a key `{name}` of its own, which all servers have");
            return Err(Failure::new(Kind::Invalid, message).help("give it another name in its `kind.toml`"));
        }
        let value = table.remove(name);
        if let Some(said) = value.as_ref().and_then(|value| key.wrong(name, value)) {
            return Err(Failure::new(Kind::Invalid, format!("`{name}` is not right"))
                .why(place(name).unwrap_or_default() + said.as_str())
                .help(format!(
                    "read about it with `banister doc {name}`, and check again with `banister check`"
                )));
        }
        let value = value.as_ref().or(key.default.as_ref()).map(serde_json::to_value);
        own.insert(name.clone(), value.and_then(|value| value.ok()).unwrap_or_default());
    }
    Ok(own)
}

/// A place in a text, as the parser shows it.
fn excerpt(text: &str, place: Range<usize>) -> Option<String> {
    let before = text.get(..place.start)?;
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before[start..].chars().count() + 1;
    let shown = text[start..].lines().next()?;
    let bar = " ".repeat(line.to_string().len());
    let marks = "^".repeat(text.get(place)?.lines().next()?.chars().count().max(1));
    Some(format!(
        "TOML parse error at line {line}, column {column}\n{bar} |\n{line} | {shown}\n{bar} | {}{marks}\n",
        " ".repeat(column - 1)
    ))
}

fn at(shown: &str, server: &str, failure: Failure) -> Failure {
    let place = format!("{shown}, server `{server}`");
    Failure { at: Some(failure.at.unwrap_or(place)), ..failure }
}

/// The table with the keys that the kind says and that were not typed.
fn with_defaults(typed: Table, plain: Option<Value>, facts: &Facts) -> Result<Table> {
    let Some(Value::Table(mut table)) = plain.filter(|_| !facts.defaults.is_empty()) else {
        return Ok(typed);
    };
    for (key, value) in &facts.defaults {
        table.entry(key.clone()).or_insert_with(|| value.clone());
    }
    table.try_into().map_err(|error: toml::de::Error| {
        let message = format!("`defaults` in the `kind.toml` of the kind `{}` is not right", typed.kind);
        Failure::new(Kind::Invalid, message)
            .why(said::plainly(error.to_string().trim_end(), &[]).0)
            .help("correct it: its keys are those of a server's table in `site.toml`")
    })
}
