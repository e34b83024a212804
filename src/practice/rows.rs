//! The rows of a practice server: how they come in, and how a test proves that none was lost.

use super::database::{self, Database};
use super::http::{self, Request};
use super::world::{World, digest};
use crate::failure::{Context, Failure, Kind, Result};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How many rows a new server has.
const DATASETS: usize = 240;
const NAMESPACES: usize = 12;
const USERS: usize = 30;

/// What is in the databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The number of rows by `database.table`, as `hoss_core.datasets`; `gopg_migrations` not among them.
    pub tables: BTreeMap<String, usize>,
    /// The last migration of each database that has any.
    pub migrations: BTreeMap<String, i64>,
    /// A digest of which rows there are. An update that loses none leaves it as it is, a migration too.
    pub identity: String,
    /// A digest of all that is in the rows. A restored backup brings it back.
    pub content: String,
}

/// Reads them from the database service, or from its file if the service isn't running.
pub fn read(world: &World) -> Result<Rows> {
    let databases = ["hoss_auth", "hoss_core"];
    let running: Result<Vec<_>> = databases.iter().map(|name| from_service(world, name)).collect();
    let contents = running.or_else(|_| {
        let file = world.hoss().join("data/db").join("practice.redb");
        if !file.exists() {
            return Err(Failure::new(Kind::NotFound, format!("`{}` is not there", file.display())));
        }
        let database = Database::open(&file)?;
        databases.iter().map(|name| database.content(name)).collect()
    })?;
    let mut rows = Rows {
        tables: BTreeMap::new(),
        migrations: BTreeMap::new(),
        identity: String::new(),
        content: String::new(),
    };
    for (database, tables) in databases.into_iter().zip(contents) {
        for (table, content) in tables {
            rows.content.push_str(&format!("{database} {table} {content:?}\n"));
            if table == "gopg_migrations" {
                let last = content.values().filter_map(|row| row["version"].as_i64()).max();
                rows.migrations.insert(database.into(), last.unwrap_or(0));
                continue;
            }
            rows.tables.insert(format!("{database}.{table}"), content.len());
            for (key, row) in content {
                rows.identity.push_str(&format!("{database} {table} {key} {:?}\n", row.get("uuid")));
            }
        }
    }
    Ok(Rows { identity: digest(&rows.identity), content: digest(&rows.content), ..rows })
}

fn from_service(world: &World, name: &str) -> Result<BTreeMap<String, database::Rows>> {
    let response = http::send(world.port("db")?, &Request::new("GET", &format!("/content?{name}"), ""))?;
    serde_json::from_slice(&response.body)
        .or_fail(Kind::Unreachable, || "the database does not answer".into())
}

/// Fills a new server: datasets in namespaces, users, and a document per dataset in the search index.
pub fn fill(world: &World) -> Result<()> {
    let namespace = |number: usize| format!("group-{:02}", number % NAMESPACES + 1);
    let row = |kind: &str, number: usize, name: String, more: Value| -> (String, Map<String, Value>) {
        let uuid = digest(format!("{kind} {number}"))[..32].to_string();
        let mut row = Map::from_iter([("name".to_string(), name.into()), ("uuid".to_string(), uuid.into())]);
        row.extend(more.as_object().cloned().unwrap_or_default());
        (format!("{:06}", number + 1), row)
    };
    let namespaces = (0..NAMESPACES)
        .map(|number| row("namespace", number, namespace(number), json!({ "bucket": "data" })));
    let datasets: database::Rows = (0..DATASETS)
        .map(|number| {
            let more = json!({ "namespace": namespace(number), "size": (number * 7919) % 100_000, "sync_enabled": "no" });
            row("dataset", number, format!("dataset-{:03}", number + 1), more)
        })
        .collect();
    let users = (0..USERS).map(|number| {
        let name = format!("user{:02}", number + 1);
        let more = json!({ "email": format!("{name}@example.org") });
        row("user", number, name, more)
    });
    insert(world, "hoss_core", "namespaces", &namespaces.collect())?;
    insert(world, "hoss_core", "datasets", &datasets)?;
    insert(world, "hoss_auth", "users", &users.collect())?;
    let documents: Vec<&Map<String, Value>> = datasets.values().collect();
    let body = json!(documents).to_string().into_bytes();
    expect_ok(http::request(world, "POST", "http://opensearch:9200/metadata-index/_practice", &[], body)?)
}

fn insert(world: &World, database: &str, table: &str, rows: &database::Rows) -> Result<()> {
    let body = json!(rows).to_string();
    expect_ok(http::send(
        world.port("db")?,
        &Request::new("POST", &format!("/insert/{table}?{database}"), body),
    )?)
}

fn expect_ok(response: http::Response) -> Result<()> {
    match response.status {
        200 => Ok(()),
        status => Err(Failure::new(Kind::Refused, format!("the practice server answered {status}"))
            .why(String::from_utf8_lossy(&response.body))),
    }
}
