//! Volumes of a Compose project.

use super::{Drilled, Group, Restored, Store};
use crate::command::{Exit, Spec, look, look_into};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::{self, Content, Entry};
use crate::machine::backup::asked::{Asked, AskedVolume};
use crate::machine::backup::gathered::{Gathered, Workshop};
use crate::machine::backup::{Place, Unpacked};
use crate::machine::compose::Docker;
use crate::machine::part::Part;
use crate::machine::raw_database::{self, Engine};
use crate::machine::volume::Volume;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

/// How often a volume is copied again because it changed meanwhile.
const TRIES: usize = 5;

/// Volumes, read as a tar.
pub struct Volumes;

impl Store for Volumes {
    fn group(&self) -> Group {
        Group::Volumes
    }

    fn take(&self, asked: &Asked, workshop: &Workshop, gathered: &mut Gathered) -> Result<()> {
        for volume in &asked.volumes {
            (workshop.tell)(format!("copying the volume {}", volume.volume));
            let part = Part::Volume { name: volume.name.clone(), volume: volume.volume.clone() };
            let copied = copy(volume, workshop)?;
            gathered.changed.extend(copied.changed);
            gathered.add(part, Content::Tar(copied.tar));
        }
        Ok(())
    }

    /// They were put into a folder, and compared, when they were unpacked.
    fn drill(&self, _: &Unpacked, _: &Place, _: &mut Drilled) -> Result<()> {
        Ok(())
    }

    fn put_back(&self, unpacked: &Unpacked, place: &Place, done: &mut Restored) -> Result<()> {
        done.names.extend(put_back(unpacked, place)?);
        Ok(())
    }

    fn drop_aside(&self, unpacked: &Unpacked, place: &Place) -> Result<()> {
        let docker = place.docker();
        for (_, volume) in parts(unpacked) {
            docker.drop_aside(&docker.volume(place.project, volume)?, &unpacked.id)?;
        }
        Ok(())
    }
}

/// A copy of a volume, and the names in the backup of what changed while it was taken.
struct Copied {
    tar: File,
    changed: Vec<String>,
}

fn copy(asked: &AskedVolume, workshop: &Workshop) -> Result<Copied> {
    let place = workshop.place;
    let docker = place.docker();
    let own = docker.own_volume(place.project, &asked.volume)?;
    match copy_by(asked, workshop, &own) {
        Err(failure) if failure.kind == Kind::CommandFailed => {
            // Its own image may not have the programs.
            let able = docker.with_able_image(&own)?.filter(|able| *able != own);
            able.map_or(Err(failure), |able| copy_by(asked, workshop, &able))
        }
        copied => copied,
    }
}

fn copy_by(asked: &AskedVolume, workshop: &Workshop, volume: &Volume) -> Result<Copied> {
    let place = workshop.place;
    let docker = place.docker();
    let spec = docker.read_volume(volume);
    let Some(steady) = &asked.steady else {
        let writers = || Ok::<_, Failure>(docker.running_users(volume)?.iter().any(|user| user.writes));
        let had_writers = writers()?;
        let tar = workshop.output(&asked.name, &spec).map_err(|failure| volume.unread(failure, &docker))?;
        if !had_writers && !writers()? {
            return Ok(Copied { tar, changed: Vec::new() });
        }
        let held = digests(&tar)?;
        if let Some((engine, inner)) = raw_database::among(held.keys().map(String::as_str)) {
            return Err(refused(asked, engine, inner));
        }
        // Nobody says what changed in it: it is read once more.
        let again = digests(&workshop.output(&asked.name, &spec)?)?;
        let names: BTreeSet<&String> = held.keys().chain(again.keys()).collect();
        let changed = names.into_iter().filter(|name| held.get(*name) != again.get(*name));
        let changed = changed.map(|name| format!("{}/{name}", asked.name).trim_end_matches('/').to_owned());
        return Ok(Copied { changed: changed.collect(), tar });
    };
    let mut steady = Spec::new(steady.iter().cloned(), "/");
    steady.environment = place.environment.clone();
    let say = || -> Result<String> {
        let looked = look(&steady, place.stop)?;
        let program = steady.arguments.join(" ");
        match looked.exit {
            Exit::Status(0) => Ok(looked.stdout),
            exit => Err(Failure::new(Kind::CommandFailed, format!("`{program}` failed ({exit})"))
                .why(looked.stderr.trim())),
        }
    };
    let mut before = say()?;
    for _ in 0..TRIES {
        let file = workshop.output(&asked.name, &spec)?;
        let after = say()?;
        if before == after {
            return Ok(Copied { tar: file, changed: Vec::new() });
        }
        before = after;
    }
    Err(Failure::new(
        Kind::Refused,
        format!("the volume `{}` changed during each of {TRIES} copies", asked.volume),
    )
    .help("run it again when the server is less busy"))
}

fn digests(tar: &File) -> Result<BTreeMap<String, (u32, u64, u64, String)>> {
    archive::digests(tar.try_clone().or_fail(Kind::Refused, || "a copy of a volume can't be read".into())?)
}

/// The refusal of a volume in which a database server that runs keeps its files.
fn refused(asked: &AskedVolume, engine: Engine, inner: &str) -> Failure {
    let place = if inner.is_empty() { String::new() } else { format!(" in `{inner}`") };
    let message = format!(
        "the volume `{}` belongs{place} to {}, which is running: a copy of its files is no backup",
        asked.volume,
        engine.name()
    );
    Failure::new(Kind::Refused, message).help(format!(
        "write `{}` in `site.toml` instead of the volume; or stop it while it is copied: `banister run backup --still true`",
        engine.instead()
    ))
}

/// Fails with [`Kind::Refused`] if a container runs that may write to a volume: it would write what it has in memory over
/// what is restored.
fn check_unused(docker: &Docker, there: &Volume, volume: &str) -> Result<()> {
    let users = docker.running_users(there)?.into_iter().filter(|user| user.writes);
    let users: Vec<String> = users.map(|user| user.name).collect();
    match users.is_empty() {
        true => Ok(()),
        false => {
            let message = format!("the volume `{volume}` can't be restored: {} running", several(&users));
            Err(Failure::new(Kind::Refused, message)
                .why("it was not changed: what uses it has some of its old content in memory")
                .help(format!("stop it with `docker stop {}`, then `banister resume`", users.join(" "))))
        }
    }
}

/// Puts all volumes of the backup back, and reads them back; their names.
fn put_back(unpacked: &Unpacked, place: &Place) -> Result<Vec<String>> {
    let docker = place.docker();
    let mut done = Vec::new();
    let mut found = Vec::new();
    for (name, volume) in parts(unpacked) {
        let there = docker.volume(place.project, volume)?;
        check_unused(&docker, &there, volume)?;
        found.push((name, volume, there));
    }
    for (name, volume, found) in found {
        // Something may have been started since.
        check_unused(&docker, &found, volume)?;
        let failed = || format!("the volume `{volume}` can't be restored");
        let members = archive::below(&unpacked.members, name);
        let tar = archive::as_tar(&members, name, &unpacked.folder, &|member| unpacked.path(member))?;
        let exchanged = docker.exchange_volume(&found, &unpacked.id, &tar);
        exchanged.map_err(|failure| Failure { message: failed(), ..failure })?;
        let now = tempfile::tempfile_in(&unpacked.folder).or_fail(Kind::Refused, failed)?;
        let looked = look_into(&docker.read_volume(&found), &now, place.stop)?;
        if looked.exit != Exit::Status(0) {
            return Err(Failure::new(Kind::CommandFailed, failed()).why(looked.stderr.trim()));
        }
        compare(&members, name, now).map_err(|why| {
            Failure::new(Kind::Refused, failed()).why(why).help("try it again with `banister resume`")
        })?;
        done.push(volume.to_owned());
    }
    Ok(done)
}

/// Those that use a volume, as the end of a sentence.
fn several(users: &[String]) -> String {
    let names: Vec<String> = users.iter().map(|name| format!("`{name}`")).collect();
    format!("{} {}", names.join(", "), if users.len() == 1 { "uses it and is" } else { "use it and are" })
}

fn parts(unpacked: &Unpacked) -> impl Iterator<Item = (&str, &str)> {
    unpacked.parts.iter().filter_map(|part| match part {
        Part::Volume { name, volume } => Some((name.as_str(), volume.as_str())),
        _ => None,
    })
}

/// Compares what the volume holds with what it should.
fn compare(members: &[&Entry], name: &str, tar: File) -> std::result::Result<(), String> {
    let plain = |name: &str| name.trim_start_matches("./").trim_matches('/').to_owned();
    let found = archive::digests(tar).map_err(|failure| failure.to_string())?;
    for member in members {
        let inner = plain(&plain(&member.name)[name.len()..]);
        let what = (member.mode, member.owner, member.group, member.sha256.clone());
        match found.get(&inner) {
            None => return Err(format!("`{inner}` is missing in it")),
            Some(is) if *is != what => return Err(format!("`{inner}` in it is not as in the backup")),
            Some(_) => {}
        }
    }
    let more = found.keys().find(|found| {
        let aside = found.starts_with(".banister-");
        !aside && !members.iter().any(|member| plain(&plain(&member.name)[name.len()..]) == **found)
    });
    more.map_or(Ok(()), |name| Err(format!("`{name}` in it is not in the backup")))
}
