//! `free_space(server, path: text = "")`
//!
//! How much space is free on the disk that holds a path of the server.
//!
//! # Options
//! - `path`: a file or folder; what is relative is in the checkout, `~` is the server's home. It need not be there:
//!   then the disk is meant on which it would be made. Default: the checkout.
//!
//! # Returns
//! A size: what the user who runs banister may still write.
//!
//! # Errors
//! `refused` if the path can't be looked at.
//!
//! # After a crash
//! It is looked at again, unless it was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.free_space() > 10.megabytes
//! // => true
//! ```

use crate::data::{self, ServerName};
use crate::failure::{Context, Kind, Result};
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::units;
use serde::{Deserialize, Serialize};
use std::path::Path;

pub struct FreeSpace;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    #[serde(default)]
    path: String,
}

/// A size, as a script gets it.
#[derive(Serialize, Deserialize)]
pub struct Free {
    #[serde(rename = "$size")]
    size: units::Size,
}

impl Primitive for FreeSpace {
    type Arguments = Arguments;
    type Outcome = Free;
    const NAME: &'static str = "free_space";
    const SOURCE: &'static str = include_str!("free_space.rs");
    const ACT: Act<Self> = Act::Look {
        // A checkout or a setting takes too little to matter; a command may take any amount.
        reads: &[Facet::Space],
        perform,
        predict: |_, _| Ok(data::unknown("the commands before it")),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Free> {
    let path = host.server()?.path(&arguments.path);
    Ok(Free { size: free(&path)? })
}

/// Of the nearest folder above that is there.
fn free(path: &Path) -> Result<units::Size> {
    let failed = || format!("can't see how much space is free at `{}`", path.display());
    let mut found = Err(rustix::io::Errno::NOENT);
    for place in path.ancestors() {
        // The last one above a relative path is the working folder.
        let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        found = rustix::fs::statvfs(place);
        if !matches!(found, Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR)) {
            break;
        }
    }
    let found = found.or_fail(Kind::Refused, failed)?;
    Ok(units::Size(found.f_bavail.saturating_mul(found.f_frsize)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_that_is_not_there_yet_is_on_the_disk_of_the_folder_above() {
        let folder = tempfile::tempdir().unwrap();
        assert!(super::free(&folder.path().join("not/there/yet")).unwrap().0 > 0);
    }
}
