//! Where a program is. Who starts it by its whole path needs no copy of this process, which takes longer than most looks:
//! the standard library can't leave the search in a `PATH` of the command's own to the system otherwise.

use rustix::fs::{Access, access};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The file that a name means in this `PATH`. None where the system has to find out: there is none, it is no plain name, a
/// folder before it is relative, or the file is one that only a shell can run.
pub(super) fn program(name: &str, path: &OsStr) -> Option<PathBuf> {
    if name.contains('/') {
        return None;
    }
    for folder in std::env::split_paths(path) {
        if !folder.is_absolute() {
            return None;
        }
        let file = folder.join(name);
        if file.is_file() && access(&file, Access::EXEC_OK).is_ok() {
            let mut begin = Vec::new();
            File::open(&file).ok()?.take(LINE).read_to_end(&mut begin).ok()?;
            return is_started_by_the_kernel(&begin).then_some(file);
        }
    }
    None
}

/// How much of a script's first line the kernel reads, in bytes.
const LINE: u64 = 256;

fn is_started_by_the_kernel(begin: &[u8]) -> bool {
    let Some(line) = begin.strip_prefix(b"#!") else { return begin.starts_with(b"\x7fELF") };
    let words = line.split(|byte| byte.is_ascii_whitespace());
    let interpreter = words.into_iter().find(|word| !word.is_empty()).map(OsStr::from_bytes);
    // One that is not there would be looked for in the folders behind it.
    interpreter.is_some_and(|interpreter| Path::new(interpreter).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, create_dir, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_that_can_be_run_is_meant_as_far_as_the_kernel_can_run_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for (name, text, mode) in [
            ("a/x", "#!/bin/sh\n", 0o644),
            ("b/x", "#! /bin/sh\n", 0o755),
            ("b/y", "echo\n", 0o755),
            ("b/w", "#!/none\n", 0o755),
        ] {
            let _ = create_dir(place(&name[..1]));
            write(place(name), text).unwrap();
            set_permissions(place(name), Permissions::from_mode(mode)).unwrap();
        }
        create_dir(place("a/y")).unwrap();
        let path = std::env::join_paths([place("a"), place("none"), place("b")]).unwrap();
        assert_eq!(program("x", &path), Some(place("b/x")));
        // A shell would have to.
        assert_eq!((program("y", &path), program("w", &path)), (None, None));
        assert_eq!(program("z", &path), None);
        assert_eq!(program("./x", &path), None);
        assert_eq!(program("x", OsStr::new("b:/usr/bin")), None);
    }
}
