//! Looks: short commands that change nothing, run plainly, their output captured.

use super::exit::Exit;
use super::found;
use super::inherit;
use super::spec::Spec;
use crate::failure::{Context, Failure, Kind, Result};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::fs::File;
use std::io::Seek;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// How often time limit, size and `stop` are looked at.
const TICK: Duration = Duration::from_millis(50);
/// What a look may print at most on each stream, in bytes.
const LARGEST: u64 = 64 << 20;
/// How long a look has to end by itself once it was asked to: git removes its lock files then.
const GRACE: Duration = Duration::from_millis(500);

/// What a look saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    pub exit: Exit,
    /// Raw, except that what is not UTF-8 is replaced.
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command that only reads and waits for it. It has no terminal and no stdin. When its time limit is over or
/// `stop` says so, it is ended with its process group. A status other than 0 is not a failure here.
///
/// Fails with [`Kind::NotFound`] if there is no such program or folder, [`Kind::TimedOut`], [`Kind::Interrupted`] if
/// `stop` ended it, [`Kind::Refused`] if it can't be run or prints more than 64 MiB.
pub fn look(spec: &Spec, stop: &dyn Fn() -> bool) -> Result<Looked> {
    let stdout = memory(spec)?;
    let looked = run(spec, None, &stdout, LARGEST, stop)?;
    Ok(Looked { stdout: text(&stdout), ..looked })
}

/// As [`look`], for output of any size and of any bytes: it goes straight into the file `stdout`, from where that
/// file stands, and [`Looked::stdout`] is empty.
pub fn look_into(spec: &Spec, stdout: &File, stop: &dyn Fn() -> bool) -> Result<Looked> {
    run(spec, None, stdout, u64::MAX, stop)
}

/// Runs a command with a file as its stdin, from its beginning; without a file for its output that is kept, as by
/// [`look`]. The command may change something: it is for changes that are the same when they are made twice.
pub fn feed(spec: &Spec, stdin: &File, stdout: Option<&File>, stop: &dyn Fn() -> bool) -> Result<Looked> {
    let failed = || "the input of a command can't be read".to_owned();
    let mut stdin = stdin.try_clone().or_fail(Kind::Refused, failed)?;
    stdin.rewind().or_fail(Kind::Refused, failed)?;
    match stdout {
        Some(stdout) => run(spec, Some(&stdin), stdout, u64::MAX, stop),
        None => {
            let stdout = memory(spec)?;
            let looked = run(spec, Some(&stdin), &stdout, LARGEST, stop)?;
            Ok(Looked { stdout: text(&stdout), ..looked })
        }
    }
}

/// A file in memory: nothing is lost on a full disk, and a grandchild that keeps it open keeps nobody waiting.
pub(super) fn memory(spec: &Spec) -> Result<File> {
    let (program, _) = spec.program()?;
    let made = memfd_create("look", MemfdFlags::CLOEXEC).map(File::from);
    made.or_fail(Kind::Refused, || format!("`{program}` cannot be run"))
}

fn run(
    spec: &Spec,
    stdin: Option<&File>,
    stdout: &File,
    largest: u64,
    stop: &dyn Fn() -> bool,
) -> Result<Looked> {
    let (program, _) = spec.program()?;
    let refused = || format!("`{program}` cannot be run");
    let stderr = memory(spec)?;
    let duplicate = |file: &File| file.try_clone().map(OwnedFd::from).or_fail(Kind::Refused, refused);
    let handle = start(spec, stdin.map(duplicate).transpose()?, duplicate(stdout)?, &stderr)?;

    let until = spec.within.and_then(|within| Instant::now().checked_add(within.0));
    loop {
        let tick = Instant::now() + TICK;
        let wake = until.map_or(tick, |until| until.min(tick));
        if let Some(output) = handle.wait_deadline(wake).or_fail(Kind::Refused, refused)? {
            return Ok(Looked { exit: exit(output.status), stdout: String::new(), stderr: text(&stderr) });
        }
        let failure = if stop() {
            Failure::new(Kind::Interrupted, format!("`{program}` was interrupted"))
        } else if until.is_some_and(|until| Instant::now() >= until) {
            let within = spec.within.map(|within| within.to_string()).unwrap_or_default();
            Failure::new(Kind::TimedOut, format!("`{program}` did not end within {within}"))
        } else if size(stdout) > largest || size(&stderr) > LARGEST {
            Failure::new(Kind::Refused, format!("`{program}` printed more than {} MiB", LARGEST >> 20))
        } else {
            continue;
        };
        end(&handle);
        return Err(failure);
    }
}

/// Starts a command in a process group of its own, with these streams; without one for its stdin it has none.
pub(super) fn start(
    spec: &Spec,
    stdin: Option<OwnedFd>,
    stdout: OwnedFd,
    stderr: &File,
) -> Result<duct::Handle> {
    let (program, arguments) = spec.program()?;
    let stderr = stderr.try_clone().or_fail(Kind::Refused, || format!("`{program}` cannot be run"))?;
    let own = std::env::var_os("PATH");
    let path = spec.environment.get("PATH").map(OsString::from).or(own);
    let found = path.and_then(|path| found::program(program, &path));
    let name = program.to_owned();
    let mut expression = duct::cmd(found.unwrap_or_else(|| program.into()), arguments)
        .dir(&spec.folder)
        .stdout_file(stdout)
        .stderr_file(stderr)
        .unchecked()
        .before_spawn(move |command| {
            command.arg0(&name).process_group(0);
            Ok(())
        });
    expression = match stdin {
        Some(stdin) => expression.stdin_file(stdin),
        None => expression.stdin_null(),
    };
    for name in inherit::withheld() {
        expression = expression.env_remove(name);
    }
    for (name, value) in spec.variables() {
        expression = expression.env(name, value);
    }
    // Outermost, so that what was just set stays.
    for name in super::foreign::variables() {
        expression = expression.env_remove(name);
    }
    for name in spec.needless() {
        expression = expression.env_remove(name);
    }
    let started = expression.start();
    if let Ok(handle) = &started {
        handle.pids().iter().for_each(|pid| inherit::give_back(Some(*pid as i32)));
    }
    started.map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => Kind::NotFound,
            _ => Kind::Refused,
        };
        Failure::new(kind, spec.explain(&error))
    })
}

/// Ends the process group. Its id can't have passed to another one: the leader was not waited for yet.
pub(super) fn end(handle: &duct::Handle) {
    let group = handle.pids().first().and_then(|pid| Pid::from_raw(*pid as i32));
    for signal in [Signal::TERM, Signal::KILL] {
        if let (Some(group), Ok(None)) = (group, handle.try_wait()) {
            let _ = kill_process_group(group, signal);
            let _ = handle.wait_timeout(GRACE);
        }
    }
}

pub(super) fn exit(status: ExitStatus) -> Exit {
    match status.code() {
        Some(code) => Exit::Status(code),
        None => Exit::Signal(status.signal().unwrap_or_default()),
    }
}

fn size(file: &File) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}

pub(super) fn text(file: &File) -> String {
    let mut bytes = vec![0; size(file) as usize];
    let read = file.read_at(&mut bytes, 0).unwrap_or(0);
    bytes.truncate(read);
    String::from_utf8_lossy(&bytes).into_owned()
}
