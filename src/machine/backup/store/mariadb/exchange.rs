//! Lets the tables of a dump take the places of a database's.
//!
//! A database can't be renamed, so its tables are: all in one statement, out and in. What refers to them by name can't be
//! moved, or goes wrong by it: views, triggers, routines and events are dropped before, and made anew from the dump after.
//! A table that only says so goes along last: where it is tells how far this came.

use super::{Database, load, rows};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::Unpacked;
use crate::machine::files::{open, sync_folder_of};
use crate::machine::mariadb::{MariaDb, Table, identifier};
use std::fs::File;
use std::io;

/// The table that goes along.
const MARK: &str = "banister_restored";

/// Puts one database back. Can be cut off anywhere, and called again.
pub(super) fn exchange(unpacked: &Unpacked, server: &MariaDb, part: &Database) -> Result<()> {
    let (new, old) = unpacked.new_and_old(part.name, "_");
    let code = code_of(unpacked, part)?;
    if !has_mark(server, &old)? {
        let live = server.charset(part.name)?;
        if !has_mark(server, &new)? {
            load(unpacked, server, part, &new)?;
            server.sql(&new, &format!("CREATE TABLE `{MARK}` (done INT)"))?;
        }
        if live.is_none() {
            server.create(part.name, server.charset(&new)?.as_ref())?;
        }
        if server.charset(&old)?.is_none() {
            server.create(&old, live.as_ref())?;
        }
        keep_code(unpacked, server, part)?;
        drop_code(server, part.name)?;
        rename(server, part, &new, &old)?;
    }
    // Also what an attempt that was cut off has made of it.
    drop_code(server, part.name)?;
    server.load(&code, part.name)
}

/// What refers to the tables, in the dump.
fn code_of(unpacked: &Unpacked, part: &Database) -> Result<File> {
    Ok(rows::read(open(&unpacked.path(part.member))?, &unpacked.folder)?.code)
}

fn has_mark(server: &MariaDb, database: &str) -> Result<bool> {
    Ok(server.tables(database)?.iter().any(|table| table.name == MARK))
}

/// Keeps what refers to the tables of today beside what was unpacked: it is dropped next. What an attempt before has kept
/// is what was there before that.
fn keep_code(unpacked: &Unpacked, server: &MariaDb, part: &Database) -> Result<()> {
    let path = unpacked.folder.join(format!("{}.{}.code-before.sql", part.service, part.name));
    let failed = || format!("`{}` can't be written", path.display());
    if path.exists() {
        return Ok(());
    }
    let mut kept = tempfile::NamedTempFile::new_in(&unpacked.folder).or_fail(Kind::Refused, failed)?;
    let looked = crate::command::look_into(&server.code(part.name)?, kept.as_file(), server.docker.stop)?;
    if looked.exit != crate::command::Exit::Status(0) {
        return Err(Failure::new(Kind::CommandFailed, failed()).why(looked.stderr.trim()));
    }
    io::Write::flush(&mut kept).and_then(|()| kept.as_file().sync_all()).or_fail(Kind::Refused, failed)?;
    kept.persist(&path).map(drop).or_fail(Kind::Refused, failed)?;
    sync_folder_of(&path).or_fail(Kind::Refused, failed)
}

/// Drops views, triggers, routines and events.
fn drop_code(server: &MariaDb, database: &str) -> Result<()> {
    let schema = format!("= '{database}'");
    let ask = format!(
        "SELECT CONCAT('DROP TRIGGER IF EXISTS `', REPLACE(trigger_name, '`', '``'), '`') \
           FROM information_schema.triggers WHERE trigger_schema {schema}; \
         SELECT CONCAT('DROP VIEW IF EXISTS `', REPLACE(table_name, '`', '``'), '`') \
           FROM information_schema.views WHERE table_schema {schema}; \
         SELECT CONCAT('DROP ', routine_type, ' IF EXISTS `', REPLACE(routine_name, '`', '``'), '`') \
           FROM information_schema.routines WHERE routine_schema {schema} \
           AND routine_type IN ('PROCEDURE', 'FUNCTION'); \
         SELECT CONCAT('DROP EVENT IF EXISTS `', REPLACE(event_name, '`', '``'), '`') \
           FROM information_schema.events WHERE event_schema {schema};"
    );
    let statements = server.sql(database, &ask)?;
    let statements: String = statements.lines().map(|statement| format!("{statement};\n")).collect();
    server.sql(database, &statements).map(drop)
}

/// Old out, new in. A server that renames one table after the other may have been stopped half-way; then the rest is
/// renamed: what
/// of the backup is no longer in `new` is in its place already.
fn rename(server: &MariaDb, part: &Database, new: &str, old: &str) -> Result<()> {
    let tables = |database: &str| -> Result<Vec<String>> {
        let tables = server.tables(database)?.into_iter().filter(|table| !table.is_view);
        Ok(tables.map(|Table { name, .. }| name).collect())
    };
    let (live, fresh) = (tables(part.name)?, tables(new)?);
    let is_placed = |table: &String| part.rows.contains_key(table) && !fresh.contains(table);
    let moved = |from: &str, to: &str, table: &str| {
        let table = identifier(table);
        format!("`{from}`.{table} TO `{to}`.{table}")
    };
    let out = live.iter().filter(|table| !is_placed(table)).map(|table| moved(part.name, old, table));
    let placed = fresh.iter().filter(|table| *table != MARK).map(|table| moved(new, part.name, table));
    let mark = [moved(new, old, MARK)];
    let all: Vec<String> = out.chain(placed).chain(mark).collect();
    let statements = format!("SET foreign_key_checks = 0;\nRENAME TABLE {};\n", all.join(", "));
    server.sql(part.name, &statements).map(drop)
}
