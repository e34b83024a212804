//! The databases of a practice server: files of SQLite, with the few notions of PostgreSQL that updates meet.
//!
//! ```text
//! FOLDER/databases.sqlite   which databases there are, each with the number of its file
//! FOLDER/NUMBER.sqlite      the tables of one
//! ```
//!
//! What was committed stays, however its service ends: SQLite takes back what is half written when the file is opened next.

mod answer;
pub mod client;
pub mod dump;
mod session;
mod statement;
pub mod table;

use crate::failure::{Context, Kind, Result};
use answer::{Answer, failed};
use dump::Dump;
use rusqlite::{Connection, OpenFlags};
use session::Session;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use table::Tables;

const CATALOG: &str = "databases.sqlite";

/// In PostgreSQL's words. Nobody stays connected, so there is no activity.
const TABLES: &str = "
    CREATE TABLE pg_database (oid INTEGER PRIMARY KEY AUTOINCREMENT, datname TEXT NOT NULL UNIQUE);
    CREATE TABLE pg_stat_activity (pid INTEGER, datname TEXT);
";

pub struct Databases {
    folder: PathBuf,
    /// Whoever holds it has the turn: one request after the other.
    catalog: Mutex<Connection>,
}

impl Databases {
    /// Makes them in an empty folder, with these names, unless they are there; whether they were made.
    pub fn create<'a>(folder: &Path, names: impl Iterator<Item = &'a str>) -> Result<(Databases, bool)> {
        let mut catalog = Connection::open(folder.join(CATALOG)).map_err(failed)?;
        // All or nothing: a service that is killed meanwhile begins again.
        let transaction = catalog.transaction().map_err(failed)?;
        let is_new = !transaction.table_exists(None, "pg_database").map_err(failed)?;
        if is_new {
            transaction.execute_batch(TABLES).map_err(failed)?;
            for name in names {
                let insert = "INSERT INTO pg_database (datname) VALUES (?1)";
                transaction.execute(insert, [name]).map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)?;
        Ok((Databases { folder: folder.to_owned(), catalog: Mutex::new(catalog) }, is_new))
    }

    /// Opens what is there.
    pub fn open(folder: &Path) -> Result<Databases> {
        let file = folder.join(CATALOG);
        // What is half written can be taken back only by who may write.
        let catalog = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .or_fail(Kind::NotFound, || format!("the database `{}` can't be opened", file.display()))?;
        Ok(Databases { folder: folder.to_owned(), catalog: Mutex::new(catalog) })
    }

    fn turn(&self) -> MutexGuard<'_, Connection> {
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tables of a database with their rows.
    pub fn tables(&self, database: &str) -> Result<Tables> {
        let turn = self.turn();
        Session::open(&turn, &self.folder, database)?.tables()
    }

    /// Runs statements in one transaction: all of them take effect, or none.
    pub fn execute(&self, database: &str, text: &str) -> Result<Vec<Answer>> {
        let turn = self.turn();
        let mut session = Session::open(&turn, &self.folder, database)?;
        let statements = statement::read(text);
        session.in_transaction(|session| statements.iter().map(|it| session.perform(it)).collect())
    }

    pub fn dump(&self, database: &str) -> Result<Dump> {
        Ok(Dump { database: database.to_owned(), tables: self.tables(database)? })
    }

    /// Brings back a dump into a database, in one transaction. With `clean` its tables go first.
    pub fn restore(&self, database: &str, dump: &Dump, clean: bool) -> Result<()> {
        let turn = self.turn();
        let mut session = Session::open(&turn, &self.folder, database)?;
        session.in_transaction(|session| session.put(&dump.tables, clean))
    }
}
