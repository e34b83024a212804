//! `banister schedule`: runs by the calendar, as timers of systemd, or lines of a crontab.

mod calendar;
mod crontab;
pub mod due;
mod fit;
mod list;
mod meant;
mod timer;
mod written;

use super::arguments::schedule::Options;
use super::context::Context;
use super::scheduled::kept::{self, By, Schedule, all, environment, keep};
use super::scheduled::refusal;
use crate::failure::{Failure, Kind, Result};
use crate::person::{Form as Answer, Nobody, Person, Question};
use crate::report::prompt::Terminal;
use crate::runner::manager::{self, Unfit};
use crontab::Crontab;
use serde_json::json;
use written::Form;

/// `banister schedule`.
pub fn schedule(context: &Context, options: &Options) -> Result<u8> {
    match (&options.runbook, &options.every) {
        _ if options.list => list::list(context),
        (Some(name), _) if options.remove => remove(context, name, options),
        (Some(runbook), Some(every)) => add(context, runbook, every, options),
        _ => Err(Failure::new(Kind::Invalid, "it is not said what is to run, and when").help(
            "schedule it with `banister schedule update --every \"Sat 02:00\"`; list what there is with `banister schedule --list`",
        )),
    }
}

fn add(context: &Context, runbook: &str, every: &str, options: &Options) -> Result<u8> {
    let site = context.site()?;
    let (mut schedules, is_update) = meant::all(context, &site, runbook, every, options)?;
    let (by, unfit) = who()?;
    schedules.iter_mut().for_each(|schedule| schedule.by = by);
    let known = all(&context.state);
    let forms = schedules.iter().map(Form::of).collect::<Result<Vec<Form>>>()?;
    let (schedule, beside) =
        schedules.split_first().ok_or_else(|| Failure::new(Kind::Bug, "nothing is meant"))?;
    // What was to be fetched before it and is not any more.
    let is_over = |other: &&Schedule| other.is_of(schedule) && !beside.iter().any(|it| it.name == other.name);
    let over: Vec<&Schedule> = known.iter().filter(is_over).collect();
    let is_so = |(schedule, form): (&Schedule, &Form)| {
        let is_kept = environment(&context.state, &schedule.name).exists() && known.contains(schedule);
        is_kept && form.is_there(schedule)
    };
    if over.is_empty() && schedules.iter().zip(&forms).all(is_so) {
        said(context, &schedules, "is scheduled so already");
        return Ok(0);
    }
    for warning in meant::warnings(&site, &schedules, is_update)? {
        eprintln!("warning: {warning}");
    }
    if !context.json {
        if let Some(unfit) = unfit {
            eprintln!(
                "warning: a line of the crontab is written, and no timer: {}\nhelp: {}",
                unfit.why, unfit.help
            );
        }
        for (schedule, form) in schedules.iter().zip(&forms) {
            form.show(context);
            if let Some(next) = timer::check(&schedule.every)? {
                println!("next: {next}");
            }
        }
    }
    let before: String = beside.iter().map(|it| format!(", and `{}` {}", it.runbook, it.every)).collect();
    let no_more: String =
        over.iter().map(|it| format!(", and `{}` {} no more", it.runbook, it.every)).collect();
    agree(context, options.yes, format!("Write this, so that `{runbook}` runs {every}{before}{no_more}?"))?;
    for other in &over {
        drop_one(other)?;
    }
    for (schedule, form) in schedules.iter().zip(&forms) {
        // Moved from one to the other, it must not run twice.
        if let Some(known) = known.iter().find(|it| it.name == schedule.name && it.by != by) {
            written::remove(known)?;
        }
        keep(schedule)?;
        if let Err(failure) = form.write(schedule) {
            // What is written nowhere is not scheduled; what is kept of it would say that it is.
            return match known.iter().any(|it| it.name == schedule.name) {
                true => Err(failure),
                false => kept::forget(schedule).and(Err(failure)),
            };
        }
    }
    for other in over {
        eprintln!("note: `{}` {} is not scheduled any more", other.runbook, other.every);
    }
    said(context, &schedules, "is scheduled");
    Ok(0)
}

/// Nothing is left of it.
fn drop_one(schedule: &Schedule) -> Result<()> {
    written::remove(schedule)?;
    kept::forget(schedule)?;
    refusal::forget(schedule);
    Ok(())
}

/// The first of them is what was asked for; the others come with it.
fn said(context: &Context, schedules: &[Schedule], what: &str) {
    let Some((schedule, beside)) = schedules.split_first() else { return };
    if context.json {
        let mut value = json!(schedule);
        if let Some(before) = beside.first() {
            value["prefetch"] = json!(before);
        }
        println!("{value}");
        return;
    }
    let before: String = beside.iter().map(|it| format!(", and `{}`: {}", it.runbook, it.every)).collect();
    println!("{} `{}` {what}: {}{before}", context.style.bold("state:"), schedule.runbook, schedule.every);
    println!("{}  {}", context.style.bold("next:"), context.command("schedule --list"));
}

/// Who is to start them; where a user's timers would end at the logout, that too, and why.
fn who() -> Result<(By, Option<Unfit>)> {
    match manager::find() {
        Ok(Some(manager)) if manager.is_users => {
            if manager.lingers_newly {
                eprintln!("warning: {}", manager::LINGERS);
            }
            Ok((By::User, None))
        }
        Ok(Some(_)) => Ok((By::System, None)),
        Ok(None) => Ok((By::Crontab, None)),
        Err(unfit) => match Crontab::read() {
            Ok(_) => Ok((By::Crontab, Some(unfit))),
            Err(_) => Err(Failure::new(Kind::Refused, "no timer of systemd can be written for you")
                .why(unfit.why)
                .help(unfit.help)),
        },
    }
}

/// Asks; `yes` is the answer of the command line.
fn agree(context: &Context, yes: bool, text: String) -> Result<()> {
    if yes {
        return Ok(());
    }
    let question = Question { text, form: Answer::Confirm };
    let answer = match context.is_interactive() {
        true => Terminal.ask(&question)?,
        false => Nobody.ask(&question)?,
    };
    match answer.is_yes() {
        true => Ok(()),
        false => Err(Failure::new(Kind::Declined, "nothing was changed")),
    }
}

fn remove(context: &Context, name: &str, options: &Options) -> Result<u8> {
    let site = context.site_if_any()?.map(|site| site.file);
    let all = all(&context.state);
    let is_of_site = |known: &&Schedule| site.as_ref().is_none_or(|site| known.site == *site);
    let is_of_server =
        |known: &&Schedule| context.given_server.is_none() || known.server == context.given_server;
    let fit = |known: &&Schedule| {
        known.name == name || known.runbook == name && is_of_site(known) && is_of_server(known)
    };
    let found: Vec<&Schedule> = all.iter().filter(fit).collect();
    let schedule = match found.as_slice() {
        [only] => *only,
        [] => {
            return Err(Failure::new(Kind::Invalid, format!("`{name}` is not scheduled"))
                .help("list what there is with `banister schedule --list`"));
        }
        _ => {
            let names: Vec<&str> = found.iter().map(|known| known.name.as_str()).collect();
            return Err(Failure::new(Kind::Invalid, format!("`{name}` is scheduled several times"))
                .help(format!("name one of {}", names.join(", "))));
        }
    };
    let mut going = vec![schedule.clone()];
    going.extend(all.iter().filter(|other| other.is_of(schedule)).cloned());
    let before: String = going[1..].iter().map(|it| format!(", nor `{}` {}", it.runbook, it.every)).collect();
    let text = format!(
        "Remove `{}`, so that it does not run {}{before} any more?",
        schedule.runbook, schedule.every
    );
    agree(context, options.yes, text)?;
    // What comes before it goes first: alone it would fetch for nothing.
    going.iter().rev().try_for_each(drop_one)?;
    said(context, &going, "is not scheduled any more");
    Ok(0)
}
