//! How users are held off while a server is worked on.

use super::Server;
use crate::failure::{self, Failure, Kind};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// In `site.toml`, `"page"` or a table with the site's own commands.
#[derive(Clone, Debug, PartialEq)]
pub enum Maintenance {
    /// Users get a page in the server's place, as its kind gives them one.
    Page,
    Commands(Commands),
}

/// The site's own way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commands {
    /// The command after which users see that the server is being worked on, and reach nothing else. It may be run when
    /// that is so already.
    pub begin: Vec<String>,
    /// The command after which they reach it again.
    pub end: Vec<String>,
    /// For kinds that ask health at `endpoint`: the URL, without a slash at the end, at which the server answers meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

const PAGE: &str = "page";

impl Serialize for Maintenance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Maintenance::Page => PAGE.serialize(serializer),
            Maintenance::Commands(commands) => commands.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Maintenance {
    /// By hand: serde would only say that it matches neither form.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Maintenance, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(word) if word == PAGE => Ok(Maintenance::Page),
            Value::String(word) => {
                let forms = "it is \"page\", or a table with `begin` and `end`";
                Err(D::Error::custom(format!("maintenance can't be {word:?}: {forms}")))
            }
            table => serde_json::from_value(table).map(Maintenance::Commands).map_err(D::Error::custom),
        }
    }
}

impl Server {
    /// Fails if it shall have a page that nobody knows how to show.
    pub(super) fn check_page(&self) -> failure::Result<()> {
        if self.facts.maintenance_page != Some(false) || self.maintenance != Some(Maintenance::Page) {
            return Ok(());
        }
        let message = format!("nothing is known of the proxy before a server of the kind `{}`", self.kind);
        Err(Failure::new(Kind::Invalid, message)
            .help("give `maintenance` your own commands instead: a table with `begin` and `end`"))
    }
}
