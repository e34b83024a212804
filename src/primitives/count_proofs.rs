//! `count_proofs(server, #{ databases: array })`
//!
//! Counts what proves that a server has its data: what `proof` in site.toml names; without that, which tables of databases
//! have rows.
//!
//! Nothing is changed, but for what a command of `proof` changes. Rows, and files in a volume, are counted in the running
//! container; each count may take two minutes, files are counted up to a million, and of a database the first 500 tables by
//! name are checked.
//!
//! # Options
//! - `databases`: maps as `databases` in site.toml has them. Default: `databases` of the server in site.toml.
//!
//! # Returns
//! A map:
//! - `counted`: whether it was counted; a plan that has changed the server before can't.
//! - `proofs`: an array of maps with `name` (text), `count` (a number, or `()`) and `why` (text, why it could not be counted).
//! - `tables`: an array of maps, one for each database: `name` (text), `filled`, an array of the names of tables with at
//!   least one row, and `why` (text, why it is not known).
//!
//! # Errors
//! None for what can't be counted.
//!
//! # After a crash
//! It is counted again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let found = this_server().count_proofs(#{ databases: [#{ service: "db", database: "hoss_auth" }] });
//! found.tables[0].filled.contains("public.users")
//! // => true
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::backup::AskedDatabase;
use crate::machine::proof::{Counted, Tables};
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct CountProofs;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    databases: Option<Vec<AskedDatabase>>,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    counted: bool,
    proofs: Vec<Counted>,
    tables: Vec<Tables>,
}

impl Primitive for CountProofs {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "count_proofs";
    const SOURCE: &'static str = include_str!("count_proofs.rs");
    const ACT: Act<Self> = Act::Look {
        // What a command looks at is known to nobody but who wrote it.
        reads: &[Facet::Checkout, Facet::Settings, Facet::Services, Facet::Everything],
        perform,
        predict: |_, _| Ok(nothing()),
    };
}

/// Not unknown: what is said of it must not end a plan.
fn nothing() -> Value {
    json!({ "counted": false, "proofs": [], "tables": [] })
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let (ground, stop) = (server.ground(server.kept_folders(None), None), || host.stop.is_asked());
    let place = ground.place(&stop);
    let proofs = server.proof.iter().map(|proof| proof.count(&place)).collect::<Result<Vec<_>>>()?;
    let databases = arguments.databases.as_ref().unwrap_or(&server.databases).iter();
    // Who says what is to be counted is asked for nothing else.
    let databases = databases.filter(|_| server.proof.is_empty());
    let tables = databases.map(|database| Tables::of(database, &place)).collect::<Result<Vec<_>>>()?;
    Ok(Outcome { counted: true, proofs, tables })
}
