//! Schedules as lines of the user's crontab, where there is no systemd.

use crate::command::{Spec, feed, look};
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::machine::files::private_folder;
use crate::output::word;
use crate::sync::FileLock;
use crate::units::Duration;
use std::fs::File;
use std::io::Write;
use std::path::Path;

const WITHIN: Duration = Duration::seconds(60);

/// The crontab as it is, and as it is to be.
pub struct Crontab {
    before: String,
}

impl Crontab {
    /// Reads it. Fails with [`Kind::NotFound`] if there is no cron.
    pub fn read() -> Result<Crontab> {
        let looked = look(&spec("-l"), &|| false).map_err(|failure| {
            failure
                .why("there is no systemd here either")
                .help("install cron, or start it where systemd is at work")
        })?;
        // Busybox names the file that is not there.
        let is_none = looked.stderr.contains("no crontab for")
            || looked.stderr.contains("can't open") && looked.stderr.contains("No such file");
        match looked.exit.success() {
            // It would be written back as something else.
            true if looked.stdout.contains(char::REPLACEMENT_CHARACTER) => Err(Failure::new(
                Kind::Refused,
                "the crontab is not UTF-8, so that no line can be added",
            )
            .help("change it to UTF-8 with `crontab -e`, or add a line for `banister run` there by hand")),
            true => Ok(Crontab { before: looked.stdout }),
            false if is_none => Ok(Crontab { before: String::new() }),
            false => Err(Failure::new(Kind::Refused, "the crontab can't be read").why(looked.stderr.trim())),
        }
    }

    fn is_of(line: &str, name: &str) -> bool {
        line.ends_with(&mark(name))
    }

    /// The lines of a schedule; more than one, if somebody copied it.
    pub fn lines(&self, name: &str) -> Vec<&str> {
        self.before.lines().filter(|line| Crontab::is_of(line, name)).collect()
    }

    /// The names of all schedules that have a line.
    pub fn names(&self) -> Vec<&str> {
        let lines = self.before.lines().filter(|line| !line.trim_start().starts_with('#'));
        let named =
            lines.filter_map(|line| line.rsplit_once(" # ").filter(|(line, _)| line.contains(" scheduled ")));
        named.map(|(_, name)| name).filter(|name| name.starts_with("banister-")).collect()
    }

    /// Writes it with this line in the place of the schedule's; without one nothing is left of that.
    pub fn write(&self, name: &str, line: Option<&str>) -> Result<()> {
        // What else is in a line stays, also a carriage return.
        let kept = self.before.split_terminator('\n').filter(|line| !Crontab::is_of(line, name));
        let mut lines: Vec<&str> = kept.collect();
        lines.extend(line);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let failed = || "the crontab can't be written".to_owned();
        if Crontab::read()?.before != self.before {
            return Err(Failure::new(
                Kind::Refused,
                "the crontab was changed meanwhile, and is left as it is",
            )
            .help("try again"));
        }
        let mut file = tempfile::tempfile().or_fail(Kind::Refused, failed)?;
        file.write_all(text.as_bytes()).or_fail(Kind::Refused, failed)?;
        let fed = feed(&spec("-"), &file, None, &|| false)?;
        match fed.exit.success() {
            true => Ok(()),
            false => Err(Failure::new(Kind::Refused, failed()).why(fed.stderr.trim())),
        }
    }
}

/// Writes the line of a schedule into the crontab as it is now, or takes it away. Who does so at the same time with the same
/// state folder waits.
pub fn change(state: &Path, name: &str, line: Option<&str>) -> Result<()> {
    let folder = crate::cli::scheduled::kept::folder(state);
    let failed = || format!("`{}` can't be locked", folder.display());
    private_folder(&folder)?;
    let lock = File::options().create(true).append(true).open(folder.join("crontab.lock"));
    let _lock = lock.and_then(FileLock::wait).or_fail(Kind::Refused, failed)?;
    Crontab::read()?.write(name, line)
}

fn spec(option: &str) -> Spec {
    let mut spec = Spec::new(["crontab", option], "/");
    spec.within = Some(WITHIN);
    spec
}

fn mark(name: &str) -> String {
    format!(" # {name}")
}

/// A line that runs a command when these fields say so.
pub fn line(fields: &str, words: &[String], name: &str) -> String {
    // What comes after a percent sign would be its input.
    let words: Vec<String> = words.iter().map(|it| word(it).replace('%', "\\%")).collect();
    format!("{fields} {}{}", words.join(" "), mark(name))
}
