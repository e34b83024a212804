//! The backups of a server that were begun here, by the names of their sets: a snapshot of one of them that has no
//! reference is of an attempt that was cut off.

use crate::failure::{Context, Kind, Result};
use crate::machine::files::{hexadecimal, private_folder, write_private_durably};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

fn file(folder: &Path, server: &str) -> PathBuf {
    folder.join(format!(".restic-{}.begun", server.replace('/', "-")))
}

/// All of them.
pub fn read(folder: &Path, server: &str) -> Result<BTreeSet<String>> {
    let file = file(folder, server);
    match std::fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
        text => {
            let text = text.or_fail(Kind::Refused, || format!("`{}` can't be read", file.display()))?;
            Ok(text.lines().map(str::to_owned).collect())
        }
    }
}

/// Only these are begun any more.
pub fn write(folder: &Path, server: &str, begun: &BTreeSet<String>) -> Result<()> {
    private_folder(folder)?;
    let text: String = begun.iter().map(|set| format!("{set}\n")).collect();
    write_private_durably(&file(folder, server), text.as_bytes())
}

/// One more begins: the name of its set.
pub fn begin(folder: &Path, server: &str) -> Result<String> {
    let mut chance = [0; 16];
    rustix::rand::getrandom(&mut chance, rustix::rand::GetRandomFlags::empty())
        .or_fail(Kind::Refused, || "there are no random numbers".into())?;
    let set = hexadecimal(&chance);
    let mut begun = read(folder, server)?;
    begun.insert(set.clone());
    write(folder, server, &begun)?;
    Ok(set)
}

/// One is done: something stands for it. Else who removes that, as a damaged one, would have it taken for an attempt that
/// was cut off, and removed.
pub fn end(folder: &Path, server: &str, set: &str) -> Result<()> {
    let mut begun = read(folder, server)?;
    match begun.remove(set) {
        true => write(folder, server, &begun),
        false => Ok(()),
    }
}
