//! Where `init` and `adopt` write, and how they name servers.

use super::context::Context;
use crate::failure::{Context as _, Kind, Result};
use crate::machine::deployment::has_compose_file;
use std::path::{Path, PathBuf};

/// Where a new site is to be: where the command line says, else the working folder, unless that is a checkout, which a new
/// file would make dirty, or a Compose project.
pub fn site_folder(context: &Context) -> Result<PathBuf> {
    let here = std::env::current_dir().or_fail(Kind::Invalid, || "can't see the working folder".into())?;
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    Ok(context.given_site.clone().unwrap_or_else(|| place(&here, &home)))
}

fn place(here: &Path, home: &Path) -> PathBuf {
    if has_compose_file(here) || here.ancestors().any(|folder| folder.join(".git").exists()) {
        return std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .unwrap_or_else(|| home.join(".config"))
            .join("banister");
    }
    here.to_owned()
}

/// Whether TOML takes the name as a key without quotes.
pub fn is_bare(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
