//! The gate that only one process ever passes: the one that becomes the command.

use super::folder::{self, BEGUN};
use super::process::Identity;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// Who passed.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Begun {
    /// This process; by the next moment it is the command.
    Process(Identity),
    /// Nobody, and nobody will: a resumer decided not to run it.
    Void,
}

/// False if the gate was passed before.
pub(super) fn pass(folder: &Path, who: &Begun) -> io::Result<bool> {
    folder::write_new(folder, BEGUN, who)
}

pub(super) fn read(folder: &Path) -> io::Result<Option<Begun>> {
    folder::read(folder, BEGUN)
}
