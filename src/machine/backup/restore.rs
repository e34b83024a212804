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

/// Removes all that was moved aside, and what was unpacked.
pub fn drop_aside(unpacked: &Unpacked, place: &Place) -> Result<()> {
    STORES.iter().try_for_each(|store| store.drop_aside(unpacked, place))?;
    // A copy of the server may have written into it, as other users.
    place.docker().remove(&unpacked.folder, place.project)
}
