//! `query(server, statement: text, #{ service: text, database: text, project: text })`
//!
//! Runs a read-only query in a PostgreSQL database in a container of the server.
//!
//! `psql` is run in the container, over its socket, as the user that it was made with: no password is needed.
//!
//! # Options
//! - `service`: the Compose service that runs PostgreSQL. Default: `"db"`.
//! - `database`: the database to ask. Default: `"postgres"`.
//! - `project`: the Compose project, if the machine has several with such a service. Default: the only one.
//!
//! # Returns
//! An array of rows, each an array of texts; NULL is an empty text.
//!
//! # Errors
//! `not_found` if there is no such service; `refused` if it does not run; `command_failed`, with PostgreSQL's message,
//! if it does not answer or the statement is wrong, or would change something.
//!
//! # After a crash
//! The question is asked again, unless the answer was recorded.
//!
//! # Example
//! ```rhai
//! let rows = this_server().query("SELECT count(*) FROM users", #{ database: "hoss_auth" });
//! rows[0][0]
//! // => "30"
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::postgres::Postgres;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct Query;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    statement: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<String>,
}

impl Primitive for Query {
    type Arguments = Arguments;
    type Outcome = Vec<Vec<String>>;
    const NAME: &'static str = "query";
    const SOURCE: &'static str = include_str!("query.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Services],
        perform,
        predict: |_, _| Ok(data::unknown("the answer of the database")),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<Vec<String>>> {
    let server = host.server()?;
    let (ground, stop) =
        (server.ground(server.kept_folders(None), arguments.project.as_deref()), || host.stop.is_asked());
    let place = ground.place(&stop);
    let container = place.running(arguments.service.as_deref().unwrap_or("db"))?;
    let postgres = Postgres { docker: place.docker(), container: &container.name };
    let printed = postgres.ask(arguments.database.as_deref().unwrap_or("postgres"), &arguments.statement)?;
    Ok(printed.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect())
}
