//! Processes of this program that play a part in the work on what is in a folder.

use super::process::{Process, all};
use super::roles::SUPERVISE;
use rustix::process::Signal;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a killed process may take to disappear.
const PATIENCE: Duration = Duration::from_secs(10);

/// Those whose first argument is this, and the second the folder or one below it.
fn parts(part: &str, folder: &Path) -> Vec<Process> {
    let plays = |process: &Process| {
        let line = std::fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0).skip(1);
        let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
        first == part.as_bytes() && Path::new(OsStr::from_bytes(second)).starts_with(folder)
    };
    let own = std::process::id() as i32;
    all().into_iter().filter(|process| process.pid != own && plays(process)).collect()
}

/// Kills those that play this part, and waits for their end.
pub fn kill(part: &str, folder: &Path) {
    parts(part, folder).iter().for_each(|process| _ = process.end(Signal::KILL, PATIENCE));
}

/// Ends what is supervised there, as `cancel` does, and waits until `within` is over.
pub fn cancel_all(folder: &Path, within: Duration) {
    let supervisors = parts(SUPERVISE, folder);
    supervisors.iter().for_each(|process| _ = process.signal(Signal::TERM));
    let end = Instant::now() + within;
    while Instant::now() < end && !parts(SUPERVISE, folder).is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
}
