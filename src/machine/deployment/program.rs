//! Which Compose there is: the plugin of Docker, the program of its own, or that of Podman.

use super::WITHIN;
use crate::command::{Looked, Spec, look};
use crate::failure::{Failure, Kind, Result};
use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::path::Path;

/// A Compose that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program, and what of its arguments comes first: `["docker", "compose"]`.
    pub words: Vec<String>,
    /// As it says it: `2.40.3`.
    pub version: String,
}

/// In this order they are tried.
const KNOWN: [(&[&str], &[&str]); 3] = [
    (&["docker", "compose"], &["version", "--short"]),
    (&["docker-compose"], &["version", "--short"]),
    (&["podman-compose"], &["version"]),
];

/// What was found in each environment: to ask takes longer than most of what Compose is asked for then.
static FOUND: Mutex<BTreeMap<BTreeMap<String, String>, Program>> = Mutex::new(BTreeMap::new());

impl Program {
    /// The first that there is, which is looked for once. Fails with [`Kind::NotFound`] if there is none.
    pub fn find(
        folder: &Path,
        environment: &BTreeMap<String, String>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Program> {
        if let Some(found) = FOUND.lock().get(environment) {
            return Ok(found.clone());
        }
        let found = Program::look_for(folder, environment, stop)?;
        FOUND.lock().insert(environment.clone(), found.clone());
        Ok(found)
    }

    fn look_for(
        folder: &Path,
        environment: &BTreeMap<String, String>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Program> {
        for (words, asks) in KNOWN {
            let mut spec = Spec::new(words.iter().chain(asks).copied(), folder);
            spec.environment = environment.clone();
            spec.clean = true;
            spec.within = Some(WITHIN);
            match look(&spec, stop) {
                Err(failure) if failure.kind == Kind::NotFound && folder.is_dir() => continue,
                looked => {
                    let looked = looked?;
                    if let Some(version) = looked.exit.success().then(|| version(&looked)).flatten() {
                        return Ok(Program {
                            words: words.iter().map(|it| it.to_string()).collect(),
                            version,
                        });
                    }
                }
            }
        }
        Err(Failure::new(Kind::NotFound, "there is no Docker Compose")
            .help("install the plugin `docker-compose-plugin`, or add the folder of `docker` to PATH in `environment`"))
    }

    /// Whether it is Compose 1, or Podman's: they give no project name, and write YAML.
    pub fn speaks_json(&self) -> bool {
        let first = self.version.split('.').next().and_then(|number| number.parse::<u32>().ok());
        self.words[0] != "podman-compose" && first.is_some_and(|number| number >= 2)
    }

    /// What stands between the parts of a name that it gives, as of an image that it builds.
    pub fn joint(&self) -> char {
        if self.speaks_json() { '-' } else { '_' }
    }
}

/// The first word that begins with a digit, without a `v`.
fn version(looked: &Looked) -> Option<String> {
    let words =
        looked.stdout.split_whitespace().map(|word| word.trim_start_matches('v').trim_end_matches(','));
    words.into_iter().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).map(str::to_owned)
}
