//! The server that a backup is of, as far as backups need it.

use crate::failure::{Failure, Kind, Result};
use crate::machine::compose::{Docker, Service};
use crate::machine::search::Search;
use crate::units::Duration;
use std::collections::BTreeMap;
use std::path::PathBuf;
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
    /// Its Compose project, if several are on this machine.
    pub project: Option<&'a str>,
    /// Where a path, as it is written in the site or by a script, is.
    pub path: &'a dyn Fn(&str) -> PathBuf,
    pub stop: &'a dyn Fn() -> bool,
}

impl<'a> Place<'a> {
    pub fn docker(&self) -> Docker<'a> {
        Docker { environment: self.environment, within: ASKING, stop: self.stop }
    }

    /// The running container of a service.
    pub fn running(&self, service: &str) -> Result<Service> {
        let found = self.docker().service(self.project, service)?;
        match found.running && !found.restarting {
            true => Ok(found),
            false => Err(Failure::new(
                Kind::Refused,
                format!("`{}` does not run: it is {}", found.name, found.state),
            )
            .help(format!("see why with `docker logs {}`, then start it", found.name))),
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

/// How long a service that was just started may take to answer.
const STARTING: std::time::Duration = std::time::Duration::from_secs(90);

/// Asks again and again until there is an answer, as of a service that was just started.
pub fn answers<T>(stop: &dyn Fn() -> bool, ask: impl Fn() -> Result<T>) -> Result<T> {
    let until = Instant::now() + STARTING;
    loop {
        match ask() {
            Err(failure) if failure.kind != Kind::Interrupted && Instant::now() < until && !stop() => {
                std::thread::sleep(std::time::Duration::from_millis(250));
            }
            answer => return answer,
        }
    }
}
