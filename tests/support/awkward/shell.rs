//! Shells at the other end of ssh, and here.

use super::{Awkward, Thing};
use std::fs;
use std::path::Path;

/// What a shell reads when it begins, which prints.
pub fn noise(file: &Path) {
    fs::write(file, "echo 'Willkommen!'\nalias ls='ls --color=always -l'\nset -o noclobber\n").unwrap();
}

/// Gives a home on another machine such a shell.
pub fn furnish(awkward: &Awkward, home: &Path) {
    let mut lines = String::new();
    if awkward.has(Thing::NoisyShell) {
        lines += "echo 'Willkommen auf dem Server!'\necho 'do not switch off' >&2\n";
        lines += "printf '\\033[1mNews:\\033[0m no newline follows'\n";
    }
    if awkward.has(Thing::SlowShell) {
        lines += "sleep 0.3\n";
    }
    if !lines.is_empty() {
        fs::write(home.join(".bashrc"), lines).unwrap();
    }
}

/// What its sshd says before anybody is in.
pub fn banner(awkward: &Awkward, folder: &Path) -> String {
    if !awkward.has(Thing::NoisyShell) {
        return String::new();
    }
    let file = folder.join("banner");
    fs::write(&file, "For those who may only.\n").unwrap();
    format!("Banner {}\n", file.display())
}
