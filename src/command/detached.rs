//! A process of this program in a session of its own: it outlives this process and its terminal.

use super::roles::OWN_PROGRAM;
use super::{inherit, process, start};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How often it is looked at where the system gives no handle of it.
const WITHOUT_HANDLE: Duration = Duration::from_millis(20);

/// In bytes.
const LONGEST_LINE: u64 = 4 << 10;

/// Such a process, while it is a child of this one. Dropped, it goes on.
pub struct Detached {
    child: Child,
    said: Option<ChildStdout>,
}

/// What such a process says on its standard output.
pub struct Said(Option<ChildStdout>);

impl Said {
    /// As [`Detached::first_line`]. No line of ours is longer than [`LONGEST_LINE`].
    pub fn first_line(self) -> io::Result<String> {
        let mut line = String::new();
        if let Some(said) = self.0 {
            BufReader::new(said.take(LONGEST_LINE)).read_line(&mut line)?;
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Detached {
    /// Starts it. What it says on standard error is appended to `log`. The first thing that it does should be
    /// [`own_session`].
    pub fn start(arguments: &[&OsStr], log: File) -> io::Result<Detached> {
        let mut command = Command::new(start::named().unwrap_or(OWN_PROGRAM.as_ref()));
        command.args(arguments);
        command.envs(inherit::core_limit().map(|limit| (inherit::CORE_LIMIT, limit)));
        command.envs(inherit::lent());
        inherit::of_connection().into_iter().for_each(|name| _ = command.env_remove(name));
        // It must not keep a file system busy that somebody wants to unmount.
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn()?;
        let said = child.stdout.take();
        Ok(Detached { child, said })
    }

    /// The first line that it says, without the line's end; empty if it ends, or closes its standard output, before.
    pub fn first_line(&mut self) -> io::Result<String> {
        self.said().first_line()
    }

    /// What it says, for another thread to read. There is nothing the second time.
    pub fn said(&mut self) -> Said {
        Said(self.said.take())
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Waits for its end, and no longer than this; nothing if it has not ended.
    pub fn wait_for(&mut self, within: Duration) -> io::Result<Option<ExitStatus>> {
        // Its id is its own until somebody has waited for its end.
        match process::open(self.child.id() as i32) {
            Some(handle) => _ = process::ended(&handle, within),
            None => std::thread::sleep(within.min(WITHOUT_HANDLE)),
        }
        self.child.try_wait()
    }

    /// Kills it, also if it is stopped.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()
    }
}

/// Makes this process the first of a session of its own, which neither a terminal nor its hang-up ends.
pub fn own_session() -> io::Result<()> {
    // They are caught, not ignored: what is started would inherit that.
    for signal in [SIGHUP, SIGINT, SIGQUIT] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    // For `ps`: it was started by another path than its name.
    let _ = std::fs::write("/proc/self/comm", "banister");
    // It fails for who has one already.
    _ = rustix::process::setsid();
    Ok(())
}
