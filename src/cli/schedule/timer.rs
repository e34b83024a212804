//! Schedules as timers of systemd.

use crate::cli::scheduled::kept::Schedule;
use crate::command::{Spec, look};
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::machine::files::write_durably;
use crate::runner::manager::Manager;
use crate::runner::quoting;
use jiff::ZonedDateTime as Zoned;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// A timer and the service that it starts.
pub struct Timer {
    manager: Manager,
    name: String,
    /// The files, each with what is to be in it.
    pub files: Vec<(PathBuf, String)>,
}

impl Timer {
    pub fn of(schedule: &Schedule, manager: Manager) -> Result<Timer> {
        let folder = manager.folder()?;
        let words: Vec<String> =
            schedule.command()?.iter().map(|word| quoting::of_command(word)).collect::<Result<_>>()?;
        let about = format!("banister run {} ({})", schedule.runbook, schedule.site.display());
        let about = about.replace('%', "%%");
        let every = &schedule.every;
        let state = quoting::of_setting(&format!("BANISTER_STATE={}", schedule.state.display()))?;
        let after = match manager.is_users {
            true => "",
            false => "After=network-online.target docker.service\nWants=network-online.target\n",
        };
        let head = "# Written by `banister schedule`, which also removes it.\n";
        let service = format!(
            "{head}[Unit]\nDescription={about}\n{after}\n[Service]\nType=oneshot\nEnvironment={state}\nExecStart={}\n\
             # What it starts outlives it.\nKillMode=process\n",
            words.join(" ")
        );
        let timer = format!(
            "{head}[Unit]\nDescription={about}\n\n[Timer]\nOnCalendar={every}\nAccuracySec=1s\n# One that is missed is \
             skipped: nobody expects an update when the machine is switched on.\nPersistent=false\n\n\
             [Install]\nWantedBy=timers.target\n"
        );
        let name = schedule.name.clone();
        let files = vec![
            (folder.join(format!("{name}.service")), service),
            (folder.join(format!("{name}.timer")), timer),
        ];
        Ok(Timer { manager, name, files })
    }

    /// One that was written before.
    pub fn known(name: &str, manager: Manager) -> Result<Timer> {
        let folder = manager.folder()?;
        let files = ["service", "timer"].map(|part| (folder.join(format!("{name}.{part}")), String::new()));
        Ok(Timer { manager, name: name.to_owned(), files: files.into() })
    }

    fn unit(&self) -> String {
        format!("{}.timer", self.name)
    }

    /// Whether all is as it is to be.
    pub fn is_there(&self) -> bool {
        let is_same = |(path, text): &(PathBuf, String)| fs::read_to_string(path).is_ok_and(|it| it == *text);
        self.files.iter().all(is_same)
            && self.manager.property(&self.unit(), "ActiveState") == "active"
            && self.manager.property(&self.unit(), "UnitFileState") == "enabled"
    }

    /// Whether none of its files is there.
    pub fn is_gone(&self) -> bool {
        !self.files.iter().any(|(path, _)| path.exists())
    }

    /// How it differs from what is to be there, in words; nothing if it does not, or is gone. Of the files only the lines count
    /// that say when and what: an older banister may have written the others otherwise.
    pub fn differs(&self) -> Option<String> {
        if self.is_gone() {
            return None;
        }
        let line = |text: &str, key: &str| {
            let lines = text.lines().filter(|line| line.starts_with(key));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        for (path, text) in &self.files {
            let Ok(there) = fs::read_to_string(path) else {
                return Some(format!("`{}` is not there", path.display()));
            };
            for key in ["OnCalendar=", "ExecStart=", "Environment="] {
                let (wanted, found) = (line(text, key), line(&there, key));
                if wanted != found {
                    let found = if found.is_empty() {
                        format!("no `{key}`")
                    } else {
                        format!("`{}`", found.join("`, `"))
                    };
                    return Some(format!("`{}` has {found}", path.display()));
                }
            }
        }
        let state = self.manager.property(&self.unit(), "ActiveState");
        if state.is_empty() {
            // Nobody answers: only the files are known.
            return None;
        }
        if state != "active" {
            return Some(format!("`{}` is not started ({state})", self.unit()));
        }
        let enabled = self.manager.property(&self.unit(), "UnitFileState");
        (enabled != "enabled")
            .then(|| format!("`{}` is not enabled, and ends with the next boot", self.unit()))
    }

    /// When it is due next, as systemd says it; empty if it is not.
    pub fn next(&self) -> String {
        self.manager.property(&self.unit(), "NextElapseUSecRealtime")
    }

    /// Twice is the same as once, also after a part of it.
    pub fn write(&self) -> Result<()> {
        for (path, text) in &self.files {
            let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
            folder.or_fail(Kind::Refused, || format!("`{}` can't be written", path.display()))?;
            write_durably(path, text.as_bytes())?;
        }
        self.manager.ask(&["daemon-reload"])?;
        self.manager.ask(&["enable", "--quiet", &self.unit()])?;
        self.manager.ask(&["restart", &self.unit()]).map(drop)
    }

    pub fn remove(&self) -> Result<()> {
        // Without its file it is stopped, and no more.
        if self.files.iter().any(|(path, _)| path.exists()) {
            self.manager.ask(&["disable", "--quiet", "--now", &self.unit()])?;
        }
        for (path, _) in &self.files {
            match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error)
                        .or_fail(Kind::Refused, || format!("`{}` can't be removed", path.display()));
                }
                _ => {}
            }
        }
        self.manager.ask(&["daemon-reload"]).map(drop)
    }
}

/// Makes sure that systemd understands a time, and gives when it comes next, if it can be asked.
pub fn check(every: &str) -> Result<Option<String>> {
    let invalid = || {
        Failure::new(Kind::Invalid, format!("`{every}` is no time of a calendar"))
            .help("write it like `Sat 02:00`, `Mon..Fri 22:30` or `*-*-01 04:00`; see systemd.time(7)")
    };
    if every.contains(['\n', '\r', '%']) || every.trim().is_empty() {
        return Err(invalid());
    }
    let looked = match look(&Spec::new(["systemd-analyze", "calendar", "--", every], "/"), &|| false) {
        Ok(looked) => looked,
        Err(failure) if failure.kind == Kind::NotFound => return Ok(None),
        Err(failure) => return Err(failure),
    };
    if !looked.exit.success() {
        return Err(looked.stderr.trim().lines().fold(invalid(), |failure, line| failure.why(line)));
    }
    let next = looked.stdout.lines().find_map(|line| line.trim().strip_prefix("Next elapse:"));
    match next.map(str::trim) {
        Some("never") => Err(invalid().why("it never comes")),
        next => Ok(next.map(str::to_owned)),
    }
}

/// The times to come as systemd says them, at most so many; nothing if it can't be asked.
pub fn upcoming(every: &str, count: usize) -> Option<Vec<Zoned>> {
    let words = ["systemd-analyze", "calendar", &format!("--iterations={count}"), "--", every];
    let looked = look(&Spec::new(words, "/"), &|| false).ok().filter(|looked| looked.exit.success())?;
    let zone = TimeZone::system();
    // `Next elapse: Sat 2026-12-05 02:00:00 UTC`, then `Iter. #2: …` or `Iteration #2: …`; below each the same in UTC, if that differs.
    let of_line = |line: &str| {
        let (head, rest) = line.trim().split_once(": ")?;
        let is_time = head == "Next elapse" || head.starts_with("Iter");
        let mut words = rest.split_whitespace().skip(1).filter(|_| is_time);
        let at: DateTime = format!("{}T{}", words.next()?, words.next()?).parse().ok()?;
        at.to_zoned_datetime(zone.clone()).ok()
    };
    Some(looked.stdout.lines().filter_map(of_line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_says_when_a_time_comes_that_cron_can_not() {
        // Where there is no systemd, nobody knows.
        let Some(times) = upcoming("Sat *-*-1..7 02:00", 3) else { return };
        assert_eq!(times.len(), 3);
        assert!(
            times
                .iter()
                .all(|at| at.day() <= 7 && at.hour() == 2 && at.timestamp() > Zoned::now().timestamp())
        );
    }
}
