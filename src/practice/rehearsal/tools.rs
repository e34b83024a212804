//! The programs that a rehearsal sees: what an update is made of, and nothing that could change the machine it runs on.

use crate::failure::{Context, Kind, Result};
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::Path;

const TOOLS: [&str; 78] = [
    "[",
    "awk",
    "base64",
    "basename",
    "bash",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cmp",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "diff",
    "dirname",
    "du",
    "echo",
    "egrep",
    "env",
    "expr",
    "false",
    "fgrep",
    "find",
    "flock",
    "gawk",
    "git",
    "grep",
    "gunzip",
    "gzip",
    "head",
    "hostname",
    "id",
    "install",
    "ln",
    "ls",
    "make",
    "mawk",
    "md5sum",
    "mkdir",
    "mktemp",
    "mv",
    "nproc",
    "od",
    "openssl",
    "printf",
    "pwd",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "sh",
    "sha1sum",
    "sha256sum",
    "sleep",
    "sort",
    "split",
    "stat",
    "sync",
    "tail",
    "tar",
    "tee",
    "test",
    "timeout",
    "touch",
    "tr",
    "true",
    "uname",
    "uniq",
    "wc",
    "which",
    "whoami",
    "xargs",
    "xz",
    "zstd",
];

/// Makes the folder, with a link to each of them that this machine has.
pub fn link(tools: &Path) -> Result<()> {
    let failed = || "the programs of a rehearsal can't be linked".to_owned();
    std::fs::create_dir_all(tools).or_fail(Kind::Refused, failed)?;
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    for name in TOOLS {
        let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
        if let Some(program) = found {
            symlink(program, tools.join(name)).or_fail(Kind::Refused, failed)?;
        }
    }
    Ok(())
}

/// `PATH` in a rehearsal: what a site's folder `bin` has, then these.
pub fn path(site: &Path, tools: &Path) -> OsString {
    let mut path = site.join("bin").into_os_string();
    path.push(":");
    path.push(tools);
    path
}
