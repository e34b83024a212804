//! Questions about a server that are no calls of a script: what `status`, `lock` and `backup` ask.

use super::Reach;
use crate::failure::{Context, Failure, Kind, Result};
use crate::lock::State;
use crate::machine::backup::{Card, Verified};
use crate::site::Server;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inquiry {
    /// What is checked out: a [`CheckedOut`].
    CheckedOut,
    /// Who holds it: a [`State`].
    Lock,
    /// Releases the lock, also from a live holder if it is forced: the [`State`] that it had.
    ReleaseLock { force: bool },
    /// Its backups in `folder`, as a script writes it, else where the site has them: a list of [`Card`]s.
    Backups { folder: Option<String> },
    /// Reads the archive at this path whole: a [`Verified`].
    VerifyBackup { path: PathBuf },
}

/// What is checked out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedOut {
    /// The release or the branch, as people name it.
    pub name: String,
    pub commit: String,
}

/// What is checked out on the server. Fails with [`Kind::NotFound`] if its checkout is none.
pub fn checked_out(reach: &dyn Reach, server: &Server) -> Result<CheckedOut> {
    ask(reach, server, &Inquiry::CheckedOut)
}

/// Who holds the server.
pub fn lock(reach: &dyn Reach, server: &Server) -> Result<State> {
    ask(reach, server, &Inquiry::Lock)
}

/// Releases the lock of the server, and says who had it. Fails with [`Kind::Locked`] if the holder lives and `force` is
/// not given.
pub fn release_lock(reach: &dyn Reach, server: &Server, force: bool) -> Result<State> {
    ask(reach, server, &Inquiry::ReleaseLock { force })
}

/// The backups of the server, the oldest first.
pub fn backups(reach: &dyn Reach, server: &Server, folder: Option<String>) -> Result<Vec<Card>> {
    ask(reach, server, &Inquiry::Backups { folder })
}

/// Reads a backup of the server whole, where it is. `path` is that of the archive there.
pub fn verify_backup(reach: &dyn Reach, server: &Server, path: PathBuf) -> Result<Verified> {
    ask(reach, server, &Inquiry::VerifyBackup { path })
}

fn ask<T: DeserializeOwned>(reach: &dyn Reach, server: &Server, inquiry: &Inquiry) -> Result<T> {
    let answer = reach.inquire(server, inquiry)?;
    serde_json::from_value(answer)
        .or_fail(Kind::Bug, || format!("`{}` gave another answer than was asked for", server.name))
}

/// An answer as plain data.
pub(super) fn plain(answer: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(answer)
        .map_err(|error| Failure::new(Kind::Bug, "an answer is not plain data").why(error))
}
