//! A program between two streams: what goes in and what comes out never touch the disk, and never stand in memory whole.
//!
//! It is ended with its process group when it is no longer wanted. What a status other than 0 means is left to the
//! caller, as for a look; but who reads its output must look at the status too: output alone may be cut off.

use super::look::{Looked, end, exit, memory, start, text};
use super::spec::Spec;
use crate::failure::{Context, Failure, Kind, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// How often `stop` is asked while the program takes its time.
const TICK: Duration = Duration::from_millis(50);

/// A running program; ended when this is dropped.
pub struct Filter<'a> {
    handle: duct::Handle,
    program: String,
    stderr: File,
    stop: &'a dyn Fn() -> bool,
}

impl<'a> Filter<'a> {
    /// Starts it with these two as its stdin and stdout. Its stderr is kept.
    ///
    /// Fails with [`Kind::NotFound`] if there is no such program, with [`Kind::Refused`] if it can't be run.
    pub fn start(
        spec: &Spec,
        stdin: impl Into<OwnedFd>,
        stdout: impl Into<OwnedFd>,
        stop: &'a dyn Fn() -> bool,
    ) -> Result<Filter<'a>> {
        let (program, _) = spec.program()?;
        let stderr = memory(spec)?;
        let handle = start(spec, Some(stdin.into()), stdout.into(), &stderr)?;
        Ok(Filter { handle, program: program.to_owned(), stderr, stop })
    }

    /// Waits until it ended by itself; [`Looked::stdout`] is empty. It does so only if its stdin ends, and if somebody
    /// reads its stdout.
    ///
    /// Fails with [`Kind::Interrupted`] if `stop` says so, with [`Kind::Refused`] if it stands still.
    pub fn finish(&self) -> Result<Looked> {
        loop {
            let ended = self.handle.wait_timeout(TICK);
            let ended = ended.or_fail(Kind::Refused, || format!("`{}` can't be waited for", self.program))?;
            if let Some(output) = ended {
                let (exit, stderr) = (exit(output.status), text(&self.stderr));
                return Ok(Looked { exit, stdout: String::new(), stderr });
            }
            self.may_go_on()?;
        }
    }

    /// Reads what it printed, `stdout` being the other end of the pipe, and waits for that as long as need be; 0 bytes
    /// are its end. Asks `stop` each time.
    pub fn read(&self, mut stdout: &PipeReader, buffer: &mut [u8]) -> Result<usize> {
        let failed = || format!("what `{}` prints can't be read", self.program);
        loop {
            self.may_go_on()?;
            if ready(stdout, PollFlags::IN).or_fail(Kind::Refused, failed)? {
                return stdout.read(buffer).or_fail(Kind::Refused, failed);
            }
        }
    }

    fn may_go_on(&self) -> Result<()> {
        if (self.stop)() {
            return Err(Failure::new(Kind::Interrupted, format!("`{}` was interrupted", self.program)));
        }
        // In a group of its own it may not use the terminal: asking there for a passphrase stops it, for ever.
        let pid = self.handle.pids().first().and_then(|pid| Pid::from_raw(*pid as i32));
        let stands = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match pid.map(|pid| waitid(WaitId::Pid(pid), stands)) {
            Some(Ok(Some(status))) if status.stopped() => {
                let message = format!("`{}` asks for something at the terminal", self.program);
                Err(Failure::new(Kind::Refused, message).why("nobody can answer it there"))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Filter<'_> {
    fn drop(&mut self) {
        end(&self.handle);
    }
}

/// The pipe to a program's stdin: what it can't take yet keeps the writer waiting only until `stop` says so.
pub struct Feed<'a> {
    pipe: PipeWriter,
    stop: &'a dyn Fn() -> bool,
}

impl<'a> Feed<'a> {
    /// Fails if the pipe can't be set up.
    pub fn new(pipe: PipeWriter, stop: &'a dyn Fn() -> bool) -> io::Result<Feed<'a>> {
        // Only our end: the program's is another open file.
        ioctl_fionbio(&pipe, true)?;
        Ok(Feed { pipe, stop })
    }
}

impl Write for Feed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.pipe.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                written => return written,
            }
            while !ready(&self.pipe, PollFlags::OUT)? {
                if (self.stop)() {
                    return Err(io::Error::other("interrupted"));
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a pipe can be read or written now, or within a tick; also if its other end is closed.
fn ready(pipe: impl AsFd, flags: PollFlags) -> io::Result<bool> {
    let tick = Timespec { tv_sec: 0, tv_nsec: TICK.subsec_nanos().into() };
    match poll(&mut [PollFd::new(&pipe, flags)], Some(&tick)) {
        Ok(found) => Ok(found > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
