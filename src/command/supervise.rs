//! The supervisor: a small process in a session of its own that starts the command, keeps its time limit and the
//! size of its log, ends it with all its descendants if asked to, and writes how it ended.

use super::begun::{self, Begun};
use super::exit::{self, Exit};
use super::folder::{self, BEGUN, EXIT, NOT_EXECUTED, SPEC};
use super::lock::{self, Lock};
use super::log::Log;
use super::pause::pause;
use super::process::Process;
use super::roles::{OWN_PROGRAM, STAGE, STARTED};
use super::spec::Spec;
use super::tree;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{WaitOptions, WaitStatus};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// How often the log is measured.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

pub(super) fn supervise(folder: &Path) -> ExitCode {
    let tell = |text: &str| {
        // The starter may be dead; the command needs it no more.
        let _ = writeln!(io::stdout(), "{text}");
    };
    let done = Signals::catch().and_then(|signals| match Supervisor::prepare(folder)? {
        Some(supervisor) => supervisor.run(signals, &tell),
        None => Ok(()),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Signals that arrive, as flags and as something to wait for.
struct Signals {
    cancel: Arc<AtomicBool>,
    wake: UnixStream,
}

impl Signals {
    /// Before the lock is signed, or whoever reads the signature could kill by asking to cancel.
    fn catch() -> io::Result<Signals> {
        let (wake, waker) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let cancel = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGTERM, cancel.clone())?;
        for signal in [SIGTERM, SIGCHLD] {
            signal_hook::low_level::pipe::register(signal, waker.try_clone()?)?;
        }
        // Neither a terminal nor a session that ends may end it. They are caught, not ignored: the command would
        // inherit that.
        for signal in [SIGHUP, SIGINT, SIGQUIT] {
            signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
        }
        Ok(Signals { cancel, wake })
    }

    /// Waits for the next signal, at most one tick.
    fn wait(&mut self) {
        let _ = poll(&mut [PollFd::new(&self.wake, PollFlags::IN)], Some(&TICK));
        while matches!(self.wake.read(&mut [0; 64]), Ok(1..)) {}
    }
}

struct Supervisor<'a> {
    folder: &'a Path,
    spec: Spec,
    lock: Lock,
    log: Log,
    exit: exit::Reserved,
}

impl Supervisor<'_> {
    /// None if another process supervises, or did.
    fn prepare(folder: &Path) -> io::Result<Option<Supervisor<'_>>> {
        // Fails only for the leader of a process group, which is in no terminal's foreground either.
        let _ = rustix::process::setsid();
        // For `ps`: the program was started by another path than its name.
        let _ = std::fs::write("/proc/self/comm", "banister");
        pause();
        let Some(mut lock) = lock::take(folder)? else { return Ok(None) };
        pause();
        if folder.join(BEGUN).exists() || folder.join(EXIT).exists() {
            return Ok(None);
        }
        lock.sign()?;
        // Whatever loses its parent stays a descendant, and can be found. Any process id means yes.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        let spec = folder::read(folder, SPEC)?.ok_or(io::ErrorKind::NotFound)?;
        Ok(Some(Supervisor { folder, spec, lock, log: Log::create(folder)?, exit: exit::reserve(folder)? }))
    }

    fn run(mut self, mut signals: Signals, tell: &dyn Fn(&str)) -> io::Result<()> {
        pause();
        let mut command = Command::new(OWN_PROGRAM);
        command.arg0("banister").arg(STAGE).arg(self.folder).process_group(0);
        // The stage adds what the command is given.
        for name in super::foreign::variables() {
            command.env_remove(name);
        }
        command.stdin(self.lock.hand_over()?);
        command.stdout(self.log.file().try_clone()?).stderr(self.log.file().try_clone()?);
        let stage = command.spawn()?.id() as i32;
        // It holds copies of the lock and of the log.
        drop(command);
        tell(STARTED);
        pause();

        let mut deadline = self.spec.within.and_then(|within| Instant::now().checked_add(within.0));
        let mut ended = None;
        let mut stopped = None;
        while reap(stage, &mut ended) && ended.is_none() {
            self.log.cap();
            let over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if over || signals.cancel.swap(false, Ordering::Relaxed) {
                let left = self.stop(stage, &mut ended);
                if ended.is_some() {
                    stopped = Some(if over { Exit::TimedOut } else { Exit::Cancelled });
                    self.note(&left);
                }
                // A command of another user can't be killed. It goes on, and so does its supervisor.
                deadline = None;
            } else {
                signals.wait();
            }
        }
        // At a shutdown all are asked to end at once, and the command may be the quicker one: it did not get through.
        let by_signal = ended.is_some_and(|status| status.signaled());
        if stopped.is_none() && by_signal && signals.cancel.load(Ordering::Relaxed) {
            stopped = Some(Exit::Cancelled);
        }
        self.log.cap();
        pause();
        match stopped.map_or_else(|| self.judge(stage, ended), |exit| Ok(Some(exit)))? {
            Some(exit) => self.exit.write(&exit),
            // The folder says better than we could that nothing ran, or that what ran is cut off.
            None => Ok(()),
        }
    }

    /// Ends everything that descends from here.
    fn stop(&mut self, stage: i32, ended: &mut Option<WaitStatus>) -> Vec<Process> {
        let own = std::process::id() as i32;
        tree::end(&|| tree::descendants(&[own]), &mut || {
            reap(stage, ended);
            self.log.cap();
        })
    }

    /// Tells in the log what could not be killed.
    fn note(&self, left: &[Process]) {
        if !left.is_empty() {
            let pids: Vec<_> = left.iter().map(|process| process.pid.to_string()).collect();
            let _ =
                writeln!(self.log.file(), "\nbanister: could not be killed: processes {}", pids.join(" "));
        }
    }

    /// How the command ended, if it was this stage that became it.
    fn judge(&self, stage: i32, ended: Option<WaitStatus>) -> io::Result<Option<Exit>> {
        let Some(exit) = ended.map(Exit::of) else { return Ok(None) };
        Ok(match (begun::read(self.folder)?, exit) {
            // The stage could write nothing, so it left the error's number. The lock is ours: nothing will begin.
            (None, Exit::Status(error @ 1..)) => {
                let error = io::Error::from_raw_os_error(error);
                Some(Exit::NotStarted(format!("cannot write into `{}`: {error}", self.folder.display())))
            }
            (Some(Begun::Process(identity)), exit) if identity.pid == stage => {
                Some(folder::read(self.folder, NOT_EXECUTED)?.map_or(exit, Exit::NotStarted))
            }
            _ => None,
        })
    }
}

/// Reaps all children that ended, adopted ones too, and notes how the stage did. False if no child is left.
fn reap(stage: i32, ended: &mut Option<WaitStatus>) -> bool {
    loop {
        // Not `waitpid(None)`: with rustix that waits for the own process group, not for any child.
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid.as_raw_pid() == stage => *ended = Some(status),
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}
