//! Backup archives: written as a stream, private, never half there, and read back member by member.
//!
//! A finished archive is an ordinary `.tar.gz` or `.tar.zst` that `tar` unpacks, or one that `age` or `gpg` encrypted. Its last member, `manifest.json`,
//! says what every other member must be; a seal after it (see [`compression`]) covers the bytes of the file itself.
//! What belongs into a backup is left to the primitives, and to the site.

// From bottom to top.
mod changed;

mod data_source;
mod held;

mod manifest;
mod place;

mod pieces;

mod compression;
mod sparse;

mod pax;

mod header;
mod keys;
mod left;
mod raw;
mod digest;
mod streams;

mod decrypt;
mod encrypt;
mod seal;

mod create;
mod estimate;
mod claims;
mod members;
mod sweep;
mod verify;

mod folders;
mod single;
mod tree;
mod unpack;

pub use changed::{changed, doubts, several};
pub use compression::Compression;
pub use create::{Content, Created, Member, Watch, create};
pub use data_source::DataSource;
pub use decrypt::{is_readable, try_keys};
pub use estimate::estimate;
pub use held::{Held, Loss};
pub use keys::{Encryption, Keys};
pub use left::{ASIDE, CHECKOUT, Left, Own, real};
pub use manifest::{About, Entry, Excluded, Manifest, Sort, below};
pub use single::take_out;
pub use sweep::{is_of, sweep};
pub use tree::{as_tar, digests};
pub use unpack::{RISEN, TOO_LONG, is_risen, unpack};
pub use verify::{Contents, inspect, verify, verify_until};
