//! The arguments of `docker-compose`, taken apart, and the project that they name.

use super::file::{self, Project};
use crate::failure::{Failure, Kind, Result};
use crate::practice::world::World;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The Compose project of a Hoss server.
pub const PROJECT: &str = "server";

/// What stands before the command, and the command with its arguments.
pub struct Call {
    pub files: Vec<PathBuf>,
    env_file: Option<PathBuf>,
    pub project: Option<String>,
    pub command: Vec<String>,
}

impl Call {
    /// Takes the arguments apart.
    pub fn read(arguments: &[String]) -> Result<Call> {
        let mut call = Call { files: vec![], env_file: None, project: None, command: vec![] };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let (name, attached) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_string())),
                _ => (argument.as_str(), None),
            };
            let mut value = || {
                let missing = || Failure::new(Kind::Invalid, format!("{name} needs a value"));
                attached.clone().or_else(|| rest.next().cloned()).ok_or_else(missing)
            };
            match name {
                "-f" | "--file" => call.files.push(value()?.into()),
                "--env-file" => call.env_file = Some(value()?.into()),
                "-p" | "--project-name" => call.project = Some(value()?),
                "--project-directory" | "--ansi" | "--log-level" | "--profile" => _ = value()?,
                "-v" | "--version" => call.command = vec!["version".into()],
                _ if name.starts_with('-') => {}
                _ => {
                    call.command = [vec![argument.clone()], rest.cloned().collect()].concat();
                    break;
                }
            }
        }
        Ok(call)
    }

    /// Reads the files that it names.
    pub fn load(&self, world: &World) -> Result<Project> {
        let failed = |error| Failure::new(Kind::NotFound, "the current folder is gone").why(error);
        let cwd = std::env::current_dir().map_err(failed)?;
        let env_file = cwd.join(self.env_file.clone().unwrap_or_else(|| ".env".into()));
        let mut variables: BTreeMap<String, String> = match std::fs::read(&env_file) {
            // Compose reads bytes.
            Ok(bytes) => file::env_file(&String::from_utf8_lossy(&bytes)),
            Err(_) if self.env_file.is_none() => BTreeMap::new(),
            Err(error) => {
                let message = format!("Couldn't find env file: {}", env_file.display());
                return Err(Failure::new(Kind::NotFound, message).why(error));
            }
        };
        let own = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        variables.extend(own);
        let standard = vec![PathBuf::from("docker-compose.yaml")];
        let files = if self.files.is_empty() { &standard } else { &self.files };
        let mut project = file::load(files, &cwd, &variables)?;
        if let Some(name) = self.project.as_ref().or_else(|| variables.get("COMPOSE_PROJECT_NAME")) {
            project.name = name.clone();
        }
        // What only reads may read a copy that is elsewhere.
        if self.command.first().is_none_or(|word| word != "config") && !world.owns(&project.folder) {
            let message = format!(
                "`{}` is outside of the practice server `{}`",
                project.folder.display(),
                world.dir().display()
            );
            return Err(Failure::new(Kind::Refused, message));
        }
        Ok(project)
    }
}
