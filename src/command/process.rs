//! Processes as the system tells of them, and how one is known again.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::fs::read_to_string;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

/// A process for ever: process ids are used again, but not with the same start time under the same boot.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    boot: String,
    pub(super) pid: i32,
    /// In clock ticks since the boot.
    started: u64,
}

impl Identity {
    /// This process, also after it became another program by exec.
    pub(super) fn own() -> io::Result<Identity> {
        let own = Process::parse(&read_to_string("/proc/self/stat")?)
            .ok_or_else(|| io::Error::other("`/proc/self/stat` can't be understood"))?;
        Ok(Identity { boot: boot()?, pid: own.pid, started: own.started })
    }

    /// A handle of the living process; none if it is gone or only a zombie is left of it.
    pub(super) fn open(&self) -> Option<OwnedFd> {
        if boot().ok()? != self.boot {
            return None;
        }
        // Opened first and compared then, or the id could pass to another process in between.
        let handle = open(self.pid)?;
        (Process::read(self.pid)?.started == self.started && !ended(&handle, Duration::ZERO))
            .then_some(handle)
    }
}

/// One process as `/proc/PID/stat` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    started: u64,
    zombie: bool,
}

/// What became of a signal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Signalled {
    Sent,
    Gone,
    /// It runs as another user, as `sudo` does.
    Refused,
}

impl Process {
    fn read(pid: i32) -> Option<Process> {
        Process::parse(&read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?)
    }

    /// The fields are listed in proc_pid_stat(5). The name in parentheses may itself contain spaces and
    /// parentheses, so the others are counted from its last one.
    fn parse(stat: &str) -> Option<Process> {
        let (pid, rest) = stat.split_once(" (")?;
        let mut fields = rest.rsplit_once(") ")?.1.split(' ');
        let zombie = matches!(fields.next()?, "Z" | "X");
        let parent = fields.next()?.parse().ok()?;
        let started = fields.nth(17)?.trim().parse().ok()?;
        Some(Process { pid: pid.parse().ok()?, parent, started, zombie })
    }

    pub(super) fn signal(&self, signal: Signal) -> Signalled {
        let Some(handle) = open(self.pid) else { return Signalled::Gone };
        if Process::read(self.pid).is_none_or(|now| now.started != self.started) {
            return Signalled::Gone;
        }
        match pidfd_send_signal(&handle, signal) {
            Ok(()) => Signalled::Sent,
            Err(rustix::io::Errno::PERM) => Signalled::Refused,
            Err(_) => Signalled::Gone,
        }
    }
}

impl Process {
    /// When it was started. The kernel counts that in hundredths of a second since the boot for whoever asks from outside.
    pub(super) fn began(&self) -> jiff::Timestamp {
        let uptime = read_to_string("/proc/uptime").unwrap_or_default();
        let uptime =
            uptime.split(' ').next().and_then(|seconds| seconds.parse::<f64>().ok()).unwrap_or_default();
        let age = (uptime - self.started as f64 / 100.0).max(0.0);
        jiff::Timestamp::now() - Duration::from_secs_f64(age)
    }

    /// Sends it a signal and waits for its end: whether it ended in time; nothing if it is another user's.
    pub(super) fn end(&self, signal: Signal, within: Duration) -> Option<bool> {
        let Some(handle) = open(self.pid) else { return Some(true) };
        match self.signal(signal) {
            Signalled::Refused => None,
            Signalled::Gone => Some(true),
            Signalled::Sent => Some(ended(&handle, within)),
        }
    }
}

/// All processes that run; zombies don't.
pub(super) fn all() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Process::read)
        .filter(|process| !process.zombie)
        .collect()
}

/// Waits for the end of the process behind a handle. It need not be a child. False if `within` was over first.
pub(super) fn ended(handle: &OwnedFd, within: Duration) -> bool {
    let timeout = Timespec { tv_sec: within.as_secs() as i64, tv_nsec: within.subsec_nanos().into() };
    matches!(poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&timeout)), Ok(1))
}

pub(super) fn open(pid: i32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()
}

fn boot() -> io::Result<String> {
    Ok(read_to_string("/proc/sys/kernel/random/boot_id")?.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_process_is_read_although_its_name_looks_like_other_fields() {
        let stat = "42 (a) R 7 (b)) Z 7 42 42 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 991 0 0\n";
        let expected = Process { pid: 42, parent: 7, started: 991, zombie: true };
        assert_eq!(Process::parse(stat), Some(expected));
        assert_eq!(Process::parse("42 (cut"), None);
    }

    #[test]
    fn a_process_is_known_again_by_boot_and_start_time_and_a_zombie_is_dead() {
        let own = Identity::own().unwrap();
        assert!(own.open().is_some());
        assert!(Identity { started: own.started + 1, ..own.clone() }.open().is_none());
        assert!(Identity { boot: "another".into(), ..own.clone() }.open().is_none());

        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id() as i32;
        assert!(ended(&open(pid).unwrap(), Duration::from_secs(60)));
        let zombie = Process::read(pid).unwrap();
        assert!(zombie.zombie);
        assert!(Identity { pid, started: zombie.started, ..own }.open().is_none());
        child.wait().unwrap();
    }
}
