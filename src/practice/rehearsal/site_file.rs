//! The site of a rehearsal: what the real one says of its server, but for all that leads to it.

use super::original::Original;
use super::server::Server;
use super::simple::Simple;
use super::tools;
use crate::failure::{Context, Kind, Result};
use crate::kind::{Facts, Form};
use crate::practice::world::{self, make_folder};
use std::path::Path;
use toml::{Table, Value};

/// What a practice server takes over from the real one. All else is about where that is.
const KEPT: [&str; 6] = ["kind", "targets", "folder", "keep", "secrets", "not_secrets"];

/// Writes `site.toml` of the folder `dir`, whose scripts find programs in `tools`.
pub fn write(server: &Server, original: &Original, dir: &Path, tools: &Path) -> Result<()> {
    let home = dir.join("home");
    let mut table = match server {
        Server::Hoss(practice) => {
            let text = std::fs::read_to_string(practice.site()).unwrap_or_default();
            let site: Table = text.parse().or_fail(Kind::Bug, || "the site of the practice server".into())?;
            match site.get("servers").and_then(|servers| servers.get("practice")) {
                Some(Value::Table(table)) => table.clone(),
                _ => Table::new(),
            }
        }
        Server::Simple(made) => simple(made, original, dir, &home)?,
    };
    let path = tools::path(dir, tools).to_string_lossy().into_owned();
    let mut environment: Table =
        original.table.get("environment").and_then(Value::as_table).cloned().unwrap_or_default();
    environment.insert("HOME".into(), home.display().to_string().into());
    environment.insert("PATH".into(), path.into());
    table.insert("environment".into(), environment.into());
    let healthy = [("within", "10s"), ("stable", "100ms")];
    let healthy: Table = healthy.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    table.insert("healthy".into(), healthy.into());
    let servers = Table::from_iter([(original.name.clone(), Value::Table(table))]);
    let site = Table::from_iter([("servers".to_owned(), Value::Table(servers))]);
    world::write(&dir.join("site.toml"), format!("# A rehearsal.\n{site}"))
}

/// The table of a server of which only a folder is known, and what its backup holds.
fn simple(made: &Simple, original: &Original, dir: &Path, home: &Path) -> Result<Table> {
    let facts = Facts::of(Some(&original.folder), original.kind())?;
    let is_kept = |key: &&String| KEPT.contains(&key.as_str()) && !facts.keys.contains_key(*key);
    let kept = original.table.keys().filter(is_kept);
    let mut table: Table = kept.map(|key| (key.clone(), original.table[key].clone())).collect();
    // Also what holds where the table says nothing.
    for (key, declared) in &facts.keys {
        let said = original.table.get(key).or_else(|| facts.defaults.get(key)).or(declared.default.as_ref());
        let value = said.and_then(|value| harmless(declared.form, value, home));
        table.extend(value.map(|value| (key.clone(), value)));
    }
    table.insert("checkout".into(), made.checkout().display().to_string().into());
    table.insert("backups".into(), "~/backups".into());
    let fault = dir.join("faults/health").display().to_string();
    let command: Vec<Value> = ["test", "!", "-e", &fault].into_iter().map(Value::from).collect();
    let check = Table::from_iter([("command".to_owned(), Value::from(command))]);
    table.insert("health".into(), vec![Value::Table(check)].into());
    let listed = original.table.get("backup").and_then(Value::as_array).into_iter().flatten();
    let mut paths = Vec::new();
    for path in listed.filter_map(Value::as_str) {
        let path = path.trim_start_matches("~/").trim_start_matches('/');
        let is_inside = !path.split('/').any(|part| part == "..") && !matches!(path, "" | "." | "~");
        let path = if is_inside { format!("data/{path}") } else { "data/all".to_owned() };
        world::write(&home.join(&path).join("kept"), "kept\n")?;
        paths.push(Value::from(format!("~/{path}")));
    }
    table.insert("backup".into(), paths.into());
    if let Some(dumps) = original.table.get("dumps").and_then(Value::as_table) {
        let dumped =
            |name: &String| (name.clone(), Value::from(vec![Value::from("echo"), Value::from("dumped")]));
        table.insert("dumps".into(), dumps.keys().map(dumped).collect::<Table>().into());
    }
    if original.table.get("maintenance").is_some_and(Value::is_table) {
        let nothing = || Value::from(vec![Value::from("true")]);
        let commands = ["begin", "end"].map(|word| (word.to_owned(), nothing()));
        table.insert("maintenance".into(), Table::from_iter(commands).into());
    }
    if let Some(file) = original.table.get("env_file").and_then(Value::as_str) {
        let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy().into_owned();
        world::write(&home.join(&name), "")?;
        table.insert("env_file".into(), format!("~/{name}").into());
    }
    Ok(table)
}

/// What a kind's own key says, without a way to the real server: commands are make targets of the checkout, of the names that they
/// have, and paths lead into the home. Nothing, if it says how the real server is asked.
fn harmless(form: Form, value: &Value, home: &Path) -> Option<Value> {
    let moved = |text: &str| match text.trim_start_matches('~').strip_prefix('/') {
        Some(path) => home.join("elsewhere").join(path).display().to_string(),
        None => text.to_owned(),
    };
    Some(match (form, value) {
        (Form::TextsAndCommands, _) => return None,
        (Form::Commands, Value::Table(commands)) => {
            let target = |name: &String| Value::from(vec![Value::from("make"), Value::from(name.as_str())]);
            commands.keys().map(|name| (name.clone(), target(name))).collect::<Table>().into()
        }
        (_, Value::String(text)) => moved(text).into(),
        (_, Value::Array(items)) => {
            let items = items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.clone(), |text| moved(text).into()));
            items.collect::<Vec<Value>>().into()
        }
        (_, Value::Table(table)) => {
            let text =
                |value: &Value| value.as_str().map_or_else(|| value.clone(), |text| moved(text).into());
            table.iter().map(|(name, value)| (name.clone(), text(value))).collect::<Table>().into()
        }
        (_, value) => value.clone(),
    })
}

/// Copies a folder of scripts, if it is there.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("can't copy `{}`", from.display());
    if !from.is_dir() {
        return Ok(());
    }
    make_folder(to)?;
    for entry in std::fs::read_dir(from).or_fail(Kind::Invalid, failed)? {
        let entry = entry.or_fail(Kind::Invalid, failed)?;
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target)?,
            false => drop(std::fs::copy(entry.path(), target).or_fail(Kind::Invalid, failed)?),
        }
    }
    Ok(())
}
