//! Puts volumes back.

use crate::command::{Exit, look_into};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::{self, Entry};
use crate::machine::backup::{Place, Unpacked};
use crate::machine::part::Part;
use std::fs::File;

/// Puts all volumes of the backup back, and reads them back; their names. Whoever uses them must not run.
pub fn volumes(unpacked: &Unpacked, place: &Place) -> Result<Vec<String>> {
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

pub(super) fn drop_aside(unpacked: &Unpacked, place: &Place) -> Result<()> {
    let docker = place.docker();
    for (_, volume) in parts(unpacked) {
        docker.drop_aside(&docker.volume(place.project, volume)?, &unpacked.id)?;
    }
    Ok(())
}
