//! How the files of a practice world are read and written.

use crate::failure::{Context, Kind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text =
        std::fs::read(path).or_fail(Kind::NotFound, || format!("`{}` can't be read", path.display()))?;
    serde_json::from_slice(&text)
        .or_fail(Kind::Invalid, || format!("`{}` is not what was written", path.display()))
}

/// Writes a file so that a reader sees the old text or the new one, never half of it.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let text = serde_json::to_vec_pretty(value).or_fail(Kind::Bug, || "a value has no JSON".into())?;
    write_whole(path, &text)
}

/// As [`write_json`], for any text.
pub fn write_whole(path: &Path, text: &[u8]) -> Result<()> {
    let failed = || format!("`{}` can't be written", path.display());
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path));
    written.inspect_err(|_| _ = std::fs::remove_file(&new)).or_fail(Kind::Refused, failed)
}

/// Writes a file, with the folders above it.
pub fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    std::fs::write(path, text).or_fail(Kind::Refused, || format!("`{}` can't be written", path.display()))
}

/// Makes a folder with those above it; it may be there already.
pub fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path)
        .or_fail(Kind::Refused, || format!("the folder `{}` can't be made", path.display()))
}
