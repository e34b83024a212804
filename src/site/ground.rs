//! What backups need of a server.

use super::Server;
use crate::machine::archive::Own;
use crate::machine::backup::Place;
use crate::machine::compose::Project;
use std::path::PathBuf;

/// What a [`Place`] borrows.
pub struct Ground<'a> {
    server: &'a Server,
    own: Own,
    folder: PathBuf,
    project: Project,
    path: Box<dyn Fn(&str) -> PathBuf + 'a>,
}

impl Server {
    /// As the ground of backups; `own` is what is no data of it, and `project` names another one than its own.
    pub fn ground(&self, own: Own, project: Option<&str>) -> Ground<'_> {
        let (folder, project) = (self.make_folder(), self.project(project));
        Ground { server: self, own, folder, project, path: Box::new(|path| self.path(path)) }
    }

    /// Its Compose project, or the one that a script names.
    pub fn project(&self, given: Option<&str>) -> Project {
        match given.or(self.project.as_deref()) {
            Some(name) => Project::Named(name.to_owned()),
            None => Project::In(self.make_folder()),
        }
    }
}

impl Ground<'_> {
    /// The server as backups see it.
    pub fn place<'p>(&'p self, stop: &'p dyn Fn() -> bool) -> Place<'p> {
        Place {
            environment: &self.server.environment,
            project: &self.project,
            path: &self.path,
            folder: &self.folder,
            dumps: &self.server.dumps,
            own: &self.own,
            stop,
        }
    }
}
