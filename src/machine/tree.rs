//! Trees of files, reached by descriptors from folder to folder: walked, copied and removed without ever leaving the
//! mount on which they begin.
//!
//! A path is resolved anew by every call that takes one, so somebody who may rename a folder can lead such a call
//! elsewhere; and comparing devices misses bind mounts. Here a folder is opened from the one around it, and the kernel
//! says whether there is a border between the two: another mount, or another subvolume.

// From bottom to top.
mod extended;
mod folder;

mod walk;

mod copy;
mod empty;

pub use copy::{copy, copy_path};
pub use empty::{remove, remove_in};
pub use extended::{CAPABILITY, Extended};
pub use folder::{Entry, Folder, Sort, is_border};
pub use walk::{Found, Next, What, walk};
