//! Puts the parts of a backup back.

use super::store::{Group, Restored, STORES};
use super::{Place, Unpacked};
use crate::failure::Result;

/// Puts everything of a group back.
pub fn put_back(group: Group, unpacked: &Unpacked, place: &Place) -> Result<Restored> {
    let mut done = Restored::default();
    let meant = STORES.iter().filter(|store| store.group() == group);
    meant.into_iter().try_for_each(|store| store.put_back(unpacked, place, &mut done))?;
    Ok(done)
}

/// Stops those of these containers that run: they were stopped for a restore, and somebody has started them since, when it
/// had stopped half-way for instance. Their names.
pub fn stop_again(stopped: &[String], place: &Place) -> Result<Vec<String>> {
    if stopped.is_empty() {
        return Ok(Vec::new());
    }
    let docker = place.docker();
    let found =
        docker.containers()?.into_iter().filter(|found| found.running && stopped.contains(&found.name));
    let running: Vec<String> = found.map(|found| found.name).collect();
    if !running.is_empty() {
        docker.run_spec(&docker.spec(["stop"].into_iter().chain(running.iter().map(String::as_str))))?;
    }
    Ok(running)
}

/// Removes all that was moved aside, and what was unpacked.
pub fn drop_aside(unpacked: &Unpacked, place: &Place) -> Result<()> {
    STORES.iter().try_for_each(|store| store.drop_aside(unpacked, place))?;
    // A copy of the server may have written into it, as other users.
    place.docker().remove(&unpacked.folder, place.project)
}
