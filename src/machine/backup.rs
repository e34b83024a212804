//! What a backup is gathered from, and how each part is put back.

// From bottom to top.
mod place;

mod gather;

mod layout;
mod unpacked;

pub mod restore;

mod copy;

mod retention;

mod card;
mod drill;
mod intent;
mod name;
mod places;
pub mod prune;
mod verify;

pub use card::{Card, Level, catalogue};
pub use copy::{Copied, copy};
pub use drill::{Drilled, drill};
pub use gather::{Asked, AskedDatabase, AskedFiles, AskedSearch, AskedVolume, Gathered, gather};
pub use intent::{Intent, Written};
pub use name::{free_name, name_of};
pub use place::Place;
pub use places::Places;
pub use retention::{Fit, Keep, first_two_numbers};
pub use unpacked::{Unpacked, parts_of};
pub use verify::{Verified, missing, read, verify};
