//! A program that is one file, and the releases from which it is replaced: what is published, fetched, kept and put in place.
//!
//! Nothing is put in place whose digest is not the one that was published. What is fetched and what is kept lies in the state
//! folder of the server; beside the file itself is only what takes its name in one step.

// From bottom to top.
mod copy;
mod sums;

mod kept;

mod download;
mod place;
mod source;

pub use download::{LARGEST, LIMITS, download};
pub use kept::{Kept, Known};
pub use place::{digest, install, unfit};
pub use source::{Source, Versions, among};
