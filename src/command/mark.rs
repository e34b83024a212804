//! The mark that every process of a command carries in its environment. When the supervisor is gone, nothing else
//! tells which processes were the command's.

use super::process::{self, Process};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// The environment variable; its value is the command's folder.
pub(super) const MARK: &str = "BANISTER_COMMAND";

/// A process that a command left behind.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    pub pid: i32,
    /// Raw: it may hold what must not be shown.
    pub command_line: String,
}

/// The processes that were started by the command of this folder and still run: daemons that it was meant to
/// start, or what is left after a crash. Only those of the same user can be found, unless that is root.
pub fn processes_with_mark(folder: &Path) -> Vec<Survivor> {
    let survivor = |process: Process| {
        let line = std::fs::read(format!("/proc/{}/cmdline", process.pid)).ok()?;
        let words: Vec<_> = line.split(|byte| *byte == 0).filter(|word| !word.is_empty()).collect();
        let command_line = OsString::from_vec(words.join(&b' ')).to_string_lossy().into_owned();
        Some(Survivor { pid: process.pid, command_line })
    };
    marked(folder).into_iter().filter_map(survivor).collect()
}

/// As [`processes_with_mark`]; this process itself is never one of them.
pub(super) fn marked(folder: &Path) -> Vec<Process> {
    let Ok(folder) = folder.canonicalize() else { return Vec::new() };
    let mark = [MARK.as_bytes(), b"=", folder.as_os_str().as_bytes()].concat();
    let carries_it = |process: &Process| {
        let environment = std::fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark)
    };
    let own = std::process::id() as i32;
    process::all().into_iter().filter(|process| process.pid != own && carries_it(process)).collect()
}
