//! A server whose checkout is a clone, and an origin beside it that can be given new releases.

use crate::support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::releases::healthy;
use support::{Said, World, said};

pub struct Found {
    pub world: World,
}

impl Found {
    /// The origin has 0.1.0, which is cloned, checked out and runs.
    pub fn new() -> Found {
        let found = Found::before_the_clone();
        found.git("", &["clone", "-q", "origin", "web"]);
        found.git("web", &["checkout", "-q", "0.1.0"]);
        found
    }

    /// The same, before it is cloned.
    pub fn before_the_clone() -> Found {
        Found::of(World::new())
    }

    fn of(world: World) -> Found {
        std::fs::rename(world.path().join("web"), world.path().join("origin")).unwrap();
        world.write(
            ".gitconfig",
            "[user]\nname = Ada\nemail = ada@example.org\n[protocol \"file\"]\nallow = always\n[advice]\ndetachedHead = false\n",
        );
        let found = Found { world };
        found.site("");
        found
    }

    /// Writes `site.toml`, with more lines for the server.
    pub fn site(&self, more: &str) {
        self.world.write(
            "site.toml",
            &format!(
                "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\".\"]\nhealth = [\"{}\"]\nhealthy = {{ stable = \"100ms\" }}\n{more}\n",
                healthy()
            ),
        );
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.world.path().join(name)
    }

    /// Git's own program, in a folder of the world; what it printed.
    pub fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let output = self.try_git(folder, arguments);
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    pub fn try_git(&self, folder: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new("git");
        command.current_dir(self.path(folder)).args(arguments).env_clear().env("BANISTER_FOREGROUND", "yes");
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.world.path());
        command.env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap()
    }

    /// Commits all there is at the origin, with these files, and tags it.
    pub fn release(&self, tag: &str, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            self.world.write(&format!("origin/{name}"), text);
        }
        self.git("origin", &["add", "-A"]);
        self.git("origin", &["commit", "-q", "--allow-empty", "-m", tag]);
        self.git("origin", &["tag", tag]);
        self.git("origin", &["rev-parse", "HEAD"])
    }

    pub fn read(&self, name: &str) -> String {
        self.world.read(name)
    }

    pub fn head(&self) -> String {
        self.git("web", &["rev-parse", "HEAD"])
    }

    /// What git says differs from HEAD.
    pub fn status(&self) -> String {
        self.git("web", &["status", "--porcelain", "--untracked-files=all"])
    }

    /// Plan and run both get through, and the checkout is at this tag as git itself would have it. Returns what the run said.
    pub fn updates_to(&self, tag: &str) -> Said {
        let planned = self.world.banister(&["plan", "update"]);
        assert_eq!(planned.code, Some(0), "{planned:?}");
        let said = self.world.banister(&["run", "update", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(self.head(), self.git("web", &["rev-parse", &format!("{tag}^{{commit}}")]), "{said:?}");
        assert_eq!(self.status(), "");
        said
    }

    /// Plan and run both refuse it in Check, with each of these words, and nothing of the checkout has changed.
    pub fn is_refused(&self, words: &[&str]) {
        let (before, backups) = (self.whole(), self.backups());
        for arguments in [&["plan", "update"][..], &["run", "update", "--yes", "--abandon"]] {
            let said = self.banister(arguments);
            assert_eq!(said.code, Some(1), "{said:?}");
            let all = format!("{}{}", said.out, said.err);
            for word in words {
                assert!(all.contains(word), "`{word}` is not in {said:?}");
            }
            assert!(!all.contains("\nBack up"), "{said:?}");
            assert_eq!(self.whole(), before, "{said:?}");
        }
        assert_eq!(self.backups(), backups);
    }

    fn backups(&self) -> usize {
        std::fs::read_dir(self.path("backups/web")).map_or(0, Iterator::count)
    }

    /// The program, with the programs in `bin` alone, if there is such a folder.
    fn banister(&self, arguments: &[&str]) -> Said {
        let mut command = self.world.command(arguments);
        if self.path("bin").exists() {
            command.env("PATH", self.path("bin"));
        }
        said(command.output().unwrap())
    }

    /// Makes a folder `bin` with all programs but this one.
    pub fn without(&self, program: &str) {
        std::fs::create_dir(self.path("bin")).unwrap();
        for folder in std::env::split_paths(&std::env::var_os("PATH").unwrap()) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let link = self.path("bin").join(entry.file_name());
                if entry.file_name() != program && link.symlink_metadata().is_err() {
                    std::os::unix::fs::symlink(entry.path(), link).unwrap();
                }
            }
        }
    }

    /// All files of the checkout with what is in them, and where it stands.
    fn whole(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files =
            vec![(PathBuf::from("HEAD"), std::fs::read(self.path("web/.git/HEAD")).unwrap_or_default())];
        add_files(&self.path("web"), &mut files);
        files.sort();
        files
    }
}

fn add_files(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(".git") {
            continue;
        }
        if path.is_dir() && !path.is_symlink() {
            add_files(&path, files);
        } else {
            files.push((path.clone(), std::fs::read(&path).unwrap_or_default()));
        }
    }
}
