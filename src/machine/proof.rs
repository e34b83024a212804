//! What proves that a server has its data: numbers that are taken before and after a change. A server that is healthy may
//! be an empty one.

mod count;
mod tables;

use super::part::Engine;
use crate::failure::{Failure, Kind, Result};
use serde::{Deserialize, Serialize};

pub use tables::Tables;

/// Something to count, as the site says it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Proof {
    /// The rows of a table, in the `database` of a `service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    #[serde(skip_serializing_if = "Engine::is_default")]
    pub engine: Engine,
    /// The files below a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
    /// The files in a volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// A command that prints the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
}

/// What a proof counts.
enum Sort<'a> {
    Rows { table: &'a str, service: &'a str, database: &'a str },
    Files(&'a str),
    Volume(&'a str),
    Command(&'a [String]),
}

/// What was counted, or why it could not be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    pub name: String,
    pub count: Option<u64>,
    /// Empty if it was counted.
    pub why: String,
}

impl Proof {
    /// Fails with [`Kind::Invalid`] if it does not say one thing to count.
    pub fn check(&self) -> Result<()> {
        self.sort().map(drop)
    }

    fn sort(&self) -> Result<Sort<'_>> {
        let of_rows = (self.service.as_deref(), self.database.as_deref());
        match (self.rows.as_deref(), of_rows, self.files.as_deref(), self.volume.as_deref(), self.command.as_deref()) {
            (Some(table), (Some(service), Some(database)), None, None, None) => {
                Ok(Sort::Rows { table, service, database })
            }
            (None, (None, None), Some(path), None, None) => Ok(Sort::Files(path)),
            (None, (None, None), None, Some(volume), None) => Ok(Sort::Volume(volume)),
            (None, (None, None), None, None, Some(command)) if !command.is_empty() => Ok(Sort::Command(command)),
            _ => Err(Failure::new(Kind::Invalid, "a table of `proof` in site.toml counts one thing").help(
                "write `{ rows = \"public.users\", service = \"db\", database = \"app\" }`, `{ files = \"uploads\" }`, \
                 `{ volume = \"media\" }` or `{ command = [\"…\"] }`",
            )),
        }
    }

    /// As people name it.
    fn name(&self) -> String {
        match self.sort() {
            Ok(Sort::Rows { table, .. }) => table.to_owned(),
            Ok(Sort::Files(path)) => format!("files in {path}"),
            Ok(Sort::Volume(volume)) => format!("files in the volume {volume}"),
            Ok(Sort::Command(command)) => command.join(" "),
            Err(failure) => failure.message,
        }
    }
}
