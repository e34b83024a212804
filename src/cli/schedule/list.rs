//! `banister schedule --list`: what is scheduled, and what systemd or the crontab really hold of it.

use super::crontab::Crontab;
use super::written::Form;
use crate::cli::context::Context;
use crate::cli::scheduled::kept::{Schedule, all};
use crate::cli::scheduled::refusal;
use crate::failure::Result;
use crate::output::word;
use crate::report::text::table;
use crate::secret;
use serde_json::json;

/// How a schedule stands where it is started.
enum Stands {
    /// As it was written; when it is due next, if that is known.
    Written(String),
    /// Somebody changed it, and how.
    Changed(String),
    Removed,
    /// Nobody can say it, and why.
    Unknown(String),
}

impl Stands {
    fn of(schedule: &Schedule, crontab: &Result<Crontab>) -> Stands {
        match (Form::of(schedule), crontab) {
            (Err(failure), _) => Stands::Unknown(failure.to_string()),
            (Ok(Form::Timer(timer)), _) => match timer.differs() {
                Some(how) => Stands::Changed(how),
                None if timer.is_gone() => Stands::Removed,
                None => Stands::Written(timer.next()),
            },
            (Ok(Form::Line(_)), Err(failure)) => Stands::Unknown(failure.to_string()),
            (Ok(Form::Line(line)), Ok(crontab)) => match crontab.lines(&schedule.name).as_slice() {
                [] => Stands::Removed,
                [only] if *only == line => Stands::Written("by cron".into()),
                [only] if only.trim_start().starts_with('#') => Stands::Removed,
                [only] => Stands::Changed(format!("its line in the crontab is now: {only}")),
                several => Stands::Changed(format!("the crontab has {} lines of it", several.len())),
            },
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Stands::Written(_) => "written",
            Stands::Changed(_) => "changed",
            Stands::Removed => "removed",
            Stands::Unknown(_) => "unknown",
        }
    }

    fn next(&self) -> Option<&str> {
        match self {
            Stands::Written(next) => Some(next.as_str()).filter(|next| !next.is_empty()),
            _ => None,
        }
    }

    /// For people, in a column.
    fn shown(&self) -> String {
        match self {
            Stands::Written(next) if next.is_empty() => "unknown when".into(),
            Stands::Written(next) => next.clone(),
            Stands::Changed(_) => "changed by hand, see below".into(),
            Stands::Removed => "never, see below".into(),
            Stands::Unknown(_) => "unknown, see below".into(),
        }
    }

    /// What is to be said besides, and how it is mended.
    fn remark(&self, schedule: &Schedule, all: &[Schedule]) -> Option<String> {
        let again = || {
            let whole = all.iter().find(|other| schedule.is_of(other)).unwrap_or(schedule);
            format!(
                "write it again with `{}`, or forget it with `banister schedule --remove {}`",
                schedule.again(all),
                word(&whole.runbook)
            )
        };
        match self {
            Stands::Changed(how) => Some(format!("{how}; {}", again())),
            Stands::Removed => Some(format!("somebody removed it; {}", again())),
            Stands::Unknown(why) => Some(why.clone()),
            Stands::Written(_) => None,
        }
    }
}

pub fn list(context: &Context) -> Result<u8> {
    let all = all(&context.state);
    let crontab = Crontab::read();
    let stands: Vec<Stands> = all.iter().map(|schedule| Stands::of(schedule, &crontab)).collect();
    if context.json {
        let both = all.iter().zip(&stands).map(|(schedule, stands)| {
            let mut value = json!(schedule);
            value["next"] = json!(stands.next());
            value["stands"] = json!(stands.name());
            value["differs"] = json!(stands.remark(schedule, &all));
            value["refused"] = json!(refusal::last(schedule));
            value
        });
        println!("{}", secret::show_value(json!(both.collect::<Vec<_>>())));
        return Ok(0);
    }
    let row = |(schedule, stands): (&Schedule, &Stands)| {
        vec![
            schedule.name.clone(),
            schedule.run().iter().map(word).collect::<Vec<_>>().join(" "),
            schedule.every.clone(),
            stands.shown(),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().zip(&stands).map(row).collect();
    match rows.is_empty() {
        true => println!(
            "nothing is scheduled; schedule an update with `banister schedule update --every \"Sat 02:00\"`"
        ),
        false => print!("{}", table(&rows)),
    }
    for (schedule, stands) in all.iter().zip(&stands) {
        if let Some(remark) = stands.remark(schedule, &all) {
            println!("{}", secret::show(&format!("{}: {remark}", schedule.name)));
        }
    }
    for name in crontab.iter().flat_map(Crontab::names) {
        if !all.iter().any(|schedule| schedule.name == name) {
            println!(
                "{}",
                secret::show(&format!(
                    "{name}: it is in the crontab, and not known in `{}`",
                    context.state.display()
                ))
            );
        }
    }
    for refused in all.iter().filter_map(refusal::last) {
        println!("{}", secret::show(&refused.line()));
    }
    Ok(0)
}
