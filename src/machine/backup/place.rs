//! The server that a backup is of, as far as backups need it.

use super::Dump;
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::Own;
use crate::machine::compose::{Docker, Project, Service};
use crate::machine::search::Search;
use crate::units::Duration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How long a short question to Docker may take.
const ASKING: Duration = Duration::seconds(60);
/// How long a snapshot may take, or putting one back.
const SNAPSHOT: Duration = Duration::seconds(3600);

/// The server that a backup is of.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Variables for the commands that act on it.
    pub environment: &'a BTreeMap<String, String>,
    /// Its Compose project.
    pub project: &'a Project,
    /// Where a path, as it is written in the site or by a script, is.
    pub path: &'a dyn Fn(&str) -> PathBuf,
    /// The folder in which its own commands run.
    pub folder: &'a Path,
    /// The commands whose output is backed up, by the member's name.
    pub dumps: &'a BTreeMap<String, Dump>,
    /// Folders that are no data of it, and that no restore replaces.
    pub own: &'a Own,
    pub stop: &'a dyn Fn() -> bool,
}

impl<'a> Place<'a> {
    pub fn docker(&self) -> Docker<'a> {
        Docker { environment: self.environment, within: ASKING, stop: self.stop }
    }

    /// The running container of a service. Fails with [`Kind::Unreachable`] if Docker is about to start it again, and with
    /// [`Kind::Refused`] if it does not run otherwise.
    pub fn running(&self, service: &str) -> Result<Service> {
        let found = self.docker().service(self.project, service)?;
        match found.running && !found.restarting {
            true => Ok(found),
            false => Err(Failure::new(
                if found.restarting { Kind::Unreachable } else { Kind::Refused },
                format!("`{}` does not run: it is {}", found.name, found.state),
            )
            .help(format!("see why with `docker logs {}`, then start it", found.name))),
        }
    }

    /// What there is to say of something that failed in the container of a service: that it does not run any more, if so.
    /// Docker names it by its id only then, and a connection that is refused tells even less.
    pub fn explain(&self, service: &str, failure: Failure) -> Failure {
        match self.running(service) {
            // It may have been what failed.
            Err(reason) if reason.message == failure.message => failure,
            Err(reason) if failure.kind != Kind::Interrupted && reason.kind != Kind::Interrupted => {
                failure.why.iter().fold(reason.why(&failure.message), |reason, why| reason.why(why))
            }
            _ => failure,
        }
    }

    /// The address of a search service's port on this machine.
    pub fn search_url(&self, service: &str, port: u16) -> Result<String> {
        let container = self.running(service)?;
        let address = self.docker().reachable(&container.id, port)?;
        Ok(format!("http://{address}"))
    }

    pub fn search<'s>(&self, url: &'s str) -> Search<'s>
    where
        'a: 's,
    {
        Search { url, within: SNAPSHOT, stop: self.stop }
    }
}

/// How long removing what was made for a moment may take.
const TIDYING: std::time::Duration = std::time::Duration::from_secs(300);

/// A `stop` for tidying up. A signal that asked to stop must not cut that off, and it must not take for ever.
pub fn only_when_late() -> impl Fn() -> bool {
    let until = Instant::now() + TIDYING;
    move || Instant::now() > until
}

/// What was tried, when it was tidied up: why it could not be done comes before why something is left of it.
pub fn tidied<T>(tried: Result<T>, tidied: Result<()>) -> Result<T> {
    match (tried, tidied) {
        (Err(failure), Err(left)) => Err(failure.why(format!("something is left of it: {left}"))),
        (tried, Ok(())) => tried,
        (Ok(_), Err(left)) => Err(left),
    }
}

/// How long a service that was just started may take to answer.
const STARTING: std::time::Duration = std::time::Duration::from_secs(90);

/// Asks a service again and again until there is an answer, as one that was just started. A service that does not run,
/// or says no, is not waited for.
pub fn answers<T>(place: &Place, service: &str, ask: impl Fn() -> Result<T>) -> Result<T> {
    let until = Instant::now() + STARTING;
    loop {
        match ask() {
            Err(failure) if starts(&failure) && Instant::now() < until && !(place.stop)() => {
                match place.running(service) {
                    Err(reason) if reason.kind == Kind::Unreachable => {}
                    there => drop(there?),
                }
                std::thread::sleep(std::time::Duration::from_millis(250));
            }
            answer => return answer,
        }
    }
}

fn starts(failure: &Failure) -> bool {
    !matches!(failure.kind, Kind::Interrupted | Kind::Refused)
}
