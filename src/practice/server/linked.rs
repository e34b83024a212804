//! Practice servers that are linked: one has the auth service, and the others use it.
//!
//! ```text
//! DIR/site.toml      names them all
//! DIR/hub            the practice world of the server with auth
//! DIR/archive, …     those of the others
//! ```

use super::Practice;
use super::install::{self, Own};
use super::site;
use crate::failure::{Failure, Kind, Result};
use crate::practice::origin::release;
use crate::practice::world::fault::{self, Fault};
use crate::practice::world::folder::{absolute, new_folder};
use crate::practice::world::{Settings, World, digest, now, write};
use std::path::{Path, PathBuf};

/// The server with auth. Its name is not the first of the alphabet: nobody may rely on that.
const AUTH: &str = "hub";
const OTHERS: [&str; 2] = ["archive", "lab"];

/// How much of Hoss each of them has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Everything, but auth and what belongs to it only once.
    Whole,
    /// No more than an update sees.
    Small,
}

impl Size {
    fn services(self, name: &str) -> &'static str {
        match (self, name == AUTH) {
            (Size::Whole, true) => {
                "opensearch ldap rabbitmq db dex reverse-proxy auth ldap-admin etcd-0 minio core ui sync"
            }
            (Size::Whole, false) => "opensearch rabbitmq db reverse-proxy etcd-0 minio core ui sync",
            (Size::Small, true) => "opensearch db dex reverse-proxy auth core ui",
            (Size::Small, false) => "opensearch db reverse-proxy core ui",
        }
    }
}

/// Several practice servers of one site. Dropping them leaves them running; [`Linked::stop`] ends them.
#[derive(Debug)]
pub struct Linked {
    dir: PathBuf,
    servers: Vec<(&'static str, Practice)>,
}

impl Linked {
    /// Makes them in a folder that is empty or not there, and waits until all are healthy. A fault strikes each of them.
    pub fn create(dir: &Path, program: &Path, faults: &[&str], size: Size) -> Result<Linked> {
        let faults: Vec<&Fault> = faults.iter().map(|name| fault::find(name)).collect::<Result<_>>()?;
        let dir = new_folder(dir)?;
        let settings = Settings {
            program: absolute(program)?,
            base: release::BASE.into(),
            real_docker: false,
            docker_host: None,
        };
        let mut linked = Linked { dir, servers: Vec::new() };
        linked.install(&settings, size, &faults).inspect_err(|_| _ = linked.stop())?;
        Ok(linked)
    }

    fn install(&mut self, settings: &Settings, size: Size, faults: &[&Fault]) -> Result<()> {
        for name in [AUTH].into_iter().chain(OTHERS) {
            let world = World::new(new_folder(&self.dir.join(name))?);
            // Known before it answers, so that it can be ended if it never does.
            self.servers.push((name, Practice { world: world.clone(), port: 0 }));
            let port = install::begin(&world, settings)?;
            self.servers.last_mut().into_iter().for_each(|(_, practice)| practice.port = port);
        }
        let secret = format!("hsvc_{}", &digest(format!("{} {}", self.dir.display(), now()))[..48]);
        // The others need the auth service to come up.
        let (this, secret) = (&*self, secret.as_str());
        let (first, others) = this.servers.split_at(1);
        first.iter().try_for_each(|(name, practice)| this.finish(name, practice, size, secret))?;
        let all: Result<Vec<()>> = std::thread::scope(|scope| {
            let started = others
                .iter()
                .map(|(name, practice)| scope.spawn(move || this.finish(name, practice, size, secret)));
            let threads: Vec<_> = started.collect();
            let panicked = |_| Err(Failure::new(Kind::Bug, "an installation panicked"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
        });
        all?;
        write(&self.site(), self.site_text()?)?;
        self.servers.iter().try_for_each(|(_, practice)| practice.suffer(faults))
    }

    /// Installs one of them, configured as an administrator links servers.
    fn finish(&self, name: &str, practice: &Practice, size: Size, secret: &str) -> Result<()> {
        let mut own = Own {
            settings: vec![("SERVICES", size.services(name).into()), ("SERVICE_AUTH_SECRET", secret.into())],
            lines: Vec::new(),
        };
        if name == AUTH {
            let others = self.servers.iter().filter(|(other, _)| *other != AUTH);
            let endpoints: Vec<String> = others.map(|(_, other)| other.endpoint()).collect();
            let cores: String =
                endpoints.iter().map(|endpoint| format!("\n  - {endpoint}/core/v1")).collect();
            let allowed = format!("additional_allowed_servers: [{}]", endpoints.join(", "));
            own.lines.push(("auth/config.yaml", "additional_allowed_servers:", allowed));
            own.lines.push((
                "sync/config.yaml",
                "  - http://core:8080/v1",
                format!("  - http://core:8080/v1{cores}"),
            ));
        } else {
            let auth = format!("{}/auth/v1", self.server(AUTH).endpoint());
            own.settings.push(("AUTH_SERVICE_ENDPOINT", auth.clone()));
            own.lines.push(("core/config.yaml", "  auth_service:", format!("  auth_service: {auth}")));
            own.lines.push(("sync/config.yaml", "auth_endpoint:", format!("auth_endpoint: {auth}")));
        }
        install::finish(&practice.world, &own)
    }

    fn site_text(&self) -> Result<String> {
        let tables = self.servers.iter().map(|(name, practice)| site::table(&practice.world, name));
        let tables = tables.collect::<Result<Vec<_>>>()?;
        Ok(format!(
            "# Linked practice servers, made by `banister demo --linked`. Nothing outside of this folder belongs to them.\n\
             # Which of them has the auth service is read from their own configuration.\n{}",
            tables.join("\n")
        ))
    }

    /// Takes up servers that were made before. They may be stopped: see [`Practice::start`].
    pub fn open(dir: &Path) -> Result<Linked> {
        let dir = absolute(dir)?;
        let open = |name| Ok((name, Practice::open(&dir.join(name))?));
        let servers = [AUTH].into_iter().chain(OTHERS).map(open).collect::<Result<_>>()?;
        Ok(Linked { dir, servers })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The site file, which names them all.
    pub fn site(&self) -> PathBuf {
        self.dir.join("site.toml")
    }

    /// Each with its name, the one with auth first.
    pub fn servers(&self) -> impl Iterator<Item = (&'static str, &Practice)> {
        self.servers.iter().map(|(name, practice)| (*name, practice))
    }

    /// The server of this name.
    ///
    /// # Panics
    /// If there is none.
    pub fn server(&self, name: &str) -> &Practice {
        let found = self.servers.iter().find(|(other, _)| *other == name);
        &found.unwrap_or_else(|| panic!("there is no practice server `{name}`")).1
    }

    /// Lets all of them end when the process that calls this ends, even if that is killed.
    pub fn end_with_me(&self) -> Result<()> {
        self.servers.iter().try_for_each(|(_, practice)| practice.end_with_me())
    }

    /// Ends all their processes, and only those.
    pub fn stop(&self) -> Result<()> {
        let ended = self.servers.iter().map(|(_, practice)| practice.stop());
        ended.collect::<Vec<_>>().into_iter().collect()
    }
}
