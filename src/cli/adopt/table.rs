//! The table of an adopted server in `site.toml`.

use super::Project;
use crate::machine::compose::project_name;
use crate::machine::deployment::{Engine, Found, Model, Place};
use std::path::Path;

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// The table: what was found, and what only a person can say as comments.
pub fn table(project: &Project, model: &Model, found: &Found) -> String {
    let Project { name, kind, folder, .. } = project;
    let checkout = project.checkout.as_ref().unwrap_or(folder);
    let within = folder.strip_prefix(checkout).map(Path::to_owned).unwrap_or_default();
    let mut text = format!("[servers.{name}]\nkind = {}\n", quoted(kind));
    text += match project.checkout {
        Some(_) => "# The git checkout with the Compose files.\n",
        None => "# The folder with the Compose files.\n",
    };
    text += &format!("checkout = {}\n", quoted(&checkout.display().to_string()));
    if within != Path::new("") {
        text +=
            &format!("# The folder in it with them.\nfolder = {}\n", quoted(&within.display().to_string()));
    }
    if let Some(branch) = &project.branch {
        text += &format!("# No tag is a release: updates follow this branch.\nbranch = {}\n", quoted(branch));
    }
    if let Some(dialect) = project.dialect {
        text += &format!(
            "# Compose 1 reads `.env` otherwise than Compose 2.
dialect = {}
",
            quoted(dialect.name())
        );
    }
    let is_git = project.checkout.is_some();
    let project = model.project.as_deref().unwrap_or_default();
    if project_name(folder).as_deref() != Some(project) {
        text += &format!(
            "# The Compose project, which has another name than the folder.\nproject = {}\n",
            quoted(project)
        );
    }
    if is_git {
        text += "# Commands in the place of `docker compose pull` and `up`, if it has an install script.\n";
        text += "# commands = { build = [\"./install.sh\"] }\n";
        text += "# Tracked files that you edit.\n# edits = [\"env/*\"]\n";
        text += "# What a backup holds besides `.env` and an override file.\n";
    } else {
        text += "# Where the version of its images is written: a setting in `.env`, or the tag of a service's image.\n";
        text += &match &found.version {
            Some(Place::Setting(setting)) => format!("version = {{ setting = {} }}\n", quoted(setting)),
            Some(Place::Services(services)) => {
                let together =
                    if services.len() > 1 { "# Their images have one tag, and move together.\n" } else { "" };
                format!("{together}version = {{ service = {} }}\n", quoted(&services.join(" ")))
            }
            None => "# version = { service = \"app\" }\n".into(),
        };
        text += "# What a backup holds besides `.env` and the Compose files.\n";
    }
    // Paths are in the checkout.
    let files = found.files.iter().map(|file| quoted(&within.join(file).display().to_string()));
    text += &format!("backup = {}\n", list(files));
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
