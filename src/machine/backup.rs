//! What a backup is gathered from, and how each part is put back.

// From bottom to top.
mod dump;

mod place;

mod asked;
mod layout;

mod gathered;
mod unpacked;

mod store;

mod gather;
pub mod restore;

mod copy;

mod span;

mod keep;
mod retention;

mod card;
mod drill;
mod intent;
mod name;
mod places;
pub mod prune;
mod verify;

pub use asked::{Asked, AskedDatabase, AskedFiles, AskedRedis, AskedSearch, AskedVolume};
pub use card::{Card, Level, catalogue};
pub use copy::{Copied, copy};
pub use drill::drill;
pub use dump::Dump;
pub use gather::gather;
pub use gathered::{Gathered, Workshop};
pub use intent::{Intent, Written};
pub use keep::{FORM, Keep};
pub use name::{free_name, name_of};
pub use place::Place;
pub use places::{Places, store};
pub use retention::{Fit, first_two_numbers};
pub use span::Span;
pub use store::{Drilled, Group, Restored, foresee, left_alone};
pub use unpacked::{Unpacked, parts_of};
pub use verify::{Verified, missing, read, verify};
