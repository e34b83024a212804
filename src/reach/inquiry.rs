//! Questions about a server that are no calls of a script: what `status`, `lock` and `backup` ask.

use super::Reach;
use crate::book::{Book, Ended};
use crate::failure::{Context, Failure, Kind, Result};
use crate::lock::{Holder, State};
use crate::machine::backup::{Card, Verified};
use crate::site::Server;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

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
    /// What is open on it and owed to it: a [`Noted`].
    Book,
    /// What became of a run that is not open there: an [`Ended`], or nothing.
    EndOf { run: String },
    /// How long the last runs of a runbook took that were done there: seconds of each, the newest last.
    Took { runbook: String },
    /// Whether a run may go on there, or back, which `holder` says: fails with [`Kind::Locked`] if another one came in
    /// between, or it was abandoned.
    MayHold { holder: Holder },
    /// Abandons a run on it, for a `reason`, if one is given. `reasons` says for each thing that it owes, by its name, why
    /// it is left; `end` ends what it still runs. `holder` is who abandons it.
    Abandon { holder: Holder, run: String, reasons: BTreeMap<String, String>, reason: String, end: bool },
    /// Takes something off that is owed to it since its run is not open any more.
    Dismiss { name: String, by: String, reason: String },
    /// Ends what runs of earlier runs still run there: a list of the [`Orphan`]s that it ended.
    EndOrphans,
    /// Its backups in `folder`, as a script writes it, else where the site has them: a list of [`Card`]s.
    Backups { folder: Option<String> },
    /// Reads the archive at this path whole: a [`Verified`].
    VerifyBackup { path: PathBuf },
}

impl Inquiry {
    /// How long a lost connection is tried again for the answer: whoever only looks at a server that is gone wants to know
    /// that.
    pub fn patience(&self) -> Option<Duration> {
        match self {
            Inquiry::VerifyBackup { .. } | Inquiry::Abandon { .. } | Inquiry::EndOrphans => None,
            _ => Some(Duration::from_secs(20)),
        }
    }
}

/// What is checked out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedOut {
    /// The release or the branch, as people name it.
    pub name: String,
    /// Nothing where no git says it.
    pub commit: Option<String>,
}

/// What the server's book says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noted {
    pub book: Book,
    /// The run that ended last.
    pub ended: Option<Ended>,
    /// What nobody follows any more, but still runs.
    #[serde(default)]
    pub orphans: Vec<Orphan>,
    /// Seconds by which what is owed is overdue, by its name and by the clocks of the server. Absent where an earlier banister
    /// answers.
    #[serde(default)]
    pub overdue: Option<BTreeMap<String, f64>>,
}

/// A command that still runs, of a run that nobody continues: it was abandoned, or its journal is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Orphan {
    pub run: String,
    /// As it was typed, as far as that can be seen.
    pub command: String,
    /// RFC 3339, UTC.
    pub since: String,
    /// How the run ended, such as `abandoned`; `unknown` if the server does not know it.
    pub state: String,
}

/// What is open on the server and owed to it.
pub fn noted(reach: &dyn Reach, server: &Server) -> Result<Noted> {
    ask(reach, server, &Inquiry::Book)
}

/// What became of a run that is not open on the server any more, if that is known there.
pub fn end_of(reach: &dyn Reach, server: &Server, run: &str) -> Result<Option<Ended>> {
    ask(reach, server, &Inquiry::EndOf { run: run.into() })
}

/// How long the last runs of a runbook took that were done on the server; see [`Inquiry::Took`].
pub fn took(reach: &dyn Reach, server: &Server, runbook: &str) -> Result<Vec<f64>> {
    ask(reach, server, &Inquiry::Took { runbook: runbook.into() })
}

/// Whether the run of `holder` may go on, or back, on the server. Fails with [`Kind::Locked`] if it may not.
pub fn may_hold(reach: &dyn Reach, server: &Server, holder: Holder) -> Result<()> {
    ask(reach, server, &Inquiry::MayHold { holder })
}

/// Abandons a run on the server; see [`Inquiry::Abandon`].
///
/// Fails with [`Kind::Locked`] while somebody holds the server or something of the run still runs there, with
/// [`Kind::Declined`] if it owes something without a reason.
pub fn abandon(
    reach: &dyn Reach,
    server: &Server,
    holder: Holder,
    run: &str,
    reasons: BTreeMap<String, String>,
    reason: &str,
    end: bool,
) -> Result<()> {
    ask(reach, server, &Inquiry::Abandon { holder, run: run.into(), reasons, reason: reason.into(), end })
}

/// Takes something off that is owed to the server, and gives its text. Fails with [`Kind::NotFound`] if it is not owed, with
/// [`Kind::Refused`] if its run is open.
pub fn dismiss(reach: &dyn Reach, server: &Server, name: &str, by: String, reason: String) -> Result<String> {
    ask(reach, server, &Inquiry::Dismiss { name: name.into(), by, reason })
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

/// Ends the commands of runs that nobody continues, and gives them.
pub fn end_orphans(reach: &dyn Reach, server: &Server) -> Result<Vec<Orphan>> {
    ask(reach, server, &Inquiry::EndOrphans)
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
