//! The rows of a practice server: how they come in, and how a test proves that none was lost.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::yaml;
use crate::practice::database::{self, Database};
use crate::practice::real_docker::client::docker;
use crate::practice::real_docker::container;
use crate::practice::world::http::{self, Request};
use crate::practice::world::{Settings, World, digest};
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
    if let Some(settings) = world.in_real_docker() {
        return from_docker(&settings, name);
    }
    let response = http::send(world.socket("db")?, &Request::new("GET", &format!("/content?{name}"), ""))?;
    serde_json::from_slice(&response.body)
        .or_fail(Kind::Unreachable, || "the database does not answer".into())
}

/// What the real PostgreSQL has, read in its container.
fn from_docker(settings: &Settings, database: &str) -> Result<BTreeMap<String, database::Rows>> {
    let names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    let mut tables = BTreeMap::new();
    for table in psql(settings, database, names)?.lines() {
        let text =
            psql(settings, database, &format!("SELECT row_to_json(t) FROM \"{table}\" t ORDER BY id"))?;
        let rows = text.lines().map(|line| {
            let row: Map<String, Value> =
                serde_json::from_str(line).or_fail(Kind::Invalid, || "PostgreSQL printed no JSON".into())?;
            Ok((yaml::text(&row["id"]), row))
        });
        tables.insert(table.to_owned(), rows.collect::<Result<_>>()?);
    }
    Ok(tables)
}

fn psql(settings: &Settings, database: &str, statements: &str) -> Result<String> {
    let container = container(settings, "db")?;
    let program = "exec psql -U \"$POSTGRES_USER\" -qAt -v ON_ERROR_STOP=1 -d \"$0\" -f -";
    let arguments = ["exec", "-i", &container, "sh", "-c", program, database];
    docker(settings, &arguments, statements.as_bytes())
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
    // The real database is not in a hurry.
    let many = if world.in_real_docker().is_some() { 20 * DATASETS } else { DATASETS };
    let datasets: database::Rows = (0..many)
        .map(|number| {
            let more = json!({
                "namespace": namespace(number), "size": (number * 7919) % 100_000,
                "delete_status": "NOT_SCHEDULED", "sync_enabled": "no",
            });
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
    if world.services().iter().any(|service| service == "auth") {
        insert(world, "hoss_auth", "users", &users.collect())?;
    }
    let documents: Vec<&Map<String, Value>> = datasets.values().collect();
    let body = json!(documents).to_string().into_bytes();
    expect_ok(http::request(world, "POST", "http://opensearch:9200/metadata-index/_practice", &[], body)?)
}

fn insert(world: &World, database: &str, table: &str, rows: &database::Rows) -> Result<()> {
    if let Some(settings) = world.in_real_docker() {
        let with_keys = rows.iter().map(|(key, row)| {
            let mut row = row.clone();
            row.insert("id".into(), key.clone().into());
            Value::from(row)
        });
        let rows = Value::from(with_keys.collect::<Vec<_>>());
        let source = format!("json_populate_recordset(null::{table}, $rows${rows}$rows$)");
        let statement = format!("INSERT INTO {table} SELECT * FROM {source}");
        return psql(&settings, database, &statement).map(drop);
    }
    let body = json!(rows).to_string();
    expect_ok(http::send(
        world.socket("db")?,
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
