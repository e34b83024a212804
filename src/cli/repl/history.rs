//! What was typed in earlier sessions: a file in the state folder, for its owner alone, one line for each.

use crate::failure::{Context, Kind, Result};
use crate::machine::files::write_private_durably;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// So many of the newest are kept.
const MOST: usize = 1_000;

pub struct History {
    file: PathBuf,
}

impl History {
    /// The history in a state folder, and what is in it, the oldest first.
    pub fn open(state: &Path) -> Result<(History, Vec<String>)> {
        let file = state.join("history");
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).or_fail(Kind::Journal, || format!("can't read `{}`", file.display()));
            }
        };
        // A line that a crash cut off is passed over.
        let mut lines: Vec<String> =
            text.lines().filter_map(|line| serde_json::from_str::<String>(line).ok()).collect();
        let history = History { file };
        if lines.len() > 2 * MOST {
            lines.drain(..lines.len() - MOST);
            let kept: Vec<String> =
                lines.iter().map(|line| serde_json::json!(line).to_string() + "\n").collect();
            write_private_durably(&history.file, kept.concat().as_bytes())?;
        }
        Ok((history, lines))
    }

    /// Adds what was typed; its secrets are hidden already.
    pub fn add(&self, text: &str) -> Result<()> {
        let failed = || format!("can't write `{}`", self.file.display());
        let folder = self.file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).or_fail(Kind::Journal, failed)?;
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.create(true).append(true).mode(0o600).open(&self.file).or_fail(Kind::Journal, failed)?;
        let line = serde_json::json!(text).to_string() + "\n";
        file.write_all(line.as_bytes()).or_fail(Kind::Journal, failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn lines_come_back_and_the_file_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let (history, lines) = History::open(&state).unwrap();
        assert!(lines.is_empty());
        history.add("one").unwrap();
        history.add("two {\n}").unwrap();
        std::fs::OpenOptions::new().append(true).open(&history.file).unwrap().write_all(b"\"torn").unwrap();
        assert_eq!(History::open(&state).unwrap().1, ["one", "two {\n}"]);
        assert_eq!(std::fs::metadata(&history.file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
