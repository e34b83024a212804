//! Extended attributes of files and folders: those of programs, access control lists, capabilities.

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, flistxattr_query, fremovexattr, fsetxattr};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

/// The attribute with the capabilities of a program, which give rights away as setuid does.
pub const CAPABILITY: &str = "security.capability";
/// How the names of access control lists begin.
const LISTS: &str = "system.posix_acl_";
/// The longest value that the kernel takes, in bytes.
const LONGEST: usize = 64 << 10;

/// The attributes by name. Labels of the security modules of a machine are none of them: what they are is its policy's to
/// say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extended(pub BTreeMap<String, Vec<u8>>);

impl Extended {
    /// Whether an attribute is one that is kept.
    pub fn is_kept(name: &str) -> bool {
        name.starts_with("user.")
            || name.starts_with("trusted.")
            || name.starts_with(LISTS)
            || name == CAPABILITY
    }

    /// Those of an open file or folder; none where the file system has none. Names that are no text are not kept: the
    /// second is how many.
    pub fn of(file: &impl AsFd) -> io::Result<(Extended, usize)> {
        let mut found = Extended::default();
        let mut odd = 0;
        for name in names(file)? {
            let Ok(name) = String::from_utf8(name) else {
                odd += 1;
                continue;
            };
            if !Extended::is_kept(&name) {
                continue;
            }
            let mut value = Vec::with_capacity(LONGEST);
            match fgetxattr(file, name.as_str(), rustix::buffer::spare_capacity(&mut value)) {
                // It is gone since, or this user may know its name only.
                Err(Errno::NODATA) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => {
                    value.shrink_to_fit();
                    found.0.insert(name, value);
                }
            }
        }
        Ok((found, odd))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives them to an open file or folder, after its owner and mode, and takes away access control lists that it has
    /// from the folder around it. Those that can't be set, with the reason.
    pub fn set(&self, file: &impl AsFd) -> Vec<String> {
        let mut lost = Vec::new();
        for (name, value) in &self.0 {
            if let Err(error) = fsetxattr(file, name.as_str(), value, XattrFlags::empty()) {
                lost.push(format!("{name} ({})", reason(error)));
            }
        }
        for name in names(file).unwrap_or_default() {
            let is_inherited = name.starts_with(LISTS.as_bytes());
            let is_wanted = std::str::from_utf8(&name).is_ok_and(|name| self.0.contains_key(name));
            if is_inherited
                && !is_wanted
                && let Err(error) = fremovexattr(file, OsStr::from_bytes(&name))
            {
                lost.push(format!("no {} ({})", String::from_utf8_lossy(&name), reason(error)));
            }
        }
        lost
    }

    /// Of all names and values, in lower-case hexadecimal; none if there are none.
    pub fn sha256(&self) -> Option<String> {
        let mut digest = Sha256::new();
        for (name, value) in &self.0 {
            for part in [name.as_bytes(), value] {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part);
            }
        }
        (!self.is_empty()).then(|| crate::machine::files::hexadecimal(&digest.finalize()))
    }
}

fn reason(error: Errno) -> &'static str {
    match error {
        Errno::PERM | Errno::ACCESS => "not permitted to this user",
        Errno::OPNOTSUPP => "not supported by the file system",
        Errno::NOSPC | Errno::TOOBIG => "no room for it in the file system",
        _ => "refused by the file system",
    }
}

fn names(file: &impl AsFd) -> io::Result<Vec<Vec<u8>>> {
    let length = match flistxattr_query(file) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) | Ok(0) => return Ok(Vec::new()),
        length => length?,
    };
    // One may be added meanwhile.
    let mut list = Vec::with_capacity(length.max(LONGEST));
    flistxattr(file, rustix::buffer::spare_capacity(&mut list))?;
    Ok(list.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
}
