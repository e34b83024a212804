//! What a backup is gathered from, and how each part is put back.

// From bottom to top.
mod dump;

mod place;

mod asked;
mod layout;

mod access;
mod age;
mod reference;
mod span;

mod keep;
mod retention;

mod card;
mod name;

mod lost;

mod snapshot;

mod gathered;
mod unpacked;

pub mod leftover;

mod store;

mod gather;
pub mod restore;

mod copy;

mod drill;
mod intent;
mod places;
pub mod prune;
mod verify;

pub use access::Access;
pub use age::Age;
pub use asked::{Asked, AskedDatabase, AskedFiles, AskedRedis, AskedSearch, AskedVolume};
pub use card::{Card, Level, catalogue};
pub use copy::{Copied, copy};
pub use drill::drill;
pub use dump::Dump;
pub use gather::gather;
pub use gathered::{Gathered, Workshop};
pub use intent::{Intent, Written};
pub use keep::{FORM, Keep};
pub use lost::lost;
pub use name::{free_name, name_of};
pub use place::Place;
pub use places::{NamedStore, Places};
pub use reference::{ENDING, Reference, is_reference};
pub use retention::{Fit, first_two_numbers};
pub use snapshot::{Adopted, Order, ReadPart, adopt, end, take};
pub use span::Span;
pub use store::{Drilled, Group, Restored, foresee, left_alone, pieces};
pub use unpacked::{Unpacked, parts_of};
pub use verify::{Verified, missing, read, verify};
