//! Puts the parts of a backup back.
//!
//! Each kind of part is put in whole before it takes the place of what was there, which is only moved aside: until
//! [`drop_aside`] nothing is lost. Every function here may be cut off anywhere and called again.

mod databases;
mod files;
mod search;
mod volumes;

pub use databases::{databases, load};
pub use files::{files, foresee, left_alone};
pub use search::{put_index_back, remove_index, search, search_parts, service_url};
pub use volumes::volumes;

use super::{Place, Unpacked};
use crate::failure::{Context, Kind, Result};
use crate::machine::tree;

/// Removes all that was moved aside, and what was unpacked.
pub fn drop_aside(unpacked: &Unpacked, place: &Place) -> Result<()> {
    files::drop_aside(unpacked, place)?;
    volumes::drop_aside(unpacked, place)?;
    databases::drop_aside(unpacked, place)?;
    search::drop_aside(unpacked, place)?;
    let removed = tree::remove(&unpacked.folder);
    removed.or_fail(Kind::Refused, || format!("`{}` can't be removed", unpacked.folder.display()))
}
