//! What backups need of a server.

use super::Server;
use crate::machine::archive::Own;
use crate::machine::backup::Place;
use std::path::PathBuf;

/// What a [`Place`] borrows.
pub struct Ground<'a> {
    server: &'a Server,
    own: Own,
    folder: PathBuf,
    path: Box<dyn Fn(&str) -> PathBuf + 'a>,
}

impl Server {
    /// As the ground of backups; `own` is what is no data of it.
    pub fn ground(&self, own: Own) -> Ground<'_> {
        Ground { server: self, own, folder: self.make_folder(), path: Box::new(|path| self.path(path)) }
    }
}

impl Ground<'_> {
    /// The server as backups see it.
    pub fn place<'p>(&'p self, project: Option<&'p str>, stop: &'p dyn Fn() -> bool) -> Place<'p> {
        Place {
            environment: &self.server.environment,
            project,
            path: &self.path,
            folder: &self.folder,
            dumps: &self.server.dumps,
            own: &self.own,
            stop,
        }
    }
}
