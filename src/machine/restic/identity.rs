//! Which repository it is: another one may take its place, as with another disk at the same path.

use super::{Location, Repository};
use crate::failure::{Context, Kind, Result};
use crate::machine::files::sha256;
use serde::Deserialize;

/// What `restic cat config` prints, as far as it is needed.
#[derive(Deserialize)]
struct Config {
    id: String,
}

impl Repository {
    /// Its id, which it has from the day it was made; fails for `what` if it can't be had. Asks restic.
    pub fn id(&self, what: &str, stop: &dyn Fn() -> bool) -> Result<String> {
        let said = self.ask(&["cat", "config", "--quiet"], what, stop)?;
        let config: Config = serde_json::from_str(&said).or_fail(Kind::Refused, || what.to_owned())?;
        Ok(config.id)
    }

    /// A digest of what holds the id, encrypted: while it is the same, so is the id. None where only restic can read it.
    pub fn digest_of_config(&self) -> Option<String> {
        match &self.location {
            Location::Folder(folder) => sha256(&folder.join("config")).ok(),
            Location::Elsewhere(_) => None,
        }
    }
}
