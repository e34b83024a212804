//! A child that plays a part of this program beside what this process does. It says one line when it has something to
//! say, and ends when its stdin does: with this process, too.

use super::inherit;
use super::roles::OWN_PROGRAM;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How often time limit and `stop` are looked at.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// How long it has to end once its stdin ended, or once it was killed: one that hangs in a dead file system can't be.
const GRACE: Duration = Duration::from_secs(1);
/// So long a line may be, in bytes.
const LONGEST: usize = 16 << 10;

/// Such a child. Dropped, it is ended.
#[derive(Debug)]
pub struct Aide {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
}

impl Aide {
    /// Starts it in an open folder, whatever has the folder's path by then. The first of the arguments says which part it
    /// plays.
    pub fn start(arguments: &[&OsStr], folder: BorrowedFd) -> io::Result<Aide> {
        let program = super::start::named().unwrap_or(OWN_PROGRAM.as_ref());
        let mut command = Command::new(program);
        command.args(arguments).current_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // What a terminal sends to this program is not meant for it.
        command.process_group(0);
        for name in inherit::withheld() {
            command.env_remove(name);
        }
        let mut child = command.spawn()?;
        let missing = || io::Error::other("it has no streams");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or_else(missing)?;
        Ok(Aide { child, stdin, stdout })
    }

    /// Waits for its next line, without the line's end.
    ///
    /// Fails with [`io::ErrorKind::TimedOut`] if it does not come in time, [`io::ErrorKind::Interrupted`] if `stop` says
    /// so, [`io::ErrorKind::UnexpectedEof`] if the child ends without one.
    pub fn line(&mut self, within: Duration, stop: &dyn Fn() -> bool) -> io::Result<String> {
        let until = Instant::now() + within;
        let mut line = Vec::new();
        loop {
            if stop() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if Instant::now() >= until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match poll(&mut [PollFd::new(&self.stdout, PollFlags::IN)], Some(&TICK)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                ready => ready?,
            };
            let mut byte = [0];
            match self.stdout.read(&mut byte)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ if byte[0] == b'\n' => return Ok(String::from_utf8_lossy(&line).into_owned()),
                _ if line.len() >= LONGEST => return Err(io::Error::other("its line has no end")),
                _ => line.push(byte[0]),
            }
        }
    }

    /// Ends it; whether it was there until now.
    pub fn end(mut self) -> bool {
        let was_there = matches!(self.child.try_wait(), Ok(None));
        self.stop();
        was_there
    }

    fn stop(&mut self) {
        self.stdin = None;
        if !self.is_gone() {
            let _ = self.child.kill();
            self.is_gone();
        }
    }

    fn is_gone(&mut self) -> bool {
        let until = Instant::now() + GRACE;
        loop {
            match self.child.try_wait() {
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
                gone => return !matches!(gone, Ok(None)),
            }
        }
    }
}

impl Drop for Aide {
    fn drop(&mut self) {
        self.stop();
    }
}
