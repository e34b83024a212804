//! How an archive is called, and what is in it.

use crate::machine::archive::About;
use crate::machine::release::Release;
use crate::output::digest::shortened;
use std::path::{Path, PathBuf};

/// `SERVER-INSTANT-RELEASE-LABEL.FORMAT` in `folder`, with a number if there is one of that name: two can be made in the
/// same second.
pub fn free_name(folder: &Path, about: &About, format: &str) -> PathBuf {
    let parts = [
        Some(about.server.replace('/', "-")),
        Some(about.created.replace(':', "")),
        about.release.as_deref().map(release).or(about.commit.clone()),
        Some(slug(&about.label)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    let stem = parts.join("-");
    let names = std::iter::once(format!("{stem}.{format}"))
        .chain((2..).map(|number: u32| format!("{stem}-{number}.{format}")));
    let mut paths = names.map(|name| folder.join(name));
    paths.find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| folder.join(stem))
}

/// A release as a part of a file's name: its tag may hold slashes.
fn release(tag: &str) -> String {
    tag.parse::<Release>().map_or_else(|_| slug(tag), |release| release.file_name())
}

/// A label as a part of a file's name.
fn slug(label: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || c == '.' { c } else { ' ' };
    let label = shortened(label).replace("@sha256:", "@");
    let words: String = label.to_lowercase().chars().map(plain).take(60).collect();
    words.split_whitespace().collect::<Vec<_>>().join("-")
}

/// The name that a file or folder has in an archive, unless it is given another: without a slash at the beginning, with
/// `home` for `~` and `checkout` for `.`.
pub fn name_of(path: &str) -> String {
    let name = match path.strip_prefix('~') {
        Some(rest) => format!("home{rest}"),
        None => path.to_owned(),
    };
    match name.trim_start_matches("./").trim_matches('/') {
        "" | "." => "checkout".to_owned(),
        name => name.to_owned(),
    }
}
