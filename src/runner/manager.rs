//! The manager of systemd to which the units of a user are given, if there is one.

use crate::command::{Spec, look};
use crate::failure::{Failure, Kind, Result};
use std::collections::BTreeSet;
use std::fs::{read_link, read_to_string};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a command of systemd may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a user's manager may take to start once it is to stay.
const START: Duration = Duration::from_secs(10);

/// What whoever asked for a unit must know if the manager lingers newly.
pub const LINGERS: &str = "lingering is on now for you, so that your runs continue after a logout; `loginctl disable-linger` \
                           turns it off";

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// The user's own one, and not that of the system.
    pub is_users: bool,
    /// Whether it stays after the last logout only because this process asked for that.
    pub lingers_newly: bool,
}

/// Why the manager of a user can't have units that are to stay.
pub struct Unfit {
    pub why: String,
    pub help: String,
    /// Whether processes of the user end when they log out.
    pub ends_processes: bool,
}

/// The manager for this user; nothing where systemd is not at work, or is not to be used.
pub fn find() -> std::result::Result<Option<Manager>, Unfit> {
    if !is_booted() {
        return Ok(None);
    }
    if std::env::var("BANISTER_SYSTEMD").is_ok_and(|value| value == "no") {
        return match ends_processes() {
            false => Ok(None),
            true => Err(Unfit {
                why: "systemd is not to be used: BANISTER_SYSTEMD is `no`".into(),
                help: "unset BANISTER_SYSTEMD there".into(),
                ends_processes: true,
            }),
        };
    }
    let root = rustix::process::getuid().is_root();
    let mut manager = Manager { is_users: !root, lingers_newly: false };
    if root {
        return Ok(Some(manager));
    }
    let name = name_of_user();
    if !lingers(&name) {
        let asked = plainly(&["loginctl", "--no-ask-password", "enable-linger", &name]);
        if asked.is_err() || !lingers(&name) {
            let why = format!("lingering is off for {name}: systemd ends the units of {name} at the logout");
            let help = format!("turn it on with `sudo loginctl enable-linger {name}`");
            return Err(Unfit { why, help, ends_processes: ends_processes() });
        }
        manager.lingers_newly = true;
    }
    let end = Instant::now() + START;
    while !runtime().join("systemd/private").exists() {
        if Instant::now() > end {
            let why = format!("the manager of {name}'s units does not start");
            let help = "see `systemctl status user@$(id -u).service`".to_owned();
            return Err(Unfit { why, help, ends_processes: ends_processes() });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    if let Some(group) = group_that_it_lacks(&name) {
        let why =
            format!("the manager of {name}'s units is older than the membership of {name} in group {group}");
        let help = format!("restart it, or the machine: `sudo systemctl restart user@{}`", uid());
        return Err(Unfit { why, help, ends_processes: ends_processes() });
    }
    Ok(Some(manager))
}

/// Whether systemd runs here, for the same files that this process sees.
fn is_booted() -> bool {
    let same = |what: &str| {
        let of = |process: &str| read_link(format!("/proc/{process}/ns/{what}")).ok();
        // Only root may see that of the first process.
        of("1").is_none_or(|first| Some(first) == of("self"))
    };
    Path::new("/run/systemd/system").is_dir() && same("mnt") && same("pid")
}

fn uid() -> u32 {
    rustix::process::getuid().as_raw()
}

fn name_of_user() -> String {
    let looked = look(&Spec::new(["id", "-un"], "/"), &|| false).map(|looked| looked.stdout);
    let name = looked.unwrap_or_default().trim().to_owned();
    if name.is_empty() { uid().to_string() } else { name }
}

fn lingers(name: &str) -> bool {
    Path::new("/var/lib/systemd/linger").join(name).exists()
}

/// Whether logind ends what this process leaves behind: only what is in the scope of a session, and is not of a user whom its
/// settings leave out.
pub fn ends_processes() -> bool {
    let cgroup = read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut parts = cgroup.lines().flat_map(|line| line.split('/'));
    if !parts.any(|part| part.starts_with("session-") && part.ends_with(".scope")) {
        return false;
    }
    let names = ["KillUserProcesses", "KillOnlyUsers", "KillExcludeUsers"];
    let words = names.map(|name| format!("--property={name}"));
    let words: Vec<&str> =
        ["loginctl", "show-session"].into_iter().chain(words.iter().map(String::as_str)).collect();
    // Without an answer there is no logind that would end anything.
    let said = plainly(&words).unwrap_or_default();
    let setting = |name: &str| -> Vec<&str> {
        let value = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_default().split_whitespace().collect()
    };
    let user = name_of_user();
    let (only, but) = (setting("KillOnlyUsers"), setting("KillExcludeUsers"));
    setting("KillUserProcesses") == ["yes"]
        && !but.contains(&user.as_str())
        && (only.is_empty() || only.contains(&user.as_str()))
}

/// A group of this process that a user's manager does not have: it keeps those that it was started with.
fn group_that_it_lacks(name: &str) -> Option<String> {
    let unit = format!("user@{}.service", uid());
    let pid = plainly(&["systemctl", "show", "--property=MainPID", "--value", &unit]).ok()?;
    let groups = |process: &str| -> Option<BTreeSet<u32>> {
        let status = read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("Groups:"))?;
        Some(line.split_whitespace().filter_map(|group| group.parse().ok()).collect())
    };
    let (its, own) = (groups(pid.trim())?, groups("self")?);
    // What the terminal has besides, as from `newgrp` in a session, is no membership.
    let member: BTreeSet<u32> = plainly(&["id", "-G", name])
        .ok()?
        .split_whitespace()
        .filter_map(|group| group.parse().ok())
        .collect();
    let main = rustix::process::getgid().as_raw();
    let lacks = |group: &&u32| **group != main && !its.contains(group) && member.contains(group);
    own.iter().find(lacks).map(u32::to_string)
}

/// Where a user's manager can be reached, whichever login this process has.
fn runtime() -> PathBuf {
    PathBuf::from(format!("/run/user/{}", uid()))
}

/// What a command says that is to end well.
fn plainly(words: &[&str]) -> Result<String> {
    said(Spec::new(words.iter().copied(), "/"))
}

fn said(spec: Spec) -> Result<String> {
    let end = Instant::now() + PATIENCE;
    let looked = look(&spec, &|| Instant::now() > end)?;
    if looked.exit.success() {
        return Ok(looked.stdout);
    }
    let message = format!("`{}` {}", spec.arguments.join(" "), looked.exit);
    Err(looked
        .stderr
        .trim()
        .lines()
        .fold(Failure::new(Kind::Refused, message), |failure, line| failure.why(line)))
}

impl Manager {
    /// That of this user, where it is known that there is one.
    pub fn known(is_users: bool) -> Manager {
        Manager { is_users, lingers_newly: false }
    }

    /// What `systemctl` says that is asked this.
    ///
    /// Fails with [`Kind::Refused`] if it ends with another status than 0.
    pub fn ask(&self, words: &[&str]) -> Result<String> {
        let user = self.is_users.then_some("--user");
        let words = ["systemctl", "--no-ask-password", "--no-pager"]
            .into_iter()
            .chain(user)
            .chain(words.iter().copied());
        let mut spec = Spec::new(words, "/");
        if self.is_users {
            // In `su` from another login they are those of that.
            let at = runtime();
            let bus = format!("unix:path={}", at.join("bus").display());
            spec.environment.insert("XDG_RUNTIME_DIR".into(), at.display().to_string());
            spec.environment.insert("DBUS_SESSION_BUS_ADDRESS".into(), bus);
        }
        said(spec)
    }

    /// What one of its settings is; empty if it is not known.
    pub fn property(&self, unit: &str, name: &str) -> String {
        let said = self.ask(&["show", "--value", &format!("--property={name}"), unit]);
        said.unwrap_or_default().trim().to_owned()
    }

    /// How far it is, as `starting` or `running`; empty if it is not known.
    pub fn state(&self) -> String {
        self.ask(&["show", "--value", "--property=SystemState"]).unwrap_or_default().trim().to_owned()
    }

    /// Whether it ends, as at a shutdown.
    pub fn is_stopping(&self) -> bool {
        self.state() == "stopping" || self.is_users && Manager::known(false).state() == "stopping"
    }

    /// Where its unit files are that an administrator or a user writes.
    pub fn folder(&self) -> Result<PathBuf> {
        if !self.is_users {
            return Ok(PathBuf::from("/etc/systemd/system"));
        }
        // The manager's own environment counts, and not that of a terminal.
        let all = self.ask(&["show-environment"])?;
        let of = |name: &str| {
            all.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(PathBuf::from)
        };
        let configuration = of("XDG_CONFIG_HOME").or_else(|| of("HOME").map(|home| home.join(".config")));
        configuration
            .filter(|path| path.is_absolute())
            .map(|path| path.join("systemd/user"))
            .ok_or_else(|| Failure::new(Kind::Refused, "the manager of the user's units has no home"))
    }

    /// Where files are that are gone after a boot.
    pub fn until_boot(&self) -> PathBuf {
        if self.is_users { runtime().join("banister") } else { PathBuf::from("/run/banister") }
    }
}
