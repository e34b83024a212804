//! A dump of a database, as `pg_dump` writes it here.

use super::table::Tables;
use crate::failure::{Context, Failure, Kind, Result};
use crate::practice::world::digest;

pub struct Dump {
    pub database: String,
    pub tables: Tables,
}

impl Dump {
    /// Text that is the same for the same rows, and ends with a digest of all before.
    pub fn write(&self) -> Result<String> {
        let tables =
            serde_json::to_string(&self.tables).or_fail(Kind::Bug, || "a table has no JSON".into())?;
        let text = format!("PGDMP practice 2\nDATABASE {}\n{tables}\n", self.database);
        let end = digest(&text);
        Ok(format!("{text}END {end}\n"))
    }

    /// Reads such a text; fails if it is cut or altered.
    pub fn read(text: &str) -> Result<Dump> {
        let broken = || Failure::new(Kind::Invalid, "could not read from input file: end of file");
        if !text.starts_with("PGDMP") {
            return Err(Failure::new(Kind::Invalid, "input file does not appear to be a valid archive"));
        }
        let (body, end) = text.rsplit_once("END ").ok_or_else(broken)?;
        if digest(body) != end.trim_end() {
            return Err(broken());
        }
        let mut lines = body.lines().skip(1);
        let database = lines.next().and_then(|line| line.strip_prefix("DATABASE ")).ok_or_else(broken)?;
        let tables = lines.next().and_then(|line| serde_json::from_str(line).ok()).ok_or_else(broken)?;
        Ok(Dump { database: database.to_owned(), tables })
    }
}
