//! The rows of a practice server: how they come in, and how a test proves that none was lost.

use crate::failure::{Context, Failure, Kind, Result};
use crate::practice::database::Databases;
use crate::practice::database::client::{ask, sql};
use crate::practice::database::table::{Row, Tables};
use crate::practice::real_docker::client::docker;
use crate::practice::real_docker::container;
use crate::practice::world::http::{self, Request};
use crate::practice::world::{Settings, World, digest};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many rows a new server has.
const DATASETS: usize = 240;
const NAMESPACES: usize = 12;
const USERS: usize = 30;

/// The rows of a database, by their tables.
type Content = BTreeMap<String, Vec<Row>>;

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

/// Reads them from the database service, or from its files if the service isn't running.
pub fn read(world: &World) -> Result<Rows> {
    let databases = ["hoss_auth", "hoss_core"];
    let running: Result<Vec<_>> = databases.iter().map(|name| from_service(world, name)).collect();
    let contents = running.or_else(|_| {
        let files = Databases::open(&world.hoss().join("data/db"))?;
        databases.iter().map(|name| files.tables(name).map(rows_of)).collect()
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
                let last = content.iter().filter_map(|row| row["version"].as_i64()).max();
                rows.migrations.insert(database.into(), last.unwrap_or(0));
                continue;
            }
            rows.tables.insert(format!("{database}.{table}"), content.len());
            for row in content {
                let (id, uuid) = (row.get("id"), row.get("uuid"));
                rows.identity.push_str(&format!("{database} {table} {id:?} {uuid:?}\n"));
            }
        }
    }
    Ok(Rows { identity: digest(&rows.identity), content: digest(&rows.content), ..rows })
}

fn rows_of(tables: Tables) -> Content {
    tables.into_iter().map(|(name, table)| (name, table.rows)).collect()
}

fn from_service(world: &World, name: &str) -> Result<Content> {
    if let Some(settings) = world.in_real_docker() {
        return from_docker(&settings, name);
    }
    let response = ask(world, &Request::new("GET", &format!("/tables?{name}"), ""))?;
    let tables = serde_json::from_slice(&response.body);
    tables.map(rows_of).or_fail(Kind::Unreachable, || "the database does not answer".into())
}

/// What the real PostgreSQL has, read in its container.
fn from_docker(settings: &Settings, database: &str) -> Result<Content> {
    let names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    let mut tables = BTreeMap::new();
    for table in psql(settings, database, names)?.lines() {
        let text =
            psql(settings, database, &format!("SELECT row_to_json(t) FROM \"{table}\" t ORDER BY id"))?;
        let rows = text.lines().map(|line| {
            serde_json::from_str(line).or_fail(Kind::Invalid, || "PostgreSQL printed no JSON".into())
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
    let row = |kind: &str, number: usize, name: String, more: Value| -> Row {
        let uuid = &digest(format!("{kind} {number}"))[..32];
        let id = format!("{:06}", number + 1);
        let mut row = Row::from_iter([("id".into(), id.into()), ("uuid".into(), uuid.into())]);
        row.insert("name".into(), name.into());
        row.extend(more.as_object().cloned().unwrap_or_default());
        row
    };
    let namespaces = (0..NAMESPACES)
        .map(|number| row("namespace", number, namespace(number), json!({ "bucket": "data" })));
    // The real database is not in a hurry.
    let many = if world.in_real_docker().is_some() { 20 * DATASETS } else { DATASETS };
    let datasets = (0..many).map(|number| {
        let more = json!({
            "namespace": namespace(number), "size": (number * 7919) % 100_000,
            "delete_status": "NOT_SCHEDULED", "sync_enabled": "no",
        });
        row("dataset", number, format!("dataset-{:03}", number + 1), more)
    });
    let datasets: Vec<Row> = datasets.collect();
    let users = (0..USERS).map(|number| {
        let name = format!("user{:02}", number + 1);
        let more = json!({ "email": format!("{name}@example.org") });
        row("user", number, name, more)
    });
    insert(world, "hoss_core", "namespaces", &namespaces.collect::<Vec<_>>())?;
    insert(world, "hoss_core", "datasets", &datasets)?;
    if world.services().iter().any(|service| service == "auth") {
        insert(world, "hoss_auth", "users", &users.collect::<Vec<_>>())?;
    }
    let body = json!(datasets).to_string().into_bytes();
    let filled = http::request(world, "POST", "http://opensearch:9200/metadata-index/_practice", &[], body)?;
    match filled.status {
        200 => Ok(()),
        status => Err(Failure::new(Kind::Refused, format!("the practice server answered {status}"))
            .why(String::from_utf8_lossy(&filled.body))),
    }
}

fn insert(world: &World, database: &str, table: &str, rows: &[Row]) -> Result<()> {
    let columns: Vec<&str> = rows.iter().take(1).flat_map(Row::keys).map(String::as_str).collect();
    let literal = |value: &Value| match value {
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        other => other.to_string(),
    };
    let tuple = |row: &Row| format!("({})", row.values().map(literal).collect::<Vec<_>>().join(", "));
    let tuples: Vec<String> = rows.iter().map(tuple).collect();
    let statement = format!("INSERT INTO {table} ({}) VALUES {}", columns.join(", "), tuples.join(", "));
    match world.in_real_docker() {
        Some(settings) => psql(&settings, database, &statement).map(drop),
        None => sql(world, database, &statement).map(drop),
    }
}
