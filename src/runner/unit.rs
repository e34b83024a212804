//! A run as a unit of systemd, which starts it again after a crash and after a boot.
//!
//! The unit's main process is the watcher, and the runner is its child, as it is without systemd: the limit for a runner
//! that gets nothing done, the notices, and the runner itself are the same in both. What is left to systemd is to have one
//! program run, and to remember it over a boot. The file of the unit is there, and enabled, while the run is open.

use super::follow;
use super::manager::{self, Manager, Unfit};
use super::place::{self, RUNNER, WATCHER};
use super::quoting;
use super::watch;
use crate::command::{hand_over, own_unit, read_file, take_over};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{write_durably, write_private_durably};
use crate::sync::FileLock;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file of the run that says which unit it is.
const MARK: &str = "unit";
/// The program of the run: what is installed may be replaced while it is open.
const PROGRAM: &str = "program";
const ENVIRONMENT: &str = "environment";

/// If the main process says nothing for so long, systemd ends it and starts it again.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a run waits for a boot to be over.
const BOOT: Duration = Duration::from_secs(180);

#[derive(Serialize, Deserialize)]
struct Mark {
    unit: String,
    is_users: bool,
}

impl Mark {
    fn read(run: &Path) -> Option<Mark> {
        read_file(run, MARK).ok().flatten()
    }

    fn manager(&self) -> Manager {
        Manager::known(self.is_users)
    }
}

/// Whether a runner works on the run, or one will be started by its watcher.
pub fn is_at_work(run: &Path) -> bool {
    if place::is_taken(run, RUNNER) || place::is_taken(run, WATCHER) {
        return true;
    }
    // Between two starts, and after a boot before the first.
    let starts = |mark: &Mark| {
        let state = mark.manager().property(&mark.unit, "ActiveState");
        let is_due = state == "inactive" && !mark.manager().property(&mark.unit, "Job").is_empty();
        ["active", "activating", "reloading"].contains(&state.as_str()) || is_due
    };
    Mark::read(run).is_some_and(|mark| !follow::has_ended(run) && starts(&mark))
}

/// Makes sure, before anything begins, that a run outlives the login over which it is begun. `warn` hears what a person must
/// know of that.
///
/// Fails with [`Kind::Refused`] if systemd ends what works for this user at the logout.
pub fn outlives_login(warn: &dyn Fn(&str)) -> Result<()> {
    match manager::find() {
        Ok(Some(manager)) if manager.lingers_newly => warn(manager::LINGERS),
        Err(Unfit { why, help, ends_processes: true }) => return Err(ended_at_logout(&why).help(help)),
        _ => {}
    }
    Ok(())
}

fn ended_at_logout(why: &str) -> Failure {
    let failure = Failure::new(Kind::Refused, "systemd there ends a run when nobody is logged in any more");
    failure.why(why).why("KillUserProcesses is on in logind.conf(5)")
}

/// Has a runner work on the run in this folder, as a unit where systemd is at work, and waits until it holds the run. `warn`
/// hears what a person must know of that.
///
/// With `leaves`, which says that whoever begins it logs out at once, it fails with [`Kind::Refused`] if the run would end
/// then.
pub fn start(run: &Path, leaves: bool, warn: &dyn Fn(&str)) -> Result<()> {
    let without = |why: &str, help: &str, is_ended: bool| {
        if is_ended && leaves {
            return Err(ended_at_logout(why).help(help));
        }
        warn(&match is_ended {
            true => format!("systemd ends this run when you log out: {why}\nhelp: {help}"),
            false => format!("the run is not started again after a reboot: {why}\nhelp: {help}"),
        });
        watch::start(run)
    };
    match manager::find() {
        Ok(None) => watch::start(run),
        Ok(Some(manager)) => {
            if manager.lingers_newly {
                warn(manager::LINGERS);
            }
            let log = fs::metadata(run.join("runner.log")).map_or(0, |log| log.len());
            let session = place::session(run);
            match begin(run, &manager) {
                Ok(()) => Ok(()),
                // It began, and says why it can't go on.
                Err(_) if place::session(run) > session => Ok(()),
                Err(failure) => {
                    _ = manager.ask(&["stop", &name(run)]);
                    remove(run, &|| true);
                    let said = watch::complaint(run, log);
                    let why = failure.why.iter().map(String::as_str).chain(said.lines());
                    let why = [failure.message.as_str()]
                        .into_iter()
                        .chain(why)
                        .collect::<Vec<_>>()
                        .join("\n  why ");
                    let help = format!("see what systemd says with `journalctl -u {}`", name(run));
                    without(&why, &help, manager::ends_processes())
                }
            }
        }
        Err(Unfit { why, help, ends_processes }) => without(&why, &help, ends_processes),
    }
}

/// Who changes the unit of the run.
fn lock(run: &Path) -> io::Result<FileLock> {
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(0o600).open(run.join("unit.lock"))?;
    FileLock::wait(file)
}

fn name(run: &Path) -> String {
    let run = run.file_name().unwrap_or_default().to_string_lossy();
    let letter = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    format!("banister-{}.service", run.chars().map(letter).collect::<String>())
}

fn begin(run: &Path, manager: &Manager) -> Result<()> {
    let failed = || "systemd can't start it".to_owned();
    let unit = name(run);
    let text = text(run, manager)?;
    let _lock = lock(run).or_fail(Kind::Refused, failed)?;
    // Made here, for its owner only.
    watch::log(run)?;
    keep_program(&run.join(PROGRAM)).or_fail(Kind::Refused, failed)?;
    let until_boot = manager.until_boot();
    match DirBuilder::new().mode(0o700).create(&until_boot) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).or_fail(Kind::Refused, failed)?
        }
        _ => {}
    }
    hand_over(&run.join(ENVIRONMENT), &until_boot.join(&unit)).or_fail(Kind::Refused, failed)?;
    let mark = Mark { unit: unit.clone(), is_users: manager.is_users };
    let mark = serde_json::to_vec(&mark).or_fail(Kind::Bug, failed)?;
    write_private_durably(&run.join(MARK), &mark)?;
    let folder = manager.folder()?;
    fs::create_dir_all(&folder).or_fail(Kind::Refused, failed)?;
    write_durably(&folder.join(&unit), text.as_bytes())?;
    // What was there before knows nothing of the file.
    manager.ask(&["daemon-reload"])?;
    manager.ask(&["enable", "--quiet", &unit])?;
    // Not `start`: the one before may still be sending its notices.
    manager.ask(&["restart", &unit]).map(drop)
}

/// Puts the program that this process is to a path where nobody replaces it.
fn keep_program(path: &Path) -> io::Result<()> {
    const OWN: &str = "/proc/self/exe";
    let own = fs::metadata(OWN)?;
    let is_own = |path: &Path| {
        fs::metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == (own.dev(), own.ino()))
    };
    if is_own(path) {
        return Ok(());
    }
    let new = path.with_extension("new");
    let absent = |path: &Path| match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    absent(&new)?;
    let linked = fs::read_link(OWN).and_then(|installed| fs::hard_link(installed, &new));
    // What is installed may be another one by now, or be on another disk, or belong to somebody else.
    if linked.is_err() || !is_own(&new) {
        absent(&new)?;
        fs::copy(OWN, &new)?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o700))?;
        File::open(&new)?.sync_all()?;
    }
    fs::rename(&new, path)
}

/// The unit's file.
fn text(run: &Path, manager: &Manager) -> Result<String> {
    let text = |path: &Path| {
        let message = || format!("the path `{}` can't be written into a unit", path.display());
        path.to_str().map(str::to_owned).ok_or_else(|| Failure::new(Kind::Refused, message()))
    };
    let (folder, log) = (text(run)?, text(&run.join("runner.log"))?);
    let mounts = quoting::of_setting(&folder)?;
    let (program, folder) = (quoting::of_command(&text(&run.join(PROGRAM))?)?, quoting::of_command(&folder)?);
    let state = text(run.parent().and_then(Path::parent).unwrap_or(run))?;
    let state = quoting::of_setting(&format!("BANISTER_STATE={state}"))?;
    // The rest of the line is the path, as it is.
    let log = log.replace('%', "%%");
    let name = text(Path::new(run.file_name().unwrap_or_default()))?.replace('%', "%%");
    let unit = self::name(run);
    let (mounts, target) = match manager.is_users {
        // A user's manager knows nothing of the system's units.
        true => (String::new(), "default.target"),
        false => (
            format!(
                "After=network-online.target remote-fs.target docker.service\nWants=network-online.target\nRequiresMountsFor={mounts}\n"
            ),
            "multi-user.target",
        ),
    };
    let (umask, silence) = (umask(), SILENCE.as_secs());
    Ok(format!(
        "# Written by banister, and removed when the run ends. Stop the run with Ctrl-C in `banister attach {name}`.
[Unit]
Description=banister run {name}
{mounts}# The run itself stops if it gets nothing done; this is for a bug in what starts it again.
StartLimitIntervalSec=1h
StartLimitBurst=100
CollectMode=inactive-or-failed

[Service]
Type=notify
NotifyAccess=main
Environment={state}
ExecStart={program} watch-run {folder} --unit {unit}
# The commands of a step, and who works on it, outlive the main process.
KillMode=process
# After signals, and not after what it reports itself; 70 is a bug.
Restart=on-abnormal
RestartForceExitStatus=70
RestartSec=200ms
# One that is stopped, or hangs, is killed and started again. Time in which the machine sleeps does not count:
# systemd measures it by CLOCK_MONOTONIC, which stands still meanwhile.
WatchdogSec={silence}
WatchdogSignal=SIGKILL
TimeoutStopSec=60
OOMPolicy=continue
UMask={umask}
StandardOutput=null
StandardError=append:{log}

[Install]
WantedBy={target}
"
    ))
}

/// That of this process: what a run writes is for whom it always was.
fn umask() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    umask.map_or("0022", str::trim).to_owned()
}

/// The main process of the unit: becomes the watcher of the run, in the environment of the terminal. Gives why it can't.
pub fn enter(run: &Path, unit: &str) -> Failure {
    let is_users = !rustix::process::getuid().is_root();
    let until_boot = Manager::known(is_users).until_boot().join(unit);
    let arguments = ["watch-run".as_ref(), run.as_os_str() as &OsStr];
    let error = take_over(&arguments, &run.join(ENVIRONMENT), &until_boot, unit);
    Failure::new(Kind::Refused, format!("the run in `{}` can't be watched", run.display())).why(error)
}

/// After a boot: waits until the machine is up, or for a while. What the run needs, as Docker or a database, may be started by
/// anything, and a step that misses it would fail.
pub fn wait_for_boot(run: &Path) {
    let Some(mark) = Mark::read(run) else { return };
    if mark.manager().until_boot().join(&mark.unit).exists() {
        return;
    }
    // The boot itself may wait for this unit.
    say_ready();
    let end = Instant::now() + BOOT;
    let is_booting = || ["initializing", "starting"].contains(&Manager::known(false).state().as_str());
    while Instant::now() < end && is_booting() {
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// Whether this process is the main one of a unit, or comes from it.
pub fn is_own() -> bool {
    own_unit().is_some()
}

/// The manager of the run's unit, if it is one.
pub(super) fn manager_of(run: &Path) -> Option<Manager> {
    Mark::read(run).map(|mark| mark.manager())
}

/// Removes the unit of a run that is over, if it has one. What is running of it goes on. `is_over` is asked again once
/// nobody else changes the unit: the run may just be resumed.
pub fn remove(run: &Path, is_over: &dyn Fn() -> bool) {
    let Some(mark) = Mark::read(run) else { return };
    let Ok(_lock) = lock(run) else { return };
    if !is_over() {
        return;
    }
    let manager = mark.manager();
    // What can't be removed removes itself at the next boot: it finds that the run is over.
    _ = manager.ask(&["disable", "--quiet", &mark.unit]);
    if let Ok(folder) = manager.folder() {
        _ = fs::remove_file(folder.join(&mark.unit));
    }
    _ = manager.ask(&["daemon-reload"]);
    _ = fs::remove_file(manager.until_boot().join(&mark.unit));
    for file in [PROGRAM, ENVIRONMENT, MARK] {
        _ = fs::remove_file(run.join(file));
    }
}

/// Where a unit's main process says how far it is.
fn socket() -> Option<PathBuf> {
    std::env::var_os("NOTIFY_SOCKET").map(PathBuf::from)
}

/// Says that the run is held, if systemd waits for that.
pub fn say_ready() {
    // Without it systemd takes the start for failed after a while, and starts it again.
    say(b"READY=1");
}

/// Has this process, if it is the main one of a unit, say that it is alive until it ends. What it works with, as the runner, is
/// looked after by itself.
pub fn keep_alive() {
    if socket().is_none() {
        return;
    }
    std::thread::spawn(|| {
        loop {
            say(b"WATCHDOG=1");
            std::thread::sleep(SILENCE / 4);
        }
    });
}

fn say(what: &[u8]) {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let Some(path) = socket() else { return };
    let address = match path.as_os_str().as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    _ = UnixDatagram::unbound().and_then(|socket| socket.send_to_addr(what, &address?));
}
