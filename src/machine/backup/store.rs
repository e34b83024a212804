//! Where a server keeps its data. Each store knows how its parts are taken, tried, and put back.

mod files;
mod mariadb;
mod output;
mod postgres;
mod redis;
mod search;
mod volume;

pub use files::{foresee, left_alone, pieces};

use super::asked::Asked;
use super::gathered::{Gathered, Workshop};
use super::{Place, Unpacked};
use crate::failure::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a script puts back together, because the same must run or be stopped for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Whoever uses them must not run.
    Files,
    /// Whoever uses them must not run.
    Volumes,
    /// Their services must run.
    Databases,
    /// Its service must run.
    Search,
    /// What their commands load them into must run.
    Outputs,
}

/// One way to keep data. A store finds its own parts in what was asked for, and in a backup.
///
/// What it puts back is there whole before it takes the place of what was there, which is only moved aside: until
/// [`Store::drop_aside`] nothing is lost. All of it may be cut off anywhere and called again.
pub trait Store: Sync {
    fn group(&self) -> Group;

    /// Takes what was asked of it, and reads it whole as far as the store's own programs can: what is damaged already is
    /// no backup.
    fn take(&self, asked: &Asked, workshop: &Workshop, gathered: &mut Gathered) -> Result<()>;

    /// Puts its parts back where nobody uses them, counts, and removes them again, also if this fails or is stopped.
    /// Everything was compared with the manifest when it was unpacked, if the backup has one.
    fn drill(&self, unpacked: &Unpacked, place: &Place, drilled: &mut Drilled) -> Result<()>;

    /// Puts its parts back.
    fn put_back(&self, unpacked: &Unpacked, place: &Place, done: &mut Restored) -> Result<()>;

    /// Removes what was moved aside.
    fn drop_aside(&self, unpacked: &Unpacked, place: &Place) -> Result<()>;
}

/// All of them, in the order in which they are taken: what refers to something is taken before it. Files are only named
/// then, and read when the archive is written.
pub const STORES: [&dyn Store; 7] = [
    &files::Files,
    &postgres::Databases,
    &mariadb::Databases,
    &redis::Redis,
    &volume::Volumes,
    &search::Indices,
    &output::Outputs,
];

/// What a drill counted.
#[derive(Clone, Debug, Default)]
pub struct Drilled {
    /// Rows by database, over all tables.
    pub rows: BTreeMap<String, u64>,
    /// Documents by index.
    pub documents: BTreeMap<String, u64>,
    /// Keys by service.
    pub keys: BTreeMap<String, u64>,
    /// What was not tried, for people, each with the reason.
    pub untried: Vec<String>,
}

/// What was put back.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// What it is called where it is now.
    pub names: Vec<String>,
    /// What nothing puts back: where it is kept.
    pub kept: Vec<PathBuf>,
    /// What of it could not be kept where it is now, for people, each with its name.
    pub lost: Vec<String>,
}
