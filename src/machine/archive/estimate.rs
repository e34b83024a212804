//! What can be known of an archive before anything is gathered for it.

use super::create::{Content, Member};
use super::manifest::Sort;
use super::place::leads_out;
use super::walk::{check_name, walk};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::unreadable;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How many bytes the files and folders among the members hold. Fails with [`Kind::NotFound`] if one is not there, and
/// with [`Kind::Refused`] if one is a link that leads out of the archive: nothing would be in it of what is meant.
pub fn estimate(members: &[Member]) -> Result<u64> {
    let mut bytes = 0u64;
    for member in members {
        check_name(&member.name)?;
        match &member.content {
            Content::Path(path) => walk(&member.name, path, Path::new(""), &mut |found| {
                if found.sort == Some(Sort::Link) && found.path == path {
                    stays(found.name, path)?;
                }
                bytes += if found.sort == Some(Sort::File) { found.metadata.len() } else { 0 };
                Ok(())
            })?,
            Content::Bytes(content) => bytes += content.len() as u64,
            Content::Output(file) | Content::Tar(file) => {
                let failed = || format!("`{}` can't be read", member.name);
                bytes += file.metadata().or_fail(Kind::Refused, failed)?.len();
            }
        }
    }
    Ok(bytes)
}

/// Fails if a link leads out of the archive.
fn stays(name: &[u8], path: &Path) -> Result<()> {
    let failed = |error| unreadable(error, format!("`{}` can't be read", path.display()));
    let target = std::fs::read_link(path).map_err(failed)?;
    if !leads_out(name, target.as_os_str().as_bytes()) {
        return Ok(());
    }
    let message = format!("`{}` can't be backed up: it is a link", path.display());
    Err(Failure::new(Kind::Refused, message)
        .help(format!("name the folder it points to: `{}`", target.display())))
}
