//! `banister adopt`.

use super::context::Context;
use super::new_site::{is_bare, site_folder};
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::kind::{Facts, Source, bundled};
use crate::machine::deployment::{Deployment, Found, Model, Place, Program};
use crate::machine::env_file::Dialect;
use crate::machine::files::{rewrite_durably, write_durably};
use crate::machine::git::{Checkout, tracking};
use crate::output::word;
use crate::site::{self, FILE, Site};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

mod table;

/// A project, as it becomes a server.
struct Project {
    name: String,
    kind: String,
    /// The folder with the Compose files.
    folder: PathBuf,
    /// The checkout that they are tracked in; nothing, if they are in none.
    checkout: Option<PathBuf>,
    /// The branch that is checked out, if no tag of that is a release.
    branch: Option<String>,
    /// The rules by which its Compose reads `.env`, if those of its kind give other values.
    dialect: Option<Dialect>,
}

/// Writes the table of a Compose project into `site.toml`, and says what it found.
pub fn adopt(context: &Context, folder: &Path) -> Result<u8> {
    let failed = || format!("there is no folder `{}`", folder.display());
    let folder = folder.canonicalize().or_fail(Kind::Invalid, failed)?;
    let (environment, stop) = (BTreeMap::new(), || false);
    // By whose rules `.env` is read depends on it.
    let program = Program::find(&folder, &environment, &stop);
    let dialect = program.as_ref().map_or(Dialect::Compose, Program::dialect);
    let deployment =
        Deployment { folder: folder.clone(), environment: &environment, project: None, dialect, stop: &stop };
    if deployment.files()?.is_empty() {
        let message = format!("there is no Compose file in `{}`", folder.display());
        return Err(Failure::new(Kind::Invalid, message).help(
            "name the folder with the `compose.yaml` or `docker-compose.yml`: `banister adopt FOLDER`",
        ));
    }
    let program = program?;
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
    let checkout = tracking(&folder, &model.files);
    let project = Project {
        name: name(&file, (&folder, checkout.as_deref()), &model)?,
        kind: kind(if checkout.is_some() { Source::Git } else { Source::Images })?,
        branch: checkout.as_deref().and_then(branch_without_releases),
        dialect: (dialect != Dialect::Compose && deployment.reads_otherwise(Dialect::Compose)?)
            .then_some(dialect),
        folder,
        checkout,
    };
    let table = table::table(&project, &model, &found);
    let head = "# The servers of this site. Each table is one installation.\n".to_owned();
    let text = match &before {
        Some(text) if text.is_empty() || text.ends_with('\n') => format!("{text}\n{table}"),
        Some(text) => format!("{text}\n\n{table}"),
        None => format!("{head}\n{table}"),
    };
    let failed = || {
        let message = format!("a table can't be added to `{}`", file.display());
        Failure::new(Kind::Invalid, message)
            .help("write each server as a table `[servers.NAME]` on lines of its own, then adopt again; nothing was changed")
    };
    if text.parse::<toml::Table>().is_err() {
        return Err(failed());
    }
    // What a link leads to is changed, and not the link.
    let file = file.canonicalize().unwrap_or(file);
    let around = file.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(around)
        .or_fail(Kind::Invalid, || format!("can't make `{}`", around.display()))?;
    // Other servers are in it: a power cut leaves it as it was.
    match before {
        Some(_) => rewrite_durably(&file, text.as_bytes())?,
        None => write_durably(&file, text.as_bytes())?,
    }
    report(context, &file, &project, &model, &found);
    Ok(0)
}

/// The site file that there is, else one in the configuration folder, or where the site is to be.
fn target(context: &Context) -> Result<PathBuf> {
    match site::find(context.given_site.as_deref()) {
        Ok(file) => Ok(file),
        Err(_) => Ok(site_folder(context)?.join(FILE)),
    }
}

/// A name for the server that no other has. Fails with [`Kind::Invalid`] if the folder is one of the site's already, or its
/// checkout.
fn name(file: &Path, (folder, checkout): (&Path, Option<&Path>), model: &Model) -> Result<String> {
    let servers = if file.exists() { Site::load(file)?.servers } else { BTreeMap::new() };
    let is_it = |at: &Path| at.canonicalize().is_ok_and(|at| at == folder || Some(at.as_path()) == checkout);
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

/// The bundled kind for projects with such a source of releases.
fn kind(source: Source) -> Result<String> {
    for name in bundled() {
        let facts = Facts::of(None, &name)?;
        if facts.adopts && facts.source == source {
            return Ok(name);
        }
    }
    Err(Failure::new(Kind::Bug, format!("no bundled kind is for Compose projects with {source:?}")))
}

/// The branch of a checkout whose tags are no releases, which therefore is followed.
fn branch_without_releases(folder: &Path) -> Option<String> {
    let checkout = Checkout::open(folder).ok()?;
    if checkout.releases().is_ok_and(|releases| releases.is_empty()) {
        checkout.position().ok()?.branch
    } else {
        None
    }
}

fn report(context: &Context, file: &Path, project: &Project, model: &Model, found: &Found) {
    let Project { name, kind, .. } = project;
    let (checkout, branch) = (&project.checkout, &project.branch);
    let project = model.project.as_deref().unwrap_or_default();
    let version = found.version.as_ref().map(|place| match place {
        Place::Setting(setting) => format!("the setting `{setting}` in `.env`"),
        Place::Services(services) => {
            let names: Vec<String> = services.iter().map(|name| format!("`{name}`")).collect();
            format!("the tag of {}", names.join(" and "))
        }
    });
    let databases: Vec<String> =
        found.databases.iter().map(|it| format!("{} in `{}`", it.database, it.service)).collect();
    if context.json {
        let wrote = json!({
            "file": file, "server": name, "kind": kind, "checkout": checkout, "branch": branch,
            "project": project, "version": version,
            "services": model.services.keys().collect::<Vec<_>>(), "databases": databases, "redis": found.redis,
            "volumes": found.volumes, "backup": found.files, "unknown": found.unknown,
        });
        println!("{wrote}");
        return;
    }
    println!("wrote the server `{name}` into {}", file.display());
    let version = match (checkout, branch) {
        (Some(_), Some(branch)) => format!("the branch `{branch}` of the checkout"),
        (Some(_), None) => "the tags of the checkout".into(),
        (None, _) => version.unwrap_or_else(|| "unknown".into()),
    };
    let services: Vec<&str> = model.services.keys().map(String::as_str).collect();
    let lines = [
        ("project", project.to_owned()),
        ("services", services.join(", ")),
        ("version", version),
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
