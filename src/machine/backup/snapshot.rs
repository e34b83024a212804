//! A backup as a snapshot in a repository of restic.
//!
//! Files and folders go in as they are on the disk, so that what did not change costs nothing. All that is made for a
//! backup, dumps and volumes, is put into a staging folder first, which always has the same path; beside it lies a
//! manifest that says what must be in the snapshot. restic's own word that it is done proves little, so what it
//! stored is compared with what was to be stored, and what was staged is read back from the repository.

// From bottom to top.
mod begun;
mod part;
mod repository;
mod survey;

mod staging;

mod changed;

mod stored;

mod read_back;

mod foreign;
mod holes;

mod adopt;
mod forget;
mod take;
mod unpack;
mod verify;

pub use adopt::{Adopted, adopt};
pub use begun::end;
pub use foreign::Taken;
pub use forget::forget;
pub use read_back::is_damage;
pub use take::{Order, take};
pub use unpack::unpack;
pub use verify::{ReadPart, read_part, verify};
