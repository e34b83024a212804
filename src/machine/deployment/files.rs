//! Which files Compose reads in a folder.

use std::path::{Path, PathBuf};

/// In this order Compose looks for them, the first of each.
const FILES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDES: [&str; 4] = [
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// Whether there is one in a folder.
pub fn has_compose_file(folder: &Path) -> bool {
    FILES.iter().any(|name| folder.join(name).is_file())
}

/// Those that are read, the later ones over the earlier ones. `named` is `COMPOSE_FILE`, which leaves the usual ones out.
pub fn compose_files(folder: &Path, named: Option<&str>, separator: &str) -> Vec<PathBuf> {
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return named.split(separator).filter(|it| !it.is_empty()).map(|it| folder.join(it)).collect();
    }
    let first = |names: &[&str]| names.iter().map(|name| folder.join(name)).find(|file| file.is_file());
    let Some(file) = first(&FILES) else { return Vec::new() };
    [file].into_iter().chain(first(&OVERRIDES)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_those_that_compose_reads() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let names = |named: Option<&str>| -> Vec<String> {
            let files = compose_files(folder, named, ":");
            files.iter().map(|file| file.strip_prefix(folder).unwrap().display().to_string()).collect()
        };
        assert!(names(None).is_empty() && !has_compose_file(folder));
        for name in ["docker-compose.yml", "docker-compose.override.yml"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        assert_eq!(names(None), ["docker-compose.yml", "docker-compose.override.yml"]);
        std::fs::write(folder.join("compose.yaml"), "").unwrap();
        assert_eq!(names(None), ["compose.yaml", "docker-compose.override.yml"]);
        assert_eq!(names(Some("a.yml:b/c.yml")), ["a.yml", "b/c.yml"]);
    }
}
