//! A server of which only a folder is known: a checkout with three releases, and make targets that note that they were
//! called.
//!
//! ```text
//! DIR/home           the home, with what a backup of it holds
//! DIR/home/checkout  the checkout, of release 0.1.0
//! DIR/trace          a line for each make target that was called
//! DIR/faults         a file for each target that fails; `health`, if it is not healthy
//! ```

use crate::failure::{Failure, Kind, Result};
use crate::practice::world::start::plain;
use crate::practice::world::{make_folder, write};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

const RELEASES: [&str; 3] = ["0.1.0", "0.2.0", "0.3.0"];

pub struct Simple {
    dir: PathBuf,
    /// The targets of `site.toml`, and its commands, each of which can fail.
    targets: Vec<String>,
}

impl Simple {
    pub fn create(dir: &Path, table: &Table) -> Result<Simple> {
        let named = |key: &str, default: &str| {
            let target = table.get("targets").and_then(|targets| targets.get(key)).and_then(Value::as_str);
            target.unwrap_or(default).to_owned()
        };
        let targets =
            [named("configure", ""), named("build", "build"), named("start", "up"), named("stop", "")];
        let commands =
            table.get("commands").and_then(Value::as_table).into_iter().flat_map(Table::keys).cloned();
        let targets = targets.into_iter().chain(commands).filter(|target| !target.is_empty()).collect();
        let simple = Simple { dir: dir.to_owned(), targets };
        make_folder(&dir.join("faults"))?;
        simple.make_checkout(table.get("folder").and_then(Value::as_str).unwrap_or_default())?;
        Ok(simple)
    }

    fn make_checkout(&self, folder: &str) -> Result<()> {
        let (checkout, dir) = (self.checkout(), self.dir.display());
        // `%` is any target, those of a site's own steps, too; make must not look for a rule for its own file.
        let makefile = format!(
            "Makefile: ;\n%: FORCE\n\t@echo '$@ begin' >> '{dir}/trace'\n\t@if test -e '{dir}/faults/$@'; then echo \
             'the rehearsal lets $@ fail'; exit 1; fi\n\t@echo '$@ end' >> '{dir}/trace'\nFORCE: ;\n"
        );
        write(&checkout.join(folder).join("Makefile"), makefile)?;
        let git = |arguments: &[&str]| {
            let who = [
                "-c",
                "user.name=banister",
                "-c",
                "user.email=banister@localhost",
                "-c",
                "commit.gpgSign=false",
            ];
            plain(&checkout, "git", &[&who[..], arguments].concat())
        };
        git(&["init", "--quiet", "--initial-branch=main", "--template="])?;
        for release in RELEASES {
            write(&checkout.join("VERSION"), format!("{release}\n"))?;
            git(&["add", "--all"])?;
            git(&["commit", "--quiet", "--message", &format!("Release {release}")])?;
            git(&["tag", release])?;
        }
        git(&["checkout", "--quiet", RELEASES[0]])
    }

    pub fn checkout(&self) -> PathBuf {
        self.dir.join("home/checkout")
    }

    pub fn made(&self) -> Result<Vec<String>> {
        let trace = std::fs::read_to_string(self.dir.join("trace")).unwrap_or_default();
        Ok(trace.lines().filter_map(|line| line.strip_suffix(" begin")).map(str::to_owned).collect())
    }

    pub fn has_fault(&self, name: &str) -> bool {
        self.fault(name).exists()
    }

    fn fault(&self, name: &str) -> PathBuf {
        self.dir.join("faults").join(name)
    }

    pub fn switch(&self, name: &str, on: bool) -> Result<()> {
        let known: Vec<&str> = self.targets.iter().map(String::as_str).chain(["health"]).collect();
        if !known.contains(&name) {
            return Err(Failure::new(Kind::Invalid, format!("there is no fault `{name}`"))
                .help(format!("of this server can fail: {}", known.join(", "))));
        }
        match on {
            true => write(&self.fault(name), ""),
            false => {
                let _ = std::fs::remove_file(self.fault(name));
                Ok(())
            }
        }
    }
}
