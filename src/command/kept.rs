//! Commands that a supervisor still keeps, found without their folders: whoever lost the folder of a run, or abandoned it,
//! finds here what it still runs. One whose supervisor was killed is not found this way.

use super::folder::LOCK;
use super::process::{Process, all};
use super::roles::SUPERVISE;
use super::spec::Spec;
use crate::failure::{Failure, Kind, Result};
use rustix::process::Signal;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a supervisor has to end its command: it asks first, and then kills.
const PATIENCE: Duration = Duration::from_secs(20);

/// A command that a living supervisor keeps.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The command's folder. It may not be there any more.
    pub folder: PathBuf,
    /// Where the command runs, if that can be seen.
    pub place: Option<PathBuf>,
    /// As it was typed, if that can be seen; raw, without the values of secrets.
    pub command: Option<String>,
    /// When it was started. RFC 3339, UTC.
    pub since: String,
    supervisor: Process,
}

/// All of them on this machine, of every user whose processes can be seen.
pub fn kept() -> Vec<Kept> {
    let processes = all();
    let keeps = |process: &Process| {
        let line = words(process.pid);
        let [_, role, folder] = line.as_slice() else { return None };
        if role != SUPERVISE.as_bytes() {
            return None;
        }
        let folder = PathBuf::from(OsStr::from_bytes(folder));
        let child = processes.iter().find(|child| child.parent == process.pid);
        let spec = Spec::read(&folder).ok();
        let place = spec.as_ref().map(|spec| spec.folder.clone());
        let place = place.or_else(|| fs::read_link(format!("/proc/{}/cwd", child?.pid)).ok());
        // What is seen of the process itself could hold a secret: only the program is told.
        let program = || Some(String::from_utf8_lossy(words(child?.pid).first()?).into_owned());
        let command = spec.map(|spec| spec.arguments.join(" ")).or_else(program);
        let since = process.began().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Some(Kept { folder, place, command, since, supervisor: process.clone() })
    };
    processes.iter().filter_map(keeps).collect()
}

impl Kept {
    /// Has the supervisor end the command and all that it started, and waits for that.
    ///
    /// Fails with [`Kind::Refused`] if it belongs to another user, with [`Kind::TimedOut`] if it does not end.
    pub fn end(&self) -> Result<()> {
        let shown = self.command.as_deref().unwrap_or("a command");
        match self.supervisor.end(Signal::TERM, PATIENCE) {
            Some(true) => Ok(()),
            Some(false) => Err(Failure::new(
                Kind::TimedOut,
                format!("`{shown}` did not end in {} seconds", PATIENCE.as_secs()),
            )),
            None => Err(Failure::new(Kind::Refused, format!("`{shown}` belongs to another user"))
                .help("end it as that user, or as root")),
        }
    }

    /// Whether its folder is there.
    pub fn has_folder(&self) -> bool {
        self.folder.join(LOCK).exists()
    }

    /// The folder of the run that it belongs to, if it is one of a run.
    pub fn run(&self) -> Option<&Path> {
        let logs = self.folder.parent()?;
        (logs.file_name()? == "logs").then(|| logs.parent())?
    }
}

/// The words of a process's command line.
fn words(pid: i32) -> Vec<Vec<u8>> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = line.strip_suffix(b"\0").unwrap_or(&line);
    line.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
}
