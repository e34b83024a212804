//! Volumes of a Compose project.

use super::{Drilled, Group, Restored, Store};
use crate::command::{Exit, Spec, look, look_into};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::{self, Content, Entry};
use crate::machine::backup::asked::{Asked, AskedVolume};
use crate::machine::backup::gathered::{Gathered, Workshop};
use crate::machine::backup::{Place, Unpacked};
use crate::machine::part::Part;
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
            gathered.add(part, Content::Tar(copy(volume, workshop)?));
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

fn copy(asked: &AskedVolume, workshop: &Workshop) -> Result<File> {
    let place = workshop.place;
    let docker = place.docker();
    let spec = docker.read_volume(&docker.volume(place.project, &asked.volume)?);
    let Some(steady) = &asked.steady else { return workshop.output(&asked.name, &spec) };
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
            return Ok(file);
        }
        before = after;
    }
    Err(Failure::new(
        Kind::Refused,
        format!("the volume `{}` changed during each of {TRIES} copies", asked.volume),
    )
    .help("run it again when the server is less busy"))
}

/// Puts all volumes of the backup back, and reads them back; their names.
fn put_back(unpacked: &Unpacked, place: &Place) -> Result<Vec<String>> {
    let docker = place.docker();
    let mut done = Vec::new();
    for (name, volume) in parts(unpacked) {
        let failed = || format!("the volume `{volume}` can't be restored");
        let found = docker.volume(place.project, volume)?;
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
            Failure::new(Kind::Refused, failed()).why(why).help("try it again: banister resume")
        })?;
        done.push(volume.to_owned());
    }
    Ok(done)
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
