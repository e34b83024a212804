//! MariaDB and MySQL in a container: dumps, and tables that take the places of others in one statement.
//!
//! Its programs run in its own container, under the names that its image has: `mariadb` or `mysql`. The password is the
//! one in the container's environment, which its clients take from their own: it is in no list of processes.

use super::compose::Docker;
use super::database_name::plain;
use crate::command::{Exit, Spec, feed};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::temporary;
use crate::output::quoted;
use crate::units::Duration;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;

/// What a dump has between the data and what refers to it: views, triggers, routines and events.
pub const CODE: &str = "-- What refers to the tables follows: views, triggers, routines and events.";

/// Sets `client` and `dump` to the programs, and whoever they are to be: root, or who else the environment names.
const SETUP: &str = r#"set -eu
client=mariadb; dump=mariadb-dump
command -v $client >/dev/null || client=mysql
command -v $dump >/dev/null || dump=mysqldump
of() { eval "value=\${MARIADB_$1:-\${MYSQL_$1:-}}; file=\${MARIADB_$1_FILE:-\${MYSQL_$1_FILE:-}}"
    if [ -z "$value" ] && [ -n "$file" ]; then value=$(cat "$file"); fi; }
user=root; of ROOT_PASSWORD; MYSQL_PWD=$value
if [ -z "$value" ]; then of PASSWORD; if [ -n "$value" ]; then MYSQL_PWD=$value; of USER; user=${value:-root}; fi; fi
export MYSQL_PWD
client="$client --user=$user --binary-mode --batch --raw --skip-column-names --default-character-set=utf8mb4"
"#;

/// Sets `dump` to the whole command. MySQL's own says which transactions it holds, which no other server can take, and
/// asks for what other servers don't have.
const DUMP: &str = r#"more=
for option in --set-gtid-purged=OFF --no-tablespaces --column-statistics=0; do
    if $dump --help 2>/dev/null | grep -q -e "^ *${option%%=*}"; then more="$more $option"; fi
done
dump="$dump --user=$user --default-character-set=utf8mb4 --hex-blob $more"
"#;

/// A server of MariaDB or MySQL.
#[derive(Clone, Copy)]
pub struct MariaDb<'a> {
    pub docker: Docker<'a>,
    /// The container's name.
    pub container: &'a str,
}

/// A table, a sequence or a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub is_view: bool,
    /// `InnoDB`, `MyISAM`, …; empty for a view.
    pub engine: String,
}

impl MariaDb<'_> {
    /// Prints a database as SQL: its data, then [`CODE`], then all that refers to it. Its name is nowhere in it. The data
    /// is of one moment: tables without transactions are locked meanwhile, as nothing else makes their copy consistent.
    pub fn dump(&self, database: &str) -> Result<Spec> {
        let name = plain(database)?;
        let tables = self.tables(database)?;
        let is_transactional =
            |table: &Table| table.is_view || matches!(table.engine.as_str(), "InnoDB" | "");
        let way = match tables.iter().all(is_transactional) {
            true => "--single-transaction",
            false => "--lock-all-tables",
        };
        let ignored = ignored(database, &tables);
        let code = code(name, way, &tables);
        let data = format!("$dump {way} --skip-triggers {ignored} -- {name}\necho; echo '{CODE}'");
        Ok(self.run(&format!("{DUMP}{data}\n{code}"), &[]))
    }

    /// Prints what refers to the tables of a database, as SQL.
    pub fn code(&self, database: &str) -> Result<Spec> {
        let tables = self.tables(database)?;
        let code = code(plain(database)?, "--single-transaction", &tables);
        Ok(self.run(&format!("{DUMP}{code}"), &[]))
    }

    /// The tables and views of a database; none if it is not there.
    pub fn tables(&self, database: &str) -> Result<Vec<Table>> {
        let statement = format!(
            "SELECT table_type, IFNULL(engine, ''), HEX(table_name) FROM information_schema.tables \
             WHERE table_schema = '{}' ORDER BY table_name",
            plain(database)?
        );
        let said = self.sql("information_schema", &statement)?;
        let tables = said.lines().map(|line| {
            let mut columns = line.split('\t');
            let (sort, engine, name) = (columns.next()?, columns.next()?, columns.next()?);
            let is_view = sort.ends_with("VIEW");
            Some(Table { name: unhex(name)?, is_view, engine: engine.to_owned() })
        });
        tables.collect::<Option<Vec<_>>>().ok_or_else(|| not_understood(&said))
    }

    /// The character set and the collation that a database gives its tables; none if it is not there.
    pub fn charset(&self, database: &str) -> Result<Option<(String, String)>> {
        let statement = format!(
            "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata \
             WHERE schema_name = '{}'",
            plain(database)?
        );
        let said = self.sql("information_schema", &statement)?;
        let columns = said.trim().split_once('\t');
        Ok(columns.map(|(charset, collation)| (charset.to_owned(), collation.to_owned())))
    }

    /// How many rows each of these tables has.
    pub fn count(
        &self,
        database: &str,
        tables: impl Iterator<Item = String>,
    ) -> Result<BTreeMap<String, u64>> {
        let counted = tables.map(|table| {
            let statement = format!("SELECT COUNT(*) FROM {}", identifier(&table));
            let said = self.sql(database, &statement)?;
            let number = said.trim().parse().map_err(|_| not_understood(&said))?;
            Ok((table, number))
        });
        counted.collect()
    }

    /// Makes a database of that name anew, empty.
    pub fn create(&self, database: &str, charset: Option<&(String, String)>) -> Result<()> {
        let name = plain(database)?;
        let as_said = match charset {
            Some((charset, collation)) => {
                format!(" CHARACTER SET {} COLLATE {}", plain(charset)?, plain(collation)?)
            }
            None => String::new(),
        };
        let statements = format!("DROP DATABASE IF EXISTS `{name}`; CREATE DATABASE `{name}`{as_said}");
        self.sql("information_schema", &statements).map(drop)
    }

    /// Drops a database, if it is there.
    pub fn drop(&self, database: &str) -> Result<()> {
        self.sql("information_schema", &format!("DROP DATABASE IF EXISTS `{}`", plain(database)?)).map(drop)
    }

    /// Runs the statements of a file in a database. Of an error only its number and its line are told: the rest shows
    /// rows.
    pub fn load(&self, sql: &File, database: &str) -> Result<()> {
        let spec = self.run("exec $client --database=\"$1\"", &[plain(database)?]);
        let looked = feed(&spec, sql, None, self.docker.stop)?;
        if looked.exit == Exit::Status(0) {
            return Ok(());
        }
        let why = looked.stderr.lines().filter_map(|line| {
            let end = line.find(": ").filter(|_| line.starts_with("ERROR "))?;
            Some(line[..end].to_owned())
        });
        let message = format!("the dump can't be loaded into `{database}`");
        Err(why.fold(Failure::new(Kind::CommandFailed, message), Failure::why))
    }

    /// As [`MariaDb::sql`], in a transaction that changes nothing, and ended if it takes so long.
    pub fn ask_within(&self, within: Duration, database: &str, statement: &str) -> Result<String> {
        let failed = || "the statements can't be handed over".to_owned();
        let mut input = temporary(failed)?;
        let text = format!("START TRANSACTION READ ONLY;\n{statement};\nCOMMIT;\n");
        input.write_all(text.as_bytes()).or_fail(Kind::Refused, failed)?;
        let mut spec = self.run("exec $client --database=\"$1\"", &[plain(database)?]);
        spec.within = Some(within);
        self.docker.feed(spec, &input)
    }

    /// Runs statements; what they print, columns divided by tabs.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String> {
        let failed = || "the statements can't be handed over".to_owned();
        let mut input = temporary(failed)?;
        input.write_all(statements.as_bytes()).or_fail(Kind::Refused, failed)?;
        self.docker.feed(self.run("exec $client --database=\"$1\"", &[plain(database)?]), &input)
    }

    fn run(&self, script: &str, arguments: &[&str]) -> Spec {
        let script = format!("{SETUP}{script}");
        let before = ["exec", "-i", self.container, "sh", "-c", &script, "sh"];
        self.docker.spec(before.into_iter().chain(arguments.iter().copied()))
    }
}

/// The commands that print views, triggers, routines and events.
fn code(name: &str, way: &str, tables: &[Table]) -> String {
    let ignored = ignored(name, tables);
    let views: Vec<String> =
        tables.iter().filter(|table| table.is_view).map(|view| quoted(&view.name)).collect();
    let rest =
        format!("$dump {way} --no-data --no-create-info --triggers --routines --events {ignored} -- {name}");
    match views.is_empty() {
        true => rest,
        false => format!("$dump {way} --no-data --skip-triggers -- {name} {}\n{rest}", views.join(" ")),
    }
}

/// The options that leave out all views.
fn ignored(database: &str, tables: &[Table]) -> String {
    let views = tables.iter().filter(|table| table.is_view);
    let options = views.map(|view| quoted(&format!("--ignore-table={database}.{}", view.name)));
    options.collect::<Vec<_>>().join(" ")
}

/// A name in SQL.
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn unhex(text: &str) -> Option<String> {
    let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    String::from_utf8(bytes.collect::<Option<Vec<_>>>()?).ok()
}

fn not_understood(said: &str) -> Failure {
    let first = said.lines().next().unwrap_or_default();
    Failure::new(Kind::CommandFailed, "what MariaDB says is not understood").why(first.to_owned())
}
