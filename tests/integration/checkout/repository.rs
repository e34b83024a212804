//! A repository in a temporary folder, made by the real git with a fixed author and no configuration but its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub struct Repository {
    // Removed with everything in it, even when a test fails.
    _outer: Option<TempDir>,
    pub folder: PathBuf,
}

impl Repository {
    pub fn new() -> Repository {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("work");
        std::fs::create_dir(&folder).unwrap();
        let repository = Repository { _outer: Some(outer), folder };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// A clone beside the original.
    pub fn cloned(&self, name: &str) -> Repository {
        let folder = self.folder.with_file_name(name);
        self.git(&["clone", "--quiet", ".", folder.to_str().unwrap()]);
        Repository { _outer: None, folder }
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = git(&self.folder).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_string()
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.join(path)).unwrap()
    }

    /// Commits all there is, and tags it.
    pub fn release(&self, tag: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", tag]);
        self.git(&["tag", tag]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// What git itself says differs; nothing if the checkout is clean and its index is sound.
    pub fn status(&self) -> String {
        self.git(&["status", "--porcelain", "--untracked-files=all"])
    }

    pub fn exists(&self, path: &str) -> bool {
        self.folder.join(path).symlink_metadata().is_ok()
    }
}

pub fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", "/nonexistent").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
        command.env(format!("GIT_{who}_DATE"), "2024-01-01T00:00:00Z");
    }
    command
}
