//! PostgreSQL in a container: dumps, and databases that take another's place in one transaction.
//!
//! Its programs run in its own container, over its socket: no password is needed, and none appears anywhere.

use super::compose::Docker;
use super::database_name::plain;
use crate::command::Spec;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::temporary;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, Write};
use std::path::Path;

/// Who was given the data folder when it was made, for a shell in the container: its image takes `postgres` if nothing else
/// is said.
const USER: &str = "\"${POSTGRES_USER:-postgres}\"";

/// A PostgreSQL server.
#[derive(Clone, Copy)]
pub struct Postgres<'a> {
    pub docker: Docker<'a>,
    /// The container's name.
    pub container: &'a str,
}

impl Postgres<'_> {
    /// Prints a database, as `pg_dump -Fc` does.
    pub fn dump(&self, database: &str, compressed: bool) -> Result<Spec> {
        let level = if compressed { "" } else { " -Z0" };
        Ok(self.run(&format!("pg_dump -U {USER} -Fc{level} {}", plain(database)?), &[]))
    }

    /// How many rows each table has in a dump, as `schema.table`. Reads all of it, so that a damaged one is found. What
    /// it says as text is kept in an unnamed file in `folder` meanwhile: it is as long as the database.
    pub fn rows(&self, dump: &File, folder: &Path) -> Result<BTreeMap<String, u64>> {
        let failed = || "the dump can't be read".to_owned();
        let mut text = tempfile::tempfile_in(folder).or_fail(Kind::Refused, failed)?;
        self.docker.pipe(self.run("pg_restore -f -", &[]), dump, &text)?;
        text.rewind().or_fail(Kind::Refused, failed)?;
        let mut counts = BTreeMap::new();
        let mut table: Option<(String, u64)> = None;
        for line in BufReader::new(text).split(b'\n') {
            let line = line.or_fail(Kind::Refused, failed)?;
            match &mut table {
                Some((_, count)) if line != b"\\." => *count += 1,
                Some(_) => counts.extend(table.take()),
                None => table = copied(&String::from_utf8_lossy(&line)).map(|name| (name, 0)),
            }
        }
        match table {
            None => Ok(counts),
            Some((table, _)) => {
                Err(Failure::new(Kind::Refused, format!("the dump ends within the rows of `{table}`")))
            }
        }
    }

    /// Loads a dump into a new database, with the owner, the collation, the settings and the rights of the one that was
    /// dumped; one of that name is dropped before. Of an error what it says of rows is left out.
    pub fn load(&self, dump: &File, database: &str) -> Result<()> {
        let database = plain(database)?;
        let loaded = self.sql("postgres", &format!("DROP DATABASE IF EXISTS \"{database}\" WITH (FORCE)"));
        let loaded = loaded.and_then(|_| {
            let statements = self.of_database(dump, database)?;
            self.sql("postgres", &statements.join("\n"))?;
            let program = format!("pg_restore -U {USER} --exit-on-error --single-transaction -d {database}");
            self.docker.feed(self.run(&program, &[]), dump).map(drop)
        });
        loaded.map_err(|failure| {
            // The statement and rows of users follow an error: only lines of the programs and of Docker are shown.
            let heads = ["pg_restore:", "psql:", "ERROR:", "Error response from daemon", "Error: No such"];
            let why = failure.why.iter().filter(|line| heads.iter().any(|head| line.starts_with(head)));
            let message = format!("the dump can't be loaded into `{database}`");
            let failed = why.clone().fold(Failure { message, why: Vec::new(), ..failure.clone() }, |failure, why| {
                failure.why(why.clone())
            });
            match why.clone().find_map(|line| line.split_once("role \"")?.1.split_once("\" does not exist")) {
                Some((role, _)) => failed.help(format!(
                    "no dump holds roles; make it: docker exec {} sh -c 'createuser -U {USER} --no-login {role}'",
                    self.container
                )),
                None => failed,
            }
        })
    }

    /// The statements that make the database that was dumped, and say whose it is, how it sorts, its settings and who may
    /// use it, for one of another name.
    fn of_database(&self, dump: &File, database: &str) -> Result<Vec<String>> {
        let contents = self.docker.feed(self.run("pg_restore --create -l", &[]), dump)?;
        let is_meant = |entry: &&str| {
            let sorts = ["DATABASE ", "DATABASE PROPERTIES ", "ACL - DATABASE "];
            // `3339; 1262 16384 DATABASE - web postgres`.
            let rest = entry.splitn(4, ' ').nth(3).unwrap_or_default();
            !entry.starts_with(';') && sorts.iter().any(|sort| rest.starts_with(sort))
        };
        let ids = contents.lines().filter(is_meant).filter_map(|entry| entry.split(';').next());
        let ids: Vec<&str> = ids.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit())).collect();
        // A dump of single tables says nothing of it.
        if ids.is_empty() {
            return Ok(vec![format!("CREATE DATABASE \"{database}\" TEMPLATE template0")]);
        }
        let list = ids.iter().map(|id| format!("'{id};'")).collect::<Vec<_>>().join(" ");
        let script = format!(
            "list=$(mktemp) && printf '%s\\n' {list} >\"$list\" && pg_restore --create -L \"$list\" -f -; \
             status=$?; rm -f \"$list\"; exit $status"
        );
        let said = self.docker.feed(self.script(&script, &[]), dump)?;
        renamed(&said, database).ok_or_else(|| {
            Failure::new(
                Kind::Refused,
                "what `pg_restore` says of the database of the dump is not understood",
            )
        })
    }

    /// How many rows each of these tables has, without those of tables that inherit from it: a dump has them apart.
    pub fn count(&self, database: &str, tables: &BTreeMap<String, u64>) -> Result<BTreeMap<String, u64>> {
        let counted = tables.keys().map(|table| {
            let counted = self.sql(database, &format!("SELECT count(*) FROM ONLY {table}"))?;
            let number = counted.trim().parse();
            let failed = || format!("PostgreSQL says `{}` instead of a number", counted.trim());
            Ok((table.clone(), number.or_fail(Kind::CommandFailed, failed)?))
        });
        counted.collect()
    }

    /// The names of all databases.
    pub fn databases(&self) -> Result<Vec<String>> {
        let names = self.sql("postgres", "SELECT datname FROM pg_database")?;
        Ok(names.lines().map(str::to_owned).collect())
    }

    /// Renames databases, all or none; whoever uses one of them is disconnected.
    pub fn rename(&self, names: &[(String, String)]) -> Result<()> {
        let mut statements = Vec::new();
        for (from, _) in names {
            let of = format!("FROM pg_stat_activity WHERE datname = '{}'", plain(from)?);
            statements.push(format!("SELECT pg_terminate_backend(pid) {of} AND pid <> pg_backend_pid()"));
        }
        statements.push("BEGIN".into());
        for (from, to) in names {
            statements.push(format!("ALTER DATABASE \"{}\" RENAME TO \"{}\"", plain(from)?, plain(to)?));
        }
        statements.push("COMMIT".into());
        self.sql("postgres", &statements.join(";\n")).map(drop)
    }

    /// Lets the user have the password that the container's environment says, if it says one: PostgreSQL itself looks at
    /// it only while its data folder is empty.
    pub fn take_password_of_environment(&self) -> Result<()> {
        // psql asks a shell in the container, so that the password is in no list of processes; and no log has it.
        self.sql(
            "postgres",
            r#"\set user `printf %s "${POSTGRES_USER:-postgres}"`
\set password `printf %s "$POSTGRES_PASSWORD"`
SELECT :'password' <> '' AS given \gset
\if :given
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
ALTER ROLE :"user" PASSWORD :'password';
\endif
"#,
        )
        .map(drop)
    }

    /// Drops a database, if it is there.
    pub fn drop(&self, database: &str) -> Result<()> {
        let statement = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", plain(database)?);
        self.sql("postgres", &statement).map(drop)
    }

    /// Runs statements; what they print, columns divided by `|`.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String> {
        self.psql(database, statements, &[])
    }

    /// As [`Postgres::sql`], of which nothing can change the database.
    pub fn ask(&self, database: &str, statements: &str) -> Result<String> {
        self.psql(database, statements, &["-e", "PGOPTIONS=-c default_transaction_read_only=on"])
    }

    /// The same, ended by the server if a statement takes so many seconds.
    pub fn ask_within(&self, seconds: u64, database: &str, statements: &str) -> Result<String> {
        let options = format!(
            "PGOPTIONS=-c default_transaction_read_only=on -c statement_timeout={}",
            seconds.saturating_mul(1_000)
        );
        self.psql(database, statements, &["-e", &options])
    }

    fn psql(&self, database: &str, statements: &str, environment: &[&str]) -> Result<String> {
        let failed = || "the statements can't be handed over".to_owned();
        let mut input = temporary(failed)?;
        input.write_all(statements.as_bytes()).or_fail(Kind::Refused, failed)?;
        let options = "-X -q -A -t -v ON_ERROR_STOP=1";
        let program = format!("psql -U {USER} {options} -d {}", plain(database)?);
        self.docker.feed(self.run(&program, environment), &input)
    }

    fn run(&self, program: &str, environment: &[&str]) -> Spec {
        self.script(&format!("exec {program}"), environment)
    }

    fn script(&self, script: &str, environment: &[&str]) -> Spec {
        let before = ["exec", "-i"].into_iter().chain(environment.iter().copied());
        self.docker.spec(before.chain([self.container, "sh", "-c", script]))
    }
}

/// The statements about a database in what `pg_restore --create` prints, for one of another name; none if nothing makes it.
fn renamed(said: &str, database: &str) -> Option<Vec<String>> {
    let begins = ["CREATE DATABASE ", "ALTER DATABASE ", "ALTER ROLE ", "GRANT ", "REVOKE "];
    let mut statements: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in said.lines() {
        match is_open {
            true => statements.last_mut()?.push_str(&format!("\n{line}")),
            false if begins.iter().any(|begin| line.starts_with(begin)) => statements.push(line.to_owned()),
            false => continue,
        }
        is_open = !line.ends_with(';');
    }
    let made = statements.iter().find_map(|statement| statement.strip_prefix("CREATE DATABASE "))?;
    let old = format!(" DATABASE {}", made.split_once(" WITH ")?.0);
    let new = format!(" DATABASE \"{database}\"");
    Some(statements.iter().map(|statement| statement.replacen(&old, &new, 1)).collect())
}

/// The table whose rows follow a line of a dump as text: `COPY public.users (id, name) FROM stdin;`.
fn copied(line: &str) -> Option<String> {
    let rest = line.strip_prefix("COPY ")?.strip_suffix(" FROM stdin;")?;
    Some(rest.split_once(" (").map_or(rest, |(table, _)| table).to_owned())
}

/// A name in SQL.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `pg_restore` of PostgreSQL 15 prints it.
    #[test]
    fn what_is_said_of_a_database_is_said_of_the_one_that_takes_its_place() {
        let said = "SET row_security = off;\n\nCREATE DATABASE \"web-x\" WITH TEMPLATE = template0 ENCODING = 'UTF8' \
            LOCALE_PROVIDER = libc LC_COLLATE = 'C' LC_CTYPE = 'C.UTF-8';\n\n\nALTER DATABASE \"web-x\" OWNER TO web;\n\
            \\connect -reuse-previous=on \"dbname='web-x'\"\nALTER DATABASE \"web-x\" SET a.b TO 'DATABASE \"web-x\"\n;x';\n\
            ALTER ROLE web IN DATABASE \"web-x\" SET work_mem TO '8MB';\nGRANT CONNECT ON DATABASE \"web-x\" TO \"odd role\";\n";
        let statements = renamed(said, "new").unwrap();
        assert_eq!(
            statements,
            [
                "CREATE DATABASE \"new\" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LC_COLLATE = 'C' LC_CTYPE = 'C.UTF-8';",
                "ALTER DATABASE \"new\" OWNER TO web;",
                "ALTER DATABASE \"new\" SET a.b TO 'DATABASE \"web-x\"\n;x';",
                "ALTER ROLE web IN DATABASE \"new\" SET work_mem TO '8MB';",
                "GRANT CONNECT ON DATABASE \"new\" TO \"odd role\";",
            ]
        );
        assert_eq!(renamed("SET row_security = off;\n", "new"), None);
    }
}
