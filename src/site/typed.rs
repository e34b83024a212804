//! From what was typed in `site.toml` to what it means: with the keys that the kind of a server says.

use super::{Server, Table, said};
use crate::failure::{Failure, Kind, Result};
use crate::kind::Facts;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What `site.toml` says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteFile {
    servers: BTreeMap<String, Table>,
}

/// The servers in a text. `shown` is the name of the file for people, and `folder` where it is.
pub fn servers(text: &str, shown: &str, folder: Option<&Path>) -> Result<BTreeMap<String, Server>> {
    let wrong = |error: toml::de::Error| {
        let (said, keys) = said::plainly(error.to_string().trim_end());
        let keys = keys.map(|keys| format!("; the keys there: {}", keys.join(", "))).unwrap_or_default();
        Failure::new(Kind::Invalid, format!("`{shown}` is not right"))
            .why(said)
            .help(format!("correct it and check again with `banister check`{keys}"))
    };
    let typed: SiteFile = toml::from_str(text).map_err(wrong)?;
    let mut plain: toml::Table = toml::from_str(text).map_err(wrong)?;
    let mut plain = plain.remove("servers").and_then(|servers| match servers {
        toml::Value::Table(servers) => Some(servers),
        _ => None,
    });
    let server = |(name, table): (String, Table)| {
        let plain = plain.as_mut().and_then(|servers| servers.remove(&name));
        let facts = Facts::of(folder, &table.kind).map_err(|failure| at(shown, &name, failure))?;
        let table = with_defaults(table, plain, &facts).map_err(|failure| at(shown, &name, failure))?;
        let (site_folder, neighbours) = (None, Vec::<PathBuf>::new());
        Ok((name.clone(), Server { name, site_folder, neighbours, facts, table }))
    };
    typed.servers.into_iter().map(server).collect()
}

fn at(shown: &str, server: &str, failure: Failure) -> Failure {
    Failure { at: Some(format!("{shown}, server `{server}`")), ..failure }
}

/// The table with the keys that the kind says and that were not typed.
fn with_defaults(typed: Table, plain: Option<toml::Value>, facts: &Facts) -> Result<Table> {
    let Some(toml::Value::Table(mut table)) = plain.filter(|_| !facts.defaults.is_empty()) else {
        return Ok(typed);
    };
    for (key, value) in &facts.defaults {
        table.entry(key.clone()).or_insert_with(|| value.clone());
    }
    table.try_into().map_err(|error: toml::de::Error| {
        let message = format!("`defaults` in the `kind.toml` of the kind `{}` is not right", typed.kind);
        Failure::new(Kind::Invalid, message)
            .why(said::plainly(error.to_string().trim_end()).0)
            .help("correct it: its keys are those of a server's table in `site.toml`")
    })
}
