//! The stage: the process that passes the gate and becomes the command.

use super::begun::{self, Begun};
use super::folder::{self, NOT_EXECUTED, SPEC};
use super::inherit;
use super::mark::MARK;
use super::pause::pause;
use super::process::Identity;
use super::roles::SECRETS;
use super::spec::Spec;
use std::io::{self, ErrorKind};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// What is added to the command's `oom_score_adj`, in thousandths of the memory: enough to be chosen before the
/// supervisor, which is small, and too little to matter to a daemon that the command leaves behind.
const MORE_LIKELY_TO_BE_CHOSEN: i32 = 10;

/// Stands for an error that the system has no number for.
const OTHER: u8 = 255;

/// Becomes the command. If it returns, it did not; the status is the system's error number when not even a file
/// could be written to say so.
pub(super) fn execute(folder: &Path) -> ExitCode {
    pause();
    match become_command(folder) {
        Ok(status) => status,
        Err(error) => {
            ExitCode::from(error.raw_os_error().and_then(|raw| raw.try_into().ok()).unwrap_or(OTHER))
        }
    }
}

fn become_command(folder: &Path) -> io::Result<ExitCode> {
    let spec: Spec = folder::read(folder, SPEC)?.ok_or(ErrorKind::NotFound)?;
    let secrets = std::env::var(SECRETS).ok().and_then(|text| serde_json::from_str(&text).ok());
    let spec = spec
        .with_secrets(secrets.unwrap_or_default())
        .ok_or_else(|| io::Error::other("the secrets of the command were not given"))?;
    let (program, arguments) = spec.program().map_err(io::Error::other)?;
    let mut command = Command::new(program);
    // The stdin it was given is the lock. Daemons that the command leaves behind would hold it for ever.
    command.args(arguments).current_dir(&spec.folder).stdin(Stdio::null());
    inherit::withheld().iter().chain(&spec.needless()).for_each(|name| _ = command.env_remove(name));
    command.env_remove(SECRETS);
    command.envs(spec.variables()).env(MARK, folder);
    raise_oom_score();
    let own = Identity::own()?;
    pause();
    if !begun::pass(folder, &Begun::Process(own))? {
        return Ok(ExitCode::SUCCESS);
    }
    pause();
    inherit::give_back(None);
    let error = command.exec();
    folder::write_new(folder, NOT_EXECUTED, &spec.explain(&error))?;
    // What a shell says, for the case that the file is not read.
    Ok(ExitCode::from(if error.kind() == ErrorKind::NotFound { 127 } else { 126 }))
}

/// Raising one's own score needs no privilege. If it fails, the command runs as well as without.
fn raise_oom_score() {
    const SCORE: &str = "/proc/self/oom_score_adj";
    let current = std::fs::read_to_string(SCORE).ok().and_then(|text| text.trim().parse::<i32>().ok());
    if let Some(current) = current {
        let _ = std::fs::write(SCORE, (current + MORE_LIKELY_TO_BE_CHOSEN).min(1000).to_string());
    }
}
