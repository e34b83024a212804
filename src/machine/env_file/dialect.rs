//! By whose rules a settings file is read.

use crate::failure::{Failure, Kind};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The program whose reading of a settings file counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// GNU make, with `include`.
    #[default]
    Make,
    /// Docker Compose 2, as `.env`, `--env-file` and `env_file:`.
    Compose,
    /// python-dotenv, as docker-compose 1 and podman-compose use it, too.
    Dotenv,
    /// A POSIX shell, with `. FILE`.
    Shell,
}

impl Dialect {
    pub const ALL: [Dialect; 4] = [Dialect::Make, Dialect::Compose, Dialect::Dotenv, Dialect::Shell];

    /// As `kind.toml` names it.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::Make => "make",
            Dialect::Compose => "compose",
            Dialect::Dotenv => "dotenv",
            Dialect::Shell => "shell",
        }
    }

    /// The program that reads it, for people.
    pub fn reader(self) -> &'static str {
        match self {
            Dialect::Make => "make",
            Dialect::Compose => "Docker Compose",
            Dialect::Dotenv => "python-dotenv",
            Dialect::Shell => "the shell",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Dialect {
    type Err = Failure;

    /// Fails with [`Kind::Invalid`] if it is none of the four names.
    fn from_str(name: &str) -> Result<Dialect, Failure> {
        Dialect::ALL.into_iter().find(|dialect| dialect.name() == name).ok_or_else(|| {
            Failure::new(Kind::Invalid, format!("there is no dialect `{name}` of settings files"))
                .help("it is one of `make`, `compose`, `dotenv`, `shell`")
        })
    }
}
