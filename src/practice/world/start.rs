//! The processes of a practice world: git and make to set it up, its engine and services, and the few programs that a
//! container may run.

use super::{World, make_folder};
use crate::failure::{Context, Failure, Kind, Result};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// The first argument by which the banister binary is a stand-in.
pub const MARK: &str = "__practice";
/// The first argument by which it is the stand-in that the file says which comes next.
pub const MARK_OF_FILE: &str = "__practice-file";

/// The environment in which an administrator of this world works: `HOME` and `PATH`.
pub fn environment(world: &World) -> [(&'static str, OsString); 2] {
    let mut path = world.path("bin").into_os_string();
    path.push(":");
    path.push(outer_path(world));
    [("HOME", world.home().into()), ("PATH", path)]
}

/// `PATH` without this world's own programs.
pub fn outer_path(world: &World) -> OsString {
    let own = world.path("bin");
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    // Another practice server's `make` would look for the real one too, and find ours.
    let is_practice = |folder: &Path| folder.parent().is_some_and(|world| world.join("world.json").exists());
    let outer = std::env::split_paths(&path).filter(|folder| *folder != own && !is_practice(folder));
    std::env::join_paths(outer).unwrap_or(path.clone())
}

/// Runs a program in a folder, with nothing of another repository or another make, and waits.
pub fn plain(cwd: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    wait(Command::new(program).args(arguments).current_dir(cwd), program, arguments)
}

/// Runs a program as the administrator of this world would, and waits. Its output is kept for the failure.
pub fn as_administrator(world: &World, cwd: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    // A program is looked up in our own PATH, not the child's: the world's own programs need their full name.
    let own = world.path("bin").join(program);
    let mut command = Command::new(if own.exists() { own } else { program.into() });
    command.args(arguments).current_dir(cwd).envs(environment(world));
    wait(&mut command, program, arguments)
}

/// What is set for another repository or another make must not lead out of this world.
fn wait(command: &mut Command, program: &str, arguments: &[&str]) -> Result<()> {
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"] {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null());
    let output = command.output().or_fail(Kind::NotFound, || format!("`{program}` can't be started"))?;
    if output.status.success() {
        return Ok(());
    }
    let shown = format!("{program} {}", arguments.join(" "));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Err(Failure::new(Kind::CommandFailed, format!("`{shown}` ended with {}", code(output.status)))
        .why(said.trim()))
}

/// An exit status as a shell gives it.
pub fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// Starts the engine of a world, detached from the caller except that it is waited for when it ends.
pub fn engine(world: &World, program: &Path) -> Result<()> {
    make_folder(&world.path("logs"))?;
    let log = log_file(&world.path("logs/engine.log"))?;
    let mut command = Command::new(program);
    command.arg(MARK).arg(world.dir()).arg("engine").current_dir("/");
    // The mark by which a supervised command finds its descendants must not be on what outlives it.
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let mut child =
        command.spawn().or_fail(Kind::NotFound, || format!("`{}` can't be started", program.display()))?;
    // Without this the engine would stay a zombie for as long as its starter lives.
    std::thread::spawn(move || child.wait());
    Ok(())
}

/// Starts the process of a container, its output appended to the container's log.
pub fn service(world: &World, container: &str, environment: &[(String, String)]) -> Result<Child> {
    let log = log_file(&world.path("logs").join(format!("{container}.log")))?;
    let errors =
        log.try_clone().or_fail(Kind::Refused, || format!("the log of `{container}` can't be shared"))?;
    let program = world.settings()?.program;
    let mut command = Command::new(&program);
    command.arg(MARK).arg(world.dir()).arg("service").arg(container).current_dir(world.dir());
    command.env_clear().envs(environment.iter().map(|(key, value)| (key, value)));
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    command.spawn().or_fail(Kind::NotFound, || format!("`{}` can't be started", program.display()))
}

fn log_file(path: &Path) -> Result<std::fs::File> {
    let failed = || format!("`{}` can't be opened", path.display());
    OpenOptions::new().create(true).append(true).open(path).or_fail(Kind::Refused, failed)
}

/// The real make with these arguments, through a stage that ends with us: a make whose wrapper was killed must
/// not go on unseen.
pub fn make(world: &World, program: &Path, arguments: &[OsString]) -> Result<i32> {
    let mut command = Command::new(program);
    command.arg(MARK).arg(world.dir()).arg("make-stage").args(arguments);
    let status = command.status().or_fail(Kind::NotFound, || "make can't be started".into())?;
    Ok(code(status))
}

/// Becomes the real make; returns only if that fails.
pub fn become_make(world: &World, arguments: &[OsString]) -> Failure {
    let parent_dies = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    if let Err(error) = parent_dies {
        return Failure::new(Kind::Refused, "make can't be tied to its wrapper").why(error);
    }
    let make = std::env::split_paths(&outer_path(world))
        .map(|folder| folder.join("make"))
        .find(|path| path.exists());
    let Some(make) = make else {
        return Failure::new(Kind::NotFound, "there is no `make` on this machine").help("install GNU make");
    };
    let error = Command::new(make).args(arguments).exec();
    Failure::new(Kind::NotFound, "`make` can't be started").why(error)
}

/// Runs statements by the real `psql`, in one transaction; what it prints, columns divided by `|`.
pub fn psql(database: &str, user: &str, password: &str, statements: &str) -> Result<String> {
    let mut command = Command::new("psql");
    command.args([
        "--host=db",
        "--no-psqlrc",
        "--quiet",
        "--tuples-only",
        "--no-align",
        "--single-transaction",
    ]);
    command.args([
        "--set=ON_ERROR_STOP=1",
        "--dbname",
        database,
        "--username",
        user,
        "--command",
        statements,
    ]);
    command.env("PGPASSWORD", password).env("PGCONNECT_TIMEOUT", "2").stdin(Stdio::null());
    let output = command.output().or_fail(Kind::NotFound, || "`psql` can't be started".into())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let kind = if output.status.code() == Some(2) { Kind::Unreachable } else { Kind::Refused };
    Err(Failure::new(kind, String::from_utf8_lossy(&output.stderr).trim()))
}

/// Runs one of the programs that a container may have, with standard streams passed through.
pub fn in_container(program: &str, arguments: &[OsString], cwd: &PathBuf) -> Result<i32> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(cwd).env("LC_ALL", "C");
    let status = command.status().or_fail(Kind::NotFound, || format!("`{program}` can't be started"))?;
    Ok(code(status))
}

/// Runs a program with a connection as its input and output, and waits.
pub fn with_connection(words: &[String], connection: TcpStream) -> Result<i32> {
    let failed = || "a connection can't be handed over".to_string();
    let (program, arguments) = words.split_first().ok_or_else(|| Failure::new(Kind::Invalid, failed()))?;
    let output = OwnedFd::from(connection.try_clone().or_fail(Kind::Refused, failed)?);
    let mut command = Command::new(program);
    command.args(arguments).stdin(OwnedFd::from(connection)).stdout(output);
    Ok(code(command.status().or_fail(Kind::NotFound, || format!("`{program}` can't be started"))?))
}
