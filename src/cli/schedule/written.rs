//! How a schedule stands where it is started: as a timer of systemd, or a line of the crontab.

use super::timer::Timer;
use super::{calendar, crontab};
use crate::cli::context::Context;
use crate::cli::scheduled::kept::Schedule;
use crate::failure::{Failure, Kind, Result};
use crontab::Crontab;

/// What is to be there.
pub enum Form {
    Timer(Timer),
    Line(String),
}

impl Form {
    pub fn of(schedule: &Schedule) -> Result<Form> {
        match schedule.by.manager() {
            Some(manager) => Timer::of(schedule, manager).map(Form::Timer),
            None => line(schedule).map(Form::Line),
        }
    }

    /// Whether it is there as it is to be.
    pub fn is_there(&self, schedule: &Schedule) -> bool {
        match self {
            Form::Timer(timer) => timer.is_there(),
            Form::Line(line) => {
                Crontab::read().is_ok_and(|crontab| crontab.lines(&schedule.name) == [line.as_str()])
            }
        }
    }

    /// Shows it to who is to agree.
    pub fn show(&self, context: &Context) {
        let show = |title: &str, text: &str| {
            let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
            println!("{}\n{indented}", context.style.bold(title));
        };
        match self {
            Form::Timer(timer) => {
                timer.files.iter().for_each(|(path, text)| show(&path.display().to_string(), text));
            }
            Form::Line(line) => show("crontab", line),
        }
    }

    /// Twice is the same as once.
    pub fn write(&self, schedule: &Schedule) -> Result<()> {
        match self {
            Form::Timer(timer) => timer.write(),
            Form::Line(line) => crontab::change(&schedule.state, &schedule.name, Some(line)),
        }
    }
}

/// Removes it, wherever it is.
pub fn remove(schedule: &Schedule) -> Result<()> {
    match schedule.by.manager() {
        Some(manager) => Timer::known(&schedule.name, manager)?.remove(),
        None => crontab::change(&schedule.state, &schedule.name, None),
    }
}

/// The line of the crontab.
fn line(schedule: &Schedule) -> Result<String> {
    let words = schedule.command()?;
    if let Some(word) = words.iter().find(|word| word.contains(char::is_control)) {
        let message = format!("a crontab has one line for each command, and {word:?} has several");
        return Err(Failure::new(Kind::Invalid, message).help("give the option without line breaks"));
    }
    Ok(crontab::line(&calendar::cron(&schedule.every)?, &words, &schedule.name))
}
