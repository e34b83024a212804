//! Tries a backup: puts everything back where nobody uses it, counts, and removes it again.

use super::store::{Drilled, STORES};
use super::{Place, Unpacked};
use crate::failure::Result;

/// What each store counted, and what could not be tried.
pub fn drill(unpacked: &Unpacked, place: &Place) -> Result<Drilled> {
    let mut drilled = Drilled::default();
    STORES.iter().try_for_each(|store| store.drill(unpacked, place, &mut drilled))?;
    Ok(drilled)
}
