//! A machine with a real systemd, in namespaces of this one: booted in a second, and booted again by `systemctl reboot`.
//!
//! It needs root, a hierarchy of cgroups of version 2, and systemd with its D-Bus. Where one of them is not there, tests are
//! skipped, and say so.

use super::{Said, program, said};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

pub struct Machine {
    /// Where its disk is mounted, seen from there only.
    folder: tempfile::TempDir,
    cgroup: PathBuf,
    outer: Child,
}

/// Whose a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    Root,
    /// With the home `/home/ops`.
    Ops,
}

impl Machine {
    /// Boots one, in which `banister` is installed; nothing where that can't be done.
    pub fn boot() -> Option<Machine> {
        let skipped = |why: &str| {
            eprintln!("SKIPPED: {why}");
            None
        };
        if !rustix::process::getuid().is_root() {
            return skipped("a machine with systemd needs root");
        }
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let mut mounts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let Some(mount) = mounts.find(|mount| mount[2] == "cgroup2") else {
            return skipped("no cgroups of version 2 are mounted");
        };
        for program in
            ["/lib/systemd/systemd", "/usr/bin/dbus-daemon", "/usr/bin/nsenter", "/usr/bin/unshare"]
        {
            if !Path::new(program).exists() {
                return skipped(&format!("there is no {program}"));
            }
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let cgroup = Path::new(mount[1]).join(format!("banister-test-{}-{number}", std::process::id()));
        if let Err(error) = fs::create_dir(&cgroup) {
            return skipped(&format!("no cgroup can be made: {error}"));
        }
        // Not where a test run has its worlds: it must be on the disk below the machine's own.
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/machine/boot.sh");
        let mut command = Command::new("setsid");
        command.args(["--wait", "sh"]).arg(script).arg("begin").arg(folder.path()).arg(&cgroup);
        let log = fs::File::create(folder.path().with_extension("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let outer = command.spawn().unwrap();
        let mut machine = Machine { folder, cgroup, outer };
        if !machine.is_up() {
            let log = fs::read_to_string(machine.log()).unwrap_or_default();
            return skipped(&format!("no machine can be made here: {}", log.trim()));
        }
        let installed = machine.path("/usr/local/bin/banister");
        fs::create_dir_all(installed.parent().unwrap()).unwrap();
        fs::copy(program::stripped(), installed).unwrap();
        Some(machine)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().with_extension("log")
    }

    /// Its first process; nothing while it boots.
    fn first(&self) -> Option<u32> {
        let all = fs::read_to_string(self.cgroup.join("init.scope/cgroup.procs")).ok()?;
        all.lines().next()?.parse().ok()
    }

    /// Waits until it is booted. False if it never is.
    fn is_up(&mut self) -> bool {
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            if !matches!(self.outer.try_wait(), Ok(None)) {
                return false;
            }
            if self.first().is_some() {
                let state = self.run(User::Root, &["systemctl", "is-system-running"]).out;
                if ["running", "degraded"].contains(&state.trim()) {
                    return true;
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// A path in it, for this process.
    pub fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.first().expect("the machine is booted")))
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// A command in it, not started yet, in the environment of a login.
    pub fn command(&self, user: User, words: &[&str]) -> Command {
        let first = self.first().map_or_else(|| "1".to_owned(), |first| first.to_string());
        let mut command = Command::new("nsenter");
        command.args(["-t", &first, "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w"]);
        let home = match user {
            User::Root => "/root",
            User::Ops => {
                command.args(["setpriv", "--reuid", "4242", "--regid", "4242", "--init-groups"]);
                "/home/ops"
            }
        };
        command.args(words).env_clear().stdin(Stdio::null());
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", home).env("LANG", "C.UTF-8");
        command
    }

    pub fn run(&self, user: User, words: &[&str]) -> Said {
        said(self.command(user, words).output().unwrap())
    }

    /// What a command says that ends well.
    pub fn ask(&self, user: User, words: &[&str]) -> String {
        let said = self.run(user, words);
        assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
        said.out
    }

    pub fn reboot(&mut self) {
        let before = self.first();
        self.run(User::Root, &["systemctl", "reboot"]);
        self.boots_again(before);
    }

    /// Ends all that runs in it at once. What was written stays, also what was not synced.
    pub fn cut_power(&mut self) {
        let before = self.first();
        let pid = rustix::process::Pid::from_raw(before.unwrap() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        self.boots_again(before);
    }

    fn boots_again(&mut self, before: Option<u32>) {
        let end = Instant::now() + Duration::from_secs(150);
        while self.first() == before || self.first().is_none() {
            assert!(Instant::now() < end, "it does not shut down");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(self.is_up(), "it does not boot again");
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // All that is in it, and who would boot it again.
        let _ = fs::write(self.cgroup.join("cgroup.kill"), "1");
        let _ = self.outer.wait();
        fn remove(cgroup: &Path) {
            for entry in fs::read_dir(cgroup).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    remove(&entry.path());
                }
            }
            let _ = fs::remove_dir(cgroup);
        }
        for _ in 0..100 {
            remove(&self.cgroup);
            if !self.cgroup.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = fs::remove_file(self.log());
    }
}
