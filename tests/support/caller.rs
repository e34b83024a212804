//! Calls of the program for one site, with a state folder and a home of their own, and nothing of the environment but
//! what is awkward about the world.

use super::awkward::data::Data;
use super::awkward::{Awkward, Thing, neighbour, origin, people, settings, shell};
use super::{Said, program, said};
use banister::internals::practice::Practice;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes of a command one that reaches its servers in another way.
pub type Route = Box<dyn Fn(&Command) -> Command + Send + Sync>;

pub struct Caller {
    /// Below the temporary folder, and with it gone: what is awkward about its path.
    root: PathBuf,
    /// The folder of the site, once there is one.
    pub site: PathBuf,
    pub route: Option<Route>,
    pub awkward: Awkward,
    program: PathBuf,
    data: Data,
    calls: AtomicUsize,
    folder: tempfile::TempDir,
}

impl Caller {
    /// In an awkward world. The name of the site's folder is a word that settings know.
    pub fn within(awkward: &Awkward) -> Caller {
        Caller::at(awkward, "world")
    }

    /// The same, with a site of this name.
    pub fn at(awkward: &Awkward, name: &str) -> Caller {
        let folder = tempfile::tempdir().unwrap();
        let root = awkward.root(folder.path());
        fs::create_dir_all(&root).unwrap();
        let mut own = PathBuf::from(env!("CARGO_BIN_EXE_banister"));
        if people::is_other(awkward) {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            own = folder.path().join("banister");
            // By another process: a file that one of ours has open for writing while another thread starts a program can't
            // be started itself.
            let copied = Command::new("cp").arg(program::stripped()).arg(&own).status().unwrap();
            assert!(copied.success());
        }
        if awkward.has(Thing::ShellVariables) {
            shell::noise(&folder.path().join("noise"));
        }
        let site = root.join(name);
        if awkward.has(Thing::SiteLink) {
            symlink(&site, folder.path().join("link")).unwrap();
        }
        Caller {
            root,
            site,
            route: None,
            awkward: awkward.clone(),
            program: own,
            data: Data::default(),
            calls: AtomicUsize::new(0),
            folder,
        }
    }

    /// Makes practice servers awkward that were just made in the folder of the site; the data are those of the first.
    pub fn surround(&mut self, practices: &[&Practice]) {
        for practice in practices {
            settings::write(&self.awkward, &practice.hoss().join(".env"), "practice");
            origin::tag(&self.awkward, &practice.origin(), &practice.checkout(), "0.2.10", "0.2.11");
            neighbour::move_in(&self.awkward, practice);
        }
        let data = practices[0].hoss().join("core");
        self.data.put(&self.awkward, &data, &self.root);
        people::hand_over(&self.awkward, self.folder.path(), &self.program, practices);
        self.data.write(&self.awkward, &data);
    }

    /// The same before there is any site.
    pub fn surround_empty(&self) {
        people::hand_over(&self.awkward, self.folder.path(), &self.program, &[]);
    }

    /// The same for a site without practice servers.
    pub fn surround_plain(&mut self, data: &Path) {
        self.data.put(&self.awkward, data, &self.root);
        people::hand_over(&self.awkward, self.folder.path(), &self.program, &[]);
        self.data.write(&self.awkward, data);
    }

    pub fn folder(&self) -> &Path {
        &self.root
    }

    /// The program that is called.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The folder of runs.
    pub fn state(&self) -> PathBuf {
        self.root.join(self.awkward.named("state"))
    }

    /// The program, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.without_site();
        self.name_site(&mut command);
        command.args(arguments);
        self.settled(command)
    }

    /// The same, of a command that is about no site.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = self.without_site();
        command.args(arguments);
        self.settled(command)
    }

    fn without_site(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.root);
        command
            .env_clear()
            .env("BANISTER_FOREGROUND", "yes")
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("TMPDIR", std::env::temp_dir())
            .env("HOME", &self.root);
        command.env("BANISTER_STATE", self.state()).env("USER", "ops");
        command
    }

    fn settled(&self, mut command: Command) -> Command {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let command = match &self.route {
            Some(route) => route(&command),
            None => command,
        };
        if self.awkward == Awkward::tidy() {
            return command;
        }
        self.awkward.dress(&command, &self.data.mounts, &self.folder.path().join("noise"))
    }

    /// Names the site, in one way after the other.
    fn name_site(&self, command: &mut Command) {
        let link = self.folder.path().join("link");
        match self.calls.fetch_add(1, Ordering::Relaxed) % 3 {
            _ if !self.awkward.has(Thing::SiteLink) => command.arg("--site").arg(&self.site),
            0 => command.arg("--site").arg(link),
            1 => command.arg("--site").arg(self.site.join("site.toml")),
            _ => command.env("BANISTER_SITE", link),
        };
    }

    /// Runs the program to its end.
    pub fn banister(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    /// The same, killed where the journal is at `place`.
    pub fn crash(&self, arguments: &[&str], place: &str) -> Said {
        said(self.command(arguments).env("BANISTER_CRASH_AT", place).output().unwrap())
    }

    /// The text of each run's journal, the oldest first.
    pub fn journals(&self) -> Vec<String> {
        let runs = fs::read_dir(self.state().join("runs")).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = runs.map(|run| run.path()).collect();
        folders.sort_by_cached_key(|folder| super::began(&folder.join("journal.jsonl")));
        let text = |run: &PathBuf| fs::read_to_string(run.join("journal.jsonl")).unwrap_or_default();
        folders.iter().map(text).collect()
    }
}

/// What git says of a repository, whoever's it is.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "safe.directory=*", "-C"]).arg(folder).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
