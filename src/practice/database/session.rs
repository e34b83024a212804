//! A connection to one of the databases, for as long as a request takes.

use super::CATALOG;
use super::answer::{Answer, column, error, failed};
use super::statement::Statement;
use super::table::{self, Tables};
use crate::failure::{Failure, Kind, Result};
use crate::machine::yaml;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub struct Session {
    connection: Connection,
    folder: PathBuf,
    /// The files of databases that were dropped. They go when that is committed; one that is left behind because of a kill
    /// is in nobody's way, since no number is given twice.
    dropped: Vec<PathBuf>,
}

fn file(folder: &Path, number: i64) -> PathBuf {
    folder.join(format!("{number}.sqlite"))
}

impl Session {
    /// `catalog` is the connection to the list of databases, held by who has the turn.
    pub fn open(catalog: &Connection, folder: &Path, database: &str) -> Result<Session> {
        let mut list = catalog.prepare("SELECT datname, oid FROM pg_database").map_err(failed)?;
        let numbers = list.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
        let numbers: BTreeMap<String, i64> = numbers.collect::<rusqlite::Result<_>>().map_err(failed)?;
        let unknown =
            || Failure::new(Kind::NotFound, format!("FATAL:  database \"{database}\" does not exist"));
        let number = *numbers.get(database).ok_or_else(unknown)?;
        let connection = Connection::open(file(folder, number)).map_err(failed)?;
        let attached = folder.join(CATALOG);
        connection.execute("ATTACH ?1 AS catalog", [attached.to_string_lossy()]).map_err(failed)?;
        let session = Session { connection, folder: folder.to_owned(), dropped: Vec::new() };
        session.add_functions(numbers).map_err(failed)?;
        Ok(session)
    }

    fn add_functions(&self, numbers: BTreeMap<String, i64>) -> rusqlite::Result<()> {
        let add = FunctionFlags::SQLITE_UTF8;
        self.connection.create_scalar_function("pg_backend_pid", 0, add, |_| Ok(0))?;
        self.connection.create_scalar_function("pg_terminate_backend", 1, add, |_| Ok(true))?;
        let folder = self.folder.clone();
        self.connection.create_scalar_function("pg_database_size", 1, add, move |call| {
            let number = numbers.get(&call.get::<String>(0)?);
            let about = number.and_then(|number| std::fs::metadata(file(&folder, *number)).ok());
            Ok(about.map(|about| about.len() as i64))
        })
    }

    /// All that is done takes effect, or nothing.
    pub fn in_transaction<T>(&mut self, work: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
        self.connection.execute_batch("BEGIN").map_err(failed)?;
        let done = work(self)?;
        self.connection.execute_batch("COMMIT").map_err(failed)?;
        for file in self.dropped.drain(..) {
            _ = std::fs::remove_file(file);
        }
        Ok(done)
    }

    pub fn tables(&self) -> Result<Tables> {
        table::read(&self.connection)
    }

    /// Makes tables with their rows. With `clean` those that are there go first.
    pub fn put(&self, tables: &Tables, clean: bool) -> Result<()> {
        if clean {
            for name in self.tables()?.keys() {
                self.connection.execute(&format!("DROP TABLE \"{name}\""), []).map_err(failed)?;
            }
        }
        table::write(&self.connection, tables)
    }

    pub fn perform(&mut self, statement: &Statement) -> Result<Answer> {
        match statement {
            Statement::Transaction(tag) => Ok(Answer::tag(tag)),
            Statement::CreateDatabase(name) => {
                self.must_be_free(name)?;
                let insert = "INSERT INTO catalog.pg_database (datname) VALUES (?1)";
                self.connection.execute(insert, [name]).map_err(failed)?;
                Ok(Answer::tag("CREATE DATABASE"))
            }
            Statement::RenameDatabase { from, to } => {
                self.must_be_free(to)?;
                let update = "UPDATE catalog.pg_database SET datname = ?2 WHERE datname = ?1";
                match self.connection.execute(update, [from, to]).map_err(failed)? {
                    0 => Err(missing(from)),
                    _ => Ok(Answer::tag("ALTER DATABASE")),
                }
            }
            Statement::DropDatabase { name, if_exists } => {
                match self.number(name)? {
                    Some(number) => self.dropped.push(file(&self.folder, number)),
                    None if *if_exists => {}
                    None => return Err(missing(name)),
                }
                let delete = "DELETE FROM catalog.pg_database WHERE datname = ?1";
                self.connection.execute(delete, [name]).map_err(failed)?;
                Ok(Answer::tag("DROP DATABASE"))
            }
            Statement::Other(text) => run(&self.connection, text).map_err(failed),
        }
    }

    fn number(&self, name: &str) -> Result<Option<i64>> {
        let select = "SELECT oid FROM catalog.pg_database WHERE datname = ?1";
        self.connection.query_row(select, [name], |row| row.get(0)).optional().map_err(failed)
    }

    fn must_be_free(&self, name: &str) -> Result<()> {
        match self.number(name)? {
            Some(_) => Err(error(format!("database \"{name}\" already exists"))),
            None => Ok(()),
        }
    }
}

fn missing(name: &str) -> Failure {
    error(format!("database \"{name}\" does not exist"))
}

fn run(connection: &Connection, text: &str) -> rusqlite::Result<Answer> {
    let mut statement = connection.prepare(text)?;
    let columns: Vec<String> = statement.column_names().into_iter().map(column).collect();
    let count = columns.len();
    let row = |row: &rusqlite::Row| {
        let texts = (0..count).map(|place| Ok(yaml::text(&table::value(row.get_ref(place)?))));
        texts.collect::<rusqlite::Result<Vec<String>>>()
    };
    let rows: Vec<Vec<String>> = statement.query_map([], row)?.collect::<rusqlite::Result<_>>()?;
    let words: Vec<String> = text.split_whitespace().take(2).map(str::to_uppercase).collect();
    let tag = match words.first().map_or("", String::as_str) {
        "INSERT" => format!("INSERT 0 {}", connection.changes()),
        verb @ ("DELETE" | "UPDATE") => format!("{verb} {}", connection.changes()),
        _ if count > 0 => format!("SELECT {}", rows.len()),
        _ => words.join(" "),
    };
    Ok(Answer { columns, rows, tag })
}
