//! What an update leaves on a practice server, in a form that two ends can be compared by.

use super::server::Server;
use crate::failure::{Context, Kind, Result};
use std::collections::BTreeSet;
use std::path::Path;

/// Folders whose names tell when something was done.
const PASSED_OVER: [&str; 3] = [".git/objects", ".git/logs", ".hoss/data"];

pub fn contents(server: &Server, home: &Path) -> Result<Vec<String>> {
    let mut lines = vec![
        format!("checked out: {}", server.release()?),
        format!("healthy: {}", server.is_healthy()?),
        format!("make: {}", server.made()?.join(", ")),
    ];
    if let Server::Hoss(practice) = server {
        let rows = practice.rows()?;
        lines.push(format!("runs: {}", practice.discover()?["version"]));
        lines.push(format!("rows: {:?}, migrations: {:?}", rows.tables, rows.migrations));
        lines.push(format!("services: {}", practice.processes().len()));
    }
    let mut names = BTreeSet::new();
    let mut backups = 0;
    list(home, home, &mut names, &mut backups)?;
    lines.push(format!("backups: {backups}"));
    lines.extend(names.into_iter().map(|name| format!("there is {name}")));
    Ok(lines)
}

/// Every name below the home, and how many archives there are: their names tell when they were made.
fn list(home: &Path, folder: &Path, names: &mut BTreeSet<String>, backups: &mut usize) -> Result<()> {
    let failed = || format!("can't read `{}`", folder.display());
    for entry in std::fs::read_dir(folder).or_fail(Kind::Refused, failed)? {
        let path = entry.or_fail(Kind::Refused, failed)?.path();
        let name = path.strip_prefix(home).unwrap_or(&path).display().to_string();
        if PASSED_OVER.iter().any(|part| name.contains(part)) {
            continue;
        }
        if name.contains("backups/") {
            *backups += usize::from(name.ends_with(".tar.gz") || name.ends_with(".tar.zst"));
            continue;
        }
        if path.is_dir() && !path.is_symlink() {
            list(home, &path, names, backups)?;
        }
        names.insert(name);
    }
    Ok(())
}
