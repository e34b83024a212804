//! A note beside the journal that says what the run is about, for the case that the journal can't be read: whom it
//! concerns, and what a person calls it. It is never believed against the journal, and nothing is replayed by it.

use super::Header;
use crate::failure::{Context, Kind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The file's name. Parameters are not in it: they may be secrets.
const FILE: &str = "about.json";
/// More than any first line needs.
const LONGEST: u64 = 1 << 20;

/// See the module. What is not known is empty.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    pub runbook: String,
    pub servers: Vec<String>,
    pub site: PathBuf,
    pub program: String,
    pub by: String,
    /// The instant at which it was begun, or what is nearest to it.
    pub started: String,
}

impl About {
    /// Writes it. Not synced: what a power cut takes here can still be in the journal.
    pub fn write(header: &Header, started: &str, path: &Path) -> Result<()> {
        let Header { runbook, servers, site, program, by, .. } = header.clone();
        let about = About { runbook, servers, site, program, by, started: started.into() };
        let failed = || format!("can't write into the folder of the run, `{}`", path.display());
        let text = serde_json::to_vec(&about).or_fail(Kind::Journal, failed)?;
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(path.join(FILE));
        file.and_then(|mut file| file.write_all(&text)).or_fail(Kind::Journal, failed)
    }

    /// Reads it for the run in the folder `path`. Runs of earlier versions have none: what the first line of the journal
    /// still says is taken then, whatever its checksum.
    pub fn read(path: &Path) -> About {
        let noted = fs::read(path.join(FILE)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let mut about = noted.or_else(|| About::of_first_line(path)).unwrap_or_default();
        if about.started.is_empty() {
            let modified = fs::metadata(path.join("journal.jsonl")).and_then(|metadata| metadata.modified());
            let instant = modified.ok().and_then(|modified| jiff::Timestamp::try_from(modified).ok());
            about.started = instant.map(|instant| instant.to_string()).unwrap_or_default();
        }
        about
    }

    fn of_first_line(path: &Path) -> Option<About> {
        let mut line = Vec::new();
        let file = File::open(path.join("journal.jsonl")).ok()?;
        BufReader::new(file).take(LONGEST).read_until(b'\n', &mut line).ok()?;
        let line: Value = serde_json::from_slice(&line).ok()?;
        let about: About = serde_json::from_value(line.get("run")?.clone()).ok()?;
        Some(About { started: line["time"].as_str().unwrap_or_default().to_owned(), ..about })
    }

    /// As a header, for who only shows it.
    pub fn header(&self, path: &Path) -> Header {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let or_unknown = |text: &str| if text.is_empty() { "?".to_owned() } else { text.to_owned() };
        Header {
            version: super::VERSION,
            run: name,
            runbook: or_unknown(&self.runbook),
            parameters: Default::default(),
            servers: self.servers.clone(),
            site: self.site.clone(),
            program: self.program.clone(),
            by: or_unknown(&self.by),
            schedule: None,
            by_hand: false,
        }
    }
}
