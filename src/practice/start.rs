//! Every process that a practice server starts: git and make to set it up, its engine and services, and the few
//! programs that a container may run. Nothing else in this module starts any.

use super::world::{World, make_folder};
use crate::failure::{Context, Failure, Kind, Result};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// The environment in which an administrator of this world works: `HOME` and `PATH`.
pub fn environment(world: &World) -> [(&'static str, OsString); 2] {
    let mut path = world.path("bin").into_os_string();
    path.push(":");
    path.push(outer_path(world));
    [("HOME", world.home().into()), ("PATH", path)]
}

/// `PATH` without the programs of this world, and of any other one: two stand-ins would call each other without end.
fn outer_path(world: &World) -> OsString {
    let own = world.path("bin");
    let stands_in = |folder: &Path| {
        let parent = folder.parent().filter(|_| folder.ends_with("bin"));
        folder == own || parent.is_some_and(|parent| World::new(parent).exists())
    };
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    std::env::join_paths(std::env::split_paths(&path).filter(|folder| !stands_in(folder))).unwrap_or(path)
}

/// Runs a program as the administrator of this world would, and waits. Its output is kept for the failure.
pub fn as_administrator(world: &World, cwd: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let shown = format!("{program} {}", arguments.join(" "));
    // A program is looked up in our own PATH, not the child's: the world's own programs need their full name.
    let own = world.path("bin").join(program);
    let mut command = Command::new(if own.exists() { own } else { program.into() });
    command.args(arguments).current_dir(cwd).envs(environment(world)).stdin(Stdio::null());
    // What is set for another repository or another make must not lead out of this world.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"] {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    let output = command.output().or_fail(Kind::NotFound, || format!("`{program}` can't be started"))?;
    if output.status.success() {
        return Ok(());
    }
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
    command.arg("__practice").arg(world.dir()).arg("engine").current_dir("/");
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
    command.arg("__practice").arg(world.dir()).arg("service").arg(container).current_dir(world.dir());
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
    command.arg("__practice").arg(world.dir()).arg("make-stage").args(arguments);
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
        return Failure::new(Kind::NotFound, "there is no `make` on this machine").help("Install GNU make.");
    };
    let error = Command::new(make).args(arguments).exec();
    Failure::new(Kind::NotFound, "`make` can't be started").why(error)
}

/// Runs one of the programs that a container may have, with standard streams passed through.
pub fn in_container(program: &str, arguments: &[OsString], cwd: &PathBuf) -> Result<i32> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(cwd).env("LC_ALL", "C");
    let status = command.status().or_fail(Kind::NotFound, || format!("`{program}` can't be started"))?;
    Ok(code(status))
}
