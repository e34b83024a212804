//! Tables with all their rows, as they are compared, dumped and brought back.

use super::answer::failed;
use crate::failure::Result;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A row by the names of its columns.
pub type Row = Map<String, Value>;

/// Tables by their names.
pub type Tables = BTreeMap<String, Table>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The statement that makes it.
    pub definition: String,
    /// Sorted by the first column, which is the key in all of Hoss's tables.
    pub rows: Vec<Row>,
}

/// All tables of the database that a connection was opened for.
pub fn read(connection: &Connection) -> Result<Tables> {
    let list = "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let mut list = connection.prepare(list).map_err(failed)?;
    let found = list.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    let found: Vec<(String, String)> = found.collect::<rusqlite::Result<_>>().map_err(failed)?;
    let tables = found.into_iter().map(|(name, definition)| {
        let rows = rows(connection, &name).map_err(failed)?;
        Ok((name, Table { definition, rows }))
    });
    tables.collect()
}

fn rows(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare(&format!("SELECT * FROM main.\"{table}\" ORDER BY 1"))?;
    let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let row = |row: &rusqlite::Row| {
        let value = |(place, name): (usize, &String)| Ok((name.clone(), value(row.get_ref(place)?)));
        columns.iter().enumerate().map(value).collect()
    };
    statement.query_map([], row)?.collect()
}

/// A value as JSON has it.
pub fn value(value: ValueRef) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into(),
    }
}

/// Makes tables with their rows. Fails if there is one of that name.
pub fn write(connection: &Connection, tables: &Tables) -> Result<()> {
    for (name, table) in tables {
        connection.execute_batch(&table.definition).map_err(failed)?;
        let Some(first) = table.rows.first() else { continue };
        let columns: Vec<String> = first.keys().map(|column| format!("\"{column}\"")).collect();
        let values: Vec<String> = first.keys().map(|column| format!("value ->> '{column}'")).collect();
        let (columns, values) = (columns.join(", "), values.join(", "));
        let insert = format!("INSERT INTO \"{name}\" ({columns}) SELECT {values} FROM json_each(?1)");
        let rows = serde_json::json!(table.rows).to_string();
        connection.execute(&insert, [rows]).map_err(failed)?;
    }
    Ok(())
}
