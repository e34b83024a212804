//! The database of a practice server: real transactions and files (redb), with the few notions of PostgreSQL that
//! updates meet: databases, tables, rows, dumps.

pub mod client;
mod sql;

use super::world::digest;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::yaml;
use redb::{ReadableDatabase, ReadableTable, TableDefinition, TableHandle, WriteTransaction};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sql::{Column, Select, Statement};
use std::collections::BTreeMap;
use std::path::Path;

/// All databases, with what each is for.
const DATABASES: TableDefinition<&str, &str> = TableDefinition::new("databases");

/// What a statement gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// What `psql` prints for a statement without rows, as `CREATE TABLE`.
    pub tag: String,
}

/// A table's rows by key; each row is a map of its columns.
pub type Rows = BTreeMap<String, Map<String, Value>>;

pub struct Database {
    file: redb::Database,
}

fn failed<E: std::fmt::Display>(error: E) -> Failure {
    Failure::new(Kind::Refused, "the database can't do it").why(error)
}

fn error(message: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Refused, format!("ERROR:  {message}"))
}

fn stored_name(database: &str, table: &str) -> String {
    format!("{database}.{table}")
}

impl Database {
    /// Opens the file, or makes it. Only one process can have it open.
    pub fn open(path: &Path) -> Result<Database> {
        let file = redb::Database::create(path)
            .or_fail(Kind::Refused, || format!("the database `{}` can't be opened", path.display()))?;
        let transaction = file.begin_write().map_err(failed)?;
        transaction.open_table(DATABASES).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(Database { file })
    }

    pub fn databases(&self) -> Result<Vec<String>> {
        let transaction = self.file.begin_read().map_err(failed)?;
        let table = transaction.open_table(DATABASES).map_err(failed)?;
        let names = table.iter().map_err(failed)?;
        names.map(|entry| Ok(entry.map_err(failed)?.0.value().to_string())).collect()
    }

    /// The tables of a database with their rows.
    pub fn content(&self, database: &str) -> Result<BTreeMap<String, Rows>> {
        let transaction = self.file.begin_write().map_err(failed)?;
        let content = content(&transaction, database);
        transaction.abort().map_err(failed)?;
        content
    }

    /// Runs statements in one transaction: all of them take effect, or none.
    pub fn execute(&self, database: &str, statements: &str) -> Result<Vec<Answer>> {
        let statements = sql::parse(statements)?;
        let transaction = self.file.begin_write().map_err(failed)?;
        let answers: Result<Vec<Answer>> =
            statements.iter().map(|statement| perform(&transaction, database, statement)).collect();
        match answers {
            // Who only reads leaves the file as it is.
            Ok(answers) if statements.iter().all(Statement::only_reads) => {
                transaction.abort().map_err(failed).map(|()| answers)
            }
            Ok(answers) => transaction.commit().map_err(failed).map(|()| answers),
            Err(failure) => transaction.abort().map_err(failed).and(Err(failure)),
        }
    }

    /// Adds rows to a table, which is made if it isn't there. A row of the same key is replaced.
    pub fn insert(&self, database: &str, table: &str, rows: &Rows) -> Result<()> {
        let transaction = self.file.begin_write().map_err(failed)?;
        write_rows(&transaction, database, table, rows)?;
        transaction.commit().map_err(failed)
    }

    /// A dump: text that is the same for the same rows, and ends with a digest of all before.
    pub fn dump(&self, database: &str) -> Result<String> {
        let mut text = format!("PGDMP practice 1\nDATABASE {database}\n");
        for (table, rows) in self.content(database)? {
            text.push_str(&format!("TABLE {table} {}\n", rows.len()));
            for (key, row) in rows {
                text.push_str(&format!("{key}\t{}\n", Value::Object(row)));
            }
        }
        let end = digest(&text);
        text.push_str(&format!("END {end}\n"));
        Ok(text)
    }

    /// Brings back a dump into a database, in one transaction. With `clean` its tables go first.
    pub fn restore(&self, database: &str, dump: &str, clean: bool) -> Result<()> {
        let tables = read_dump(dump)?;
        let transaction = self.file.begin_write().map_err(failed)?;
        let existing = content(&transaction, database)?;
        if clean {
            drop_tables(&transaction, database)?;
        } else if let Some(table) = tables.keys().find(|table| existing.contains_key(*table)) {
            transaction.abort().map_err(failed)?;
            return Err(error(format!("relation \"{table}\" already exists")));
        }
        for (table, rows) in &tables {
            write_rows(&transaction, database, table, rows)?;
        }
        transaction.commit().map_err(failed)
    }
}

/// The tables in a dump; fails if it is cut or altered.
pub fn read_dump(dump: &str) -> Result<BTreeMap<String, Rows>> {
    let broken = || Failure::new(Kind::Invalid, "could not read from input file: end of file");
    if !dump.starts_with("PGDMP") {
        return Err(Failure::new(Kind::Invalid, "input file does not appear to be a valid archive"));
    }
    let (body, end) = dump.rsplit_once("END ").ok_or_else(broken)?;
    if digest(body) != end.trim_end() {
        return Err(broken());
    }
    let mut tables: BTreeMap<String, Rows> = BTreeMap::new();
    let mut table = None;
    for line in body.lines().skip(2) {
        if let Some(name) = line.strip_prefix("TABLE ") {
            table = Some(tables.entry(name.split(' ').next().unwrap_or(name).into()).or_default());
        } else if let Some((key, row)) = line.split_once('\t') {
            let row = serde_json::from_str(row).map_err(|_| broken())?;
            table.as_mut().ok_or_else(broken)?.insert(key.into(), row);
        }
    }
    Ok(tables)
}

fn content(transaction: &WriteTransaction, database: &str) -> Result<BTreeMap<String, Rows>> {
    known(transaction, database)?;
    let prefix = stored_name(database, "");
    let names: Vec<String> = transaction
        .list_tables()
        .map_err(failed)?
        .filter_map(|table| table.name().strip_prefix(&prefix).map(str::to_string))
        .collect();
    names.into_iter().map(|table| Ok((table.clone(), read_rows(transaction, database, &table)?))).collect()
}

fn known(transaction: &WriteTransaction, database: &str) -> Result<()> {
    let table = transaction.open_table(DATABASES).map_err(failed)?;
    match table.get(database).map_err(failed)? {
        Some(_) => Ok(()),
        None => Err(Failure::new(Kind::NotFound, format!("FATAL:  database \"{database}\" does not exist"))),
    }
}

fn read_rows(transaction: &WriteTransaction, database: &str, table: &str) -> Result<Rows> {
    let name = stored_name(database, table);
    // Opening would make the table.
    if !transaction.list_tables().map_err(failed)?.any(|found| found.name() == name) {
        return Err(error(format!("relation \"{table}\" does not exist")));
    }
    let table = transaction.open_table(TableDefinition::<&str, &str>::new(&name)).map_err(failed)?;
    let mut rows = Rows::new();
    for entry in table.iter().map_err(failed)? {
        let (key, row) = entry.map_err(failed)?;
        rows.insert(key.value().into(), serde_json::from_str(row.value()).map_err(failed)?);
    }
    Ok(rows)
}

fn write_rows(transaction: &WriteTransaction, database: &str, table: &str, rows: &Rows) -> Result<()> {
    known(transaction, database)?;
    let name = stored_name(database, table);
    let mut table = transaction.open_table(TableDefinition::<&str, &str>::new(&name)).map_err(failed)?;
    for (key, row) in rows {
        table.insert(key.as_str(), Value::Object(row.clone()).to_string().as_str()).map_err(failed)?;
    }
    Ok(())
}

fn drop_tables(transaction: &WriteTransaction, database: &str) -> Result<()> {
    let tables = content(transaction, database)?;
    tables.keys().try_for_each(|table| drop_table(transaction, database, table))
}

fn drop_table(transaction: &WriteTransaction, database: &str, table: &str) -> Result<()> {
    let name = stored_name(database, table);
    transaction.delete_table(TableDefinition::<&str, &str>::new(&name)).map_err(failed)?;
    Ok(())
}

fn perform(transaction: &WriteTransaction, database: &str, statement: &Statement) -> Result<Answer> {
    let tag = |tag: &str| Ok(Answer { tag: tag.into(), ..Answer::default() });
    match statement {
        Statement::One => Ok(Answer {
            columns: vec!["?column?".into()],
            rows: vec![vec!["1".into()]],
            tag: "SELECT 1".into(),
        }),
        Statement::Size(name) => {
            let size = format!("{:?}", content(transaction, name)?).len();
            let rows = vec![vec![size.to_string()]];
            Ok(Answer { columns: vec!["pg_database_size".into()], rows, tag: "SELECT 1".into() })
        }
        Statement::Select(wanted) => select(transaction, database, wanted),

        Statement::Databases => {
            let names = transaction.open_table(DATABASES).map_err(failed)?;
            let names = names
                .iter()
                .map_err(failed)?
                .map(|entry| Ok(vec![entry.map_err(failed)?.0.value().to_owned()]));
            let rows = names.collect::<Result<_>>()?;
            Ok(Answer { columns: vec!["datname".into()], rows, tag: String::new() })
        }
        Statement::Nothing => tag(""),
        Statement::RenameDatabase { from, to } => {
            known(transaction, from)?;
            if known(transaction, to).is_ok() {
                return Err(error(format!("database \"{to}\" already exists")));
            }
            transaction.open_table(DATABASES).map_err(failed)?.insert(to.as_str(), "").map_err(failed)?;
            for (table, rows) in content(transaction, from)? {
                write_rows(transaction, to, &table, &rows)?;
            }
            drop_tables(transaction, from)?;
            transaction.open_table(DATABASES).map_err(failed)?.remove(from.as_str()).map_err(failed)?;
            tag("ALTER DATABASE")
        }
        Statement::CreateDatabase(name) => {
            let mut table = transaction.open_table(DATABASES).map_err(failed)?;
            if table.get(name.as_str()).map_err(failed)?.is_some() {
                return Err(error(format!("database \"{name}\" already exists")));
            }
            table.insert(name.as_str(), "").map_err(failed)?;
            tag("CREATE DATABASE")
        }
        Statement::DropDatabase { name, if_exists } => {
            match known(transaction, name) {
                Ok(()) => drop_tables(transaction, name)?,
                Err(_) if *if_exists => {}
                Err(_) => return Err(error(format!("database \"{name}\" does not exist"))),
            }
            transaction.open_table(DATABASES).map_err(failed)?.remove(name.as_str()).map_err(failed)?;
            tag("DROP DATABASE")
        }
        Statement::CreateTable(table) => {
            if content(transaction, database)?.contains_key(table) {
                return Err(error(format!("relation \"{table}\" already exists")));
            }
            write_rows(transaction, database, table, &Rows::new())?;
            tag("CREATE TABLE")
        }
        Statement::DropTable(table) => {
            read_rows(transaction, database, table)?;
            drop_table(transaction, database, table)?;
            tag("DROP TABLE")
        }
        Statement::Delete(table) => {
            let count = read_rows(transaction, database, table)?.len();
            drop_table(transaction, database, table)?;
            write_rows(transaction, database, table, &Rows::new())?;
            tag(&format!("DELETE {count}"))
        }
        Statement::Insert { table, values } => {
            let mut rows = read_rows(transaction, database, table)?;
            let last = rows.keys().next_back().and_then(|key| key.parse::<u64>().ok()).unwrap_or(0);
            rows.insert(format!("{:06}", last + 1), values.clone());
            write_rows(transaction, database, table, &rows)?;
            tag("INSERT 0 1")
        }
        Statement::AddColumn { table, column, value } => {
            change_rows(transaction, database, table, |row| match row.contains_key(column) {
                true => Err(error(format!("column \"{column}\" of relation \"{table}\" already exists"))),
                false => Ok(_ = row.insert(column.clone(), value.clone())),
            })?;
            tag("ALTER TABLE")
        }
        Statement::RenameColumn { table, from, to } => {
            change_rows(transaction, database, table, |row| match row.remove(from) {
                Some(value) => Ok(_ = row.insert(to.clone(), value)),
                None => Err(error(format!("column \"{from}\" does not exist"))),
            })?;
            tag("ALTER TABLE")
        }
    }
}

fn change_rows(
    transaction: &WriteTransaction,
    database: &str,
    table: &str,
    change: impl Fn(&mut Map<String, Value>) -> Result<()>,
) -> Result<()> {
    let mut rows = read_rows(transaction, database, table)?;
    rows.values_mut().try_for_each(change)?;
    write_rows(transaction, database, table, &rows)
}

fn select(transaction: &WriteTransaction, database: &str, wanted: &Select) -> Result<Answer> {
    let Select { column, table, filter, order, limit } = wanted;
    let mut rows: Vec<Map<String, Value>> = if table == "pg_database" {
        let names = transaction.open_table(DATABASES).map_err(failed)?;
        let names: Vec<String> =
            names.iter().map_err(failed)?.flatten().map(|(name, _)| name.value().to_string()).collect();
        names.into_iter().map(|name| Map::from_iter([("datname".to_string(), name.into())])).collect()
    } else {
        read_rows(transaction, database, table)?.into_values().collect()
    };
    if let Some((column, value)) = filter {
        rows.retain(|row| row.get(column) == Some(value));
    }
    if let Some((column, descending)) = order {
        rows.sort_by_key(|row| sort_key(row.get(column)));
        if *descending {
            rows.reverse();
        }
    }
    rows.truncate(limit.unwrap_or(usize::MAX));
    // `SELECT 1 FROM …` asks only whether there is a row.
    let shown = |row: &Map<String, Value>, name: &str| match row.get(name) {
        None if name == "1" => "1".to_string(),
        found => yaml::text(found.unwrap_or(&Value::Null)),
    };
    let (columns, rows) = match column {
        Column::Count => (vec!["count".into()], vec![vec![rows.len().to_string()]]),
        Column::Max(name) => {
            let largest = rows.iter().max_by_key(|row| sort_key(row.get(name)));
            (vec!["max".into()], vec![vec![largest.map(|row| shown(row, name)).unwrap_or_default()]])
        }
        Column::Named(names) => {
            let line = |row: &Map<String, Value>| names.iter().map(|name| shown(row, name)).collect();
            (names.clone(), rows.iter().map(line).collect())
        }
        Column::All => {
            let names: Vec<String> =
                rows.first().map(|row| row.keys().cloned().collect()).unwrap_or_default();
            let line = |row: &Map<String, Value>| names.iter().map(|name| shown(row, name)).collect();
            (names.clone(), rows.iter().map(line).collect())
        }
    };
    Ok(Answer { tag: format!("SELECT {}", rows.len()), columns, rows })
}

/// Numbers before texts, numbers by size.
fn sort_key(value: Option<&Value>) -> (i64, String) {
    match value {
        Some(Value::Number(number)) => (number.as_i64().unwrap_or(0), String::new()),
        Some(other) => (i64::MAX, yaml::text(other)),
        None => (i64::MIN, String::new()),
    }
}
