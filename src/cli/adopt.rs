//! `banister adopt`.

use super::context::Context;
use super::new_site::{is_bare, site_folder};
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::kind::{Facts, Source, bundled};
use crate::machine::compose::project_name;
use crate::machine::deployment::{Deployment, Engine, Found, Model, Place, Program, has_compose_file};
use crate::machine::files::{rewrite_durably, write_durably};
use crate::output::word;
use crate::site::{self, FILE, Site};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Writes the table of a Compose project into `site.toml`, and says what it found.
pub fn adopt(context: &Context, folder: &Path) -> Result<u8> {
    let failed = || format!("there is no folder `{}`", folder.display());
    let folder = folder.canonicalize().or_fail(Kind::Invalid, failed)?;
    if !has_compose_file(&folder) {
        let message = format!("there is no Compose file in `{}`", folder.display());
        return Err(Failure::new(Kind::Invalid, message).help(
            "name the folder with the `compose.yaml` or `docker-compose.yml`: `banister adopt FOLDER`",
        ));
    }
    let (environment, stop) = (BTreeMap::new(), || false);
    let deployment =
        Deployment { folder: folder.clone(), environment: &environment, project: None, stop: &stop };
    let program = Program::find(&folder, &environment, &stop)?;
    let model = deployment.model(&program)?;
    let found = deployment.survey(&model)?;

    let file = target(context)?;
    let before = match file.exists() {
        true => Some(
            std::fs::read_to_string(&file)
                .or_fail(Kind::Invalid, || format!("can't read `{}`", file.display()))?,
        ),
        false => None,
    };
    let name = name(&file, &folder, &model)?;
    let kind = kind()?;
    let table = table((&name, &kind), &folder, &model, &found);
    let head = "# The servers of this site. Each table is one installation.\n".to_owned();
    let text = match &before {
        Some(text) if text.is_empty() || text.ends_with('\n') => format!("{text}\n{table}"),
        Some(text) => format!("{text}\n\n{table}"),
        None => format!("{head}\n{table}"),
    };
    let around = file.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(around)
        .or_fail(Kind::Invalid, || format!("can't make `{}`", around.display()))?;
    // Other servers are in it: a power cut leaves it as it was.
    match before {
        Some(_) => rewrite_durably(&file, text.as_bytes())?,
        None => write_durably(&file, text.as_bytes())?,
    }
    report(context, &file, (&name, &kind), &model, &found);
    Ok(0)
}

/// The site file that there is, else one in the configuration folder, or where the site is to be.
fn target(context: &Context) -> Result<PathBuf> {
    match site::find(context.given_site.as_deref()) {
        Ok(file) => Ok(file),
        Err(_) => Ok(site_folder(context)?.join(FILE)),
    }
}

/// A name for the server that no other has. Fails with [`Kind::Invalid`] if the folder is one of the site's already.
fn name(file: &Path, folder: &Path, model: &Model) -> Result<String> {
    let servers = if file.exists() { Site::load(file)?.servers } else { BTreeMap::new() };
    let is_it = |checkout: &Path| checkout.canonicalize().is_ok_and(|checkout| checkout == folder);
    if let Some((name, _)) = servers.iter().find(|(_, it)| it.ssh.is_none() && is_it(&it.checkout)) {
        let message =
            format!("`{}` is the server `{name}` of `{}` already", folder.display(), file.display());
        return Err(Failure::new(Kind::Invalid, message).help("edit its table, or remove it and adopt again"));
    }
    let own = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let wanted = [own, model.project.clone(), Some("server".into())];
    let wanted = wanted.into_iter().flatten().find(|name| is_bare(name)).unwrap_or_default();
    let numbered = (2..).map(|n| format!("{wanted}-{n}"));
    let mut names = std::iter::once(wanted.clone()).chain(numbered);
    Ok(names.find(|name| !servers.contains_key(name)).unwrap_or(wanted))
}

/// The kind of what is adopted: the bundled one whose releases are tags of images.
fn kind() -> Result<String> {
    for name in bundled() {
        if Facts::of(None, &name)?.source == Source::Images {
            return Ok(name);
        }
    }
    Err(Failure::new(Kind::Bug, "no bundled kind has tags of images as its releases"))
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// The table: what was found, and what only a person can say as comments.
fn table((name, kind): (&str, &str), folder: &Path, model: &Model, found: &Found) -> String {
    let mut text = format!(
        "[servers.{name}]\nkind = {}\n# The folder with the Compose files.\ncheckout = {}\n",
        quoted(kind),
        quoted(&folder.display().to_string())
    );
    let project = model.project.as_deref().unwrap_or_default();
    if project_name(folder).as_deref() != Some(project) {
        text += &format!(
            "# The Compose project, which has another name than the folder.\nproject = {}\n",
            quoted(project)
        );
    }
    text += "# Where the version of its images is written: a setting in `.env`, or the tag of a service's image.\n";
    text += &match &found.version {
        Some(Place::Setting(setting)) => format!("version = {{ setting = {} }}\n", quoted(setting)),
        Some(Place::Service(service)) => format!("version = {{ service = {} }}\n", quoted(service)),
        None => "# version = { service = \"app\" }\n".into(),
    };
    text += "# What a backup holds besides `.env` and the Compose files.\n";
    text += &format!("backup = {}\n", list(found.files.iter().map(|file| quoted(file))));
    if !found.volumes.is_empty() {
        let volumes = found.volumes.iter().map(|volume| format!("{{ volume = {} }}", quoted(volume)));
        text += &format!("volumes = {}\n", list(volumes));
    }
    if !found.databases.is_empty() {
        let databases = found.databases.iter().map(|it| {
            let engine = match it.engine {
                Engine::Postgres => "",
                Engine::Mariadb => ", engine = \"mariadb\"",
            };
            format!("{{ service = {}, database = {}{engine} }}", quoted(&it.service), quoted(&it.database))
        });
        text += &format!("databases = {}\n", list(databases));
    }
    if !found.redis.is_empty() {
        let redis = found.redis.iter().map(|service| format!("{{ service = {} }}", quoted(service)));
        text += &format!("redis = {}\n", list(redis));
    }
    text += "# What must answer 200 when it is healthy, besides its containers.\n# health = [\"http://127.0.0.1:8080/\"]\n";
    text += "# Which tags are releases, and which must be installed before later ones; see `banister doc releases`.\n";
    text += "# releases = { not = [\"2.7.0\"], stops = \"each_major\" }\n";
    text += "# The folder of the backups, and which of them stay.\n# backups = \"~/backups\"\n";
    text + "# keep = { last = 3, daily = 7, weekly = 5, within = \"2d\" }\n"
}

fn report(context: &Context, file: &Path, (name, kind): (&str, &str), model: &Model, found: &Found) {
    let project = model.project.as_deref().unwrap_or_default();
    let version = found.version.as_ref().map(|place| match place {
        Place::Setting(setting) => format!("the setting `{setting}` in `.env`"),
        Place::Service(service) => format!("the tag of `{service}`"),
    });
    let databases: Vec<String> =
        found.databases.iter().map(|it| format!("{} in `{}`", it.database, it.service)).collect();
    if context.json {
        let wrote = json!({
            "file": file, "server": name, "kind": kind, "project": project, "version": version,
            "services": model.services.keys().collect::<Vec<_>>(), "databases": databases, "redis": found.redis,
            "volumes": found.volumes, "backup": found.files, "unknown": found.unknown,
        });
        println!("{wrote}");
        return;
    }
    println!("wrote the server `{name}` into {}", file.display());
    let services: Vec<&str> = model.services.keys().map(String::as_str).collect();
    let lines = [
        ("project", project.to_owned()),
        ("services", services.join(", ")),
        ("version", version.unwrap_or_else(|| "unknown".into())),
        ("databases", databases.join(", ")),
        ("redis", found.redis.join(", ")),
        ("volumes", found.volumes.join(", ")),
        ("files", found.files.join(", ")),
    ];
    for (what, is) in lines.iter().filter(|(_, is)| !is.is_empty()) {
        println!("  {what:<10} {is}");
    }
    for sentence in &found.unknown {
        println!("  {} {sentence}", context.style.warn("note"));
    }
    let plan = match context.given_server.is_some() {
        true => context.command("plan update"),
        false => context.command(&format!("plan update --server {}", word(name))),
    };
    println!("{}  review it, then: {plan}", context.style.bold("next:"));
}
