//! Counting.

use super::{Counted, Proof, Sort};
use crate::command::{Exit, Spec, look};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::Place;
use crate::machine::compose::Service;
use crate::machine::mariadb::{MariaDb, identifier};
use crate::machine::part::Engine;
use crate::machine::postgres::{self, Postgres};
use crate::units::Duration;
use std::path::Path;
use std::time::Instant;

/// How long one thing may take to be counted.
pub(super) const SECONDS: u64 = 120;
pub(super) const WITHIN: Duration = Duration::seconds(SECONDS);

/// So many files are counted at most.
const FILES: u64 = 1_000_000;

impl Proof {
    /// Counts; what can't be counted says why. Fails with [`Kind::Interrupted`] only.
    pub fn count(&self, place: &Place) -> Result<Counted> {
        let name = self.name();
        match self.number(place) {
            Ok(count) => Ok(Counted { name, count: Some(count), why: String::new() }),
            Err(failure) if failure.kind == Kind::Interrupted => Err(failure),
            Err(failure) => Ok(Counted { name, count: None, why: failure.in_words() }),
        }
    }

    fn number(&self, place: &Place) -> Result<u64> {
        match self.sort()? {
            Sort::Rows { table, service, database } => {
                let container = place.running(service)?;
                number(&match self.engine {
                    Engine::Postgres => {
                        let parts: Vec<String> = table.split('.').map(postgres::identifier).collect();
                        let asked = Postgres { docker: place.docker(), container: &container.name };
                        asked.ask_within(
                            SECONDS,
                            database,
                            &format!("SELECT count(*) FROM {}", parts.join(".")),
                        )?
                    }
                    Engine::MariaDb => {
                        let parts: Vec<String> = table.split('.').map(identifier).collect();
                        let mariadb = MariaDb { docker: place.docker(), container: &container.name };
                        mariadb.ask_within(
                            WITHIN,
                            database,
                            &format!("SELECT COUNT(*) FROM {}", parts.join(".")),
                        )?
                    }
                })
            }
            Sort::Files(path) => {
                let top = (place.path)(path);
                let failed = || format!("`{}` can't be read", top.display());
                top.metadata().or_fail(Kind::NotFound, failed)?;
                let mut counted = 0;
                let until = Instant::now() + std::time::Duration::from_secs(SECONDS);
                files(&top, &mut counted, until, place.stop)?;
                Ok(counted)
            }
            Sort::Volume(volume) => of_volume(volume, place),
            Sort::Command(command) => {
                let mut spec = Spec::new(command, (place.path)(""));
                spec.within = Some(WITHIN);
                spec.environment = place.environment.clone();
                printed(&spec, place)
            }
        }
    }
}

/// Files below a folder, without those behind links.
fn files(top: &Path, counted: &mut u64, until: Instant, stop: &dyn Fn() -> bool) -> Result<()> {
    if Instant::now() > until {
        let message = format!("its files were not counted in {SECONDS} s");
        return Err(Failure::new(Kind::TimedOut, message));
    }
    if stop() {
        return Err(Failure::new(Kind::Interrupted, "interrupted"));
    }
    let failed = || format!("`{}` can't be read", top.display());
    let found = top.symlink_metadata().or_fail(Kind::Refused, failed)?;
    if !found.is_dir() {
        *counted += u64::from(found.is_file());
        return Ok(());
    }
    for entry in std::fs::read_dir(top).or_fail(Kind::Refused, failed)? {
        let entry = entry.or_fail(Kind::Refused, failed)?;
        if *counted >= FILES {
            return Ok(());
        }
        match entry.file_type() {
            Ok(sort) if sort.is_dir() => files(&entry.path(), counted, until, stop)?,
            Ok(sort) => *counted += u64::from(sort.is_file()),
            // It went while it was counted.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).or_fail(Kind::Refused, failed),
        }
    }
    Ok(())
}

/// Counted by a running container that mounts it.
fn of_volume(volume: &str, place: &Place) -> Result<u64> {
    let docker = place.docker();
    let found = docker.volume(place.project, volume)?;
    let target = |service: &Service| {
        let mount = service.mounts.iter().find(|mount| mount.sort == "volume" && mount.name == found.name);
        mount.map(|mount| mount.destination.clone())
    };
    let running = docker.containers()?.into_iter().filter(|service| service.running);
    let (name, target) = running
        .filter_map(|service| Some((service.name.clone(), target(&service)?)))
        .next()
        .ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("no running container mounts the volume `{}`", found.name))
        })?;
    let script = format!("find \"$1\" -type f -print | head -n {FILES} | wc -l");
    let mut spec = docker.spec(["exec", &name, "sh", "-c", &script, "sh", &target]);
    spec.within = Some(WITHIN);
    let looked = look(&spec, place.stop)?;
    let count = number(&looked.stdout);
    // The status is that of `wc` alone; `head` ends `find` early only at the limit.
    let last = looked.stderr.lines().rfind(|line| !line.trim().is_empty());
    match (looked.exit, last) {
        (Exit::Status(0), None) => count,
        (Exit::Status(0), Some(_)) if count.as_ref().is_ok_and(|count| *count >= FILES) => count,
        (exit, last) => {
            Err(Failure::new(Kind::CommandFailed, format!("its files can't be counted ({exit})"))
                .why(last.unwrap_or_default().trim()))
        }
    }
}

/// The number that a command prints.
fn printed(spec: &Spec, place: &Place) -> Result<u64> {
    let looked = look(spec, place.stop)?;
    match looked.exit {
        Exit::Status(0) => number(&looked.stdout),
        exit => {
            let last = looked.stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            let failure = Failure::new(Kind::CommandFailed, format!("the command {exit}"));
            Err(if last.is_empty() { failure } else { failure.why(last.trim()) })
        }
    }
}

fn number(said: &str) -> Result<u64> {
    let said = said.trim();
    let shown: String = said.chars().take(40).collect();
    said.parse().map_err(|_| Failure::new(Kind::Invalid, format!("`{}` is no number", shown.escape_debug())))
}
