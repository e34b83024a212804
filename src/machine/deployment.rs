//! A folder with Compose files and an `.env`: what Compose makes of it, and where the version of its images is written.
//!
//! What is meant is asked of Compose itself, and what is there of the labels of containers; names are never taken apart.
//! Values of the environment are secrets, and are not kept.

mod asked;
mod compared;
mod files;
mod floating;
mod half;
mod model;
mod place;
mod program;
mod settings;
mod survey;
mod versioned;

use super::compose::{Docker, Project, project_name};
use super::env_file::Dialect;
use crate::command::{Looked, Spec, look};
use crate::failure::{Failure, Kind, Result};
use crate::units::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use asked::{Registries, Versions};
pub use compared::compare;
pub use files::{compose_files, has_compose_file};
pub use floating::Standing;
pub use model::{Model, Mounted, Part};
pub use place::{FORM, Named, Place, Written};
pub use program::Program;
pub use settings::SettingsFile;
pub use survey::{Engine, Found};
pub use versioned::Versioned;

/// How long Compose may take to say what is meant.
const WITHIN: Duration = Duration::seconds(60);

/// The folder, and how its commands are run.
pub struct Deployment<'a> {
    /// Where Compose runs.
    pub folder: PathBuf,
    /// Variables for its commands; nothing else of ours that could be taken for a setting is inherited.
    pub environment: &'a BTreeMap<String, String>,
    /// The project's name, if the site says it.
    pub project: Option<&'a str>,
    /// By whose rules Compose reads `.env`.
    pub dialect: Dialect,
    pub stop: &'a dyn Fn() -> bool,
}

impl Deployment<'_> {
    /// A command of Compose in the folder, without a time limit.
    pub fn spec(&self, program: &Program, arguments: impl IntoIterator<Item = String>) -> Spec {
        let mut spec = Spec::new(program.words.iter().cloned().chain(arguments), &self.folder);
        spec.environment = self.environment.clone();
        spec.clean = true;
        spec
    }

    /// The settings that Compose reads. Those of the environment come first.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        if let Some(value) = self.environment.get(name) {
            return Ok(Some(value.clone()));
        }
        match self.settings_file().open(self.environment)? {
            Some(file) => file.get(name),
            None => Ok(None),
        }
    }

    /// What Compose says of the folder. Fails with [`Kind::NotFound`] if there is no Compose, and with
    /// [`Kind::CommandFailed`], in its own words, if it does not take the files.
    pub fn model(&self, program: &Program) -> Result<Model> {
        let known = self.name()?;
        let profiles = self.profiles()?;
        let ask = |project: Option<&String>| {
            let words = project.iter().flat_map(|name| ["-p".to_owned(), name.to_string()]).collect();
            Model::parse(&self.config(program, words)?.stdout, program, &profiles)
        };
        // What was made under another name is still it. Mostly it was not, and Compose need not be asked again.
        let is_said = self.project.is_some() || !program.speaks_json();
        let mut model = ask(known.as_ref().filter(|_| is_said))?;
        let mut otherwise = None;
        if let Some(name) = known.as_ref().filter(|name| !is_said && model.project.as_ref() != Some(*name)) {
            otherwise = model.project.take();
            model = ask(Some(name))?;
        }
        let project = match (known, model.project.clone()) {
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => self.usual()?,
        };
        model.otherwise = otherwise;
        model.call(project, program);
        model.files =
            compose_files(&self.folder, self.setting("COMPOSE_FILE")?.as_deref(), &self.separator()?);
        Ok(model)
    }

    /// What Compose says of the folder, whatever its containers are called. `before` is what stands before the command, and
    /// may name a project and files. Fails as [`Deployment::model`] does.
    pub fn meant(&self, program: &Program, before: &[String]) -> Result<Model> {
        let looked = self.config(program, before.to_vec())?;
        let profiles = self.profiles()?;
        let mut model = Model::parse(&looked.stdout, program, &profiles)?;
        let named = before.iter().position(|word| word == "-p").and_then(|at| before.get(at + 1)).cloned();
        let project = match named.or(model.project.clone()) {
            Some(name) => name,
            None => self.usual()?,
        };
        model.call(project, program);
        Ok(model)
    }

    /// The profiles that are on.
    fn profiles(&self) -> Result<Vec<String>> {
        let profiles = self.setting("COMPOSE_PROFILES")?.unwrap_or_default();
        Ok(profiles.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect())
    }

    /// Whether Compose would find files in this folder itself.
    pub fn has_files(&self) -> Result<bool> {
        let named = self.setting("COMPOSE_FILE")?.is_some_and(|it| !it.is_empty());
        Ok(named || has_compose_file(&self.folder))
    }

    /// The Compose files that the containers of the project were made from, as far as their labels say it; nothing if there are
    /// no containers. Fails as [`Docker::services`] does.
    pub fn files_of_containers(&self) -> Result<Option<Vec<PathBuf>>> {
        let docker = Docker { environment: self.environment, within: WITHIN, stop: self.stop };
        let project = match self.project {
            Some(name) => Project::Named(name.to_owned()),
            None => Project::In(self.folder.clone()),
        };
        let found = docker.services(&project, None)?;
        // Those of the newest: some may be left of what was there before.
        let newest = found.into_iter().max_by(|one, other| one.started_at.cmp(&other.started_at));
        Ok(newest.map(|service| service.files))
    }

    /// What the project is called, if the site or its containers say it; else it is for Compose to say.
    pub fn name(&self) -> Result<Option<String>> {
        match self.project {
            Some(name) => Ok(Some(name.to_owned())),
            None => self.labelled(),
        }
    }

    /// As the labels of its containers say; nothing if there are none, or no Docker that could say.
    fn labelled(&self) -> Result<Option<String>> {
        let docker = Docker { environment: self.environment, within: WITHIN, stop: self.stop };
        let found = match docker.services(&Project::In(self.folder.clone()), None) {
            Err(failure) if matches!(failure.kind, Kind::NotFound | Kind::Unreachable) => return Ok(None),
            found => found?,
        };
        let names: BTreeSet<String> = found.into_iter().map(|service| service.project).collect();
        Ok(names.into_iter().next())
    }

    /// As Compose calls a project whose files say nothing of it.
    fn usual(&self) -> Result<String> {
        if let Some(name) = self.setting("COMPOSE_PROJECT_NAME")?.filter(|name| !name.is_empty()) {
            return Ok(project_name(Path::new(&name)).unwrap_or(name));
        }
        let real = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        project_name(&real).filter(|name| !name.is_empty()).ok_or_else(|| {
            let message = format!("`{}` gives its Compose project no name", real.display());
            Failure::new(Kind::Invalid, message).help("name it in site.toml: `project = \"NAME\"`")
        })
    }

    fn separator(&self) -> Result<String> {
        Ok(self.setting("COMPOSE_PATH_SEPARATOR")?.filter(|it| !it.is_empty()).unwrap_or_else(|| ":".into()))
    }

    /// The files, as far as they are known without Compose.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(compose_files(&self.folder, self.setting("COMPOSE_FILE")?.as_deref(), &self.separator()?))
    }

    /// `config`, with these words before it.
    fn config(&self, program: &Program, before: Vec<String>) -> Result<Looked> {
        let json: &[&str] = if program.speaks_json() { &["--format", "json"] } else { &[] };
        let words = ["config"].iter().chain(json).map(|word| word.to_string());
        self.look(program, before.into_iter().chain(words))
    }

    fn look(&self, program: &Program, arguments: impl IntoIterator<Item = String>) -> Result<Looked> {
        let mut spec = self.spec(program, arguments);
        spec.within = Some(WITHIN);
        let looked = look(&spec, self.stop)?;
        if looked.exit.success() { Ok(looked) } else { Err(refusal(&looked)) }
    }
}

/// How many of the last lines that Compose wrote are shown.
const SHOWN: usize = 5;

/// Why Compose did not do it, in its own words.
fn refusal(looked: &Looked) -> Failure {
    let lines: Vec<&str> = looked.stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let failure = Failure::new(Kind::CommandFailed, "Compose does not take the files of the project");
    let failure = match lines.is_empty() {
        true => failure.why(&looked.exit),
        false => lines[lines.len().saturating_sub(SHOWN)..].iter().fold(failure, |it, line| it.why(*line)),
    };
    failure.help("see all of it with `docker compose config --quiet` in the folder of the project")
}
