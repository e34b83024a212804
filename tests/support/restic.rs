//! Repositories of restic that open at once.
//!
//! restic makes its keys so that each of its starts computes for half a second. Tests start it hundreds of times.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// One repository for each password, of which all others are copies.
static MADE: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());

/// A repository with this password, in a folder that is not there yet.
pub fn repository(at: &Path, password: &str) {
    let mut made = MADE.lock().unwrap();
    let number = made.len();
    let first = made.entry(password.to_owned()).or_insert_with(|| new(number, password));
    let copy = Command::new("cp").arg("-a").arg(first).arg(at).status();
    assert!(copy.unwrap().success());
}

fn new(number: usize, password: &str) -> PathBuf {
    let folder = super::worlds::own_folder();
    let (repository, file) =
        (folder.join(format!("restic-{number}")), folder.join(format!("password-{number}")));
    fs::write(&file, password).unwrap();
    let init = Command::new("restic")
        .args(["--no-cache", "--quiet", "init"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("RESTIC_REPOSITORY", &repository)
        .env("RESTIC_PASSWORD_FILE", &file)
        .status();
    assert!(init.expect("restic is installed").success());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/restic/quick_key.py");
    let quick = Command::new(super::python::python()).arg(script).arg(&repository).arg(&file).status();
    assert!(quick.unwrap().success());
    repository
}
