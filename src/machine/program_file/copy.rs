//! Copies of large files.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{beside, hexadecimal, sync_folder_of};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// In bytes.
const PIECE: usize = 256 << 10;

/// Copies a file so that `to` is at any moment what it was or the whole copy. Only a content with this SHA-256 takes the
/// name. `dress` may set owner and mode before that.
///
/// Fails with [`Kind::NotFound`] if there is no such file, and with [`Kind::Refused`] if it can't be copied, or has another
/// digest.
pub fn copy_durably(
    from: &Path,
    to: &Path,
    sha256: &str,
    dress: impl FnOnce(&File) -> io::Result<()>,
) -> Result<()> {
    let mut source = crate::machine::files::open(from)?;
    let fresh = beside(to, "new")?;
    let copied = (|| {
        // What a crash left there is no longer wanted.
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        let mut digest = Sha256::new();
        let mut piece = vec![0; PIECE];
        loop {
            let length = source.read(&mut piece)?;
            if length == 0 {
                break;
            }
            digest.update(&piece[..length]);
            file.write_all(&piece[..length])?;
        }
        let found = hexadecimal(&digest.finalize());
        if found != sha256 {
            return Ok(Some(found));
        }
        dress(&file)?;
        file.sync_all()?;
        std::fs::rename(&fresh, to)?;
        sync_folder_of(to)?;
        Ok(None)
    })();
    if !matches!(copied, Ok(None)) {
        let _ = std::fs::remove_file(&fresh);
    }
    match copied.or_fail(Kind::Refused, || format!("`{}` can't be written", to.display()))? {
        None => Ok(()),
        Some(found) => Err(Failure::new(Kind::Refused, format!("`{}` was changed", from.display()))
            .why(format!("its digest is sha256:{found}, and sha256:{sha256} is meant"))),
    }
}
