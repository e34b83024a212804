//! Where a site is.

use super::FILE;
use crate::failure::{Context, Failure, Kind, Result};
use std::path::{Path, PathBuf};

/// Where `site.toml` is: `given`, else in the working folder or above it, else in the user's configuration folder.
pub fn find(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        let file = if given.is_dir() { given.join(FILE) } else { given.to_owned() };
        if file.is_file() {
            return Ok(file);
        }
        let message = format!("there is no site at `{}`", given.display());
        return Err(Failure::new(Kind::Invalid, message).help("write one there with `banister init`"));
    }
    let here = std::env::current_dir().or_fail(Kind::Invalid, || "can't see the working folder".into())?;
    let above = here.ancestors().map(|folder| folder.join(FILE)).find(|file| file.is_file());
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let configuration = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
    above
        .or(configuration.map(|folder| folder.join("banister").join(FILE)).filter(|file| file.is_file()))
        .ok_or_else(|| {
            Failure::new(Kind::Invalid, "there is no `site.toml` here, above, or in the configuration folder")
                .help("write one with `banister init`, name one with `--site DIR`, or try `banister demo`")
        })
}
