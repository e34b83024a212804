//! A query that a database answers.

use super::{Answer, Place, command};
use crate::failure::Result;
use serde::{Deserialize, Serialize};

/// `#{ sql: query, … }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sql {
    pub sql: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How psql is run: `-Atc` and the query are added. In a container for instance:
    /// `["docker", "exec", "db", "psql", "-U", "me"]`.
    #[serde(default = "psql")]
    pub command: Vec<String>,
    /// What it must answer: rows as lines, columns parted by `|`. Without it any answer will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
}

fn psql() -> Vec<String> {
    vec!["psql".into()]
}

impl Sql {
    pub(super) fn look(&self, place: &Place, stop: &dyn Fn() -> bool) -> Result<Answer> {
        let query = ["-Atc".to_owned(), self.sql.clone()];
        let arguments: Vec<String> = self.command.iter().cloned().chain(query).collect();
        let outcome = command::run(&arguments, place, stop)?;
        Ok(match (outcome, &self.expect) {
            (Err(said), _) => Answer::bad(said),
            (Ok(rows), Some(expected)) if rows.trim() != expected.trim() => {
                let first = rows.trim().lines().next().unwrap_or_default();
                Answer::bad(format!("answered {first:?}, expected {:?}", expected.trim()))
            }
            (Ok(_), Some(expected)) => Answer::good(format!("answered {:?}", expected.trim())),
            (Ok(_), None) => Answer::good("answered"),
        })
    }
}
