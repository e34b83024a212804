//! Which names of databases can be put into the commands that dump them and put them back.

use crate::failure::{Failure, Kind, Result};

/// A name that needs no quotes in a shell, and in SQL at most those around it. Fails with [`Kind::Invalid`] for others.
pub(super) fn plain(name: &str) -> Result<&str> {
    let good = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    match good && !name.starts_with('-') {
        true => Ok(name),
        false => Err(Failure::new(Kind::Invalid, format!("`{name}` can't be the name of a database here"))
            .help("letters, digits, `_` and `-` can be used")),
    }
}
