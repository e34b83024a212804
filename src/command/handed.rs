//! The environment of a terminal, for a process of this program that systemd starts, which gives it another one.
//!
//! It is kept twice: all of it until the machine is switched off, and on disk what a run needs whatever it does. Secrets,
//! and what only the terminal has, as the agent of its ssh, are in no file that outlives a boot.

use super::inherit;
use super::roles::OWN_PROGRAM;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// What systemd says to one process only.
const OF_A_UNIT: [&str; 12] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "SYSTEMD_EXEC_PID",
    "MAINPID",
    "CREDENTIALS_DIRECTORY",
    inherit::UNIT,
];

type Variables = Vec<(OsString, OsString)>;

/// Writes the environment of this process: all of it to `until_boot`, and to `lasting` what outlives a boot.
pub fn hand_over(lasting: &Path, until_boot: &Path) -> io::Result<()> {
    let is_of_a_unit = |name: &OsStr| OF_A_UNIT.iter().any(|other| name == *other);
    let is_lent = |name: &OsStr| inherit::of_connection().is_some_and(|lent| name == lent);
    let mut all: Variables = std::env::vars_os().collect();
    all.retain(|(name, _)| !is_of_a_unit(name) && !is_lent(name));
    let mut needed = all.clone();
    needed.retain(|(name, _)| inherit::outlives_a_boot(name));
    all.extend(inherit::lent().into_iter().map(|(name, value)| (name.into(), value.into())));
    write(lasting, &needed, true)?;
    write(until_boot, &all, false)
}

/// The same, only what outlives a boot.
pub fn hand_over_lastingly(lasting: &Path) -> io::Result<()> {
    let mut needed: Variables = std::env::vars_os().collect();
    needed.retain(|(name, _)| inherit::outlives_a_boot(name) && name != inherit::UNIT);
    write(lasting, &needed, true)
}

/// Becomes this program again, with these arguments, in the environment that was handed over lastingly. Gives why that failed.
pub fn in_environment(arguments: &[&OsStr], lasting: &Path) -> io::Error {
    match read(lasting) {
        Ok(needed) => Command::new(OWN_PROGRAM).arg0("banister").args(arguments).envs(needed).exec(),
        Err(error) => error,
    }
}

/// Becomes this program again, with these arguments, in the environment that was handed over; `unit` is what
/// [`own_unit`] gives then. Gives why that failed.
pub fn take_over(arguments: &[&OsStr], lasting: &Path, until_boot: &Path, unit: &str) -> io::Error {
    let mut command = Command::new(OWN_PROGRAM);
    let socket = std::env::var_os("NOTIFY_SOCKET");
    match read(until_boot) {
        Ok(all) => _ = command.env_clear().envs(all),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return error,
        Err(_) => match read(lasting) {
            Ok(needed) => _ = command.envs(needed),
            Err(error) => return error,
        },
    }
    command.envs(socket.map(|socket| ("NOTIFY_SOCKET", socket)));
    command.arg0("banister").args(arguments).env(inherit::UNIT, unit).exec()
}

/// The unit of systemd that this process belongs to, if it was started as one of ours.
pub fn own_unit() -> Option<OsString> {
    std::env::var_os(inherit::UNIT)
}

/// As the system itself shows an environment: each ends with a zero, which none has in it.
fn write(path: &Path, variables: &Variables, durably: bool) -> io::Result<()> {
    let mut text = Vec::new();
    for (name, value) in variables {
        text.extend([name.as_bytes(), b"=", value.as_bytes(), b"\0"].concat());
    }
    let new = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&text)?;
    if durably {
        file.sync_all()?;
    }
    std::fs::rename(&new, path)
}

fn read(path: &Path) -> io::Result<Variables> {
    let text = std::fs::read(path)?;
    let variable = |text: &[u8]| {
        let at = text.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
        Some((OsString::from_vec(text[..at].to_vec()), OsString::from_vec(text[at + 1..].to_vec())))
    };
    Ok(text.split(|byte| *byte == 0).filter_map(variable).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("environment");
        let odd = OsString::from_vec(vec![b'a', b'\n', 0xff, b'=']);
        let all = vec![("A".into(), odd), ("B".into(), OsString::new())];
        write(&path, &all, true).unwrap();
        assert_eq!(read(&path).unwrap(), all);
    }
}
