//! Makes holes in files that had some: before version 0.15 restic restores all of a file, and an image of a disk that holds
//! little would fill another one.

use crate::failure::{Context, Kind, Result};
use crate::machine::tree::{Next, What, walk};
use rustix::fs::{FallocateFlags, OFlags, fallocate};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// So much is looked at at once, in bytes: what begins at a multiple of it and is nothing but zeros becomes a hole.
const PIECE: usize = 64 << 10;
/// Bits that a change of a file takes away.
const SPECIAL: u32 = 0o6000;

/// Makes the holes of all files below `top`, and keeps their times. A file that keeps its zeros, as the file system makes no
/// holes, is as right as one that doesn't.
pub fn make(top: &Path) -> Result<()> {
    walk(top, &mut |found| {
        let metadata = found.metadata.filter(|about| found.what == What::File && about.mode() & SPECIAL == 0);
        if let Some(about) = metadata.filter(|about| about.len() >= PIECE as u64) {
            let made = in_file(found.path, about.modified());
            made.or_fail(Kind::Refused, || format!("`{}` can't be made sparse", found.path.display()))?;
        }
        Ok(Next::Enter)
    })
}

fn in_file(path: &Path, modified: io::Result<std::time::SystemTime>) -> io::Result<()> {
    let flags = OFlags::NOFOLLOW.bits() as i32;
    let mut file = match OpenOptions::new().read(true).write(true).custom_flags(flags).open(path) {
        // Only root may change what its owner may not.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
        file => file?,
    };
    // A change would take them away, and a program has no holes.
    if rustix::fs::fgetxattr(&file, crate::machine::tree::CAPABILITY, &mut [0u8; 0][..]).is_ok() {
        return Ok(());
    }
    let mut buffer = vec![0; PIECE];
    let mut at = 0u64;
    let mut is_changed = false;
    loop {
        let read = fill(&mut file, &mut buffer)?;
        if read == 0 {
            break;
        }
        if buffer[..read].iter().all(|byte| *byte == 0) {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            match fallocate(&file, flags, at, read as u64) {
                Err(rustix::io::Errno::OPNOTSUPP) => break,
                made => made?,
            }
            is_changed = true;
        }
        at += read as u64;
    }
    match modified {
        Ok(modified) if is_changed => file.set_modified(modified),
        _ => Ok(()),
    }
}

fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}
